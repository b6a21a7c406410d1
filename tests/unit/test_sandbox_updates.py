"""The sandbox's queue of updates, where no server is needed."""

import asyncio

import pytest

from sandbox.botapi.errors import Refused
from sandbox.botapi.updates import UpdateQueue


def _ids(updates: list[dict[str, object]]) -> list[object]:
    return [update["update_id"] for update in updates]


async def test_a_poll_without_updates_ends_empty_when_its_time_is_over() -> None:
    assert await UpdateQueue(1).poll(0, 100, 0.001) == []


async def test_a_poll_takes_no_more_than_its_limit_and_never_over_a_hundred() -> None:
    queue = UpdateQueue(1)
    for _ in range(150):
        queue.add("message", {})
    assert _ids(await queue.poll(0, 2, 0)) == [1, 2]
    assert len(await queue.poll(0, 1000, 0)) == 100


async def test_a_closed_queue_makes_nobody_wait() -> None:
    queue = UpdateQueue(1)
    queue.close()
    assert await queue.poll(0, 100, 50) == []


async def test_a_poll_that_need_not_wait_disturbs_nobody() -> None:
    queue = UpdateQueue(1)
    waiting = asyncio.ensure_future(queue.poll(0, 100, 50))
    await asyncio.sleep(0)
    assert await queue.poll(0, 100, 0) == []
    queue.add("message", {})
    assert _ids(await waiting) == [1]


async def test_a_poll_that_waits_ends_the_one_that_waited() -> None:
    queue = UpdateQueue(1)
    earlier = asyncio.ensure_future(queue.poll(0, 100, 50))
    await asyncio.sleep(0)
    later = asyncio.ensure_future(queue.poll(0, 100, 50))
    with pytest.raises(Refused) as refused:
        await earlier
    assert refused.value.status == 409
    queue.add("message", {})
    assert _ids(await later) == [1]
