"""What ``check`` says of the sources of names beside the swarm."""

import asyncio
import contextlib
import shutil
import threading
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from bot.config import Web
from bot.config_resolvers import Qbittorrent, Resolvers
from bot.finding import Finding, bad, good
from bot.sources import caches, login_to
from handlers.text import shown_name
from services.clock import SystemClock, at_most
from services.errors import ResolverDown
from services.resolvers.addresses import literal
from services.resolvers.command import why_not_run
from services.resolvers.files import counted, try_to_enter
from services.resolvers.http import PRIVATE, HttpResolver
from services.resolvers.libtorrent import read_torrent
from services.resolvers.qbittorrent import Server

_IN_PLAIN_WORDS = {"Connect call failed": "nobody can be reached there", "WRONG_VERSION_NUMBER": "it speaks no https"}
_COUNTED_FOR = 10.0  # seconds: then what has been read must do
_PATIENCE = 2.0  # seconds that the file has which is being read then
_SEE_FOLDERS = "see [resolvers.files] folders"


async def look_at_sources(settings: Resolvers, page: Web) -> AsyncIterator[Finding]:
    """Yield what is to be said of those that the settings have, in their order; nothing where that is the swarm."""
    for source in settings.order:
        match source:
            case "command":
                yield await asyncio.to_thread(_command, settings.command.argv[0])
            case "files":
                yield await _files(settings.files.folders)
            case "http":
                for finding in await _http(settings):
                    yield finding
            case "qbittorrent":
                yield await asyncio.to_thread(_qbittorrent, settings.qbittorrent, page)
            case _:
                continue
    for name, (_, value) in settings.given.items():
        if value and name not in settings.order:
            yield bad(name, "it is set up, and never asked", f'add "{name}" to order in [resolvers]')


async def _files(folders: Sequence[Path]) -> Finding:
    loop, over = asyncio.get_running_loop(), threading.Event()
    looker = ThreadPoolExecutor(1, "files")  # its own: a read from a mount that hangs never returns
    loop.call_later(_COUNTED_FOR, over.set)
    looking = loop.run_in_executor(looker, _seen_in, folders, over)
    await at_most(SystemClock(), _COUNTED_FOR + _PATIENCE, looking)
    looker.shutdown(wait=False)
    if looking.cancelled():
        return bad("files", f"{_listed(folders)}: a read there does not return", _SEE_FOLDERS)
    return looking.result()


def _seen_in(folders: Sequence[Path], over: threading.Event) -> Finding:
    """Say what is in *folders*, as far as it has been read when it is *over*."""
    refused = [f"{one}: {why}" for one in folders if (why := _refusal(one))]
    if refused:
        return bad("files", "; ".join(refused), _SEE_FOLDERS)
    there = counted(folders, read_torrent, over)
    said = f"read in {_listed(folders)}: "
    if there.usable or there.unusable:
        said += f"{there.usable} {'file' if there.usable == 1 else 'files'} can be used"
    else:
        said += "no .torrent file seen"
    if there.unusable:
        said += f", {len(there.unusable)} cannot, such as {shown_name(str(there.unusable[0]))}"
    if there.closed:
        said += f"; closed to us: {shown_name(str(there.closed[0]))}"
        said += f" and {len(there.closed) - 1} more" if there.closed[1:] else ""
    if over.is_set():
        said += f" (as far as {_COUNTED_FOR:g} s went)"
    troubled = (there.unusable or there.closed) and not there.usable
    return bad("files", said, _SEE_FOLDERS) if troubled else good("files", said)


def _listed(folders: Sequence[Path]) -> str:
    return ", ".join(map(str, folders))


def _refusal(folder: Path) -> str:
    """Return why *folder* cannot be read, or what is in it not be reached; nothing where it can."""
    try:
        try_to_enter(folder)
    except OSError as error:
        return error.strerror or str(error)
    return ""


async def _http(settings: Resolvers) -> Sequence[Finding]:
    async with caches(settings, SystemClock()) as opened:
        asked = {one.root: one for one in opened}.values()
        troubles = await asyncio.gather(*map(_trouble, asked))
    findings = [bad("http", why, _remedy(why)) for why in troubles if why]
    if well := dict.fromkeys(one.server for one, why in zip(asked, troubles, strict=True) if not why):
        findings.append(good("http", f"{', '.join(well)} will learn which torrents are looked for"))
    return findings


def _remedy(why: str) -> str:
    if why.endswith(PRIVATE):
        return "to have it asked: allow_private_peers = true in [resolvers.libtorrent]"
    return "see [resolvers.http] templates"


async def _trouble(cache: HttpResolver) -> str:
    """Return why *cache* does not answer; nothing where it does."""
    try:
        await cache.reach()
    except ResolverDown as error:
        server, colon, why = str(error.parameters["reason"]).partition(": ")
        return server + colon + next((plain for word, plain in _IN_PLAIN_WORDS.items() if word in why), why)
    return ""


def _command(program: str) -> Finding:
    found = shutil.which(program)
    if found is None:
        return bad("command", f"{program} is no program that can be run", "see [resolvers.command] argv")
    if why := why_not_run(found):
        return bad("command", why, "mend that file")
    return good("command", f"{found} is asked")


def _qbittorrent(settings: Qbittorrent, page: Web) -> Finding:
    """Ask it, once: a wrong password that is tried again and again gets this address banned."""
    if _is_at(settings.url, page):
        said = f"{settings.url} is where calibot's own page listens"
        return bad("qbittorrent", said, "change that qBittorrent's port and url, or port in [web]")
    server = Server(login_to(settings))
    answers = False
    try:
        version = server.version()
        answers = True
        if not server.fetches():
            server.listed()  # as each lookup does
        return good("qbittorrent", f"{version} answers at {settings.url}, and will look for what is asked for")
    except ResolverDown as error:
        said, remedy = _troubled(str(error.parameters["reason"]), settings)
        return bad("qbittorrent", said, remedy)
    finally:
        with contextlib.suppress(ResolverDown):
            server.leave(politely=answers)


def _is_at(url: str, page: Web) -> bool:
    """Whether *url* is that of *page*, as far as it says so by itself."""
    parts, listens = urlsplit(url), ip_address(page.host)
    host = literal("127.0.0.1" if parts.hostname == "localhost" else parts.hostname or "")
    there = host is not None and (
        host == listens or (listens.is_unspecified and host.is_loopback and host.version == listens.version)
    )
    port = parts.port or {"http": 80, "https": 443}[parts.scheme]
    return page.enabled and port == page.port and there


def _troubled(reason: str, settings: Qbittorrent) -> tuple[str, str]:
    """Return what is wrong with the one of *settings*, and what to do."""
    given = "with this username and password" if settings.username else "without a username and password"
    if settings.api_key.get_secret_value():
        given = "with this API key; before 5.2 it has none"
    see = "see [resolvers.qbittorrent]"
    another = (f"what answers at {settings.url} is no qBittorrent", see)
    known = {
        "password": (f"{settings.url} does not let us in {given}", see),
        "banned": (
            f"{settings.url} lets nobody in from this address for a while",
            "put the password right, then start that qBittorrent anew, or wait an hour",
        ),
        "timeout": (
            f"{settings.url} does not answer within {settings.timeout:g} s",
            "see whether it speaks https at all" if settings.url.lower().startswith("https:") else see,
        ),
        "unreachable": (f"nobody can be reached at {settings.url}", "start it with its Web UI, or see url"),
        "certificate": (
            f"{settings.url} shows no certificate that is trusted",
            "name its file as REQUESTS_CA_BUNDLE, or see whether it speaks https at all",
        ),
        "too_old": ("it is too old", "4.5 is the oldest that can be asked"),
        "too_large": ("its list of torrents is longer than 64 MiB", "let its torrents have fewer trackers"),
        "garbage": another,
        "status 404": another,
    }
    return known.get(reason) or (f"{settings.url} answers with {reason}", see)
