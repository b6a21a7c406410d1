"""What holds for every edit of a note with names that were written into it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from services.magnets.parse import find_magnets
from services.magnets.rewrite import rename
from services.notebook.edits import with_names
from services.torrents import InfoHash, TorrentId
from tests.unit.fakes import torrent

THOROUGH = settings(deadline=None, max_examples=250, suppress_health_check=[HealthCheck.too_slow])

HYBRID = TorrentId(InfoHash("1" * 40), InfoHash("2" * 64))
TORRENTS = {torrent("a"): "A & (a).iso", torrent("b"): "三体", HYBRID: "Both"}
TOPICS = (
    *(f"xt=urn:btih:{one.shown}" for one in TORRENTS),
    f"xt=urn:btmh:1220{HYBRID.v2}",
    f"xt=urn:btih:{HYBRID.v1}&xt=urn:btmh:1220{HYBRID.v2}",
)
OTHERS = st.sampled_from(["tr=http://t.example/a?b=c", "xl=5", "x.pe=[::1]:5", "foo=bar"])
NAMES = st.sampled_from(["dn=18", "dn=a%20b", "dn=x+y.mkv", "dn=%E4%B8%89", "dn="])
SEPARATORS = st.sampled_from(["&", "&amp;", "\n&", "\r\n&", "\n&amp;"])
WORDS = st.sampled_from(["", "see ", "看", "(", "> ", '"'])
ENDS = st.sampled_from(["\n", "\r\n", " ", ") ", '"\n', "\n\n", "\n& more\n", "，", "\u2028"])
WHOLE_NAME = re.compile(r"(?:\r?\n)?&(?:amp;)?dn=[A-Za-z0-9%+._~-]*")


@dataclass(frozen=True)
class Stretch:
    """A link with what stands around it: *breaks* are the separators of its parameters."""

    lead: str
    parameters: tuple[str, ...]
    breaks: tuple[str, ...]
    end: str

    def __str__(self) -> str:
        first, *others = self.parameters
        tail = "".join(f"{one}{other}" for one, other in zip(self.breaks, others, strict=False))
        return f"{self.lead}magnet:?{first}{tail}{self.end}"

    def named(self, name: str) -> "Stretch":
        """Return it with another first name, which a person typed."""
        first = next((one for one in self.parameters if one.startswith("dn=")), None)
        parameters = tuple(name if one is first else one for one in self.parameters)
        return Stretch(self.lead, parameters, self.breaks, self.end)


STRETCHES = st.builds(
    Stretch,
    WORDS,
    st.builds(lambda topic, rest: (topic, *rest), st.sampled_from(TOPICS), st.lists(OTHERS | NAMES, max_size=5)),
    st.tuples(*[SEPARATORS] * 5),
    ENDS,
)


@st.composite
def edits(draw: st.DrawFn) -> tuple[set[TorrentId], str, str]:
    """The torrents whose names were written, the text that was typed, and what it was edited to."""
    typed = draw(st.lists(STRETCHES, min_size=1, max_size=4))
    edited = draw(st.lists(st.sampled_from(typed) | STRETCHES, max_size=5))
    if draw(st.booleans()):
        edited = [one.named("dn=mine") if draw(st.booleans()) else one for one in edited]
    found = draw(st.sets(st.sampled_from(list(TORRENTS))))
    return found, "".join(map(str, typed)), draw(WORDS) + "".join(map(str, edited))


def calibrated(text: str, found: Iterable[TorrentId]) -> str:
    for one in found:
        text = rename(text, one, TORRENTS[one])
    return text


@THOROUGH
@given(edits())
def test_a_magnet_whose_own_name_was_left_alone_has_the_written_one_once_and_all_else_is_as_typed(
    given_texts: tuple[set[TorrentId], str, str],
) -> None:
    found, base, edited = given_texts
    result = with_names(base, edited, calibrated(base, found))
    typed = {(one_hash, one.name) for one in find_magnets(base) for one_hash in one.torrents[0].hashes}
    for old, new in zip(find_magnets(edited), find_magnets(result), strict=True):
        assert (new.torrents, new.hints) == (old.torrents, old.hints)
        names = [TORRENTS[one] for one in found if one.answers(old.torrents[0])]
        link = result[new.start : new.end]
        if names and any((one_hash, old.name) in typed for one_hash in old.torrents[0].hashes):
            assert (new.name, link.count("dn=")) == (names[0], 1)
        else:
            assert link == edited[old.start : old.end]
    assert WHOLE_NAME.sub("", result) == WHOLE_NAME.sub("", edited)


@THOROUGH
@given(st.lists(STRETCHES, min_size=1, max_size=4), WORDS)
def test_an_edit_of_the_words_around_a_calibrated_note_leaves_it_calibrated(typed: list[Stretch], word: str) -> None:
    base = "".join(map(str, typed))
    current = calibrated(base, TORRENTS)
    assert with_names(base, f"{word}\n{base}", current) == f"{word}\n{current}"


HALVES = tuple(f"xt=urn:btih:{one * 40}" for one in "12"), tuple(f"xt=urn:btmh:1220{one * 64}" for one in "34")
TOPICS_THAT_SHARE = (*HALVES[0], *HALVES[1], *(f"{v1}&{v2}" for v1 in HALVES[0] for v2 in HALVES[1]))
LINKS = st.lists(st.tuples(st.sampled_from(TOPICS_THAT_SHARE), st.sampled_from(["18", "19"]), WORDS), max_size=4)


@settings(THOROUGH, max_examples=1000)
@given(LINKS, LINKS, LINKS)
def test_a_name_comes_only_from_a_link_that_is_the_same_torrent_or_has_lost_or_won_a_hash(
    typed: list[tuple[str, str, str]], elsewhere: list[tuple[str, str, str]], edited: list[tuple[str, str, str]]
) -> None:
    base, now = (" ".join(f"{word}magnet:?{topics}&dn={dn}" for topics, dn, word in one) for one in (typed, edited))
    names = [f"Found{number}" for number in range(len(elsewhere))]
    current = " ".join(
        f"{word}magnet:?{topics}&dn={name}" for (topics, _, word), name in zip(elsewhere, names, strict=True)
    )
    result = with_names(base, now, current)
    written = {one.name: one.torrents[0] for one in find_magnets(current)}
    for old, new in zip(find_magnets(now), find_magnets(result), strict=True):
        assert new.torrents == old.torrents
        if new.name == old.name:
            continue
        (torrent,), source = old.torrents, written[new.name]
        assert is_kin(source, torrent)
        assert any(
            is_kin(one.torrents[0], torrent) and is_kin(one.torrents[0], source)
            for one in find_magnets(base)
            if one.name == old.name
        )
    assert WHOLE_NAME.sub("", result) == WHOLE_NAME.sub("", now)


def is_kin(one: TorrentId, other: TorrentId) -> bool:
    mine, theirs = set(one.hashes), set(other.hashes)
    return mine <= theirs or theirs <= mine


@THOROUGH
@given(
    st.lists(st.tuples(*[st.sampled_from([(0,), (1,), (0, 1)])] * 3), min_size=1, max_size=4), st.permutations(range(4))
)
def test_a_written_name_stays_whatever_hashes_its_link_had_and_has_here_and_elsewhere(
    kinds: list[tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]], order: list[int]
) -> None:
    """Each link has hashes that no other has."""

    def link(number: int, hashes: tuple[int, ...], name: str) -> str:
        both = f"xt=urn:btih:{number + 1:040x}", f"xt=urn:btmh:1220{number + 1:064x}"
        return f"magnet:?{'&'.join(both[one] for one in hashes)}&dn={name}"

    links = [(number, *kinds[number]) for number in order if number < len(kinds)]
    base = " ".join(link(number, kind[0], "18") for number, kind in enumerate(kinds))
    current = " ".join(link(number, there, f"Found{number}") for number, _, there, _ in links)
    edited = [(number, now, {(0,), (1,)} <= {typed, there, now}) for number, typed, there, now in reversed(links)]
    merged = " ".join(link(number, now, "18" if foreign else f"Found{number}") for number, now, foreign in edited)
    assert with_names(base, " ".join(link(number, now, "18") for number, now, _ in edited), current) == merged
