"""Magnets as the specifications write them and as people paste them: what each says, and what a rename makes of it.

Every text is written out by hand, before and after: no part of calibot has a say in what is expected.
"""

from typing import NamedTuple

from services.torrents import InfoHash, TorrentId

V1 = "0123456789abcdef0123456789abcdef01234567"
OTHER = "89abcdef0123456789abcdef0123456789abcdef"
THIRD = "fedcba9876543210fedcba9876543210fedcba98"
B32 = "AERUKZ4JVPG66AJDIVTYTK6N54ASGRLH"  # V1 in base32
V2 = "ab" * 32

A, B, T = (TorrentId(v1=InfoHash(one)) for one in (V1, OTHER, THIRD))
C = TorrentId(v2=InfoHash(V2))
HYBRID = TorrentId(A.v1, C.v2)

X = f"xt=urn:btih:{V1}"
M = f"magnet:?{X}"
O = f"magnet:?xt=urn:btih:{OTHER}"  # noqa: E741 - the other one
MH = f"xt=urn:btmh:1220{V2}"
NAME = "三体: S01.mkv"
N = "%E4%B8%89%E4%BD%93%3A%20S01.mkv"
D = f"&dn={N}"

Peer = tuple[str, int]


class Spelling(NamedTuple):
    """A *text* with the magnets of *torrents* (each magnet's in turn), and the text *after* `HYBRID` is named `NAME`.

    *name*, *trackers* and *peers* are those of the first magnet.
    """

    what: str
    text: str
    after: str
    torrents: tuple[tuple[TorrentId, ...], ...] = ((A,),)
    name: str | None = None
    trackers: tuple[str, ...] = ()
    peers: tuple[Peer, ...] = ()


def none(what: str, text: str) -> Spelling:
    """Return what is no magnet: nothing is found in it, and nothing changed."""
    return Spelling(what, text, text, ())


def many(what: str, text: str, after: str, *torrents: tuple[TorrentId, ...], name: str | None = None) -> Spelling:
    return Spelling(what, text, after, torrents, name)


S = Spelling

# fmt: off
# ruff: noqa: E501 - a spelling a line
SPECIFIED = (
    # BEP 9
    S("v1", M, M + D),
    S("v1 in upper case", f"magnet:?xt=urn:btih:{V1.upper()}", f"magnet:?xt=urn:btih:{V1.upper()}{D}"),
    S("v1 in base32", f"magnet:?xt=urn:btih:{B32}", f"magnet:?xt=urn:btih:{B32}{D}"),
    S("v1 in lower base32", f"magnet:?xt=urn:btih:{B32.lower()}", f"magnet:?xt=urn:btih:{B32.lower()}{D}"),
    S("all in upper case", f"MAGNET:?XT=URN:BTIH:{V1.upper()}&DN=A", f"MAGNET:?XT=URN:BTIH:{V1.upper()}&DN={N}", name="A"),
    S("a name", f"{M}&dn=Some%20Name", M + D, name="Some Name"),
    S("a name with plus", f"{M}&dn=Some+Name", M + D, name="Some Name"),
    S("a name in UTF-8", f"{M}&dn=%E4%B8%89", M + D, name="三"),
    S("a name in lower escapes", f"{M}&dn=%e4%b8%89", M + D, name="三"),
    S("a name in GBK escapes", f"{M}&dn=%C8%FD", M + D, name="\ufffd\ufffd"),
    S("an empty name", f"{M}&dn=", M + D, name=""),
    S("an empty name before a tracker", f"{M}&dn=&tr=x", f"{M}{D}&tr=x", name="", trackers=("x",)),
    S("a key without a value", f"{M}&dn&tr=x", f"{M}{D}&dn&tr=x", trackers=("x",)),
    S("the true name already", M + D, M + D, name=NAME),
    S("the name first", f"magnet:?dn=A&{X}", f"magnet:?dn={N}&{X}", name="A"),
    S("a name that is a hash", f"magnet:?dn={OTHER}&{X}", f"magnet:?dn={N}&{X}", name=OTHER),
    S("a tracker", f"{M}&tr=udp%3A%2F%2Fa.example%3A80", f"{M}{D}&tr=udp%3A%2F%2Fa.example%3A80",
      trackers=("udp://a.example:80",)),
    S("a raw tracker", f"{M}&tr=udp://a.example:80/announce", f"{M}{D}&tr=udp://a.example:80/announce",
      trackers=("udp://a.example:80/announce",)),
    S("trackers in order", f"{M}&tr=b&tr=a&tr=c", f"{M}{D}&tr=b&tr=a&tr=c", trackers=("b", "a", "c")),
    S("a tracker twice", f"{M}&tr=b&tr=a&tr=b", f"{M}{D}&tr=b&tr=a&tr=b", trackers=("b", "a")),
    S("trackers by number", f"{M}&tr.1=b&tr.2=a", f"{M}{D}&tr.1=b&tr.2=a", trackers=("b", "a")),
    S("trackers round a name", f"{M}&tr=b&dn=A&tr=a", f"{M}&tr=b{D}&tr=a", name="A", trackers=("b", "a")),
    S("a tracker with a question", f"{M}&tr=http://a.example/?k=1", f"{M}{D}&tr=http://a.example/?k=1",
      trackers=("http://a.example/?k=1",)),
    S("a tracker with an escaped &", f"{M}&tr=http://a.example/?k=1%26l=2", f"{M}{D}&tr=http://a.example/?k=1%26l=2",
      trackers=("http://a.example/?k=1&l=2",)),
    S("an IPv6 tracker", f"{M}&tr=udp://[::1]:80", f"{M}{D}&tr=udp://[::1]:80", trackers=("udp://[::1]:80",)),
    S("a peer", f"{M}&x.pe=10.0.0.1:6881", f"{M}{D}&x.pe=10.0.0.1:6881", peers=(("10.0.0.1", 6881),)),
    S("a peer by name", f"{M}&x.pe=h.example:1", f"{M}{D}&x.pe=h.example:1", peers=(("h.example", 1),)),
    S("an IPv6 peer", f"{M}&x.pe=[2001:db8::1]:5", f"{M}{D}&x.pe=[2001:db8::1]:5", peers=(("2001:db8::1", 5),)),
    S("an escaped peer", f"{M}&x.pe=%5B::1%5D%3A5", f"{M}{D}&x.pe=%5B::1%5D%3A5", peers=(("::1", 5),)),
    S("a peer without a port", f"{M}&x.pe=h", f"{M}{D}&x.pe=h"),
    S("a peer at port 0", f"{M}&x.pe=h:0&x.pe=i:1", f"{M}{D}&x.pe=h:0&x.pe=i:1", peers=(("i", 1),)),
    # several topics
    many("xt.1 and xt.2", f"magnet:?xt.1=urn:btih:{V1}&xt.2=urn:btih:{OTHER}",
         f"magnet:?xt.1=urn:btih:{V1}&xt.2=urn:btih:{OTHER}{D}", (A, B)),
    many("xt.1 alone", f"magnet:?xt.1=urn:btih:{V1}", f"magnet:?xt.1=urn:btih:{V1}{D}", (A,)),
    many("two topics", f"{M}&xt=urn:btih:{OTHER}", f"{M}&xt=urn:btih:{OTHER}{D}", (A, B)),
    many("two topics, ours second", f"{O}&{X}&dn=A", f"{O}&{X}&dn=A", (B, A), name="A"),
    many("three topics", f"{M}&xt=urn:btih:{OTHER}&xt=urn:btih:{THIRD}",
         f"{M}&xt=urn:btih:{OTHER}&xt=urn:btih:{THIRD}{D}", (A, B, T)),
    many("a topic twice", f"{M}&{X}", f"{M}&{X}{D}", (A,)),
    many("a topic in two spellings", f"{M}&xt=urn:btih:{B32}", f"{M}&xt=urn:btih:{B32}{D}", (A,)),
    many("another kind of topic first", f"magnet:?xt=urn:sha1:{B32}&{X}", f"magnet:?xt=urn:sha1:{B32}&{X}{D}", (A,)),
    many("a broken topic first", f"magnet:?xt=urn:btih:{V1[:-1]}&{X}", f"magnet:?xt=urn:btih:{V1[:-1]}&{X}{D}", (A,)),
    # BEP 52
    many("v2", f"magnet:?{MH}", f"magnet:?{MH}{D}", (C,)),
    many("v2 in upper case", f"magnet:?xt=urn:btmh:1220{V2.upper()}", f"magnet:?xt=urn:btmh:1220{V2.upper()}{D}", (C,)),
    many("a hybrid", f"{M}&{MH}", f"{M}&{MH}{D}", (HYBRID,)),
    many("a hybrid, v2 first", f"magnet:?{MH}&{X}", f"magnet:?{MH}&{X}{D}", (HYBRID,)),
    many("a hybrid with a name", f"{M}&{MH}&dn=A&xl=1", f"{M}&{MH}{D}&xl=1", (HYBRID,), name="A"),
    many("a hybrid and a further hash", f"{M}&{MH}&xt=urn:btih:{OTHER}", f"{M}&{MH}&xt=urn:btih:{OTHER}{D}", (HYBRID, B)),
    many("both hashes in links of their own", f"{M} magnet:?{MH}", f"{M}{D} magnet:?{MH}{D}", (A,), (C,)),
    many("v1 with a wrong v2", f"{M}&xt=urn:btmh:1114{V2}", f"{M}&xt=urn:btmh:1114{V2}{D}", (A,)),
    none("v2 with SHA-1's prefix", f"magnet:?xt=urn:btmh:1114{V2}"),
    none("v2 with a wrong length", f"magnet:?xt=urn:btmh:1221{V2}"),
    none("v2 without a prefix", f"magnet:?xt=urn:btmh:{V2}"),
    none("v2 of 65 digits", f"magnet:?xt=urn:btmh:1220{V2}0"),
    none("v2 of 63 digits", f"magnet:?xt=urn:btmh:1220{V2[1:]}"),
    none("v2 as btih", f"magnet:?xt=urn:btih:{V2}"),
    none("v2 as btih with its prefix", f"magnet:?xt=urn:btih:1220{V2}"),
    none("v1 as btmh", f"magnet:?xt=urn:btmh:{V1}"),
    none("v1 of 41 digits", f"{M}0"),
    none("v1 of 41 digits with a name", f"{M}0&dn=A"),
    none("v1 of 39 digits", M[:-1]),
    none("a digit that is none", f"{M[:-1]}g"),
    none("base32 of 33 digits", f"magnet:?xt=urn:btih:{B32}A"),
    none("base32 of 31 digits", f"magnet:?xt=urn:btih:{B32[1:]}"),
    none("base32 with a 1", f"magnet:?xt=urn:btih:{B32[:-1]}1"),
    none("nothing but zeros", f"magnet:?xt=urn:btih:{'0' * 40}"),
    none("a link broken inside its hash", f"magnet:?xt=urn:btih:{V1[:20]}\n{V1[20:]}"),
    none("a space inside the hash", f"magnet:?xt=urn:btih:{V1[:20]} {V1[20:]}"),
    none("full-width digits", f"magnet:?xt=urn:btih:{V1[:-1]}７"),
    none("a full-width scheme", f"ｍａｇｎｅｔ:?{X}"),
    none("a full-width colon in the scheme", f"magnet：?{X}"),
    none("no question mark", f"magnet:{X}"),
    none("a space after the question mark", f"magnet:? {X}"),
    none("no urn", f"magnet:?xt={V1}"),
    none("another network's", f"magnet:?xt=urn:ed2k:{'ab' * 16}&dn=A"),
    none("a public key (BEP 46)", f"magnet:?xs=urn:btpk:{V2}"),
    none("the hash as a name", f"magnet:?dn=urn:btih:{V1}"),
    none("escaped as a whole", f"magnet%3A%3Fxt%3Durn%3Abtih%3A{V1}"),
    none("a bare hash", V1),
    none("nothing", ""),
    # BEP 46, BEP 53 and what clients write
    S("a public key beside it", f"{M}&xs=urn:btpk:{V2}&s=6e", f"{M}{D}&xs=urn:btpk:{V2}&s=6e"),
    S("selected files", f"{M}&so=0,2,4,6-8", f"{M}{D}&so=0,2,4,6-8"),
    S("selected files, then prose", f"{M}&so=0,2, thanks", f"{M}{D}&so=0,2, thanks"),
    S("a size", f"{M}&xl=10826029", f"{M}{D}&xl=10826029"),
    S("a web seed", f"{M}&ws=http://w.example/a%20b/", f"{M}{D}&ws=http://w.example/a%20b/"),
    S("an acceptable source", f"{M}&as=http%3A%2F%2Fa.example%2Fx", f"{M}{D}&as=http%3A%2F%2Fa.example%2Fx"),
    S("an exact source", f"{M}&xs=http://a.example/x.torrent", f"{M}{D}&xs=http://a.example/x.torrent"),
    S("keywords", f"{M}&kt=martin+luther+king+mp3", f"{M}{D}&kt=martin+luther+king+mp3"),
    S("a manifest", f"{M}&mt=http://weblog.foo/all-my-favorites.rss", f"{M}{D}&mt=http://weblog.foo/all-my-favorites.rss"),
    S("a manifest by hash", f"{M}&mt=urn:sha1:{B32}", f"{M}{D}&mt=urn:sha1:{B32}"),
    S("a key of nobody's", f"{M}&x.foo=bar&dn=A", f"{M}&x.foo=bar{D}", name="A"),
    S("all together", f"magnet:?xl=5&{X}&dn=A&tr=t&ws=w&as=a&xs=s&kt=k&mt=m&so=1&x.pe=h:1",
      f"magnet:?xl=5&{X}{D}&tr=t&ws=w&as=a&xs=s&kt=k&mt=m&so=1&x.pe=h:1", name="A", trackers=("t",), peers=(("h", 1),)),
    # escapes where nobody needs them
    S("an escaped dn", f"{M}&%64n=A", f"{M}&%64n={N}", name="A"),
    S("an escaped dn, both letters", f"{M}&%64%6E=A&tr=x", f"{M}&%64%6E={N}&tr=x", name="A", trackers=("x",)),
    S("an escaped xt", f"magnet:?x%74=urn:btih:{V1}", f"magnet:?x%74=urn:btih:{V1}{D}"),
    S("an escaped tr", f"{M}&t%72=x", f"{M}{D}&t%72=x", trackers=("x",)),
    S("an escaped urn", f"magnet:?xt=urn%3Abtih%3A{V1}", f"magnet:?xt=urn%3Abtih%3A{V1}{D}"),
    S("an escape inside the hash", f"magnet:?xt=urn:btih:%30{V1[1:]}", f"magnet:?xt=urn:btih:%30{V1[1:]}{D}"),
    S("broken escapes", f"{M}&dn=%zz%4", M + D, name="%zz%4"),
    S("a doubled separator", f"magnet:?&{X}&&dn=A", f"magnet:?&{X}&{D}", name="A"),
    S("a separator at the end", f"{M}&dn=A&", f"{M}{D}&", name="A"),
    S("two names", f"{M}&dn=A&dn=B", M + D, name="A"),
    S("two names apart", f"{M}&dn=A&tr=x&dn=B&xl=1", f"{M}{D}&tr=x&xl=1", name="A", trackers=("x",)),
)
# fmt: on
