"""All known ways into the operator's own network, at once, against sensors: none is gone, and each sensor can hear."""

import asyncio
import json
import sys
import tempfile
from pathlib import Path

import libtorrent as lt
import pytest

from sandbox.swarm import Swarm, make_sample
from services.magnets.parse import torrents_in
from services.resolvers.addresses import AddressPolicy
from tests.integration.private_vectors import (
    INNER,
    VECTORS,
    Sensor,
    contacts_of,
    laid,
    listening,
    named_vectors,
    own_names,
    silent_of,
)
from tests.integration.swarm_help import Steps, listen_interfaces, opened

ROOT = Path(__file__).parents[2]
NAMES = own_names()
EVERY = listening((*VECTORS, *named_vectors(NAMES)))
SOON = 90  # a datagram is lost now and then, and libtorrent asks a UDP tracker again after some 40 seconds


def test_the_table_is_not_shorter_than_it_was() -> None:
    assert len({one.id for one in VECTORS}) == len(VECTORS) >= 81


@pytest.mark.parametrize("name", NAMES)
def test_what_this_machine_does_not_call_itself_is_left_out(name: str) -> None:
    if not NAMES[name]:
        pytest.skip(f"LEFT OUT: {name!r} is no name for loopback here, so that nothing is tried by it")
    assert [one for one in EVERY if one.hosts == NAMES[name] and name in one.id]


def test_nothing_else_is_left_out() -> None:
    if set(VECTORS) - set(EVERY):
        pytest.skip("LEFT OUT: there is no IPv6 here, so that nothing is tried by it")


@pytest.mark.timeout(60)
async def test_kept_off_none_reaches_the_inner_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(AddressPolicy, "admits", lambda *_: True)  # the filter alone: of literals the parser drops most
    assert await contacts_of(EVERY) == {}


@pytest.mark.timeout(120)
async def test_allowed_each_reaches_it() -> None:
    assert await silent_of(EVERY, SOON) == []


STOCK: "lt.settings_pack" = {
    "listen_interfaces": listen_interfaces(),
    "dht_bootstrap_nodes": "",
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "stop_tracker_timeout": 0,
    "announce_to_all_trackers": True,
    "announce_to_all_tiers": True,
    "ssrf_mitigation": False,
    "active_downloads": -1,
    "active_limit": -1,
    "active_tracker_limit": -1,
    "active_dht_limit": -1,
}


async def test_a_stock_libtorrent_reaches_it_by_what_ours_is_not_even_told() -> None:
    dropped = [one for one in VECTORS if one.heard == "stock"]
    assert {"ws tracker", "wss tracker", "http tracker's path", "magnet"} == {one.way for one in dropped}
    async with laid(dropped) as (_, sensors, magnets):
        session = await asyncio.to_thread(lt.session, STOCK)
        for magnet in magnets.values():
            params = lt.parse_magnet_uri(magnet)
            params.save_path = "/dev/null/test"
            session.add_torrent(params)
        await asyncio.gather(*(sensor.contacted.wait() for sensor in sensors.values()))
        ending = [session]
        del session
        await asyncio.to_thread(ending.clear)


async def test_a_web_seed_is_met_by_a_stock_libtorrent_and_not_by_ours() -> None:
    async with Swarm(dht=False) as swarm, Sensor() as sensor:
        sample = swarm.seed(make_sample("x"))
        magnet = f"{sample.magnet(peers=True)}&ws=http://{INNER}:{sensor.port}/x"
        ((torrent, hints),) = torrents_in(magnet)
        async with opened(swarm, private=False, allowed=("127.0.0.0/16",)) as resolver:
            assert (await resolver.resolve(torrent, hints, Steps())).name.text == "x"
        assert sensor.contacts == []
        with tempfile.TemporaryDirectory() as folder:
            ending = [await asyncio.to_thread(lt.session, STOCK)]
            params = lt.parse_magnet_uri(magnet)
            params.save_path = folder
            ending[0].add_torrent(params)
            await sensor.contacted.wait()
            await asyncio.to_thread(ending.clear)


@pytest.mark.timeout(60)
async def test_in_a_network_of_its_own_no_name_and_no_private_address_leads_in(own_network: list[str]) -> None:
    program = await asyncio.create_subprocess_exec(
        *own_network, sys.executable, "-m", "tests.integration.private_names", cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    said, _ = await program.communicate()
    tried = json.loads(said)
    assert tried["contacts"] == {}
    assert tried["silent"] == [], "the controls"
    assert tried["vectors"] > 100
