"""What holds for every text and every name."""

import base64
import re
from dataclasses import dataclass
from urllib.parse import quote, unquote

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.magnets.parse import Magnet, find_magnets, gather, torrents_in
from services.magnets.rewrite import magnet_link, rename
from services.torrents import Hints, InfoHash, TorrentId

# How fast the machine is just now is nobody's promise.
THOROUGH = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])

V1 = "0123456789abcdef0123456789abcdef01234567"
B32 = "AERUKZ4JVPG66AJDIVTYTK6N54ASGRLH"
OTHER = "89abcdef0123456789abcdef0123456789abcdef"
V2 = "ab" * 32
A = TorrentId(v1=InfoHash(V1))
HYBRID = TorrentId(v1=InfoHash(V1), v2=InfoHash(V2))

# Lone surrogates too: a str may hold them.
ANY_TEXT = st.text(st.characters(), max_size=30)
NAMES = st.one_of(
    ANY_TEXT,
    st.text(st.sampled_from("a.~_-*!'()[]&%+=;:#?/ \n\r\t\0\u2028\ufffd\u202e\u200b三，。é🎬\ud800"), max_size=12),
    st.sampled_from(["&dn=x", "a&tr=b", "%41", "&amp;", "&#39;", "magnet:?xt=urn:btih:" + V1, "...", "مرحبا", "\r\n"]),
)

LINKS = st.sampled_from(
    [
        *(
            f"magnet:?xt=urn:btih:{V1}",
            f"MAGNET:?XT.1=urn:btih:{B32}",
            f"magnet:?dn=三体，全集&amp;xt=urn%3Abtih%3A{V1}",
        ),
        *(f"magnet:?xt=urn:btih:{OTHER}", f"magnet:?xt=urn:btmh:1220{V2}", f"magnet:?dn=a b&xt=urn:btih:{V1}"),
        *(
            f"magnet:?xt=urn:btih:{V1}&xt=urn:btmh:1220{V2}",
            f"magnet:?xt=urn:btih:{V1[:-1]}",
            "magnet:?",
            "magnet:?xt=",
        ),
    ]
)
PARAMETERS = st.sampled_from(
    [
        *("&", "&amp;", "&#038;", "&&", "&#39;", "&quot;", "&nbsp;", "&#19977;", "&#", "&amp", " & ", " &amp; ", ".=a"),
        *(
            "dn=",
            "&dn=",
            "&dn=a",
            "&amp;dn=b",
            "&DN=c%20d",
            "&%64n=e",
            "&dn=三体",
            "&dn=(",
            "&dn=a b",
            "&dn=a.",
            "&dn=_",
        ),
        *("&tr=", "&tr=http://a.example/x?y=z", "&tr.1=udp%3A%2F%2Fb", "&x.pe=h:1", "&x.pe=[::1]:2", "&tr=(", "&tr=x,"),
        *(
            "&xl=5",
            "\n&ws=http://w.example/",
            "\r\n&foo=1",
            "\n&amp;tr=y",
            "\n&dn=c d",
            "\n&",
            "&foo=bar",
            "&a",
            "=",
            f"&xt=urn:btih:{OTHER}",
            "&xt=urn:sha1:x",
            "&.=",
        ),
    ]
)
GLUE = st.one_of(
    st.sampled_from(
        list(" \n\t\r\0.,;!?:…'\"`’“”()[]{}<>【】《》（），。、।،三体é🎬*_~|\\/#%+-=\u3000\u200b\u2028\u202e\ud800")
    ),
    st.sampled_from(["%41", "%E4%B8%89", "%20", "%zz", "a", "name", "Some Name", "\r\n", "**", "||", "](", "0"]),
    st.sampled_from(["http://c.example/?a=b", "://", "mag", "net:?", V1, "&tr=z", "#38;", "#39;"]),
    ANY_TEXT,
)
STRETCHES = st.builds(
    lambda lead, link, rest: "".join([*lead, link, *rest]),
    st.lists(GLUE, max_size=2),
    LINKS,
    st.lists(PARAMETERS | GLUE, max_size=8),
)
FRAGMENTS = LINKS | PARAMETERS | GLUE


@st.composite
def mutated_links(draw: st.DrawFn) -> str:
    """A good link, in which some places were cut out, doubled or replaced."""
    text = f"看({'magnet:?xt=urn:btih:' + V1}&amp;dn=A%20b (c)&tr=http://t.example/a&dn=三体&x.pe=[::1]:5), ok"
    for _ in range(draw(st.integers(0, 4))):
        start = draw(st.integers(0, len(text)))
        end = draw(st.integers(start, min(len(text), start + 6)))
        text = text[:start] + draw(FRAGMENTS) + text[draw(st.sampled_from([start, end])) :]
    return text


TEXTS = st.one_of(
    st.lists(STRETCHES, min_size=1, max_size=4).map("".join),
    st.lists(FRAGMENTS, max_size=20).map("".join),
    mutated_links(),
    ANY_TEXT,
)
TORRENTS = st.sampled_from([A, HYBRID, TorrentId(v1=InfoHash(OTHER)), TorrentId(v2=InfoHash(V2))])


def utf8(name: str) -> str:
    """The name as UTF-8 can hold it."""
    return re.sub("[\ud800-\udfff]", "?", name)


def without_name(magnet: Magnet) -> tuple[tuple[TorrentId, ...], Hints]:
    return magnet.torrents, magnet.hints


def around(text: str) -> list[str]:
    """The pieces of *text* between its magnets."""
    edges = [0, *(edge for magnet in find_magnets(text) for edge in (magnet.start, magnet.end)), len(text)]
    return [text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]


@settings(THOROUGH, max_examples=600)
@given(TEXTS, TORRENTS, NAMES)
def test_after_a_rename_each_magnet_of_the_torrent_has_the_name_and_all_else_is_as_before(
    text: str, torrent: TorrentId, name: str
) -> None:
    before, renamed = find_magnets(text), rename(text, torrent, name)
    after = find_magnets(renamed)
    assert list(map(without_name, after)) == list(map(without_name, before))
    for old, new in zip(before, after, strict=True):
        assert new.name == (utf8(name) if torrent.answers(old.torrents[0]) else old.name)
    assert around(renamed) == around(text)


@settings(THOROUGH, max_examples=400)
@given(TEXTS, TORRENTS, NAMES)
def test_a_rename_is_idempotent(text: str, torrent: TorrentId, name: str) -> None:
    once = rename(text, torrent, name)
    assert rename(once, torrent, name) == once


@settings(THOROUGH, max_examples=200)
@given(TEXTS, NAMES, NAMES)
def test_a_rename_leaves_no_trace_of_an_earlier_one_but_the_closing_separator(text: str, one: str, two: str) -> None:
    direct, over = rename(text, A, two), rename(rename(text, A, one), A, two)
    assert without_closing(direct) == without_closing(over)


def without_closing(text: str) -> list[str]:
    return [re.sub("&[a-z#0-9]*;?$", "", text[one.start : one.end]) for one in find_magnets(text)] + around(text)


@settings(THOROUGH, max_examples=300)
@given(TEXTS, NAMES)
def test_a_text_without_the_torrent_is_returned_as_it_is(text: str, name: str) -> None:
    torrent = TorrentId(v1=InfoHash("f" * 40))
    assert rename(text, torrent, name) is text


@settings(THOROUGH, max_examples=300)
@given(TEXTS)
def test_magnets_are_whole_spans_in_order_and_make_sense(text: str) -> None:
    magnets = find_magnets(text)
    edges = [edge for magnet in magnets for edge in (magnet.start, magnet.end)]
    assert edges == sorted(edges)
    for magnet in magnets:
        link = text[magnet.start : magnet.end]
        assert link.lower().startswith("magnet:?")
        assert not re.search('[\0"<>`]|\r(?!\n&)|\n(?!&)', link)
        assert len(set(magnet.torrents)) == len(magnet.torrents) > 0
        for value in (magnet.name or "", *magnet.hints.trackers, *(host for host, _ in magnet.hints.peers)):
            value.encode()
        assert find_magnets(f"\n{link}\n")[0].torrents == magnet.torrents
    assert torrents_in(text)[: len(gather(magnets))] == gather(magnets)


@settings(THOROUGH, max_examples=200)
@given(
    NAMES, st.lists(st.from_regex(r"(udp|http)://[a-z]{1,9}\.example(:[0-9]{2})?/\S{0,9}", fullmatch=True), max_size=3)
)
def test_a_magnet_link_reads_back(name: str, trackers: list[str]) -> None:
    hints = Hints(tuple(dict.fromkeys(map(utf8, trackers))), (("h.example", 1), ("::1", 2)))
    (magnet,) = find_magnets(magnet_link(HYBRID, name, hints))
    assert magnet.torrents == (HYBRID,)
    assert magnet.name == utf8(name)
    assert magnet.hints.peers == hints.peers


@given(st.binary(min_size=20, max_size=20).filter(any), st.booleans())
def test_base32_spells_the_same_hash(digest: bytes, lower: bool) -> None:
    spelled = base64.b32encode(digest).decode()
    assert InfoHash.parse(spelled.lower() if lower else spelled) == InfoHash(digest.hex())


# The oracle for "touches nothing else" knows nothing of the rewriter's spans: it builds the text before and the text
# after out of the same pieces.


@dataclass(frozen=True)
class Pieces:
    before: str
    after: str


NAME = "\ue000"  # stands for the written name
SEPARATORS = st.sampled_from(["&", "&amp;", "&#038;"])
LEADS = st.sampled_from(["", " ", "看", "，", "(", "（", '"', "《", "\n", "see:", '<a href="', "[a](", "> "])
TRAILS = st.sampled_from(
    ["", " ", "\n", "，好", "。", ")", "）", '"', "》", " \n", '">x</a>', ") b", ", c", ". D", "! e", "<br>"]
)
PROSE = st.text(st.sampled_from("ab 三体，.\n\r\t🎬é()=%+"), max_size=8)
RAW_NAMES = ["18", "", "a%20b", "a+b", "%E4%B8%89", "(x)", "a=b", "x-y_z~", "100%25", "[z].mkv"]
INSIDE_NAMES = [*RAW_NAMES, "三体", "Some Name", "三体，全集", "एक। दो", "A (b) [c]", "Tom & Jerry", "It's", "三体%20x"]
OTHERS = ["tr=http://t.example/a?b=c", "xl=5", "tr.1=udp%3A%2F%2Fu%3A1", "x.pe=[::1]:5", "foo", "so=1-3", "KT=a+b", ""]


@st.composite
def links(draw: st.DrawFn) -> Pieces:
    """A link of torrent A: other parameters, any number of names in it, none of them the last unless it is plain."""
    separator = draw(SEPARATORS)
    middle = draw(st.lists(st.sampled_from([*OTHERS, "dn"]), max_size=6))
    parameters = [*draw(st.lists(st.sampled_from(OTHERS), max_size=2)), f"xt=urn:btih:{V1}", *middle]
    key = draw(st.sampled_from(["dn=", "DN=", "%64n="]))
    old: list[str] = []
    new: list[str] = []
    named = "dn" in parameters
    first = True
    for index, parameter in enumerate(parameters):
        if parameter == "dn":
            ours_follow = any(one.startswith(("tr", "xl", "x.pe")) for one in parameters[index + 1 : index + 2])
            old.append(key + draw(st.sampled_from(INSIDE_NAMES if ours_follow else RAW_NAMES)))
            new += [key + NAME] if first else []
            first = False
        else:
            old.append(parameter)
            new.append(parameter)
            if parameter.startswith("xt=") and not named:
                new.append("dn=" + NAME)
    sep_for_new = separator if len(old) > 1 else "&"
    return Pieces("magnet:?" + separator.join(old), "magnet:?" + sep_for_new.join(new))


@st.composite
def notes(draw: st.DrawFn) -> Pieces:
    before, after = [], []
    for _ in range(draw(st.integers(1, 3))):
        foreign = Pieces(*[f"magnet:?xt=urn:btih:{OTHER}&dn=x y&tr=http://o.example"] * 2)
        link = draw(st.one_of(links(), st.just(foreign)))
        lead, trail, prose = draw(LEADS), draw(TRAILS), draw(PROSE)
        before.append(lead + link.before + trail + "\n" + prose)
        after.append(lead + link.after + trail + "\n" + prose)
    return Pieces("".join(before), "".join(after))


@pytest.mark.timeout(90)  # a second or two alone; on a machine that is busy it was twenty
@settings(THOROUGH, max_examples=800)
@given(notes(), NAMES)
def test_a_rename_touches_nothing_but_the_name(note: Pieces, name: str) -> None:
    encoded = quote(
        utf8(name) + ">", safe=""
    )  # a name that ends in a full stop may need a closing separator: see below
    assert unquote(encoded) == utf8(name) + ">"
    assert rename(note.before, A, name + ">") == note.after.replace(NAME, encoded)


@settings(THOROUGH, max_examples=300)
@given(notes(), NAMES)
def test_at_most_a_closing_separator_is_written_beside_the_name(note: Pieces, name: str) -> None:
    encoded = re.escape(quote(utf8(name), safe=""))
    expected = re.escape(note.after).replace(NAME, f"{encoded}(&|&amp;|&\\#038;)?")
    assert re.fullmatch(expected, rename(note.before, A, name))
