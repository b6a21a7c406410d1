"""What the bytes of a name may say."""

import time
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.swarm.samples import HOSTILE_NAMES
from services.decoding import decode
from services.readings import readings

NAMES = [
    ("三体.全集", "gb18030"),
    ("谢谢", "gbk"),
    ("一些.mkv", "gbk"),
    ("流浪地球 国语中字", "gb18030"),
    ("美国队长", "gbk"),
    ("三國演義", "big5"),
    ("倩女幽魂.avi", "big5"),
    ("臥虎藏龍", "big5"),
    ("テスト動画 第一話.mkv", "shift-jis"),
    ("新世紀エヴァンゲリオン", "shift-jis"),
    ("東京物語", "shift-jis"),
    ("七人の侍", "euc-jp"),
    ("한국어 영화 제목.mkv", "euc-kr"),
    ("기생충", "euc-kr"),
    ("Мастер и Маргарита.avi", "cp1251"),
    ("Война и мир", "koi8-r"),
    ("Брат", "cp1251"),
    ("Müller.mkv", "latin-1"),
    ("Amélie", "latin-1"),
    ("テスト", "iso-2022-jp"),
]


@pytest.mark.parametrize(("text", "encoding"), NAMES)
def test_the_true_name_is_among_the_readings(text: str, encoding: str) -> None:
    found = readings(text.encode(encoding))
    assert text in [one.text for one in found], found


@pytest.mark.parametrize(("text", "encoding"), NAMES)
def test_the_reading_that_is_shown_comes_first(text: str, encoding: str) -> None:
    name, found = decode(text.encode(encoding)), readings(text.encode(encoding))
    assert "\x1b" in name.text or name.text == found[0].text


@settings(deadline=None)  # what the detector knows is loaded at its first guess
@given(st.binary(max_size=60) | st.sampled_from(sorted(HOSTILE_NAMES.values())))
def test_readings_are_few_distinct_and_whole(raw: bytes) -> None:
    found = readings(raw)
    assert len(found) <= 3
    assert len({one.text for one in found}) == len(found)
    for one in found:
        assert one.text == raw.decode(one.encoding)
        assert not any(c == "\ufffd" or unicodedata.category(c) in {"Cc", "Cn", "Co", "Cs"} for c in one.text)
        assert len(one.encoding) <= 15


def test_a_long_name_costs_little() -> None:
    begin = time.process_time()
    readings("三体全集".encode("gb18030") * 500)
    assert not readings("三体全集".encode("gb18030") * 500_000)
    assert time.process_time() - begin < 1
