"""A process that looks up what nobody has, and says by how many bytes that made it grow, and what it took of CPU."""

import asyncio
import os
import sys
import time

from benchmarks.peers.calibot import Silent, asked
from benchmarks.peers.stock import Stock
from benchmarks.processes import answer, resident
from benchmarks.swarm_process import Sought
from services.resolvers.libtorrent import LibtorrentResolver

# The tracker names who asks to itself, as trackers do. calibot keeps off itself where its machine has a public address,
# and so it does here, by admitting the tracker's address alone. Else a thousand connections would be weighed, each at
# both its ends, that this process has with itself: elsewhere nobody has the other end.
_TRACKERS, _OURS = "127.0.0.1", "127.0.0.2"


async def _main(who: str, count: int, settle: float, tracker: str) -> None:
    first, *dead = [Sought(hash=os.urandom(20).hex(), trackers=(tracker,)) for _ in range(count + 1)]
    await (_calibot if who == "calibot" else _stock)(first, dead, settle)


async def _calibot(first: Sought, dead: list[Sought], settle: float) -> None:
    """Look *dead* up, after *first*: with that the program's own code comes into memory, which is no lookup's."""
    async with LibtorrentResolver.open(
        listen_interfaces=f"{_OURS}:0", dht=False, allowed_addresses=(_TRACKERS,)
    ) as resolver:
        lookups = [asyncio.create_task(resolver.resolve(*asked(first), Silent()))]
        await asyncio.sleep(settle / 5)
        before = resident()
        lookups += [asyncio.create_task(resolver.resolve(*asked(one), Silent())) for one in dead]
        await _settled(settle, before)  # whoever asked ends us now: to say goodbye to the tracker would take seconds
        for lookup in lookups:
            lookup.cancel()
        await asyncio.wait(lookups)


async def _settled(settle: float, before: int) -> None:
    """Say what *settle* seconds cost: bytes over those of *before*, and seconds of CPU."""
    spent = time.process_time()
    await asyncio.sleep(settle)
    answer({"bytes": resident() - before, "cpu": time.process_time() - spent})


async def _stock(first: Sought, dead: list[Sought], settle: float) -> None:
    async with Stock().loopback(host=_OURS) as finder:
        handles = finder.add([first])
        await asyncio.sleep(settle / 5)
        before = resident()
        handles += finder.add(dead)
        await _settled(settle, before)
        del handles


if __name__ == "__main__":
    asyncio.run(_main(sys.argv[1], int(sys.argv[2]), float(sys.argv[3]), sys.argv[4]))
