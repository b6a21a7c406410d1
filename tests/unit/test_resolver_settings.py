"""What libtorrent is told: each value was measured to matter, or keeps it quiet."""

import libtorrent as lt
import pytest

from services.resolvers.libtorrent.session import _FLAGS
from services.resolvers.libtorrent.settings import bound_to, session_settings
from services.resolvers.socks import Proxy

DEFAULTS: dict[str, object] = {**lt.default_settings()}
SETTINGS = session_settings(
    listen_interfaces="127.0.0.1:0", dht=True, dht_bootstrap_nodes=("a:1", "b:2"), alert_mask=7, way="any"
)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("enable_lsd", False),
        ("enable_upnp", False),
        ("enable_natpmp", False),
        ("apply_ip_filter_to_trackers", True),
        ("apply_filter_to_dht", True),
        ("ssrf_mitigation", True),
        ("max_webtorrent_offers", 0),
        ("dht_block_ratelimit", 100_000),
        ("max_metadata_size", 8 * 2**20),
        ("utp_connect_timeout", 1_000),
        ("announce_to_all_trackers", True),
        ("announce_to_all_tiers", True),
        ("torrent_connect_boost", 100),
        ("connection_speed", 500),
        ("min_reconnect_time", 1),
        ("peer_connect_timeout", 7),
        ("handshake_timeout", 7),
        ("tick_interval", 100),
        ("alert_queue_size", 100_000),
        ("active_downloads", -1),
        ("active_limit", -1),
        ("active_dht_limit", -1),
        ("active_tracker_limit", -1),
        ("unchoke_slots_limit", 0),
        ("allowed_fast_set_size", 0),
        ("listen_interfaces", "127.0.0.1:0"),
        ("enable_dht", True),
        ("dht_bootstrap_nodes", "a:1,b:2"),
        ("alert_mask", 7),
    ],
)
def test_what_was_measured_is_what_is_set(name: str, value: object) -> None:
    assert SETTINGS[name] == value


@pytest.mark.parametrize("name", ["enable_outgoing_utp", "enable_incoming_utp", "enable_outgoing_tcp"])
def test_every_way_to_a_peer_stays_open(name: str) -> None:
    assert SETTINGS.get(name, DEFAULTS[name]) is True


def test_no_proxy_goes_round_the_filter() -> None:
    assert not [name for name in SETTINGS if "proxy" in name]


def test_client_name_and_peer_id_are_libtorrents_own() -> None:
    given = {*SETTINGS, *through(Proxy("a", 1, "b", "c"))}
    assert not given & {"user_agent", "peer_fingerprint", "handshake_client_version"}


def test_libtorrent_knows_each_setting() -> None:
    empty = {
        "outgoing_interfaces",
        "proxy_hostname",
        "proxy_username",
        "proxy_password",
    }  # of which it lists no default
    assert {*SETTINGS, *through(Proxy("a", 1, "b", "c"))} <= {*DEFAULTS, *empty}


def test_without_a_bootstrap_node_the_saved_ones_still_count() -> None:
    alone = session_settings(listen_interfaces="", dht=True, dht_bootstrap_nodes=(), alert_mask=0, way="plain")
    assert alone["dht_bootstrap_nodes"]


@pytest.mark.parametrize(
    "flag",
    [
        "upload_mode",
        "default_dont_download",
        "duplicate_is_error",
        "disable_lsd",
        "apply_ip_filter",
        "update_subscribe",
    ],
)
def test_each_torrent_has_the_flag(flag: str) -> None:
    assert _FLAGS & getattr(lt.torrent_flags, flag)


@pytest.mark.parametrize("flag", ["paused", "auto_managed", "disable_dht", "disable_pex"])
def test_no_torrent_has_the_flag(flag: str) -> None:
    assert not _FLAGS & getattr(lt.torrent_flags, flag)


def through(proxy: Proxy) -> dict[str, int | str | bool]:
    return session_settings(
        listen_interfaces="10.8.0.2:1", dht=True, dht_bootstrap_nodes=(), alert_mask=0, way="any", proxy=proxy
    )


def test_behind_a_proxy_all_goes_through_it_and_names_are_its_matter() -> None:
    settings = through(Proxy("proxy.example", 1080))
    assert {name: value for name, value in settings.items() if "proxy" in name} == {
        "proxy_type": 2,
        "proxy_hostname": "proxy.example",
        "proxy_port": 1080,
        "proxy_username": "",
        "proxy_password": "",
        "proxy_hostnames": True,
        "proxy_peer_connections": True,
        "proxy_tracker_connections": True,
    }
    assert settings["anonymous_mode"] is True
    assert "outgoing_interfaces" not in settings, "libtorrent could connect to no peer"


def test_a_user_is_named_to_the_proxy() -> None:
    settings = through(Proxy("proxy.example", 1080, "user", "word"))
    assert [settings[f"proxy_{name}"] for name in ("type", "username", "password")] == [3, "user", "word"]


@pytest.mark.parametrize(
    ("listen", "bound"),
    [
        ("0.0.0.0:6881,[::]:6881", []),
        ("0.0.0.0:0", []),
        ("[::]:6881", []),
        ("10.8.0.2:6881", ["10.8.0.2"]),
        ("tun0:6881", ["tun0"]),
        ("[fd00::2]:6881", ["fd00::2"]),
        ("10.8.0.2:6881, [fd00::2]:6881", ["10.8.0.2"]),
        ("10.8.0.2:6881,tun0:6881", ["10.8.0.2", "tun0"]),
    ],
)
def test_what_goes_out_is_bound_to_where_it_listens(listen: str, bound: list[str]) -> None:
    assert bound_to(listen) == bound
    settings = session_settings(listen_interfaces=listen, dht=True, dht_bootstrap_nodes=(), alert_mask=0, way="any")
    assert settings.get("outgoing_interfaces", "") == ",".join(bound)
