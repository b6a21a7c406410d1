"""How many files may be open at once: where one room takes the last of them, all others do without."""

import resource

_UNLIMITED = 65_536


def share(parts: int) -> int:
    """Return one of so many *parts* of the files, sockets among them, that this process may have open (getrlimit(2)).

    The web may have half of them, each session in the swarm and what is beside these a tenth.
    """
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return (_UNLIMITED if files == resource.RLIM_INFINITY else files) // parts
