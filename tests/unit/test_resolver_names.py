"""True names from raw bytes, and what an info dictionary says."""

import hashlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sandbox.swarm.samples import HOSTILE_NAMES
from services.decoding import decode
from services.resolvers.metadata import describe, hashes_of
from services.resolvers.names import true_name
from services.torrents import FileEntry, InfoHash, TorrentId

TORRENT = TorrentId.of(InfoHash("ab" * 20))


def test_utf_8_is_certain() -> None:
    name = true_name({b"name": "三体.mkv".encode()})
    assert (name.text, name.encoding, name.certain) == ("三体.mkv", "utf-8", True)


def test_the_utf_8_name_outranks_the_other() -> None:
    assert true_name({b"name": b"18", b"name.utf-8": "三体".encode()}).text == "三体"


def test_a_name_that_is_no_string_is_passed_over() -> None:
    assert true_name({b"name": b"real", b"name.utf-8": 7}).text == "real"
    assert true_name({b"name": [b"list"]}).text == ""
    assert true_name({}).raw == b""


@pytest.mark.parametrize(
    ("text", "encoding"),
    [
        ("三体.全集", "gb18030"),
        ("三体.全集.国语中字", "gbk"),
        ("テスト動画 第一話.mkv", "shift-jis"),
        ("Мастер и Маргарита.avi", "cp1251"),
        ("新世紀エヴァンゲリオン", "shift-jis"),
        ("한국어 영화 제목.mkv", "euc-kr"),
    ],
)
def test_other_encodings_are_guessed_and_said_to_be_guesses(text: str, encoding: str) -> None:
    name = decode(text.encode(encoding))
    assert name.text == text
    assert not name.certain
    assert name.raw == text.encode(encoding)


@pytest.mark.parametrize("text", ["谢谢", "一些", "一些.mkv"])
def test_a_short_chinese_name_that_is_utf_8_by_chance_is_not_certain(text: str) -> None:
    name = decode(text.encode("gbk"))
    assert name.text.encode() == text.encode("gbk")
    assert (name.encoding, name.certain) == ("utf-8", False)


@pytest.mark.parametrize(
    "text", ["Привет мир", "Мир", "Война", "café", "été", "Müller", "à la carte", "三体", "谢谢", "é", "abc", "Ελλάδα"]
)
def test_a_short_name_in_utf_8_is_certain(text: str) -> None:
    assert decode(text.encode()).certain


def test_a_longer_name_in_utf_8_is_certain_though_it_could_be_chinese() -> None:
    text = "лллл лллл"
    assert decode(text.encode()).certain
    assert text.encode().decode("gb2312")


def test_a_name_with_an_escape_sequence_is_not_certain() -> None:
    assert not decode("テスト".encode("iso-2022-jp")).certain


@settings(deadline=None)  # what the detector knows is loaded at its first guess
@given(st.binary(max_size=60))
def test_any_bytes_become_text_that_has_a_replacement_character_only_where_the_bytes_have_it(raw: bytes) -> None:
    name = decode(raw)
    assert name.raw == raw
    assert name.encoding == "utf-8" or not name.certain
    if "\ufffd" in name.text:
        assert name.text == raw.decode()


@pytest.mark.parametrize("raw", HOSTILE_NAMES.values(), ids=HOSTILE_NAMES)
def test_hostile_names_keep_every_letter(raw: bytes) -> None:
    name = decode(raw)
    assert name.text.encode(name.encoding) == raw


def test_hashes_are_computed_from_the_bytes() -> None:
    both = hashes_of(b"de", v1=True, v2=True)
    assert both.v1 == InfoHash(hashlib.sha1(b"de", usedforsecurity=False).hexdigest())
    assert both.v2 == InfoHash(hashlib.sha256(b"de").hexdigest())
    assert hashes_of(b"de", v1=False, v2=True).v1 is None


def test_a_single_file_is_the_torrent_itself() -> None:
    info = describe({b"name": b"one.iso", b"length": 7}, TORRENT, "swarm")
    assert (info.size, info.files) == (7, (FileEntry("one.iso", 7),))
    assert info.verified


def test_pad_files_count_neither_in_size_nor_in_number() -> None:
    files = [
        {b"length": 5, b"path": [b"a", b"b.mkv"]},
        {b"length": 11, b"path": [b".pad", b"11"], b"attr": b"p"},
        {b"length": 3, b"path": [b"c.txt"]},
    ]
    info = describe({b"name": b"many", b"files": files}, TORRENT, "swarm")
    assert (info.size, info.files) == (8, (FileEntry("a/b.mkv", 5), FileEntry("c.txt", 3)))


def test_the_tree_of_a_v2_torrent_gives_its_files_in_order() -> None:
    tree = {
        b"a": {b"z.mkv": {b"": {b"length": 2}}, b"b.mkv": {b"": {b"length": 1}}},
        b"c.txt": {b"": {b"length": 4}},
    }
    info = describe({b"name": b"many", b"file tree": tree}, TORRENT, "swarm")
    assert info.files == (FileEntry("a/b.mkv", 1), FileEntry("a/z.mkv", 2), FileEntry("c.txt", 4))
    assert info.size == 7


def test_pad_files_in_the_tree_of_a_v2_torrent_do_not_count_either() -> None:
    tree = {
        b".pad": {b"11": {b"": {b"length": 11, b"attr": b"p"}}},
        b"a.mkv": {b"": {b"length": 5, b"attr": b"x"}},
    }
    info = describe({b"name": b"many", b"file tree": tree}, TORRENT, "swarm")
    assert (info.size, info.files) == (5, (FileEntry("a.mkv", 5),))


def test_paths_are_decoded_as_the_name_is() -> None:
    path = "第一集.mkv".encode("gb18030")
    info = describe(
        {b"name": "三体.全集.国语中字".encode("gb18030"), b"files": [{b"length": 1, b"path": [path]}]}, TORRENT, "swarm"
    )
    assert info.files == (FileEntry("第一集.mkv", 1),)


def test_a_malformed_dictionary_is_described_as_far_as_it_goes() -> None:
    files = [b"no entry", {b"length": -4, b"path": [b"a", 7]}, {b"path": b"none"}]
    info = describe({b"name": 3, b"files": files}, TORRENT, "swarm")
    assert info.size == 0
    assert info.name.text == ""
    assert describe({b"file tree": {b"a": 1, b"b": {b"": 2}}}, TORRENT, "swarm").files == ()
