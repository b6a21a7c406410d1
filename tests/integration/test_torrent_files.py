"""The operator's .torrent files as a source, in real folders."""

import asyncio
import contextlib
import os
import shutil
import threading
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Self

import pytest
from structlog.testing import capture_logs

from sandbox.swarm import make_sample
from sandbox.swarm.samples import Sample
from services.errors import NotFound, ResolverDown
from services.resolvers.files import FilesResolver
from services.resolvers.libtorrent import read_torrent
from services.torrents import Hints, InfoHash, TorrentId, TorrentInfo
from tests.fake_clock import FakeClock, settle
from tests.integration.leftovers import nothing_left
from tests.integration.swarm_help import Steps

__all__ = ["nothing_left"]


class Shelf:
    """A folder, and one who looks torrents up in it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.reads = 0
        self.reading = asyncio.Event()
        self.may_read = threading.Event()
        self.may_read.set()
        self._loop = asyncio.get_running_loop()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[Self]:
        async with FilesResolver.open([self.folder], clock=self.clock, read=self._read) as self.resolver:
            yield self

    def _read(self, content: bytes, source: str) -> TorrentInfo:
        self.reads += 1
        self._loop.call_soon_threadsafe(self.reading.set)
        self.may_read.wait(10)
        return read_torrent(content, source)

    def put(self, name: str, sample: Sample) -> None:
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"d4:info" + sample.info + b"e")

    async def find(self, sample: Sample) -> TorrentInfo:
        asked = TorrentId(*(InfoHash(one) if one else None for one in (sample.v1, sample.v2)))
        return await self.resolver.resolve(asked, Hints(), Steps())


@pytest.fixture
async def shelf(tmp_path: Path) -> AsyncIterator[Shelf]:
    async with Shelf(tmp_path).opened() as one:
        yield one


async def test_a_file_is_found_by_its_info_hash_whatever_it_is_called_and_however_deep(shelf: Shelf) -> None:
    kinds = [make_sample(f"{kind}.mkv", kind=kind) for kind in ("v1", "v2", "hybrid")]
    for sample, name in zip(kinds, ("a.torrent", "b/c/d.TORRENT", "e é.torrent"), strict=True):
        shelf.put(name, sample)
    for sample in kinds:
        info = await shelf.find(sample)
        assert (info.name.text, info.verified, info.source) == (sample.name, True, "files")


async def test_a_hybrid_is_found_by_either_of_its_hashes(shelf: Shelf) -> None:
    sample = make_sample("Both.mkv", kind="hybrid")
    shelf.put("a.torrent", sample)
    for one in (sample.v1, sample.v2):
        info = await shelf.resolver.resolve(TorrentId.of(InfoHash(one or "")), Hints(), Steps())
        assert info.name.text == "Both.mkv"


async def test_what_is_put_there_later_is_found_later_and_what_has_gone_is_not(shelf: Shelf) -> None:
    sample = make_sample("Later.mkv")
    with pytest.raises(NotFound, match="no_file"):
        await shelf.find(sample)
    shelf.put("a.torrent", sample)
    await shelf.clock.advance(10)
    assert (await shelf.find(sample)).name.text == "Later.mkv"
    (shelf.folder / "a.torrent").unlink()
    with pytest.raises(NotFound, match="file_unreadable"):
        await shelf.find(sample)
    await shelf.clock.advance(10)
    with pytest.raises(NotFound, match="no_file"):
        await shelf.find(sample)


async def test_a_file_is_read_again_only_when_it_has_changed(shelf: Shelf) -> None:
    samples = [make_sample(f"{number}.mkv") for number in range(3)]
    for number, sample in enumerate(samples):
        shelf.put(f"{number}.torrent", sample)
    for _ in range(3):
        with pytest.raises(NotFound):
            await shelf.find(make_sample("none"))
        await shelf.clock.advance(10)
    assert shelf.reads == 3
    other = make_sample("Another, of another size.mkv")
    shelf.put("1.torrent", other)
    assert (await shelf.find(other)).name.text == "Another, of another size.mkv"
    assert shelf.reads == 5
    with pytest.raises(NotFound, match="no_file"):
        await shelf.find(samples[1])


async def test_many_who_ask_at_once_look_once(shelf: Shelf) -> None:
    samples = [make_sample(f"{number}.mkv") for number in range(20)]
    for number, sample in enumerate(samples):
        shelf.put(f"{number}.torrent", sample)
    found = await asyncio.gather(*map(shelf.find, samples))
    assert [one.name.text for one in found] == [one.name for one in samples]
    assert shelf.reads == 40


async def test_a_look_goes_on_when_who_began_it_no_longer_waits_and_serves_who_comes_next(shelf: Shelf) -> None:
    sample = make_sample("Slow.mkv")
    shelf.put("a.torrent", sample)
    shelf.may_read.clear()
    for _ in range(3):
        looking = asyncio.ensure_future(shelf.find(sample))
        await settle()
        await shelf.reading.wait()
        looking.cancel()
        await asyncio.wait([looking])
    looking = asyncio.ensure_future(shelf.find(sample))
    await settle()
    assert (shelf.reads, looking.done()) == (1, False)
    shelf.may_read.set()
    assert (await looking).name.text == "Slow.mkv"
    assert shelf.reads == 2  # looked for once, and read once more for what it says


async def test_the_end_waits_for_a_look_that_nobody_waits_for_and_it_ends_with_the_file_that_it_is_at(
    tmp_path: Path,
) -> None:
    shelf = Shelf(tmp_path)
    sample = make_sample("Slow.mkv")
    for name in ("a.torrent", "b.torrent", "c.torrent"):
        shelf.put(name, sample)
    shelf.may_read.clear()
    before = asyncio.all_tasks()
    async with shelf.opened():
        looking = asyncio.ensure_future(shelf.find(sample))
        await shelf.reading.wait()
        looking.cancel()
        await asyncio.wait([looking])
        assert asyncio.all_tasks() - before
        asyncio.get_running_loop().call_soon(shelf.may_read.set)
    assert asyncio.all_tasks() == before
    assert shelf.reads == 1


async def test_a_file_whose_read_never_returns_holds_up_no_end_and_nobody_who_needs_a_thread(tmp_path: Path) -> None:
    shelf = Shelf(tmp_path)
    sample = make_sample("Hung.mkv")
    shelf.put("a.torrent", sample)
    shelf.may_read.clear()
    asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(1))
    before = asyncio.all_tasks()
    try:
        async with contextlib.AsyncExitStack() as stack:
            await stack.enter_async_context(shelf.opened())
            looking = asyncio.ensure_future(shelf.find(sample))
            await shelf.reading.wait()
            looking.cancel()
            async with asyncio.timeout(5):
                await asyncio.to_thread(int)
            closing = asyncio.create_task(stack.pop_all().aclose())
            with capture_logs() as logged:
                await shelf.clock.advance(1)
            assert closing.done()
            assert [one["event"] for one in logged] == ["files.hung"]
            assert asyncio.all_tasks() == before
    finally:
        shelf.may_read.set()


async def test_what_is_malformed_or_huge_or_no_torrent_hides_nothing_and_is_told_once(shelf: Shelf) -> None:
    sample = make_sample("Good.mkv")
    shelf.put("good.torrent", sample)
    (shelf.folder / "bad.torrent").write_bytes(b"d4:info5:wronge")
    with (shelf.folder / "huge.torrent").open("wb") as huge:
        huge.truncate(20_000_000)
    (shelf.folder / "other.txt").write_bytes(b"d4:info" + make_sample("Other").info + b"e")
    (shelf.folder / "folder.torrent").mkdir()
    (shelf.folder / "broken.torrent").symlink_to("nowhere")
    with capture_logs() as logged:
        for _ in range(2):
            assert (await shelf.find(sample)).name.text == "Good.mkv"
            await shelf.clock.advance(10)
    told = sorted((Path(one["path"]).name, one["reason"]) for one in logged)
    assert told == [("bad.torrent", "torrent_unusable"), ("huge.torrent", "file_too_large")]


async def test_more_files_than_are_looked_at_are_told_once_and_again_when_there_were_fewer_meanwhile(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("services.resolvers.files._MOST_FILES", 2)
    for name in ("a.torrent", "b.torrent"):
        shelf.put(name, make_sample(name))

    async def told(*files: str) -> list[str]:
        for name in ("c.torrent", "d.torrent"):
            (shelf.folder / name).unlink(missing_ok=True)
        for name in files:
            shelf.put(name, make_sample(name))
        with capture_logs() as logged, pytest.raises(NotFound):
            await shelf.find(make_sample("None.mkv"))
        await shelf.clock.advance(10)
        return [one["event"] for one in logged]

    assert await told() == []
    assert await told("c.torrent") == ["files.too_many"]
    assert await told("c.torrent", "d.torrent") == []
    assert await told() == []
    assert await told("d.torrent") == ["files.too_many"]


@pytest.mark.parametrize("gone", ["a.torrent", "b/b.torrent"])
async def test_of_two_copies_either_is_enough(shelf: Shelf, gone: str) -> None:
    sample = make_sample("Twice.mkv", kind="hybrid")
    for name in ("a.torrent", "b/b.torrent"):
        shelf.put(name, sample)
    await shelf.find(sample)
    (shelf.folder / gone).unlink()
    assert (await shelf.find(sample)).name.text == "Twice.mkv"


async def test_a_file_that_could_not_be_read_is_tried_at_each_look_and_told_once(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(self: Path, mode: str) -> object:
        raise PermissionError(mode, self)

    sample = make_sample("Locked.mkv")
    shelf.put("a.torrent", sample)
    with capture_logs() as logged, monkeypatch.context() as locked:
        locked.setattr(Path, "open", refused)  # whoever is root may read what nobody may
        for _ in range(3):
            with pytest.raises(NotFound, match="no_file"):
                await shelf.find(sample)
            await shelf.clock.advance(10)
    assert [one["reason"] for one in logged] == ["file_unreadable"]
    assert (await shelf.find(sample)).name.text == "Locked.mkv"


async def test_a_folder_that_may_not_be_looked_into_hides_no_other_and_is_told_once(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refused(folder: str) -> object:
        if Path(folder).name == "locked":
            raise PermissionError(13, "Permission denied", folder)
        return real(folder)

    real, there, within = os.scandir, make_sample("There.mkv"), make_sample("Within.mkv")
    shelf.put("a.torrent", there)
    shelf.put("locked/b.torrent", within)
    with capture_logs() as logged, monkeypatch.context() as locked:
        locked.setattr(os, "scandir", refused)  # whoever is root may look where nobody may
        for _ in range(3):
            assert (await shelf.find(there)).name.text == "There.mkv"
            await shelf.clock.advance(10)
    told = [(one["event"], one["path"], one["reason"]) for one in logged]
    assert told == [("files.unusable", str(shelf.folder / "locked"), "Permission denied")]
    assert (await shelf.find(within)).name.text == "Within.mkv"


async def test_a_link_to_a_file_is_followed_and_one_to_a_folder_is_not(tmp_path: Path) -> None:
    linked, within = make_sample("Linked.mkv"), make_sample("Within.mkv")
    elsewhere = Shelf(tmp_path / "elsewhere")
    elsewhere.put("a.torrent", linked)
    elsewhere.put("b/b.torrent", within)
    shelf = Shelf(tmp_path / "shelf")
    shelf.folder.mkdir()
    (shelf.folder / "c.torrent").symlink_to(elsewhere.folder / "a.torrent")
    (shelf.folder / "d").symlink_to(elsewhere.folder / "b")
    async with shelf.opened():
        assert (await shelf.find(linked)).name.text == "Linked.mkv"
        with pytest.raises(NotFound, match="no_file"):
            await shelf.find(within)


async def test_a_folder_whose_names_alone_may_be_read_is_one_that_cannot_be(
    shelf: Shelf, monkeypatch: pytest.MonkeyPatch
) -> None:
    sample, real = make_sample("Locked.mkv"), os.scandir
    shelf.put("a.torrent", sample)

    def refusing(folder: str) -> object:  # whoever is root may enter where nobody may
        if str(folder).endswith("/."):
            raise PermissionError(13, "Permission denied", folder)
        return real(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    with pytest.raises(ResolverDown, match="Permission denied"):
        await shelf.find(sample)


async def test_where_no_folder_can_be_read_it_is_down_until_one_can_be(shelf: Shelf) -> None:
    sample, mount = make_sample("Mounted.mkv"), Shelf(shelf.folder / "mount")
    folders = [mount.folder, shelf.folder / "none"]
    async with FilesResolver.open(folders, clock=shelf.clock, read=read_torrent) as mount.resolver:
        for _ in range(2):
            with pytest.raises(ResolverDown, match="No such file or directory"):
                await mount.find(sample)
            mount.put("a.torrent", sample)
            await shelf.clock.advance(10)
            assert (await mount.find(sample)).name.text == "Mounted.mkv"
            with pytest.raises(NotFound, match="no_file"):
                await mount.find(make_sample("Unknown.mkv"))
            shutil.rmtree(mount.folder)
            await shelf.clock.advance(10)
