"""The sources of names as the settings want them, as one chain."""

import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from bot import swarm
from bot.config_resolvers import Qbittorrent, Resolvers
from services.clock import Clock
from services.resolvers.addresses import AddressPolicy
from services.resolvers.breaker import Breaker
from services.resolvers.cache import CacheResolver, KnownNames
from services.resolvers.chain import Chain, Source, Troubled
from services.resolvers.command import CommandResolver
from services.resolvers.files import FilesResolver
from services.resolvers.http import HttpResolver
from services.resolvers.libtorrent import read_torrent
from services.resolvers.own_addresses import knowing_own
from services.resolvers.port import Resolver
from services.resolvers.qbittorrent import Login, QbittorrentResolver

_ALL = 10_000  # more than there are lookups at once: a source that bears as many as it is asked for


@contextlib.asynccontextmanager
async def opened(
    settings: Resolvers,
    dht_state: Path | None,
    clock: Clock,
    *,
    marks: Path,
    any_port: bool = False,
    known: KnownNames | None = None,
    troubled: Troubled = lambda *_: None,
) -> AsyncIterator[Resolver]:
    """Open the sources that are to be asked, until the ``async with`` is left.

    *marks*: see `marks_of`. *any_port*: see `swarm.opened`. *troubled*: see `Troubled`.

    *known* is what ``cache`` knows, which is told before anybody is asked, wherever that stands in the order.

    Raises:
        ResolverDown: the swarm part does not start.
    """
    async with contextlib.AsyncExitStack() as stack:

        async def resolvers(name: str) -> tuple[Sequence[Resolver], int]:
            match name:
                case "libtorrent":
                    ours = swarm.opened(settings.libtorrent, dht_state, any_port=any_port)
                    return [await stack.enter_async_context(ours)], _ALL
                case "files":
                    files = FilesResolver.open(settings.files.folders, clock=clock, read=read_torrent)
                    return [await stack.enter_async_context(files)], _ALL
                case "command":
                    command = settings.command
                    ran = CommandResolver.open(command.argv, seconds=command.timeout, clock=clock, read=read_torrent)
                    return [await stack.enter_async_context(ran)], command.at_once
                case "qbittorrent":
                    theirs = QbittorrentResolver.open(
                        login_to(settings.qbittorrent),
                        marks=marks,
                        policy=await stack.enter_async_context(_policy(settings, clock)),
                        clock=clock,
                        read=read_torrent,
                    )
                    return [await stack.enter_async_context(theirs)], settings.qbittorrent.at_once
                case _:
                    return await stack.enter_async_context(caches(settings, clock)), settings.http.at_once

        sources = []
        for name in settings.order:
            if name == "cache":
                continue
            those, most = await resolvers(name)
            sources += [Source(one, breaker=Breaker(clock), most=most, troubled=troubled) for one in those]
        chain = Chain(sources, clock=clock, hedge_after=settings.hedge_after)
        stack.push_async_callback(chain.rest)
        yield CacheResolver(chain, known) if known is not None and "cache" in settings.order else chain


def marks_of(database: Path) -> Path:
    """Return where those who have *database* mark which processes may have torrents in a qBittorrent."""
    return database.with_name(database.name + ".qbittorrent")


def login_to(settings: Qbittorrent) -> Login:
    """Return how the qBittorrent of the settings lets us in."""
    return Login(
        settings.url,
        settings.username,
        settings.password.get_secret_value(),
        settings.api_key.get_secret_value(),
        settings.timeout,
    )


@contextlib.asynccontextmanager
async def caches(settings: Resolvers, clock: Clock) -> AsyncIterator[Sequence[HttpResolver]]:
    """Open the web caches of the settings, each a source of its own: where one is down the others are asked."""
    async with contextlib.AsyncExitStack() as stack:
        policy = await stack.enter_async_context(_policy(settings, clock))
        yield [
            await stack.enter_async_context(
                HttpResolver.open(
                    template,
                    policy=policy,
                    seconds=settings.http.timeout,
                    at_once=settings.http.at_once,
                    clock=clock,
                    read=read_torrent,
                )
            )
            for template in settings.http.templates
        ]


def _policy(settings: Resolvers, clock: Clock) -> AbstractAsyncContextManager[AddressPolicy]:
    """Return whom a source may contact, or have contacted, while the ``async with`` lasts."""
    return knowing_own(AddressPolicy(settings.libtorrent.allow_private_peers), clock)
