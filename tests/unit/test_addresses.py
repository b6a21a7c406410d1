"""Which addresses may be contacted, whatever their spelling."""

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.resolvers.addresses import AddressPolicy, Rule, literal, tracker_host

PUBLIC = ["8.8.8.8", "1.1.1.1", "100.63.255.255", "172.32.0.1", "223.255.255.255", "2606:4700::1111", "2001:4860::8888"]
PRIVATE = [
    *("0.0.0.1", "10.9.9.9", "100.64.0.1", "127.0.0.1", "169.254.169.254", "172.16.0.1", "192.168.1.1", "198.18.0.1"),
    *("224.0.0.1", "255.255.255.255", "::1", "::", "fe80::1", "fc00::1", "ff02::1", "64:ff9b::7f00:1", "2002:7f00:1::"),
    *("2001::1", "2001:db8::1", "::ffff:10.0.0.1"),
]


@pytest.mark.parametrize(
    ("spelling", "meant"),
    [
        ("127.0.0.1", "127.0.0.1"),
        ("2130706433", "127.0.0.1"),
        ("0x7f000001", "127.0.0.1"),
        ("0x7F.1", "127.0.0.1"),
        ("0177.0.0.1", "127.0.0.1"),
        ("127.1", "127.0.0.1"),
        ("127.0.0.1.", "127.0.0.1"),
        ("[::ffff:127.0.0.1]", "127.0.0.1"),
        ("::ffff:7f00:1", "127.0.0.1"),
        ("[::1]", "::1"),
        ("fe80::1%eth0", "fe80::1"),
    ],
)
def test_every_spelling_of_an_address_is_read(spelling: str, meant: str) -> None:
    assert str(literal(spelling)) == meant


@pytest.mark.parametrize("host", ["localhost", "example.com", "1.2.3.4.5", "256.1.1.1.", "dead.beef", "", "[]", "ⅷ"])
def test_a_name_is_no_address(host: str) -> None:
    assert literal(host) is None


@pytest.mark.parametrize("address", PRIVATE)
def test_private_addresses_are_kept_off(address: str) -> None:
    assert not AddressPolicy().admits(ipaddress.ip_address(address))
    assert AddressPolicy(allow_private=True).admits(ipaddress.ip_address(address))


@pytest.mark.parametrize("address", PUBLIC)
def test_public_addresses_are_admitted(address: str) -> None:
    assert AddressPolicy().admits(ipaddress.ip_address(address))


def test_what_is_allowed_outranks_the_ranges() -> None:
    policy = AddressPolicy(allowed=("127.0.0.1", "10.1.0.0/16"))
    assert [policy.admits(ipaddress.ip_address(one)) for one in ("127.0.0.1", "127.0.0.2", "10.1.2.3", "10.2.0.1")] == [
        True,
        False,
        True,
        False,
    ]
    assert policy.rules()[-2:] == [
        Rule("127.0.0.1", "127.0.0.1", blocked=False),
        Rule("10.1.0.0", "10.1.255.255", blocked=False),
    ]


def test_this_machines_public_addresses_are_kept_off_and_its_private_ones_are_no_matter() -> None:
    policy = AddressPolicy(allow_private=True).knowing_own("8.8.4.4", "192.168.1.7", "nonsense")
    assert policy.own == {"8.8.4.4"}
    assert not policy.admits(ipaddress.ip_address("8.8.4.4"))
    assert policy.rules() == [Rule("8.8.4.4", "8.8.4.4", blocked=True)]


@given(st.ip_addresses())
def test_the_rules_and_the_policy_say_the_same(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> None:
    policy = AddressPolicy(allowed=("127.0.0.1", "fd00::/8"))
    blocked = False
    for rule in policy.rules():
        first, last = ipaddress.ip_address(rule.first), ipaddress.ip_address(rule.last)
        if first.version == address.version and int(first) <= int(address) <= int(last):
            blocked = rule.blocked
    assert policy.admits(address) == (not blocked)


@pytest.mark.parametrize(
    "url",
    [
        *("ws://t.example/announce", "wss://t.example/announce", "ftp://t.example", "file:///etc/passwd", "t.example"),
        *("http://", "http://[::1", "http://t.example:99999/", "http://t.example/a b", "http://t.example/\n", ""),
        "http://t.example/" + "a" * 2_000,
    ],
)
def test_what_is_no_tracker_is_dropped(url: str) -> None:
    assert tracker_host(url) is None
    assert list(AddressPolicy(allow_private=True).trackers([url])) == []


@pytest.mark.parametrize(
    "url", ["http://2130706433/announce", "udp://127.1:80", "https://[::ffff:10.0.0.1]/", "http://u:p@0x7f.1:8080/"]
)
def test_trackers_at_spelled_out_private_addresses_are_dropped(url: str) -> None:
    assert list(AddressPolicy().trackers([url, "http://t.example/announce"])) == ["http://t.example/announce"]
    assert list(AddressPolicy(allow_private=True).trackers([url])) == [url]


def test_a_trackers_scheme_is_given_in_small_letters_and_nothing_else_of_it_is() -> None:
    assert list(AddressPolicy().trackers(["HTTPS://T.example/A", "Udp://T.example:80"])) == [
        "https://T.example/A",
        "udp://T.example:80",
    ]


def test_peers_are_given_in_the_usual_spelling_and_names_are_passed_over() -> None:
    peers = [("134744072", 6881), ("peer.example", 6881), ("8.8.8.8", 0), ("8.8.8.8", 70_000), ("127.1", 1)]
    assert list(AddressPolicy().peers(peers)) == [("8.8.8.8", 6881)]


@pytest.mark.parametrize("host", ["0", "0.0", "::"])
def test_an_address_that_is_nobodys_is_no_peer(host: str) -> None:
    assert list(AddressPolicy(allow_private=True).peers([(host, 6881)])) == []


UDP, HTTP = "udp://t.example:1/announce", "https://t.example/announce"


def test_behind_a_proxy_no_strangers_tracker_is_asked_and_of_the_operators_none_by_http() -> None:
    policy = AddressPolicy(proxied=True)
    assert list(policy.trackers([UDP, HTTP, "udp://8.8.8.8:1/announce"])) == []
    assert list(policy.operators_trackers([UDP, HTTP])) == [UDP]


def test_behind_a_proxy_where_private_addresses_may_be_asked_strangers_trackers_are_by_udp() -> None:
    assert list(AddressPolicy(allow_private=True, proxied=True).trackers([UDP, HTTP, "UDP://127.0.0.1:2"])) == [
        UDP,
        "udp://127.0.0.1:2",
    ]


def test_the_operators_trackers_are_held_back_as_strangers_are() -> None:
    assert list(AddressPolicy().operators_trackers([HTTP, "udp://10.0.0.1:2", "ws://t.example"])) == [HTTP]
