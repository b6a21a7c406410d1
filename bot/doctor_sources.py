"""What ``check`` says of the sources of names beside the swarm."""

import shutil
from collections.abc import Iterator
from urllib.parse import urlsplit

from bot.config_resolvers import Resolvers
from bot.finding import Finding, bad, good


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
                hosts = dict.fromkeys(urlsplit(one).hostname or "" for one in settings.http.templates)
                yield good("http", f"{', '.join(hosts)} will learn which torrents are looked for")
            case _:
                continue
    for name, (_, value) in settings.given.items():
        if value and name not in settings.order:
            yield bad(name, "it is set up, and never asked", f'add "{name}" to order in [resolvers]')


def _command(program: str) -> Finding:
    found = shutil.which(program)
    if found is None:
        return bad("command", f"{program} is no program that can be run", "see [resolvers.command] argv")
    return good("command", f"{found} is asked")
