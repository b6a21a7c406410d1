"""The sources of names as the settings want them, as one chain."""

import asyncio
import contextlib
from collections.abc import AsyncIterator
from pathlib import Path

from bot import swarm
from bot.config_resolvers import Resolvers
from services.clock import Clock
from services.resolvers.addresses import AddressPolicy
from services.resolvers.breaker import Breaker
from services.resolvers.chain import Chain, Source
from services.resolvers.command import CommandResolver
from services.resolvers.files import FilesResolver
from services.resolvers.http import HttpResolver
from services.resolvers.libtorrent import read_torrent
from services.resolvers.own_addresses import own_addresses
from services.resolvers.port import Resolver

_ALL = 10_000  # more than there are lookups at once: a source that bears as many as it is asked for


@contextlib.asynccontextmanager
async def opened(
    settings: Resolvers, dht_state: Path | None, clock: Clock, *, any_port: bool = False
) -> AsyncIterator[Chain]:
    """Open the sources that are to be asked, until the ``async with`` is left. *any_port*: see `swarm.opened`.

    Raises:
        ResolverDown: the swarm part does not start.
    """
    async with contextlib.AsyncExitStack() as stack:

        async def resolver(name: str) -> tuple[Resolver, int]:
            match name:
                case "libtorrent":
                    ours = swarm.opened(settings.libtorrent, dht_state, any_port=any_port)
                    return await stack.enter_async_context(ours), _ALL
                case "files":
                    files = FilesResolver.open(settings.files.folders, clock=clock, read=read_torrent)
                    return await stack.enter_async_context(files), _ALL
                case "command":
                    command = settings.command
                    ran = CommandResolver(command.argv, seconds=command.timeout, clock=clock, read=read_torrent)
                    return ran, command.at_once
                case _:
                    http = settings.http
                    policy = AddressPolicy(settings.libtorrent.allow_private_peers)
                    policy = policy.knowing_own(*await asyncio.to_thread(own_addresses))
                    caches = HttpResolver.open(
                        http.templates,
                        policy=policy,
                        seconds=http.timeout,
                        at_once=http.at_once,
                        clock=clock,
                        read=read_torrent,
                    )
                    return await stack.enter_async_context(caches), http.at_once

        sources = []
        for name in settings.order:
            one, most = await resolver(name)
            sources.append(Source(one, breaker=Breaker(clock), most=most))
        chain = Chain(sources, clock=clock, hedge_after=settings.hedge_after)
        stack.push_async_callback(chain.rest)
        yield chain
