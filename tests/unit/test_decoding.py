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


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
@pytest.mark.parametrize("text", ["", LINK, "三体\r\n🎬\n\rx\r", "a\0b\x1a"])
def test_unicode_is_read_with_and_without_its_mark_and_line_ends_stay(encoding: str, text: str) -> None:
    assert decode_file(text.encode(encoding)) == text


@pytest.mark.parametrize("encoding", WORDS)
def test_a_list_in_an_old_encoding_is_guessed_even_where_most_lines_are_links(encoding: str) -> None:
    text = "\r\n".join([LINK] * 300 + [WORDS[encoding]] * 3 + [LINK])
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
