"""How fast calibot is, beside others that do the same work: one run, one table. All of it on loopback."""
