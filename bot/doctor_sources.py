"""What ``check`` says of the sources of names beside the swarm."""

import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

from bot.config_resolvers import Resolvers
from bot.finding import Finding, bad, good
from services.resolvers.addresses import AddressPolicy, literal


def look_at_sources(settings: Resolvers) -> Iterator[Finding]:
    """Yield what is to be said of those that the settings have, in their order; nothing where that is the swarm."""
    for source in settings.order:
        match source:
            case "command":
                yield _command(settings.command.argv[0])
            case "files":
                missing = [str(one) for one in settings.files.folders if not one.is_dir()]
                said = f"no folder: {', '.join(missing)}"
                there = good("files", f"read in {', '.join(map(str, settings.files.folders))}")
                yield bad("files", said, "see [resolvers.files] folders") if missing else there
            case "http":
                yield from _http(settings)
            case _:
                continue
    for name, (_, value) in settings.given.items():
        if value and name not in settings.order:
            yield bad(name, "it is set up, and never asked", f'add "{name}" to order in [resolvers]')


def _http(settings: Resolvers) -> Iterator[Finding]:
    hosts = dict.fromkeys(urlsplit(one).hostname or "" for one in settings.http.templates)
    kept_off = [one for one in hosts if _is_kept_off(one, AddressPolicy(settings.libtorrent.allow_private_peers))]
    if kept_off:
        said = f"{', '.join(kept_off)} is in a private network, and is not contacted"
        yield bad("http", said, "to have it asked: allow_private_peers = true in [resolvers.libtorrent]")
    if others := [one for one in hosts if one not in kept_off]:
        yield good("http", f"{', '.join(others)} will learn which torrents are looked for")


def _is_kept_off(host: str, policy: AddressPolicy) -> bool:
    """Whether *host* is one that *policy* lets nobody contact, as far as that can be told without asking for its name.

    A name without a dot, such as ``localhost``, leads to this network.
    """
    address = literal(host)
    return not policy.admits(address) if address else "." not in host and not policy.allow_private


def _command(program: str) -> Finding:
    found = shutil.which(program)
    if found is None:
        return bad("command", f"{program} is no program that can be run", "see [resolvers.command] argv")
    return good("command", f"{found} is asked")
