"""Lookups that are bound to an address, in a network of our own: what goes out by another one.

Run there as ``python -m tests.integration.bound``, it prints what was found, and each packet that neither came from
that address nor went to it; and, as a control, those of a lookup that is not bound.
"""

import asyncio
import json
from collections.abc import Awaitable

from sandbox.swarm import Swarm, make_sample
from sandbox.swarm.peers import Seeder, Speech
from services.resolvers.libtorrent import LibtorrentResolver
from services.torrents import Hints
from tests.integration.swarm_help import Running, Steps, opened, torrent_id, trackers_of
from tests.integration.wire import Wire

BOUND, TUNNEL, NOWHERE = "127.4.4.4", "10.8.0.2", "10.8.0.3"
DEVICE, FAR = "10.7.0.2", "10.7.0.9"
_SPEECHES: tuple[Speech, ...] = ("plain", "mse", "utp")


async def found(swarm: Swarm, resolver: LibtorrentResolver, name: str, speaks: Speech) -> str:
    """Return the name of what one peer has that *speaks* so; the DHT and both trackers are asked, and IPv6, too."""
    seeder = Seeder(speaks)
    sample = swarm.unseeded(make_sample(name))
    async with seeder:
        swarm.find(sample, seeder.endpoint, ["tracker", "dht"])
        seeder.add(sample)
        return (await resolver.resolve(torrent_id(sample), everywhere(swarm), Steps())).name.text


def everywhere(swarm: Swarm) -> Hints:
    web, udp = swarm.tracker_url, swarm.udp_tracker.url
    six = tuple(one.replace("127.0.0.1", "[::1]") for one in (web, udp))
    return Hints(trackers=(web, udp, *six), peers=(("::1", 6881), ("127.9.9.9", 6881)))


async def bound(swarm: Swarm) -> list[str]:
    async with opened(swarm, host=BOUND) as resolver:
        names = [await found(swarm, resolver, f"by {speaks}", speaks) for speaks in _SPEECHES]
        async with Running(resolver, torrent_id(swarm.dead()), everywhere(swarm)):
            swarm.tracker.asked.clear()
            await swarm.tracker.asked.wait()
    return names


async def gone(swarm: Swarm, long: Awaitable[object]) -> bool:
    """Listen at an address that this machine does not have."""
    async with opened(swarm, host=NOWHERE) as resolver:
        sample = swarm.seed(make_sample("not found"))
        async with Running(
            resolver, torrent_id(sample), everywhere(swarm).merged(Hints(peers=sample.peers))
        ) as running:
            await long
            return running.task.done()


async def lost(swarm: Swarm, long: Awaitable[object]) -> dict[str, object]:
    """Lose the address while lookups run."""
    await _ip(f"address add {TUNNEL}/32 dev lo")
    async with opened(swarm, host=TUNNEL) as resolver:
        name = await found(swarm, resolver, "before", "plain")
        async with Running(resolver, torrent_id(swarm.dead()), everywhere(swarm)):
            await _ip(f"address del {TUNNEL}/32 dev lo")
            sample = swarm.seed(make_sample("after"))
            hints = everywhere(swarm).merged(Hints(peers=sample.peers))
            async with Running(resolver, torrent_id(sample), hints) as running:
                await long
                after = running.task.done()
                await _ip(f"address add {TUNNEL}/32 dev lo")
                back = (await running.task).name.text
            by_dht = swarm.seed(make_sample("by the dht"), by=["dht"])
            in_the_dht = (await resolver.resolve(torrent_id(by_dht), Hints(), Steps())).name.text
        return {"before": name, "after": after, "back": back, "in the dht": in_the_dht}


async def device(swarm: Swarm, long: Awaitable[object]) -> dict[str, object]:
    """Listen at a device by its name; its other end is a wire to hear."""
    for words in (
        "link add tun0 type veth peer name far",
        "link set far up",
        "link set tun0 up",
        f"address add {DEVICE}/24 dev tun0",
        f"neighbour add {FAR} lladdr 02:00:00:00:00:01 dev tun0",
    ):
        await _ip(words)
    with Wire(device="far") as far:
        async with LibtorrentResolver.open(
            listen_interfaces="tun0:0", dht_bootstrap_nodes=swarm.dht_nodes[:3], allow_private_peers=True
        ) as resolver:
            sample = swarm.seed(make_sample("not found"))
            hints = everywhere(swarm).merged(Hints(peers=(*sample.peers, (FAR, 6881))))
            async with Running(resolver, torrent_id(sample), hints) as running:
                await long
                return {"found": running.task.done(), "heard": far.others[f"{DEVICE} > {FAR}"] > 0}


async def _ip(words: str) -> None:
    program = await asyncio.create_subprocess_exec("ip", *words.split())
    assert await program.wait() == 0


async def _tried() -> dict[str, object]:
    async with Swarm() as swarm, Swarm() as other:
        with Wire(BOUND, TUNNEL, DEVICE) as wire:
            all_well = asyncio.create_task(bound(swarm))
            long = asyncio.shield(all_well)
            names, nowhere, tunnel, by_device = await asyncio.gather(
                all_well, gone(other, long), lost(other, long), device(other, long)
            )
        with Wire(BOUND, TUNNEL) as control:
            async with opened(other) as resolver:
                sample = other.seed(make_sample("direct"))
                await resolver.resolve(torrent_id(sample), trackers_of(sample), Steps())
    beside, heard = wire.others, sum(control.others.values())
    tried = {"names": names, "gone": nowhere, "lost": tunnel, "device": by_device}
    return {**tried, "beside": beside, "control": heard}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_tried())))  # noqa: T201 - what it is for
