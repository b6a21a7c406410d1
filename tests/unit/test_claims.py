"""When an old name claims something else than the true one."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.magnets.claims import clearly_different


@pytest.mark.parametrize(
    ("old", "new", "different"),
    [
        ("Inception 2010", "The Matrix (1999)", True),
        ("Inception", "Inception.2010.1080p.BluRay.x264", False),
        ("inception", "INCEPTION", False),
        ("Amelie", "Le Fabuleux Destin d'Amélie Poulain", False),
        ("InterstellarMovie", "Interstellar (2014)", False),
        ("interstellar movie", "InterstellarMovie.mkv", False),
        ("Inception.1080p.BluRay.x264.mkv", "Matrix.1080p.BluRay.x264.mkv", True),
        ("debian-12.iso", "ubuntu-24.04.iso", True),
        ("debian-12.iso", "debian-12.5.0-amd64-netinst.iso", False),
        ("三体", "三体.全集.国语中字", False),
        ("三体全集", "流浪地球全集", True),
        ("流浪地球2 国语中字", "三体 国语中字", True),
        ("流浪地球", "地球脉动", False),
        ("三体", "The Three-Body Problem", True),
        ("テスト動画", "テスト", False),
        ("기생충", "기생충.2019.mkv", False),
        ("기생충", "올드보이", True),
        ("Война и мир", "война и мир (1966)", False),
        ("Брат", "Сталкер", True),
        ("ＡＢＣＤ", "abcd.mkv", False),
        ("Inception", "18", True),
        ("18", "The Matrix", False),
        ("a", "The Matrix", False),
        ("", "The Matrix", False),
        ("1080p.mkv", "The Matrix", False),
        ("@channel", "The Matrix", False),
        ("www.example.com", "The Matrix", False),
        ("0123456789abcdef0123456789abcdef01234567", "The Matrix", False),
        ("Inception", "Inception", False),
    ],
)
def test_clearly_different(old: str, new: str, *, different: bool) -> None:
    assert clearly_different(old, new) is different


@given(st.text(max_size=40), st.text(max_size=40))
def test_any_two_names_can_be_compared_and_none_differs_from_itself(old: str, new: str) -> None:
    assert not clearly_different(old, old)
    assert clearly_different(old, new) in {True, False}
