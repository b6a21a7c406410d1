"""libtorrent's own peers behind the delays: what they give, take and refuse is not ours to imitate."""

import asyncio
from collections.abc import Mapping
from typing import Self, cast

import libtorrent as lt

from benchmarks.weather.crowd import Kind
from sandbox.swarm import Sample

_HOST = "127.0.0.1"
_NOWHERE = "/dev/null/weather"
_FORCED = 0

_SETTINGS: Mapping[str, int | str | bool] = {
    "listen_interfaces": f"{_HOST}:0",
    "enable_dht": False,
    "enable_lsd": False,
    "enable_upnp": False,
    "enable_natpmp": False,
    "alert_mask": 0,
    "tick_interval": 100,
    "connections_limit": 20_000,
    "listen_queue_size": 3_000,
    "active_limit": -1,
    "active_seeds": -1,
    "connection_speed": 0,  # they call nobody
    "allow_multiple_connections_per_ip": True,
    "unchoke_slots_limit": 0,
    "allowed_fast_set_size": 0,
}
_TCP = {"enable_incoming_utp": False}
_OF_KIND: Mapping[Kind, Mapping[str, int | str | bool]] = {
    Kind.GOOD: {},
    Kind.GOOD_BY_TCP: _TCP,
    Kind.GOOD_BY_MSE: {**_TCP, "in_enc_policy": _FORCED},
    Kind.GOOD_BY_UTP: {"enable_incoming_tcp": False},
}

BACKED = frozenset(_OF_KIND)
"""The kinds of peers that are libtorrent's."""


def _session(own: Mapping[str, int | str | bool]) -> lt.session:
    return lt.session(cast("lt.settings_pack", {**_SETTINGS, **own}))


class Seeders:
    """A session for each kind of peer that libtorrent itself is."""

    def __init__(self) -> None:
        self._sessions: dict[Kind, lt.session] = {}
        self.ports: dict[Kind, int] = {}

    async def __aenter__(self) -> Self:
        for kind, own in _OF_KIND.items():
            self._sessions[kind] = await asyncio.to_thread(_session, own)
            self.ports[kind] = self._sessions[kind].listen_port()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.to_thread(self._sessions.clear)  # the last reference ends a session's threads, and waits

    def add(self, kind: Kind, sample: Sample) -> None:
        """Have *sample* from now on."""
        params = lt.add_torrent_params()
        params.flags = (
            lt.torrent_flags.seed_mode
            | lt.torrent_flags.upload_mode
            | lt.torrent_flags.default_dont_download
            | lt.torrent_flags.disable_pex
        )
        params.ti = lt.torrent_info(b"d4:info" + sample.info + b"e")
        params.save_path = _NOWHERE
        self._sessions[kind].add_torrent(params)
