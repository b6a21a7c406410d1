"""The text of files, whatever they were written with."""

import codecs

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.decoding import decode_file

LINK = "magnet:?xt=urn:btih:" + "a1" * 20
WORDS = {
    "gb18030": "三体全集 国语中字，收藏",
    "big5": "電影全集 國語中字",
    "cp932": "テスト動画 第一話 おもしろい",
    "euc_kr": "오징어 게임 한국어",
    "cp1251": "Война и мир, том первый",
}


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-32"])
@pytest.mark.parametrize("text", ["", LINK, "三体\r\n🎬\n\rx\r", "a\0b\x1a", "\ufffd"])
def test_unicode_is_read_with_and_without_its_mark_and_line_ends_stay(encoding: str, text: str) -> None:
    assert decode_file(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", WORDS)
def test_a_list_in_an_old_encoding_is_guessed_even_where_most_lines_are_links(encoding: str) -> None:
    text = "\r\n".join([LINK] * 300 + [WORDS[encoding]] * 3 + [LINK])
    assert decode_file(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", ["utf-16-le", "utf-16-be"])
@pytest.mark.parametrize("text", [f"{LINK}&dn=三体 🎬\r\n", f"一个{LINK.upper()}"])
def test_utf_16_without_its_mark_is_known_by_its_links(encoding: str, text: str) -> None:
    assert decode_file(text.encode(encoding)) == text


def test_a_cut_utf_16_file_loses_its_last_letter_alone() -> None:
    assert decode_file("三体全集".encode("utf-16")[:-1]) == "三体全?"


@pytest.mark.parametrize(
    ("damaged", "text"),
    [
        ("三体全集国语".encode()[:-1], "三体全集国?"),
        ("三体全集国语".encode()[:-2] + b"\r\nmore\r\n", "三体全集国?\r\nmore\r\n"),
        (f"{LINK}&dn=三体全".encode() + b"\xe9\x9b" + "国语&tr=x\n好".encode(), f"{LINK}&dn=三体全?国语&tr=x\n好"),
        ("Война и мир".encode() + b"\xff", "Война и мир?"),
        ("三体全集\nAm".encode() + b"\xff" + "élie.mkv\n三".encode() + b"\x80.mkv", "三体全集\nAm?élie.mkv\n三?.mkv"),
        ("三体全集\nAmélie é".encode()[:-1], "三体全集\nAmélie ?"),
        ("éé".encode() + b"\xff", "éé?"),
    ],
)
def test_what_is_damaged_in_utf_8_is_a_question_mark_and_the_rest_stays(damaged: bytes, text: str) -> None:
    assert decode_file(damaged) == text


def test_what_is_utf_8_by_chance_beside_what_is_not_is_guessed() -> None:
    assert decode_file("Ã© déj".encode("latin-1")) != "é d?j"


WORD = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\n\ufffd"))


@given(WORD, WORD)
def test_a_bad_byte_in_a_line_of_utf_8_costs_nothing_but_itself(before: str, behind: str) -> None:
    above = "三体"
    assert decode_file(f"{above}\né{before}".encode() + b"\xff" + behind.encode()) == f"{above}\né{before}?{behind}"


@pytest.mark.parametrize("encoding", WORDS)
def test_lines_in_an_old_encoding_among_those_of_utf_8_are_guessed_alone(encoding: str) -> None:
    good = f"{LINK}&dn=三体全集国语中字\r\nВойна и мир\r\n" * 9
    assert decode_file(f"{good}".encode() + f"{WORDS[encoding]}\n".encode(encoding) + good.encode()) == (
        f"{good}{WORDS[encoding]}\n{good}"
    )


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "cp932", "euc_kr"])
@pytest.mark.parametrize("lines", [1, 9, 300])
def test_a_list_in_an_old_encoding_that_is_cut_within_a_letter_loses_that_one_alone(encoding: str, lines: int) -> None:
    text = "".join(f"{number} {WORDS[encoding]} {LINK}\n" for number in range(lines))
    letter = WORDS[encoding][0]
    assert decode_file(text.encode(encoding) + letter.encode(encoding)[:1]) == f"{text}?"


@pytest.mark.parametrize("encoding", ["gb18030", "big5", "euc_kr"])
@pytest.mark.parametrize("where", [0, 4, 9])
def test_a_bad_byte_in_an_old_encoding_costs_nothing_but_itself(encoding: str, where: int) -> None:
    lines = [f"{number} {WORDS[encoding]} {LINK}\n" for number in range(9)]
    above, below = "".join(lines[:where]), "".join(lines[where:])
    assert decode_file(above.encode(encoding) + b"\xff" + below.encode(encoding)) == f"{above}?{below}"


@pytest.mark.parametrize("encoding", [*WORDS, "cp874", "euc_jis_2004"])
@pytest.mark.parametrize("bad", [b"\x80", b"\xa4", b"\xff"])
@pytest.mark.parametrize("count", [5, 40])
def test_a_bad_byte_within_a_letter_in_an_old_encoding_costs_no_other_line(
    encoding: str, bad: bytes, count: int
) -> None:
    words = WORDS | {"cp874": "พี่มาก พระโขนง", "euc_jis_2004": WORDS["cp932"]}
    lines = [f"{words[encoding]} {number}.mkv" for number in range(count)]
    raw = [line.encode(encoding) for line in lines]
    for damaged in range(2, count, 8):
        raw[damaged] = raw[damaged][:1] + bad + raw[damaged][1:]
        lines[damaged] = ""
    read = decode_file(b"\n".join(raw)).split("\n")
    assert [got if line else "" for got, line in zip(read, lines, strict=True)] == lines


def test_of_few_lines_those_that_are_whole_say_what_the_others_are() -> None:
    titles = ["오징어 게임", "기생충", "살인의 추억", "올드보이", "도깨비", "무한도전", "부산행", "사랑의 불시착"]
    raw = [f"{title} {number}".encode("euc_kr") for number, title in enumerate(titles)]
    for damaged in (1, 2, 5):
        raw[damaged] = raw[damaged][:1] + b"\xff" + raw[damaged][1:]
    read = decode_file(b"\n".join(raw)).split("\n")
    assert [read[place] for place in (0, 3, 4, 6, 7)] == [f"{titles[place]} {place}" for place in (0, 3, 4, 6, 7)]


def test_a_damaged_line_in_an_old_encoding_among_those_of_utf_8_is_guessed_too() -> None:
    good = f"{LINK}&dn=三体全集国语中字\n" * 9
    damaged = WORDS["gb18030"].encode("gb18030")[:-1]
    assert decode_file(good.encode() + damaged) == f"{good}{WORDS['gb18030'][:-1]}?"


def test_thai_is_not_taken_for_korean_with_damage() -> None:
    text = f"ไทย ภาพยนตร์ 720p\n720p ไทย ไทย {LINK}"
    assert decode_file(text.encode("cp874")) == text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "utf-32"])
def test_a_letter_that_was_lost_before_stays_as_it_is_beside_new_damage(encoding: str) -> None:
    text = "真\ufffd名字 🎬" * 200
    assert decode_file(text.encode(encoding) + "真".encode(encoding)[-2:-1]) == f"{text}?"


@pytest.mark.parametrize("encoding", WORDS)
@pytest.mark.parametrize("shift", range(4))
def test_no_letter_is_lost_wherever_it_stands_in_a_long_line(encoding: str, shift: int) -> None:
    text = "x" * shift + WORDS[encoding] * 300
    assert decode_file(text.encode(encoding)) == text


@pytest.mark.parametrize("raw", [b"\xff", b"\x80" * 50, codecs.BOM_UTF16_LE + b"x", bytes(range(256)) * 40])
def test_what_is_no_text_is_read_all_the_same(raw: bytes) -> None:
    assert decode_file(raw)


@given(st.binary())
def test_any_bytes_have_a_text(raw: bytes) -> None:
    decode_file(raw)


@given(st.text())
def test_utf_8_comes_back_as_it_is(text: str) -> None:
    assert decode_file(text.encode()) == text.removeprefix("\ufeff")
