"""A lookup that everybody leaves in the moment in which it begins."""

from services.calibration.task import Item
from services.torrents import Hints, NotebookId, TaskId
from tests.fake_clock import settle
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, torrent


async def test_a_lookup_that_is_left_before_its_first_step_is_not_made_and_keeps_no_slot(
    run: Run, engine: FakeEngine, notebook: NotebookId
) -> None:
    engine.delay = 0
    for word in ("left", "next"):
        engine.knows(word, "x.iso")
    left, next_one = (
        Item(task_id=TaskId(word), position=0, torrent=torrent(word), hints=Hints()) for word in ("left", "next")
    )
    async with run(max_workers=1) as manager:
        runner = manager._runner
        runner._join(left, notebook)
        runner._begin()
        runner.leave([left.key])  # in the same turn of the loop
        runner._join(next_one, notebook)
        await settle()
        assert list(engine.calls) == [next_one.torrent]
