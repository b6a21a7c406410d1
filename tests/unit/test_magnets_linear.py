"""The time that a text takes grows as its length does, whatever is in it."""

import time
from collections.abc import Callable

import pytest

from services.magnets.parse import find_magnets, torrents_in
from services.magnets.rewrite import rename
from services.notebook.edits import with_names
from services.torrents import InfoHash, TorrentId

V1 = "0123456789abcdef0123456789abcdef01234567"
BARE = f"magnet:?xt=urn:btih:{V1}"

FAMILIES: dict[str, Callable[[int], str]] = {
    "prose": lambda size: "The quick brown fox, " * (size // 21),
    "typical notes": lambda size: f"看这个 {BARE}&dn=Some%20Name&tr=udp%3A%2F%2Fa.example%3A80 很好\n" * (size // 110),
    "schemes": lambda size: "magnet:?" * (size // 8),
    "separators": lambda size: BARE + "&" * size,
    "escaped separators": lambda size: BARE + "&amp;" * (size // 5),
    "spaces for a hash": lambda size: "magnet:?xt=" + " " * size,
    "a name of spaces": lambda size: f"{BARE}&dn=" + " " * size,
    "a name of foreign punctuation, then a tracker": lambda size: f"{BARE}&dn=" + "a،" * (size // 2) + "&tr=x",
    "a name of words, then a tracker": lambda size: f"{BARE}&dn=" + "a " * (size // 2) + "&tr=x",
    "names of two words": lambda size: BARE + "&dn=a b" * (size // 7),
    "names of two words, then a tracker": lambda size: BARE + "&dn=a b" * (size // 7) + "&tr=x",
    "escaped keys": lambda size: BARE + "&%64n=a b" * (size // 9) + "&tr=x",
    "names and other parameters": lambda size: f"{BARE}&dn=a b" + "&a=b" * (size // 4) + "&tr=x",
    "percent signs": lambda size: f"{BARE}&dn=" + "%" * size,
    "escapes": lambda size: f"{BARE}&dn=" + "%41x" * (size // 4),
    "opening brackets": lambda size: f"{BARE}&dn=" + "(" * size,
    "nested brackets": lambda size: f"{BARE}&dn=" + "(" * (size // 2) + ")" * (size // 2),
    "pairs of brackets": lambda size: f"{BARE}&a=" + "()[]" * (size // 4),
    "trackers": lambda size: BARE + "".join(f"&tr=udp://t{number}.example" for number in range(size // 24)),
    "peers": lambda size: BARE + "".join(f"&x.pe=[::{i & 65535:x}]:{i % 9 + 1}" for i in range(size // 18)),
    "hashes": lambda size: "magnet:?" + "".join(f"xt=urn:btih:{number:040x}&" for number in range(size // 53)),
    "full stops": lambda size: f"{BARE}&dn=a" + "." * size,
    "ampersands in a name": lambda size: f"{BARE}&dn=a" + " & " * (size // 3),
    "zeros of a reference": lambda size: BARE + "&#0000000" * (size // 9),
    "schemes in a name": lambda size: f"{BARE}&dn=a " + "://" * (size // 3),
    "bare links": lambda size: f"{BARE}\n" * (size // 61),
    "links without a gap": lambda size: BARE * (size // 60),
    "links with CJK glued to the name": lambda size: f"{BARE}&dn=a三" * (size // 66),
    "opening brackets in a name of words": lambda size: f"{BARE}&dn=a " + "（" * size + "&tr=x",
    "names of pairs of brackets": lambda size: BARE + ("&dn=a " + "（）" * 101) * (size // 208) + "&tr=x",
    "values of nested brackets": lambda size: BARE + "&a=((()))" * (size // 9),
    "values of crossed brackets": lambda size: BARE + "&a=([)]" * (size // 7),
    "an opening bracket before many pairs": lambda size: BARE + ("&a=((" + "()" * 101) * (size // 207),
    "references in a name": lambda size: f"{BARE}&dn=" + "&#39;" * (size // 5),
    "references behind a name": lambda size: f"{BARE}&dn=a" + "&#233;&#39;." * (size // 13),
    "a name of words, then no parameter of ours": lambda size: f"{BARE}&dn=a b" + "&a" * (size // 2),
    "brackets nested deep in each value": lambda size: BARE + ("&a=" + "(" * 50 + ")" * 50) * (size // 103),
    "brackets nested deep in each name": lambda size: BARE + ("&dn=" + "(" * 4 + ")" * 4) * (size // 12),
    "crossed brackets alone": lambda size: f"{BARE}&a=" + "([)]" * (size // 4),
    "names of crossed brackets": lambda size: BARE + "&dn=a（【）】" * (size // 9) + "&tr=x",
    "names of words and crossed brackets": lambda size: BARE + "&dn=a （【）】" * (size // 10) + "&tr=x",
    "brackets of every kind": lambda size: f"{BARE}&dn=" + "()[]{}“”（）［］【】《》「」『』" * (size // 20) + "&tr=x",
    "brackets that no name opened": lambda size: BARE + "&dn=a)" * (size // 6),
    "a bracket that no link opened, behind each": lambda size: f"{BARE}&dn=a)" * (size // 66),
    "brackets opened in one value and closed in the next": lambda size: BARE + "&a=(&b=)" * (size // 8),
    "full stops behind links": lambda size: f"{BARE}." * (size // 61),
    "CJK behind links": lambda size: f"{BARE}三" * (size // 61),
    "references behind links": lambda size: f"{BARE}#38;dn=a" * (size // 69),
    "brackets behind links": lambda size: f"{BARE}(" * (size // 61),
    "combining marks behind a name": lambda size: f"{BARE}&dn=a" + "\u0301" * size,
    "combining marks behind a link": lambda size: BARE + "\u0301" * size,
    "dots between letters": lambda size: f"{BARE}&dn=" + "a·" * (size // 2),
    "a name each with dots between letters": lambda size: f"{BARE}&dn=a·b" * (size // 67),
    "one letter for a key": lambda size: BARE + "&d" * (size // 2) + "&tr=x",
    "escapes for a key": lambda size: BARE + "&%" * (size // 2) + "&tr=x",
    "apostrophes in a name": lambda size: f"{BARE}&dn=" + "&apos;" * (size // 6),
    "names that hold a reference": lambda size: BARE + "&dn=&#39;" * (size // 9),
    "references that differ": lambda size: (
        f"{BARE}&dn=" + "".join(f"&#{one};" for one in range(1000, 1000 + size // 8))
    ),
    "URLs in names of words": lambda size: BARE + "&dn=a ://" * (size // 9) + "&tr=x",
    "hashes that differ": lambda size: "".join(f"magnet:?xt=urn:btih:{one:040x}\n" for one in range(1, size // 61)),
    "lines": lambda size: BARE + "\n&tr=x" * (size // 6),
    "lines of names": lambda size: BARE + "\n&dn=a b&tr=x" * (size // 14),
    "lines that do not go on": lambda size: f"{BARE}\n&" * (size // 62),
    "ends of lines": lambda size: BARE + "\n" * size,
    "a key for a line": lambda size: f"{BARE}\n&" + "a" * size,
    "numbered trackers": lambda size: BARE + "&tr.1=" * (size // 6),
}


NAMED = TorrentId(v1=InfoHash(V1)), "Its true name."


def edit(text: str) -> str:
    return with_names(text, f"{text} x", rename(text, *NAMED))


WORK: dict[str, Callable[[str], object]] = {
    "find_magnets": find_magnets,
    "torrents_in": torrents_in,
    "rename": lambda text: rename(text, *NAMED),
}


def seconds(work: Callable[[str], object], text: str) -> float:
    """The best of several: what else the machine does only adds."""

    def once() -> float:
        begin = time.process_time()
        work(text)
        return time.process_time() - begin

    return min(once() for _ in range(3))


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("work", WORK)
def test_ten_times_the_text_costs_less_than_fifteen_times_as_much(work: str, family: str) -> None:
    assert_linear(WORK[work], family)


@pytest.mark.parametrize("family", ["typical notes", "links without a gap", "hashes that differ", "lines of names"])
def test_ten_times_the_text_costs_its_edit_less_than_fifteen_times_as_much(family: str) -> None:
    assert_linear(edit, family)


def assert_linear(work: Callable[[str], object], family: str) -> None:
    small, large = FAMILIES[family](30_000), FAMILIES[family](300_000)
    # A machine that is busy with others may spoil one measurement, not four.
    ratios = (seconds(work, large) / max(seconds(work, small), 1e-5) for _ in range(4))
    assert any(ratio < 15 for ratio in ratios)
