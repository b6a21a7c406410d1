"""Telegram's troubles: edits refused, throttled, and applied without an answer; the card is true all the same."""

import re

import pytest

from sandbox.botapi import Call, Fault
from sandbox.swarm import make_sample
from tests.e2e.conftest import World, kept, states

_ENDED = re.compile(r"event='task\.ended' task='[0-9a-f-]+' state='completed'")


@pytest.mark.parametrize(
    ("fault", "times"),
    [(Fault.BAD_GATEWAY, 3), (Fault.too_many(retry_after=2), 1), (Fault.LOST_ANSWER, 2), (Fault.LOST_REQUEST, 2)],
    ids=["502", "429", "lost answer", "lost request"],
)
async def test_edits_that_go_wrong_are_made_good(fault: Fault, times: int, running: World) -> None:
    sample = running.swarm.unseeded(make_sample("late.mkv"))
    card = await running.ask(f"/calibrate_hash {sample.magnet()}")
    running.api.break_next("editMessageText", fault, times=times)
    await running.swarm.begin_seeding(sample)
    await running.shows(card, "completed", "late.mkv")
    edits = await running.api.until(lambda: _known_to_have_worked(running, fault, times))
    assert states(card)[-1] == "completed"
    assert [call.status for call in edits[:times]] == [fault.status] * times
    assert [one for one in running.private.bot_messages if "late.mkv" in one.text] == [card]
    assert not any(call.self_made_429 for call in running.api.calls)


def _known_to_have_worked(world: World, fault: Fault, times: int) -> list[Call]:
    """Return the edits from the first fault on, once one after the faults has worked or was needed no more."""
    edits = [call for call in world.api.calls if call.method == "editMessageText"]
    wrong = [position for position, call in enumerate(edits) if call.status == fault.status]
    if len(wrong) < times:
        return []
    after = edits[wrong[-1] + 1 :]
    return edits[wrong[0] :] if any(call.status == 200 or "not modified" in call.description for call in after) else []


async def test_a_throttled_chat_holds_no_other(running: World) -> None:
    bob = running.api.person("Bob")
    group = running.api.group("Friends", running.alice, bob)
    sample = running.swarm.unseeded(make_sample("late.mkv"))
    private_card = await running.ask(f"/calibrate_hash {sample.magnet()}")
    running.api.break_next("editMessageText", Fault.too_many(retry_after=30), chat=running.private)
    await running.swarm.begin_seeding(sample)
    throttled = await running.api.until(lambda: next((one for one in running.api.calls if one.status == 429), None))
    assert throttled.chat_id == running.private.id
    answer = await running.ask("/help", chat=group)
    assert "/calibrate" in answer.text
    assert not private_card.text.startswith("completed")


async def test_answers_that_go_wrong_are_made_good(running: World) -> None:
    running.api.break_next("sendMessage", Fault.BAD_GATEWAY, times=2)
    saved = await running.ask(running.swarm.dead().magnet())
    assert saved.text.startswith("#1 saved")
    running.api.break_next("sendMessage", Fault.too_many(retry_after=1))
    assert (await running.ask("/help")).text


async def test_a_telegram_that_was_gone_for_a_time_is_told_what_happened_meanwhile(running: World) -> None:
    sample = running.swarm.unseeded(make_sample("late.mkv"))
    card = await running.ask(f"/calibrate_hash {sample.magnet()}")
    await running.api.vanish()
    asked = running.alice.say(running.private, "/help")
    await running.swarm.begin_seeding(sample)
    await running.printed(re.compile(r"telegram_unreachable"))
    await running.api.come_back()
    await running.shows(card, "completed", "late.mkv")
    await running.answer(asked)
    assert len([one for one in running.private.bot_messages if "late.mkv" in one.text]) == 1


async def test_while_telegram_is_gone_lookups_go_on_and_all_is_told_when_it_is_back(running: World) -> None:
    sample = running.swarm.unseeded(make_sample("Meanwhile.mkv"))
    saved = await running.ask(sample.magnet())
    card = await running.ask("/calibrate 1")
    await running.shows(card, "running")
    await running.api.vanish()
    unheard = running.alice.say(running.private, "/note 1")
    await running.swarm.begin_seeding(sample)
    await running.printed(_ENDED)
    assert card.text.startswith("running")
    await running.api.come_back()
    await running.shows(card, "completed", "Meanwhile.mkv")
    assert kept(await running.answer(unheard)) == sample.magnet(dn="Meanwhile.mkv")
    assert list(running.private.bot_messages)[:2] == [saved, card]
    assert running.output.count("event='telegram.unreachable'") == 1
    assert not any(call.self_made_429 for call in running.api.calls)


async def test_started_while_telegram_is_gone_it_goes_on_with_its_lookups(running: World) -> None:
    sample = running.swarm.unseeded(make_sample("Started.mkv"))
    card = await running.ask(f"/calibrate_hash {sample.magnet()}")
    await running.shows(card, "running")
    await running.follows(card)
    running.kill()
    await running.ended()
    await running.api.vanish()
    await running.swarm.begin_seeding(sample)
    await running.launch(running.write_settings())
    await running.printed(_ENDED)
    assert "is running as" not in running.output.partition("unreachable")[2]
    await running.api.come_back()
    await running.shows(card, "completed", "Started.mkv")
    assert list(running.private.bot_messages) == [card]


async def test_a_deleted_card_is_sent_anew_once_at_its_end(running: World) -> None:
    sample = running.swarm.unseeded(make_sample("late.mkv"))
    card = await running.ask(f"/calibrate_hash {sample.magnet()}")
    running.alice.delete(card)
    await running.swarm.begin_seeding(sample)
    again = await running.api.until(
        lambda: next((one for one in running.private.bot_messages if "late.mkv" in one.text), None)
    )
    assert again is not card
    assert again.text.startswith("completed")
    await running.ask("/help")
    assert len([one for one in running.private.bot_messages if "late.mkv" in one.text]) == 1
