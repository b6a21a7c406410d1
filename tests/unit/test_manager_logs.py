"""What the log is told of tasks."""

from structlog.testing import capture_logs

from services.calibration.follower import NewFollower
from services.errors import LookupFailed
from services.torrents import NotebookId, PersonId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, hashes

ALICE = PersonId("tg:1")


async def test_each_task_is_a_line_when_it_comes_and_one_when_it_ends(
    run: Run, engine: FakeEngine, clock: FakeClock, notebook: NotebookId
) -> None:
    engine.knows("found", "Found.iso")
    engine.knows("lost", LookupFailed())
    with capture_logs() as logs:
        async with run() as manager:
            tasks = [
                await manager.submit_task(
                    request=hashes(word),
                    notebook=notebook,
                    asked_by=ALICE,
                    cause="command",
                    follower=NewFollower(address="tg:1"),
                )
                for word in ("found", "lost", "never")
            ]
            await clock.advance(5)
            await manager.cancel_task(tasks[2], notebook=notebook, asked_by=ALICE)
    assert [(one["event"], one["task"]) for one in logs[:3]] == [("task.submitted", task_id) for task_id in tasks]
    assert {(one["by"], one["shown_at"]) for one in logs[:3]} == {(ALICE, "tg:1")}
    assert {(one["event"], one["task"], one["state"]) for one in logs[3:]} == {
        ("task.ended", tasks[0], "completed"),
        ("task.ended", tasks[1], "failed"),
        ("task.ended", tasks[2], "cancelled"),
    }
