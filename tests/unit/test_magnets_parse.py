"""What is a magnet, where it ends, and what it says."""

import pytest

from services.magnets.parse import Magnet, find_magnets, gather, torrents_in
from services.torrents import Hints, InfoHash, TorrentId

V1 = "0123456789abcdef0123456789abcdef01234567"
OTHER = "89abcdef0123456789abcdef0123456789abcdef"
B32 = "AERUKZ4JVPG66AJDIVTYTK6N54ASGRLH"  # V1 in base32
V2 = "ab" * 32
A = TorrentId(v1=InfoHash(V1))
B = TorrentId(v1=InfoHash(OTHER))
C = TorrentId(v2=InfoHash(V2))
HYBRID = TorrentId(v1=InfoHash(V1), v2=InfoHash(V2))

BARE = f"magnet:?xt=urn:btih:{V1}"
NAMED = f"{BARE}&dn=Some%20Name"

WHOLE = ""
# How it is pasted; the link in it; its torrents; its name.
SPELLINGS = [
    # As BEP 9, BEP 52 and BEP 53 write it.
    (BARE, BARE, [A], None),
    (f"magnet:?xt=urn:btih:{B32}", WHOLE, [A], None),
    (f"magnet:?xt=urn:btih:{B32.lower()}", WHOLE, [A], None),
    (f"magnet:?xt=urn:btih:{V1.upper()}", WHOLE, [A], None),
    (f"magnet:?xt=urn:btmh:1220{V2}", WHOLE, [C], None),
    (f"magnet:?xt=urn:btih:{V1}&xt=urn:btmh:1220{V2}", WHOLE, [HYBRID], None),
    (f"magnet:?xt=urn:btmh:1220{V2}&xt=urn:btih:{V1}", WHOLE, [HYBRID], None),
    (f"magnet:?xt.1=urn:btih:{V1}&xt.2=urn:btih:{OTHER}", WHOLE, [A, B], None),
    (f"magnet:?xt=urn:btih:{V1}&xt=urn:btih:{V1.upper()}", WHOLE, [A], None),
    (f"magnet:?xt=urn:btih:{OTHER}&xt=urn:btmh:1220{V2}&xt=urn:btih:{V1}", WHOLE, [TorrentId(B.v1, C.v2), A], None),
    (f"{BARE}&so=0,2,4,6-8", WHOLE, [A], None),
    (
        f"{BARE}&xl=1234&as=http://a.example/x&xs=http://a.example/y&kt=some+words&ws=http://w.example/",
        WHOLE,
        [A],
        None,
    ),
    # Order, case, escapes.
    (f"MAGNET:?XT=URN:BTIH:{V1}&DN=Name", WHOLE, [A], "Name"),
    (f"magnet:?dn=Name&xl=5&xt=urn:btih:{V1}", WHOLE, [A], "Name"),
    (f"magnet:?xt=urn%3Abtih%3A{V1}&dn=Name", WHOLE, [A], "Name"),
    (f"magnet:?x%74=urn:btih:{V1}&%64n=Name", WHOLE, [A], "Name"),
    (f"magnet:?&xt=urn:btih:{V1}&&dn=Name", WHOLE, [A], "Name"),
    (f"{BARE}&dn=a+b%20c", WHOLE, [A], "a b c"),
    (f"{BARE}&dn=%E4%B8%89%e4%bd%93", WHOLE, [A], "三体"),
    (f"{BARE}&dn=100%25%2B%26", WHOLE, [A], "100%+&"),
    (f"{BARE}&dn=100%", WHOLE, [A], "100%"),
    (f"{BARE}&dn=%zz%4", WHOLE, [A], "%zz%4"),
    (f"{BARE}&dn=%C8%FD", WHOLE, [A], "\ufffd\ufffd"),
    (f"{BARE}&dn=a=b", WHOLE, [A], "a=b"),
    (f"{BARE}&dn=", WHOLE, [A], ""),
    (f"{BARE}&dn=One&dn=Two", WHOLE, [A], "One"),
    (f"{BARE}&dn&tr=x", WHOLE, [A], None),
    (f"magnet:?dn={V1}&xt=urn:btih:{OTHER}", WHOLE, [B], V1),
    (f"magnet:?xt=urn:sha1:{B32}&xt=urn:btih:{V1}", WHOLE, [A], None),
    (f"magnet:?xt=urn:btih:{V1[:-1]}&xt=urn:btih:{OTHER}", WHOLE, [B], None),
    (f"{BARE}&xt=urn:btih:{OTHER}&xt=urn:btih:{OTHER}", WHOLE, [A, B], None),
    (f"{BARE}.=x&dn=a", WHOLE, [A], "a"),
    # Out of HTML.
    (f'<a href="{BARE}&amp;dn=Some%20Name&amp;tr=x">', f"{BARE}&amp;dn=Some%20Name&amp;tr=x", [A], "Some Name"),
    (f"<a href='{NAMED}'>", NAMED, [A], "Some Name"),
    (f"<a href='{BARE}&dn=It'>s", f"{BARE}&dn=It", [A], "It"),
    (f"<b>{NAMED}</b>", NAMED, [A], "Some Name"),
    (f"{BARE}&#038;dn=a&#38;xl=1&#x26;tr=x", WHOLE, [A], "a"),
    (f"href=&quot;{BARE}&amp;dn=a&quot;&gt;", f"{BARE}&amp;dn=a", [A], "a"),
    (f"{BARE}&amp;dn=Ocean&#39;s%20Eleven&amp;xl=1", WHOLE, [A], "Ocean's Eleven"),
    (f"{BARE}&amp;dn=Tom &amp; Jerry&amp;tr=x", WHOLE, [A], "Tom & Jerry"),
    # In quotes, brackets, markup.
    (f'"{NAMED}"', NAMED, [A], "Some Name"),
    (f"'{NAMED}','{BARE}'", NAMED, [A], "Some Name"),
    (f"'{BARE}&dn=a'b", f"{BARE}&dn=a", [A], "a"),
    (f"‘{BARE}&dn=a’b", f"{BARE}&dn=a", [A], "a"),
    (f"“{NAMED}”", NAMED, [A], "Some Name"),
    (f"({NAMED})", NAMED, [A], "Some Name"),
    (f"[{NAMED}]", NAMED, [A], "Some Name"),
    (f"<{NAMED}>", NAMED, [A], "Some Name"),
    (f"【{NAMED}】", NAMED, [A], "Some Name"),
    (f"《{BARE}》", BARE, [A], None),
    (f"[here]({NAMED})", NAMED, [A], "Some Name"),
    (f"**{NAMED}**", NAMED, [A], "Some Name"),
    (f"__{NAMED}__", NAMED, [A], "Some Name"),
    (f"||{BARE}||", BARE, [A], None),
    (f"`{NAMED}`", NAMED, [A], "Some Name"),
    (f"({BARE}&dn=Film (2020) [1080p])", f"{BARE}&dn=Film", [A], "Film"),
    (f"({BARE}&dn=Film(2020)[1080p])", f"{BARE}&dn=Film(2020)[1080p]", [A], "Film(2020)[1080p]"),
    (f"({BARE}&tr=http://a.example/(x))", f"{BARE}&tr=http://a.example/(x)", [A], None),
    (f"{BARE}(the second season)", BARE, [A], None),
    # Glued to words and punctuation.
    (f"看这个{BARE}快下载", BARE, [A], None),
    (f"种子：{NAMED}，快下载", NAMED, [A], "Some Name"),
    (f"{NAMED}快下载", NAMED, [A], "Some Name"),
    (f"{BARE}。", BARE, [A], None),
    (f"{BARE}&tr=udp://a.example:80快", f"{BARE}&tr=udp://a.example:80", [A], None),
    (f"link:{NAMED}, and more", NAMED, [A], "Some Name"),
    (f"{NAMED}.", NAMED, [A], "Some Name"),
    (f"{NAMED}!?…", NAMED, [A], "Some Name"),
    (f"{NAMED};\n", NAMED, [A], "Some Name"),
    (f"{BARE}/ and {V1}", BARE, [A], None),
    (f"{NAMED}\u00a0x", NAMED, [A], "Some Name"),
    (f"{NAMED}\u3000x", NAMED, [A], "Some Name"),
    (f"{NAMED}\x00x", NAMED, [A], "Some Name"),
    (f"{NAMED}\u200b", NAMED, [A], "Some Name"),
    (f"{NAMED}&", WHOLE, [A], "Some Name"),
    # Raw names.
    (f"{BARE}&dn=三体全集&tr=x", WHOLE, [A], "三体全集"),
    (f"{BARE}&dn=三体全集", WHOLE, [A], "三体全集"),
    (f"{BARE}&dn=三体，全集", f"{BARE}&dn=三体", [A], "三体"),
    (f"{BARE}&dn=三体：全集【完】&tr=x", WHOLE, [A], "三体：全集【完】"),
    (f"{BARE}&dn=三体《一》》后", f"{BARE}&dn=三体《一》", [A], "三体《一》"),
    (f"{BARE}&dn=Some Name&tr=x", WHOLE, [A], "Some Name"),
    (f"{BARE}&dn=Some Name&xl=5 more", f"{BARE}&dn=Some Name&xl=5", [A], "Some Name"),
    (f"{BARE}&dn=Film (2020) [1080p]&tr.1=x", WHOLE, [A], "Film (2020) [1080p]"),
    (f"{BARE}&dn=Tom & Jerry&tr=x", WHOLE, [A], "Tom & Jerry"),
    (f"{BARE}&dn=Some Name", f"{BARE}&dn=Some", [A], "Some"),
    (f"{BARE}&dn=Some Name\n&tr=x", f"{BARE}&dn=Some", [A], "Some"),
    (f"{BARE}&dn=Some see http://a.example/?a=1&tr=x", f"{BARE}&dn=Some", [A], "Some"),
    (f"({BARE}&dn=Some Name) and a&tr=x", f"{BARE}&dn=Some", [A], "Some"),
    (f'{BARE}&dn=Some "Name"&tr=x', f"{BARE}&dn=Some", [A], "Some"),
    (f"{BARE}&dn=Ocean's%20Eleven&xl=1", WHOLE, [A], "Ocean's Eleven"),
    (f"{BARE}&dn=🎬é–ß&xl=1", WHOLE, [A], "🎬é–ß"),
    (f"{BARE}&dn=San%20Ti三体&tr=x", WHOLE, [A], "San Ti三体"),
    (f"{BARE}&dn=a\ud800b", WHOLE, [A], "a?b"),
    (f"{BARE}&dn=a+&#43;+b&#x2B;c", WHOLE, [A], "a + b+c"),
    # A reference at the end of a name is what its character is.
    (f"{BARE}&dn=a&#39;", f"{BARE}&dn=a", [A], "a"),
    (f"{BARE}&dn=a&#x27;&gt;b", f"{BARE}&dn=a", [A], "a"),
    (f"{BARE}&dn=a&apos;, b", f"{BARE}&dn=a", [A], "a"),
    (f"{BARE}&dn=a&#8230;&#033;&#X21;; b", f"{BARE}&dn=a", [A], "a"),
    (f"{BARE}&dn=a&#39;s&#39;.", f"{BARE}&dn=a&#39;s", [A], "a's"),
    (f"{BARE}&dn=a&#233;", WHOLE, [A], "aé"),
    (f"{BARE}&dn=a&#233;; b", f"{BARE}&dn=a&#233;", [A], "aé"),
    (f"{BARE}&dn=a&#xe9;&#39;", f"{BARE}&dn=a&#xe9;", [A], "aé"),
    (f"{BARE}&dn=a;39#;", f"{BARE}&dn=a;39#", [A], "a;39#"),
    (f"{BARE}&dn=a&#39;&dn=b", WHOLE, [A], "a'"),
    (f"{BARE}&a=([)]&dn=b", WHOLE, [A], "b"),
    (f"{BARE}&a=((()))&dn=b)", f"{BARE}&a=((()))&dn=b", [A], "b"),
    (f"{BARE}&a=(&tr=x)&dn=b)", f"{BARE}&a=(&tr=x)&dn=b", [A], "b"),
    (f"{BARE}&tr=(&dn=a)", f"{BARE}&tr=(&dn=a", [A], "a"),
    (f"{BARE}" + "&dn=(一)" * 250 + "&dn=二 三)&tr=x", f"{BARE}" + "&dn=(一)" * 250 + "&dn=二", [A], "(一)"),
    (f"{BARE}#top", BARE, [A], None),
    (f"{BARE}&dn=三 （一））&tr=x", f"{BARE}&dn=三", [A], "三"),
    (f"{BARE}&dn=三://x&dn=b", WHOLE, [A], "三://x"),
    (f"{BARE}" + "&a=()[]" * 250 + "&%64n=三 b" * 250 + "&tr=x", WHOLE, [A], "三 b"),
]


def only(text: str) -> Magnet:
    (magnet,) = find_magnets(text)
    return magnet


@pytest.mark.parametrize(("text", "link", "torrents", "name"), SPELLINGS)
def test_reads_each_spelling(text: str, link: str, torrents: list[TorrentId], name: str | None) -> None:
    magnet = find_magnets(text)[0]
    assert text[magnet.start : magnet.end] == (link or text)
    assert list(magnet.torrents) == torrents
    assert magnet.name == name


@pytest.mark.parametrize(
    "text",
    [
        "",
        "magnet:?",
        "magnet:?xt=",
        f"magnet:xt=urn:btih:{V1}",
        f"magnet:?xt={V1}",
        f"magnet:?dn=urn:btih:{V1}",
        f"magnet:?xt=urn:btih:{V1[:-1]}",
        f"magnet:?xt=urn:btih:{V1}0",
        f"magnet:?xt=urn:btih:{V1}g",
        f"magnet:?xt=urn:btih:{B32[:-1]}&dn=aaaa",
        f"magnet:?xt=urn:btih:{B32}A",
        f"magnet:?xt=urn:btih:{B32[:-1]}1",
        f"magnet:?xt=urn:btih:{V2}",
        f"magnet:?xt=urn:btmh:{V2}",
        f"magnet:?xt=urn:btmh:1114{V2}",
        f"magnet:?xt=urn:btmh:1220{V2}0",
        f"magnet:?xt=urn:btmh:1220{V2[:-1]}",
        f"magnet:?xt=urn:sha1:{B32}",
        f"magnet:? xt=urn:btih:{V1}",
        f"magnet:?xt=urn:btih: {V1}",
        f"magnet:?xt=urn:btih:{V1[:20]}\n{V1[20:]}",
        f"magnet:?tr=x {BARE[10:]}",
        f"magnet%3A%3Fxt%3Durn%3Abtih%3A{V1}",
    ],
)
def test_passes_over_what_names_no_torrent(text: str) -> None:
    assert find_magnets(text) == ()


@pytest.mark.parametrize("zeros", ["0" * 40, "A" * 32, "a" * 32, "0" * 64])
def test_nothing_but_zeros_is_no_info_hash(zeros: str) -> None:
    assert find_magnets(f"magnet:?xt=urn:btih:{zeros}") == ()
    assert torrents_in(zeros) == ()


@pytest.mark.parametrize("between", ["", " ", ",", "\n", "，", "和", "&", '" "', ")(", "magnet:?"])
def test_finds_several_links_on_a_line(between: str) -> None:
    text = f"{NAMED}{between}magnet:?xt=urn:btih:{OTHER}&dn=b"
    assert [(one.torrents, one.name) for one in find_magnets(text)] == [((A,), "Some Name"), ((B,), "b")]


def test_a_raw_name_does_not_reach_into_the_next_link() -> None:
    text = f"{BARE}&dn=Some Name magnet:?xt=urn:btih:{OTHER}&tr=x"
    first, second = find_magnets(text)
    assert (first.name, second.hints.trackers) == ("Some", ("x",))


def test_trackers_are_decoded_distinct_and_in_order() -> None:
    text = (
        f"{BARE}&tr=udp%3A%2F%2Fb.example%3A80&tr=http://a.example/announce?x=1&TR.1=udp://b.example:80"
        "&tr.2=http://c.example/a+b%26c&tr=&tr=%00&tr=a%20b"
    )
    trackers = ("udp://b.example:80", "http://a.example/announce?x=1", "http://c.example/a+b&c")
    assert only(text).hints == Hints(trackers=trackers)


@pytest.mark.parametrize(
    ("peer", "read"),
    [
        ("10.0.0.1:6881", ("10.0.0.1", 6881)),
        ("peer.example:1", ("peer.example", 1)),
        ("peer.example%3A65535", ("peer.example", 65535)),
        ("[2001:db8::1]:6881", ("2001:db8::1", 6881)),
        ("%5B2001%3Adb8%3A%3A1%5D%3A6881", ("2001:db8::1", 6881)),
        ("[::ffff:10.0.0.1]:6881", ("::ffff:10.0.0.1", 6881)),
    ],
)
def test_peers_are_read(peer: str, read: tuple[str, int]) -> None:
    assert only(f"{BARE}&x.pe={peer}&x.pe={peer}").hints == Hints(peers=(read,))


@pytest.mark.parametrize(
    "peer",
    [
        *("", "a", "a:", "a:0", "a:65536", "a:x", ":80", "a:-1", "[::1]", "[::g]:80", "[1:2]:80", "::1:80"),
        *("[fe80::1%250]:80", "a%20b:80", "a%00:80", "a:%EF%BC%98", "http://a:80", "u@a:80"),
        *("a" * 254 + ":80", "a:" + "9" * 5000),
    ],
)
def test_peers_that_are_none_are_passed_over(peer: str) -> None:
    assert only(f"{BARE}&x.pe={peer}&x.pe=good.example:1").hints == Hints(peers=(("good.example", 1),))


def test_gather_joins_the_hints_of_one_torrent() -> None:
    text = f"{BARE}&tr=a magnet:?xt=urn:btih:{OTHER}&tr=b {BARE}&tr=c&tr=a&x.pe=p:1"
    assert gather(find_magnets(text)) == (
        (A, Hints(trackers=("a", "c"), peers=(("p", 1),))),
        (B, Hints(trackers=("b",))),
    )


@pytest.mark.parametrize(
    ("text", "torrents"),
    [
        (V1, [A]),
        (V1.upper(), [A]),
        (B32, [A]),
        (V2, [C]),
        (f"  {V1}\n", [A]),
        (f"种子{V1}。", [A]),
        (f"{V1} {OTHER} {V1}", [A, B]),
        (f"https://a.example/torrent/{V1}/", [A]),
        (f"urn:btih:{V1}", [A]),
        (BARE, [A]),
        (f"{BARE} {OTHER}", [A, B]),
        (f"{V1} {BARE} {V1}", [A]),
        (f"{BARE}&xt=urn:btih:{OTHER}", [A, B]),
        (V1[:-1], []),
        (f"{V1}0", []),
        (f"x{V1}", []),
        (B32[:-1], []),
        (f"{B32}A", []),
        (V2[:-1], []),
        ("", []),
        ("abc", []),
        ("-1", []),
        (f"magnet:?xt=urn:btih:{V1}0", []),
    ],
)
def test_torrents_in_an_argument(text: str, torrents: list[TorrentId]) -> None:
    assert [torrent for torrent, _ in torrents_in(text)] == torrents


def test_torrents_in_an_argument_come_with_their_hints() -> None:
    assert torrents_in(f"{BARE}&tr=a") == ((A, Hints(trackers=("a",))),)
