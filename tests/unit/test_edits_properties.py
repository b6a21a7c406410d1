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
