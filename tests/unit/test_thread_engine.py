"""An ordinary function as an engine: its threads cannot be stopped, so they are waited for."""

import asyncio
import gc
import threading
from collections.abc import Iterator

import pytest

from services.calibration.functions import ThreadEngine
from services.calibration.ports import CalibrationResult, LookupRequest
from services.torrents import Hints, Progress, Step, TorrentInfo
from tests.fake_clock import settle
from tests.unit.fakes import info_of, torrent


class Slow:
    """A function that says when it has *begun* and goes on until it *may_end*, then fails if it is *sick*."""

    def __init__(self) -> None:
        self.calls: list[LookupRequest] = []
        self.begun = threading.Semaphore(0)
        self.may_end = threading.Event()
        self.sick = False

    def __call__(self, lookup: LookupRequest, progress: Progress) -> CalibrationResult:
        self.calls.append(lookup)
        self.begun.release()
        self.may_end.wait()
        if self.sick:
            raise ZeroDivisionError
        return CalibrationResult(info_of(lookup.torrent, "late.iso"))


class Deaf:
    def started(self) -> None: ...
    def report(self, step: Step) -> None: ...
    def claimed(self, info: TorrentInfo) -> None: ...


@pytest.fixture
def slow() -> Iterator[Slow]:
    slow = Slow()
    yield slow
    slow.may_end.set()


def request(word: str) -> LookupRequest:
    return LookupRequest(torrent=torrent(word), hints=Hints())


async def test_a_call_that_is_left_lasts_until_its_thread_ends(slow: Slow) -> None:
    call = asyncio.create_task(ThreadEngine(slow, 1)(request("x"), Deaf()))
    await asyncio.to_thread(slow.begun.acquire)
    call.cancel()
    await settle()
    assert not call.done()
    slow.may_end.set()
    await asyncio.wait([call])
    assert call.cancelled()


async def test_what_goes_wrong_in_a_thread_that_was_left_troubles_nobody(slow: Slow) -> None:
    slow.sick = True
    troubles: list[object] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, trouble: troubles.append(trouble))
    call = asyncio.create_task(ThreadEngine(slow, 1)(request("x"), Deaf()))
    await asyncio.to_thread(slow.begun.acquire)
    call.cancel()
    slow.may_end.set()
    await asyncio.wait([call])
    assert call.cancelled()
    del call
    gc.collect()  # then asyncio tells of an error that nobody looked at
    assert troubles == []


async def test_an_engine_that_is_detached_ends_the_calls_that_have_not_begun_and_no_others(slow: Slow) -> None:
    engine = ThreadEngine(slow, 1)
    under_way = asyncio.create_task(engine(request("under way"), Deaf()))
    await asyncio.to_thread(slow.begun.acquire)
    in_line = asyncio.create_task(engine(request("in line"), Deaf()))
    await settle()
    await engine.detach()
    await asyncio.wait([in_line])
    assert in_line.cancelled()
    assert not under_way.done()
    slow.may_end.set()
    assert (await under_way).info.name.text == "late.iso"
    assert slow.calls == [request("under way")]
