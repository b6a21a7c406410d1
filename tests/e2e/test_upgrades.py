"""A group becomes a supergroup: its notebook, its live cards and its people go on there."""

import re

import httpx

from sandbox.botapi import Chat, Message, Person
from sandbox.swarm import make_sample
from tests.e2e.conftest import World, kept, states

SAMPLE = make_sample("late.mkv")


async def a_live_card(world: World, group: Chat, person: Person) -> Message:
    """Let the group have note 1, and a card of it whose name is still looked for."""
    magnet = world.swarm.unseeded(SAMPLE).magnet()
    assert (await world.ask(magnet, person=person, chat=group)).text.startswith("#1 saved")
    card = await world.ask("/calibrate 1", person=person, chat=group)
    return await world.shows(card, "running")


def cards(chat: Chat) -> list[Message]:
    return [one for one in chat.bot_messages if "late.mkv" in one.text and not one.text.startswith("#1")]


async def goes_on(world: World, chat: Chat, old_card: Message, person: Person) -> None:
    """See the card sent anew, its name found, its end told once, and the notebook open in *chat*."""
    card = await world.api.until(lambda: next(iter(chat.bot_messages), None))
    await world.shows(card, "running")
    await world.swarm.begin_seeding(SAMPLE)
    await world.shows(card, "completed", "late.mkv")
    assert states(card) == ["running", "completed"]
    assert states(old_card)[-1] == "running"
    note = await world.ask("/note 1", person=person, chat=chat)
    assert "late.mkv" in kept(note)
    await person.press(card, "Undo")
    await world.shows(card, "completed", "Undone")
    assert "late.mkv" not in kept(await world.ask("/note 1", person=person, chat=chat))
    assert len([one for one in chat.bot_messages if states(one)[-1] == "completed"]) == 1
    assert not any(call.self_made_429 for call in world.api.calls)


async def test_a_group_that_an_owner_let_in_goes_on_as_a_supergroup(world: World) -> None:
    bob = world.api.person("Bob")
    group = world.api.group("Friends", world.alice, bob, kind="group")
    await world.start()
    await world.ask("/allow", chat=group)
    old_card = await a_live_card(world, group, bob)
    chat = bob.upgrade(group)
    await goes_on(world, chat, old_card, bob)
    assert f"{chat.id} - by {world.alice.id}" in (await world.ask("/people")).text
    assert "remedy" not in world.output


async def test_a_group_of_the_settings_goes_on_as_a_supergroup_that_the_operator_is_told_of(world: World) -> None:
    bob = world.api.person("Bob")
    group = world.group("Friends", bob, kind="group")
    await world.start()
    old_card = await a_live_card(world, group, bob)
    chat = bob.upgrade(group)
    await goes_on(world, chat, old_card, bob)
    await world.printed(re.compile(f"group_upgraded.*write {chat.id} in the place of {group.id} into allowed_chats"))
    assert await world.stop() == 0
    await world.start()
    assert (await world.ask("/help", person=bob, chat=chat)).text
    assert world.output.count("group_upgraded") == 1
    assert (await world.ask(f"/deny {chat.id}")).text == f"{chat.id} is no longer let in."
    assert (await world.ask("/people")).text.endswith("Groups\nnone")


async def test_a_group_that_is_upgraded_while_the_bot_is_down_goes_on_as_a_supergroup(world: World) -> None:
    bob = world.api.person("Bob")
    group = world.group("Friends", bob, kind="group")
    await world.start()
    old_card = await a_live_card(world, group, bob)
    world.kill()
    await world.ended()
    late = bob.say(group, f"/save {world.swarm.dead().magnet()}")
    chat = bob.upgrade(group)
    await world.start()
    answer = await world.api.until(lambda: next((one for one in chat.bot_messages if "#2 saved" in one.text), None))
    assert answer.reply_to is None
    card = await world.api.until(lambda: next((one for one in chat.bot_messages if one is not answer), None))
    await world.shows(card, "running")
    assert (await world.ask("/note 2", person=bob, chat=chat)).text
    await world.swarm.begin_seeding(SAMPLE)
    await world.shows(card, "completed", "late.mkv")
    assert cards(chat) == [card]
    assert late.chat is group
    assert states(old_card)[-1] == "running"


async def test_an_upgrade_of_which_nothing_is_told_is_learned_from_the_first_edit(world: World) -> None:
    bob = world.api.person("Bob")
    group = world.group("Friends", bob, kind="group")
    await world.start()
    old_card = await a_live_card(world, group, bob)
    world.kill()
    await world.ended()
    chat = bob.upgrade(group)
    async with httpx.AsyncClient() as http:  # Telegram keeps updates for a day, and no longer
        url = f"{world.api.base_url}{world.api.token}/deleteWebhook"
        assert (await http.get(url, params={"drop_pending_updates": "true"})).is_success
    await world.start()
    await goes_on(world, chat, old_card, bob)


async def test_an_end_that_the_group_was_told_is_not_told_again_in_the_supergroup(world: World) -> None:
    bob = world.api.person("Bob")
    group = world.group("Friends", bob, kind="group")
    await world.start()
    card = await a_live_card(world, group, bob)
    await world.swarm.begin_seeding(SAMPLE)
    await world.shows(card, "completed", "late.mkv")
    chat = bob.upgrade(group)
    assert (await world.ask("/undo 1", person=bob, chat=chat)).text
    assert (await world.ask("/help", person=bob, chat=chat)).text
    assert [one for one in chat.bot_messages if one.text.startswith("completed")] == []


async def test_a_strangers_group_is_no_more_served_as_a_supergroup(world: World) -> None:
    bob = world.api.person("Bob")
    group = world.api.group("Strangers", world.alice, bob, kind="group")
    await world.start()
    chat = bob.upgrade(group)
    said = bob.say(chat, "/help")
    await world.ask("/help", chat=chat)  # answered after whatever came before
    assert [one for one in chat.bot_messages if one.reply_to is said] == []
