"""An excerpt is one line around the first match, with what was searched for marked in it, and nothing else."""

import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handlers.search import _marked
from services.notebook.excerpts import Excerpt, _folded, beginning, excerpt, one_line, readable
from services.notebook.words import searched_words
from tests.unit.fakes import torrent

DIGITS = torrent("x").shown.hex
LINK = f"magnet:?xt=urn:btih:{DIGITS}"


def shown(text: str, search: str) -> str:
    found = excerpt([readable(text)], searched_words(search))
    return _marked(found) if found else ""


@pytest.mark.parametrize(
    ("text", "search", "marked"),
    [
        ("The Quick brown fox", "quick", "The <b>Quick</b> brown fox"),
        ("The Quick brown fox", "FOX the", "<b>The</b> Quick brown <b>fox</b>"),
        ("看过三体全集了", "三体", "看过<b>三体</b>全集了"),
        ("看过三体全集了", "全集 三体", "看过<b>三体</b><b>全集</b>了"),
        ("進撃の巨人", "の巨", "進撃<b>の巨</b>人"),
        ("오징어 게임", "오징어", "<b>오징어</b> 게임"),
        ("หนังใหม่พากย์ไทย", "ใหม่", "หนัง<b>ใหม่</b>พากย์ไทย"),
        ("ရုပ်ရှင်အသစ်", "အသစ်", "ရုပ်ရှင်<b>အသစ်</b>"),
        ("Der Große Übersetzer", "ubersetzer grosse", "Der Große <b>Übersetzer</b>"),
        ("ＮＨＫスペシャル", "nhk", "<b>ＮＨＫ</b>スペシャル"),
        ("The ﬁnal ﬂight", "final fl", "The <b>ﬁnal</b> <b>ﬂ</b>ight"),
        ("ﾄﾄﾛ", "トロ", "ﾄ<b>ﾄﾛ</b>"),
        ("u\u0308bersetzer", "über", "<b>u\u0308ber</b>setzer"),
        ("Война и мир", "ВОЙНА", "<b>Война</b> и мир"),
        ("S01E02.1080p-GRP", "s01e02.1080", "<b>S01E02.1080</b>p-GRP"),
        ("a <i>tag</i> & more", "tag", "a &lt;i&gt;<b>tag</b>&lt;/i&gt; &amp; more"),
        ("one\n\n\ttwo\u2028three", "three", "one two <b>three</b>"),
        ("gnp\u202e.exe", "exe", "gnp.<b>exe</b>"),
        (f"see {LINK}&dn=Some%20%E4%B8%89%E4%BD%93.mkv&tr=http://t.example/ ok", "三体", "see Some <b>三体</b>.mkv ok"),
        (f"see {LINK}", DIGITS[:12], f"see <b>{DIGITS[:12]}</b>{DIGITS[12:]}"),
        ("a concatenation", "cat", ""),
        ("体三", "三体", ""),
        ("tracker", "magnet", ""),
    ],
)  # fmt: skip
def test_matches_are_marked_as_they_are_found(text: str, search: str, marked: str) -> None:
    assert shown(text, search) == marked


def test_a_long_text_is_cut_around_the_first_match_at_words() -> None:
    text = "before " * 100 + "needle " + "after " * 100
    assert shown(text, "needle") == ("…before before before before <b>needle</b> " + "after " * 16 + "after…")


def test_the_first_line_with_a_match_is_shown() -> None:
    lines = ["nothing", "docs/第一章.txt", "第一章 again"]
    assert excerpt(lines, ["第一章"]) == Excerpt("docs/第一章.txt", ((5, 8),))


def test_what_nobody_searched_for_is_shown_from_its_beginning() -> None:
    assert beginning("word " * 100) == Excerpt("word " * 27 + "word…")


few = st.text("aÀ\u0300三体😀 .\u202e\u200d<&\n", max_size=400)


@given(few | st.text(max_size=400), few | st.text(min_size=1, max_size=20))
def test_marks_are_within_and_what_is_marked_is_a_searched_word(text: str, search: str) -> None:
    words = searched_words(search)
    found = excerpt([text], words)
    if found is None:
        return
    assert "\n" not in found.text
    assert len(found.text) <= 142
    assert 1 <= len(found.marks) <= 6
    wanted = {tuple(_folded(word)[0].split()) for word in words}
    done = 0
    for start, end in found.marks:
        assert done <= start < end <= len(found.text)
        assert tuple(_folded(found.text[start:end])[0].split()) in wanted
        done = end
        assert unicodedata.category(found.text[end : end + 1] or " ")[0] != "M"  # no letter is parted from its accent


@given(st.text(st.characters(categories=["Lu", "Lo", "So", "Cf", "Cs", "Cc", "Mn", "Zs"])))
def test_one_line_has_no_controls_no_lone_surrogates_and_can_be_read_again(text: str) -> None:
    line = one_line(text)
    line.encode("utf-16")  # no half of a pair
    assert one_line(line) == line
    assert not any(unicodedata.category(one) in {"Cc", "Zl", "Zp"} for one in line)
    assert not any(unicodedata.bidirectional(one) in {"RLO", "LRO", "RLE", "LRE", "PDF", "RLI", "LRI"} for one in line)
