"""Each spelling of the corpus gives what it says; and whatever its pieces are glued with, only names are touched."""

import re
import time

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.magnets.parse import find_magnets
from services.magnets.rewrite import rename
from tests.unit.magnet_corpus import HYBRID, NAME, SPECIFIED, D, Spelling
from tests.unit.magnet_corpus_pasted import ENDED, PASTED

CORPUS = (*SPECIFIED, *ENDED, *PASTED)
NAMES = [NAME, "", "a", "a.", "_", "a)", "Some Name", "&tr=x", "\n", "magnet:?xt=urn:btih:" + "1" * 40, "é…", "\u202e"]


def test_the_corpus_is_large_and_says_nothing_twice() -> None:
    assert len(CORPUS) >= 150
    assert len({one.text for one in CORPUS}) == len(CORPUS)
    assert len({one.what for one in CORPUS}) == len(CORPUS)


@pytest.mark.parametrize("one", CORPUS, ids=[one.what for one in CORPUS])
def test_each_spelling_is_read(one: Spelling) -> None:
    magnets = find_magnets(one.text)
    assert tuple(magnet.torrents for magnet in magnets) == one.torrents
    if magnets:
        first = magnets[0]
        assert (first.name, first.hints.trackers, first.hints.peers) == (one.name, one.trackers, one.peers)


@pytest.mark.parametrize("one", CORPUS, ids=[one.what for one in CORPUS])
def test_each_spelling_is_renamed_once_and_in_nothing_but_its_name(one: Spelling) -> None:
    renamed = rename(one.text, HYBRID, NAME)
    assert renamed == one.after
    assert rename(renamed, HYBRID, NAME) == renamed
    assert skeleton(renamed) == skeleton(one.text)


PIECES = st.sampled_from([piece for one in CORPUS for piece in (one.text, one.after, *re.split("(?<=[&=])", one.text))])
# What our parser does not look for: other separators, half escapes, other networks' links, bytes read in a wrong way.
UNEXPECTED = st.one_of(
    st.sampled_from(
        [
            *("\n&", "\r\n&", "\n&x=", "\r&x=", "\n\n&x=", "\n&&x=", "&\n", "\n&amp", "\n&#38;", "\n\r&x=", "\x85&x="),
            *(";", "|", "^", "\\", "\\u0026", "\\n", "%0A&", "%26", "&semi;", "&equals;", "&#", "&#x", "&;", "&=", "="),
            *(
                "ed2k://|file|a|1|",
                "thunder://QUFtYWdu",
                "bc://bt/",
                "http://a.example/?u=magnet:?",
                "urn:btih:",
                "?xt",
            ),
            *(
                "magnet",
                ":?",
                "magnet:?&",
                "magnet://?",
                "MAGNET:?",
                "m\u200bagnet:?",
                "magnet:?xt.=",
                "magnet:?xt.99999=",
            ),
            *(
                "é",
                "e\u0301",
                "ﬁ",
                "İ",
                "ß",
                "\u200d",
                "\ufe0f",
                "👩‍👩‍👧",
                "\U000e0041",
                "\ud83d",
                "\ufffd",
                "\ufeff",
                "\u2029",
            ),
            *(
                "Ã©",
                "ä¸‰",
                "锟斤拷",
                "&dn",
                "&dn==",
                "&dn=&dn",
                "&d%6E=",
                "&%44%4E=",
                "&dn%3Dx",
                "&amp;amp;dn=x",
                "(",
                ")",
            ),
            *(
                "]({",
                "})",
                "）（",
                "»«",
                "’‘",
                '\\"',
                "'",
                '"',
                "<!--",
                "-->",
                "<![CDATA[",
                "{{",
                "}}",
                "$(",
                "%(x)s",
                "\t",
            ),
        ]
    ),
    st.text(st.characters(), max_size=6),
)


@st.composite
def mixtures(draw: st.DrawFn) -> str:
    """Pieces of the corpus with glue between, and some cut short."""
    parts = []
    for _ in range(draw(st.integers(1, 5))):
        piece = draw(PIECES)
        if draw(st.booleans()):
            piece = piece[: draw(st.integers(0, len(piece)))]
        parts += [piece, draw(UNEXPECTED)]
    return "".join(parts)


def skeleton(text: str) -> list[object]:
    """Return all of *text* but the names in it: what stands between its magnets, and what each says beside its name."""
    magnets = find_magnets(text)
    edges = [0, *(edge for one in magnets for edge in (one.start, one.end)), len(text)]
    between = [text[start:end] for start, end in zip(edges[::2], edges[1::2], strict=True)]
    return [between, [(one.torrents, one.hints) for one in magnets]]


@settings(deadline=None, max_examples=800, suppress_health_check=[HealthCheck.too_slow])
@given(mixtures(), st.sampled_from(NAMES))
def test_whatever_pieces_are_glued_with_a_rename_touches_names_alone_and_once(text: str, name: str) -> None:
    renamed = rename(text, HYBRID, name)
    assert rename(renamed, HYBRID, name) == renamed
    assert skeleton(renamed) == skeleton(text)
    for before, after in zip(find_magnets(text), find_magnets(renamed), strict=True):
        ours = HYBRID.answers(before.torrents[0])
        assert after.name == (name if ours else before.name)
        if not ours:
            assert renamed[after.start : after.end] == text[before.start : before.end]


@settings(deadline=None, max_examples=25, suppress_health_check=[HealthCheck.too_slow])
@given(st.lists(mixtures(), min_size=1, max_size=3).map("".join).filter(bool))
def test_whatever_pieces_are_glued_with_ten_times_as_much_takes_less_than_twenty_times_as_long(text: str) -> None:
    def seconds(size: int) -> float:
        long = (text * (size // len(text) + 1))[:size]
        begin = time.process_time()
        rename(long, HYBRID, D)
        return time.process_time() - begin

    def ratio() -> float:
        return min(seconds(60_000) for _ in range(2)) / max(min(seconds(6_000) for _ in range(3)), 5e-4)

    assert any(ratio() < 20 for _ in range(4))
