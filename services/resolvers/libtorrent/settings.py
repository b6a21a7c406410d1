"""libtorrent's settings: what was measured to matter, and what keeps it quiet."""

import ipaddress
import re
from collections.abc import Mapping, Sequence
from typing import Literal

from services import open_files
from services.resolvers.socks import Proxy

CALM, BUSY = 100, 30
"""Milliseconds between two looks of libtorrent at what is to be done. As long waits a peer that was just named."""

Way = Literal["any", "tcp", "plain", "mse", "utp"]
"""How a session connects to peers: by TCP (as they like it, unencrypted, encrypted) or uTP alone, or as it may be."""

WAYS: Mapping[int, Sequence[Way]] = {1: ("any",), 2: ("tcp", "utp"), 3: ("plain", "mse", "utp")}
"""Which sessions race, by how many they are; the first leads."""

WAYS_IN_TURN: frozenset[Way] = frozenset({"any", "tcp"})
"""Those in which a peer is tried by one connection after another, each of another kind."""

LARGEST_METADATA = 8 * 2**20
"""Bytes of an info dictionary that is still read, in the leading way. With the first piece libtorrent takes memory for
all that a peer says there is: a stranger has that much taken in each session, for each torrent."""

USUAL_METADATA = 2 * 2**20
"""The same, in the ways beside it."""

_PORT = re.compile(r":[0-9]+(?=\s*(?:,|\Z))")
_SOCKS5, _SOCKS5_WITH_PASSWORD = 2, 3  # libtorrent's proxy_type_t
_ENCRYPTED, _UNENCRYPTED = 0, 2  # libtorrent's enc_policy
_NO_BOOTSTRAP = "127.0.0.1:9"  # with no node named at all, libtorrent would not use those of its saved state either


def fixed_ports(listen_interfaces: str) -> frozenset[int]:
    """Return the ports that *listen_interfaces* name; none where one of them may be any."""
    ports = frozenset(int(one.rpartition(":")[2]) for one in listen_interfaces.split(","))
    return frozenset() if 0 in ports else ports


def on_any_port(listen_interfaces: str) -> str:
    """Return *listen_interfaces*, each at any port that is free."""
    return _PORT.sub(":0", listen_interfaces)


def bound_to(listen_interfaces: str) -> list[str]:
    """Return the addresses and devices that *listen_interfaces* name; none where one is a wildcard.

    Of both families, IPv4 alone: libtorrent binds connections to one after the other, whoever is connected to, so that
    with both every second one fails. Who listens by IPv6 then speaks uTP.
    """
    hosts = [one.strip().rpartition(":")[0].strip("[]") for one in listen_interfaces.split(",")]
    if any(is_address(one) and ipaddress.ip_address(one).is_unspecified for one in hosts):
        return []
    return [one for one in hosts if ":" not in one] or hosts


def is_address(host: str) -> bool:
    """Whether *host* is an address, in brackets or not, and no name."""
    try:
        ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return True


def bootstrap_nodes(nodes: Sequence[str]) -> str:
    """Return the setting that has *nodes*, which are ``host:port`` each."""
    return ",".join(nodes) or _NO_BOOTSTRAP


def session_settings(
    *,
    listen_interfaces: str,
    dht: bool,
    dht_bootstrap_nodes: Sequence[str],
    alert_mask: int,
    way: Way,
    largest: int = LARGEST_METADATA,
    incoming: bool = True,
    proxy: Proxy | None = None,
) -> dict[str, int | str | bool]:
    """Return the settings of a session that reads metadata, of *largest* bytes at most, fast, and does nothing else.

    Where no connection may be *incoming*, it speaks with those alone whom it was told of.

    Through *proxy* or not at all, where there is one: *dht_bootstrap_nodes* must be addresses then, for libtorrent
    resolves their names by itself.
    """
    return {
        **_CONNECTING[way],
        **(_through(proxy) if proxy else _bound(listen_interfaces)),
        "listen_interfaces": listen_interfaces,
        "enable_dht": dht,
        "dht_bootstrap_nodes": bootstrap_nodes(dht_bootstrap_nodes),
        "enable_incoming_tcp": incoming,
        "enable_incoming_utp": incoming,
        # Packets a second a DHT node may send, else it is ignored for 5 minutes. Answers to us count, and a few dozen
        # lookups at once get more than the default 5. Strangers' questions are held back by dht_upload_rate_limit.
        "dht_block_ratelimit": 100_000,
        "alert_mask": alert_mask,
        "alert_queue_size": 100_000,
        "max_metadata_size": largest,  # of what is larger libtorrent says nothing
        # Nothing in the operator's own network is spoken to.
        "enable_lsd": False,
        "enable_upnp": False,
        "enable_natpmp": False,
        "apply_ip_filter_to_trackers": True,
        "apply_filter_to_dht": True,
        "ssrf_mitigation": True,
        "max_webtorrent_offers": 0,  # ICE candidates go round every filter
        # Every torrent is looked for at once, and nobody is sent payload.
        "active_downloads": -1,
        "active_seeds": -1,
        "active_limit": -1,
        "active_dht_limit": -1,
        "active_tracker_limit": -1,
        "connections_limit": open_files.share(10),  # of itself a session takes four fifths
        "unchoke_slots_limit": 0,
        "allowed_fast_set_size": 0,
        # All trackers, all peers, now; who hangs is given up soon, who refuses uTP or plain is tried again.
        "announce_to_all_trackers": True,
        "announce_to_all_tiers": True,
        "max_concurrent_http_announces": min(500, open_files.share(20)),
        "min_announce_interval": 5,  # a tracker's own word counts, however short
        "stop_tracker_timeout": 1,
        "peer_connect_timeout": 7,
        "handshake_timeout": 7,
        "peer_timeout": 20,
        "min_reconnect_time": 1,
        "connection_speed": 500,
        "torrent_connect_boost": 100,
        "listen_queue_size": 128,  # of the default 5: of a hundred who come at once, every fifth waits a second
        "allow_multiple_connections_per_ip": True,  # many peers share an address behind a VPN
        "tick_interval": CALM,
    }


# Where one session tries both, a peer that speaks TCP alone waits for the time-out of uTP, and one that insists on
# encryption for the plain try to end.
_CONNECTING: Mapping[Way, Mapping[str, int | str | bool]] = {
    "any": {"utp_connect_timeout": 1_000},
    "tcp": {"enable_outgoing_utp": False},
    "plain": {"enable_outgoing_utp": False, "out_enc_policy": _UNENCRYPTED},
    "mse": {"enable_outgoing_utp": False, "out_enc_policy": _ENCRYPTED},
    # A session's end waits for whom it tries to reach by uTP.
    "utp": {"enable_outgoing_tcp": False, "utp_connect_timeout": 1_000},
}


def _bound(listen_interfaces: str) -> Mapping[str, str]:
    """Return what binds TCP to peers. All else goes out from where it is listened."""
    hosts = bound_to(listen_interfaces)
    return {"outgoing_interfaces": ",".join(hosts)} if hosts else {}


def _through(proxy: Proxy) -> Mapping[str, int | str | bool]:
    """Return what has a session go through *proxy*. It is not bound then: libtorrent could connect to no peer."""
    kind = _SOCKS5_WITH_PASSWORD if proxy.user else _SOCKS5
    return {
        "proxy_type": kind,
        "proxy_hostname": proxy.host,
        "proxy_port": proxy.port,
        "proxy_username": proxy.user,
        "proxy_password": proxy.password,
        "proxy_hostnames": True,  # else names are resolved here
        "proxy_peer_connections": True,
        "proxy_tracker_connections": True,
        "anonymous_mode": True,  # this machine's own addresses, and libtorrent's version, are nobody's business there
    }
