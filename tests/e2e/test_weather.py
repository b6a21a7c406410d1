"""Whatever the weather: in the end each message is true, each end was told, and nothing twice but what got lost."""

import os
from collections import Counter
from pathlib import Path

import pytest

from tests.e2e.conftest import kept, opened_world
from tests.e2e.judge import Judge
from tests.e2e.weather import Town

_SOAK = "SOAK" in os.environ
_SEED = int(os.environ.get("SEED", "20261128"))
_SEEDS = range(_SEED, _SEED + (17 if _SOAK else 3))
_ROUNDS = 2 if _SOAK else 1


@pytest.mark.timeout(300 if _SOAK else 120)
@pytest.mark.parametrize("seed", _SEEDS)
async def test_whatever_the_weather_all_is_true_and_told_once(seed: int, tmp_path: Path) -> None:
    async with opened_world(tmp_path, Town) as town:
        town.timeout = 4.0
        town.settle(seed)
        await town.start()
        await town.day(_ROUNDS)
        await calm(town)
        for orphan in Judge(town).orphans():
            labels = [label for row in orphan.buttons for label, _ in row]
            person = town.bob if orphan.chat.is_group else town.alice
            await person.press(orphan, "Refresh" if "Refresh" in labels else "No")
        await town.api.until(lambda: not Judge(town).orphans(), seconds=60)
        await calm(town)

        assert Counter(v1 for (v1,) in town.rows("SELECT v1 FROM items")) == Counter(town.asked)
        assert list(Judge(town).went_back()) == []
        assert_nothing_twice(town)
        for number, text in town.notes_as_they_should_be():
            assert kept(await town.ask(f"/note {number}")) == text
        assert await town.stop() == 0
        await assert_silent_when_started_again(town)
        assert not any(call.self_made_429 for call in town.api.calls)


async def calm(town: Town) -> None:
    """Return when nothing is wrong any more."""
    try:
        await town.api.until(lambda: not list(Judge(town).wrongs()), seconds=60)
    except TimeoutError as error:
        wrongs = "\n".join(Judge(town).wrongs())
        raise AssertionError(f"{wrongs}\n{error}\n{town.output[-6000:]}") from error


def assert_nothing_twice(town: Town) -> None:
    """See that of each question's answers, and of what tells an end, there are no more than got lost."""
    said = [one for one in town.private.every_message if one.from_bot]
    answers = [[one for one in said if one.reply_to is asked] for asked in town.questions]
    assert all(answers)
    again = Judge(town).told_again()
    again[town.private] += sum(len(one) - 1 for one in answers)
    assert [chat for chat, count in again.items() if count > town.unheard(chat)] == []


async def assert_silent_when_started_again(town: Town) -> None:
    before = [(one, one.versions[:]) for chat in town.open_chats for one in chat.bot_messages]
    await town.start()
    helped = [await town.ask("/help", chat=chat) for chat in town.open_chats]
    after = [(one, one.versions) for chat in town.open_chats for one in chat.bot_messages if one not in helped]
    assert after == before
    assert await town.stop() == 0
