"""Those who find names: calibot, the floor, and others, each behind the same two calls."""
