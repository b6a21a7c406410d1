"""Which names tell nothing of their torrent."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.magnets.junk import is_junk

JUNK = [
    "", "  ", "18", "0", "2024", "1080", "000-111", "--", "...", "12.34", "18.mp4", "1-2-3.rar", "🎬", "🎬🎬.mkv", "\0",
    "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b", "9F86D081884C7D659A2FEAA0C55AD015A3BF4F1B.mp4",
    "MFRGGZDFMZTWQ2LKNNWG23TPOBYXE43U", "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
    "9f86d081884c7d65", "https://t.me/movies", "t.me/some_channel", "T.ME/joinchat/AAAA", "telegram.me/abc",
    "@best_movies", "@best_movies.mp4", "Join @movies_channel", "【www.example.com】", "【最新地址example.com】",
    "【更多资源请关注频道 @abcd】", "【www.abc.cc】【t.me/abcd】", "[example.com]", "(example.com)", "www.example.com",
    "example.com", "example.com.mp4", "www.abc.com_www.def.net", "http://example.org/a/b", "visit www.abc.net",
    "更多免费 www.abc.xyz", ".mkv", "mkv", "MP4", ".torrent", "untitled", "Unknown", "download", "Magnet",
    "null", "未命名", "【最新地址 www.example.net】HD1080", "[example.com] 1080p.BluRay", "www.abc.com@1080P高清.mp4",
]  # fmt: skip
TELLING = [
    "三体.全集.mkv", "三体", "神女", "进击的巨人 第1话", "オズの魔法使い.avi", "Война и мир", "오징어 게임",
    "Ubuntu 24.04",
    "debian-12.5.0-amd64-netinst.iso", "The.Goddess.1934.1080p", "【www.example.com】三体.全集.mkv",
    "[example.com] The Goddess 1934", "三体 更多请关注 @abcd", "Amelie @movies_channel", "Movie t.me/chan",
    "300 (2006)",
    "1917 (2019) 1080p", "1917.2019.1080p.BluRay", "2001 A Space Odyssey", "Se7en", "S01E02.1080p-GRP", "M", "Up", "It",
    "Bach - Goldberg Variations (Open, 2012)", "Her.2013", "X-Men", "R.I.P.D", "a.b.c", "St. Trinian's", "Dr. Who",
    "Deadbeef", "facade", "cafebabe", "abcdef", "mkvtoolnix", "ISO 9001 handbook", "node.js-docs", "Facebook.The.Movie",
    "Download: the true story of the internet", "The Net 1995", "Antitrust.com.edition", "Mr.Robot.S01",
    "(500) Days of Summer", "[Judas] Vinland Saga", "【喵萌奶茶】进击的巨人", "Live.and.Let.Die", "Deep Purple Live",
    "【www.example.com】1917.1080p", "[example.com] HD1080 三体", "【www.example.com】4K Girl", "UHD",
    "[example.com] UHD 1917", "[example.com] HD 300", "[example.com] 1917 UHD",
    "[abc.com] Hdx", "4K",
]  # fmt: skip


@pytest.mark.parametrize("name", JUNK)
def test_this_tells_nothing(name: str) -> None:
    assert is_junk(name)


@pytest.mark.parametrize("name", TELLING)
def test_this_tells_something(name: str) -> None:
    assert not is_junk(name)


@given(st.text())
def test_any_name_is_judged(name: str) -> None:
    assert is_junk(name) in {True, False}


@pytest.mark.parametrize("unit", ["a", "a.", "(", "【a", "@a", "www.", "-", "t.me/", "a-", "1"])
def test_a_very_long_name_is_judged_at_once(unit: str) -> None:
    is_junk(unit * 1_000_000)
