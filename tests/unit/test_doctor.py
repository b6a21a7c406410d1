"""What a check makes of what it sees."""

import os
import shutil
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from bot import doctor
from bot.finding import Finding, bad, good
from bot.listening import Interface

NOBODY = 65534
TAKEN = [Interface("127.0.0.1", 6881), Interface("::", 6881)]


@pytest.fixture
def locked(tmp_path: Path) -> Iterator[Path]:
    """Yield a folder that this process may not look into: root may look anywhere, so it is root no more meanwhile."""
    folder, user = tmp_path / "locked", os.geteuid()
    folder.mkdir(mode=0)
    os.seteuid(user or NOBODY)
    yield folder
    os.seteuid(user)


def test_a_finding_is_one_line_whatever_it_says() -> None:
    assert str(good("disk", "two\nlines")) == "✓ disk: two lines"
    assert str(bad("disk", "full", "make room")) == "✗ disk: full — make room"


def test_a_place_where_the_first_start_can_make_the_database_is_well_and_left_as_it_was(tmp_path: Path) -> None:
    _, found = doctor._look_at_database(tmp_path / "none" / "yet" / "calibot.db")
    assert found.good
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("path", ["/proc/calibot.db", "/proc/x/calibot.db", "/sys/calibot.db", "/dev/null", "/dev"])
def test_a_place_where_no_database_can_be_made_is_told_whoever_asks(path: str) -> None:
    _, found = doctor._look_at_database(Path(path))
    assert not found.good
    assert found.remedy


@pytest.mark.parametrize("within", ["calibot.db", "none/yet/calibot.db"])
def test_a_database_in_a_folder_that_may_not_be_looked_into_is_told(locked: Path, within: str) -> None:
    _, found = doctor._look_at_database(locked / within)
    assert not found.good
    assert found.remedy == "see [database] path"
    assert doctor._look_at_disk(locked / within).good


@pytest.mark.parametrize(
    ("free", "size", "well"), [(99_999_999, 0, False), (100_000_000, 0, True), (10**9, 6e8, False)]
)
def test_there_must_be_room_for_a_copy_of_the_database(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, free: int, size: float, *, well: bool
) -> None:
    database = tmp_path / "none" / "yet" / "calibot.db"
    if size:
        database = tmp_path / "calibot.db"
        with database.open("wb") as file:
            file.truncate(int(size))
    monkeypatch.setattr(shutil, "disk_usage", lambda _: SimpleNamespace(free=free))
    found = doctor._look_at_disk(database)
    assert found.good is well
    assert ("make room" in found.remedy) is not well


@pytest.mark.parametrize(
    ("running", "seen", "well"),
    [
        (doctor._Running(), [], False),
        (doctor._Running(at_all=True, process=5), [True, True], True),
        (doctor._Running(at_all=True, process=5), [True, False], False),
        (doctor._Running(at_all=True, process=5), [None, True], True),
        (doctor._Running(at_all=True), [], True),
    ],
)
def test_a_port_in_use_is_well_where_the_running_bot_has_it(
    monkeypatch: pytest.MonkeyPatch, running: doctor._Running, seen: list[bool | None], *, well: bool
) -> None:
    answers = iter(seen)
    monkeypatch.setattr(doctor, "has_port", lambda *_: next(answers))
    assert doctor._judge_taken("swarm port", TAKEN, running, "listen_interfaces").good is well


async def test_what_nobody_foresaw_is_a_line_without_its_words() -> None:
    async def findings() -> AsyncIterator[Finding]:
        yield good("token", "well")
        raise ValueError("42:SECRET")

    told: list[Finding] = []

    def tell(finding: Finding) -> bool:
        told.append(finding)
        return finding.good

    assert await doctor._check(findings(), tell) == 1
    assert [one.good for one in told] == [True, False]
    assert "SECRET" not in "".join(map(str, told))
    assert "ValueError" in str(told[1])
