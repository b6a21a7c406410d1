"""Lookups behind a proxy, where network and names are our own: what goes out beside it.

Run there as ``python -m tests.integration.proxied``, with 127.0.0.53 for name server, it prints what was found and each
packet that neither came from the proxy nor went to it; and, as a control, how many there are without a proxy.
"""

import asyncio
import json
import re
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace

from sandbox.swarm import Sample, Swarm, make_sample
from services.resolvers.libtorrent import LibtorrentResolver
from services.resolvers.socks import Proxy, proxy_of
from services.torrents import Hints
from tests.integration.private_vectors import INNER
from tests.integration.socks_proxy import HOST, SOURCE, SocksProxy
from tests.integration.swarm_help import Running, Steps, opened, torrent_id
from tests.integration.wire import Wire

ALLOWED = ("127.0.1.0/24", "127.0.2.0/24", "127.3.0.0/16")
_PORT, _STRANGER = 6881, "127.7.7.7"
_LOGIN = ("alice", "open sesame")
_WITHOUT_LANES = 4 * 2  # connections to four peers that never speak, by both sessions that speak TCP


def udp_port(swarm: Swarm) -> int:
    return int(re.findall(r":(\d+)/", swarm.udp_tracker.url)[0])


def strangers(swarm: Swarm) -> Hints:
    """Return what a stranger's magnet says: trackers by name and by address, and a peer in the inner network."""
    port, web = udp_port(swarm), swarm.tracker_url
    return Hints(
        trackers=(f"udp://stranger.test:{port}/announce", web, web.replace("127.0.0.1", "stranger.test")),
        peers=((INNER, 6881),),
    )


@asynccontextmanager
async def behind(
    swarm: Swarm, proxy: SocksProxy, seen: Proxy | None = None, *, private: bool = False, port: int = 0
) -> AsyncIterator[LibtorrentResolver]:
    nodes = [one.rpartition(":") for one in swarm.dht_nodes[:3]]
    async with LibtorrentResolver.open(
        listen_interfaces=f"0.0.0.0:{port}",
        dht_bootstrap_nodes=[f"{host}.router.test:{port}" for host, _, port in nodes],
        extra_trackers=[f"udp://tracker.test:{udp_port(swarm)}/announce"],
        allow_private_peers=private,
        allowed_addresses=ALLOWED,
        proxy=seen or proxy_of(proxy.url),
    ) as resolver:
        yield resolver


def names_of(swarm: Swarm) -> dict[str, str]:
    hosts = [one.rpartition(":")[0] for one in swarm.dht_nodes[:3]]
    return {"tracker.test": "127.0.0.1", **{f"{host}.router.test": host for host in hosts}}


async def found(resolver: LibtorrentResolver, sample: Sample, hints: Hints) -> str:
    return (await resolver.resolve(torrent_id(sample), hints, Steps())).name.text


async def until(proxy: SocksProxy, reached: Callable[[], bool]) -> None:
    while not reached():
        proxy.news.clear()
        await proxy.news.wait()


def _to_mutes(proxy: SocksProxy) -> int:
    return sum(count for (host, _), count in proxy.connected.items() if host.startswith("127.0.2."))


def knock() -> None:
    """Ask the leading session something past the proxy, as whoever found its port could."""
    with socket.socket(type=socket.SOCK_DGRAM) as stranger:
        stranger.bind((_STRANGER, 0))
        stranger.sendto(b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe", ("127.0.0.1", _PORT))


async def well(swarm: Swarm) -> dict[str, object]:
    """Find names by the DHT and by the operator's tracker, hear mute peers in lanes, and pass strangers' words over."""
    async with SocksProxy(login=_LOGIN, names=names_of(swarm)) as proxy:
        known = proxy_of(proxy.url.replace("//", "//alice:open%20sesame@"))
        by_dht = swarm.seed(make_sample("by the dht"), by=["dht"])
        by_tracker = swarm.seed(make_sample("by the tracker"), by=["tracker"])
        mute = swarm.stall(make_sample("mute"))
        for way in ("dht", "tracker"):
            swarm.find(mute, (INNER, 6881), [way])
        async with behind(swarm, proxy, known, port=_PORT) as resolver:
            knock()
            names = [await found(resolver, one, strangers(swarm)) for one in (by_dht, by_tracker)]
            async with Running(resolver, torrent_id(mute), strangers(swarm)):
                await until(proxy, lambda: _to_mutes(proxy) > _WITHOUT_LANES)
        return {
            "names": names,
            "named": sorted(proxy.named),
            "inner": [str(one) for one in (*proxy.connected, *proxy.sent) if one[0] == INNER],
            "web": [str(one) for one in proxy.connected if one[0] == "127.0.0.1"],
            "refused": proxy.refused,
        }


async def without_udp(swarm: Swarm) -> dict[str, object]:
    sample = swarm.seed(make_sample("by its peer"), by=[])
    async with SocksProxy(mood="no udp") as proxy, behind(swarm, proxy, private=True) as resolver:
        name = await found(resolver, sample, replace(strangers(swarm), peers=sample.peers))
        async with Running(resolver, torrent_id(swarm.dead()), strangers(swarm)):
            await until(proxy, lambda: proxy.connected[INNER, 6881] > 2)
        return {"names": [name], "sent": len(proxy.sent), "named": sorted(proxy.named)}


async def refusing(swarm: Swarm) -> dict[str, object]:
    async with SocksProxy(mood="refuses") as proxy, behind(swarm, proxy, private=True) as resolver:
        sample = swarm.seed(make_sample("nobody is asked"))
        async with Running(resolver, torrent_id(sample), replace(strangers(swarm), peers=sample.peers)):
            await until(proxy, lambda: proxy.refused > 12)
        return {"connected": len(proxy.connected), "sent": len(proxy.sent)}


async def wrong_password(swarm: Swarm) -> dict[str, object]:
    async with SocksProxy(login=_LOGIN) as proxy:
        known = proxy_of(proxy.url.replace("//", "//alice:wrong@"))
        async with behind(swarm, proxy, known, private=True) as resolver:
            sample = swarm.seed(make_sample("nobody is asked"))
            async with Running(resolver, torrent_id(sample), replace(strangers(swarm), peers=sample.peers)):
                await until(proxy, lambda: proxy.refused > 12)
        return {"connected": len(proxy.connected), "sent": len(proxy.sent)}


async def dying(swarm: Swarm, long: Awaitable[object]) -> dict[str, object]:
    """Lose the proxy while lookups run; ask for more until *long* has passed."""
    async with SocksProxy(names=names_of(swarm)) as proxy, behind(swarm, proxy, private=True) as resolver:
        name = await found(resolver, swarm.seed(make_sample("before")), strangers(swarm))
        async with Running(resolver, torrent_id(swarm.dead()), strangers(swarm)):
            await until(proxy, lambda: proxy.connected[INNER, 6881] > 0)
            await proxy.die()
            sample = swarm.seed(make_sample("after"))
            async with Running(resolver, torrent_id(sample), replace(strangers(swarm), peers=sample.peers)) as running:
                await long
                return {"names": [name], "after": running.task.done()}


async def not_there(swarm: Swarm, long: Awaitable[object]) -> dict[str, object]:
    async with SocksProxy() as proxy:
        await proxy.die()
        async with behind(swarm, proxy, private=True) as resolver:
            sample = swarm.seed(make_sample("nobody is asked"))
            async with Running(resolver, torrent_id(sample), replace(strangers(swarm), peers=sample.peers)) as running:
                await long
                return {"found": running.task.done()}


async def _without_a_proxy(swarm: Swarm) -> list[str]:
    with Wire(HOST, SOURCE) as wire:
        async with opened(swarm) as resolver:
            await found(resolver, swarm.seed(make_sample("direct")), strangers(swarm))
            async with Running(resolver, torrent_id(swarm.dead()), strangers(swarm)):
                swarm.tracker.asked.clear()
                await swarm.tracker.asked.wait()
    return sorted(wire.others)


async def _tried() -> dict[str, object]:
    async with Swarm() as swarm, Swarm() as plain:
        with Wire(HOST, SOURCE) as wire:
            all_well = asyncio.create_task(well(swarm))
            seconds = asyncio.shield(all_well)
            tried = await asyncio.gather(
                all_well,
                without_udp(swarm),
                refusing(swarm),
                wrong_password(swarm),
                dying(swarm, seconds),
                not_there(swarm, seconds),
            )
        asked, knocks = swarm.announces, wire.others.pop(f"{_STRANGER} > 127.0.0.1")
        names = ("well", "without udp", "refusing", "wrong password", "dying", "not there")
        control = await _without_a_proxy(plain)
    return {
        **dict(zip(names, tried, strict=True)),
        "beside": wire.others,
        "by http": len(asked),
        "knocks": knocks,
        "control": control,
    }


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_tried())))  # noqa: T201 - what it is for
