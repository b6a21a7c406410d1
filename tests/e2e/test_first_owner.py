"""With no owner set, whoever knows the code on the terminal becomes the first one."""

import re

import pytest

from sandbox.botapi import Message, Person
from sandbox.botapi.text import styled
from sandbox.swarm import make_sample
from tests.e2e.conftest import World

_CODE = re.compile(r"/start ([0-9a-f]{16})")
NO = "That is not the code which this bot's terminal shows."


async def started(world: World) -> str:
    """Start the program without an owner, and return the code that it prints."""
    world.owners, world.output = [], ""
    await world.start()
    return (await world.printed(_CODE))[1]


async def _says(world: World, person: Person, text: str) -> Message:
    return await world.ask(text, person=person, chat=world.api.private(person))


async def test_the_code_works_once_and_its_owner_stays_one(world: World) -> None:
    code = await started(world)
    first = await _says(world, world.alice, f"/start {code}")
    assert first.text.startswith("You are this bot's owner now.")
    assert (await _says(world, world.alice, "/note 1")).text == "There is no such note here."
    bob = world.api.person("Bob")
    assert str(bob.id) in (await _says(world, bob, f"/start {code}")).text
    await world.stop()
    world.output = ""
    await world.start()
    assert (await _says(world, world.alice, "/note 1")).text == "There is no such note here."
    assert str(bob.id) in (await _says(world, bob, f"/start {code}")).text
    await world.stop()
    assert _CODE.search(world.output) is None


async def test_five_wrong_codes_use_the_tries_up_until_the_next_start(world: World) -> None:
    code = await started(world)
    for turn in range(5):
        mallory = world.api.person("Mallory")
        assert (await _says(world, mallory, f"/start {turn}{code[1:-1]}x")).text == NO
    refused = await _says(world, world.alice, f"/start {code}")
    assert refused.text == "The tries for the code are used up. Start the bot again: it shows a new one."
    await world.stop()
    again = await started(world)
    assert again != code
    bob = world.api.person("Bob")
    assert (await _says(world, bob, f"/start {code}")).text == NO
    assert (await _says(world, bob, f"/start {again}")).text.startswith("You are this bot's owner now.")


@pytest.mark.parametrize(("style", "told"), [("code", "This bot serves only the people"), ("bold", NO)])
async def test_what_only_looks_like_a_code_lets_no_stranger_keep_a_note(world: World, style: str, told: str) -> None:
    await started(world)
    mallory = world.api.person("Mallory")
    said = mallory.say(world.api.private(mallory), styled(f"/start {make_sample('x').magnet()}", style))
    assert (await world.answer(said)).text.startswith(told)
    assert world.rows("SELECT id FROM notes") == []


async def test_a_code_that_is_forwarded_is_no_claim_and_makes_no_note(world: World) -> None:
    code = await started(world)
    mallory = world.api.person("Mallory")
    alices = {"type": "hidden_user", "sender_user_name": "Alice"}
    chat = world.api.private(mallory)
    said = mallory.say(chat, f"/start {code}", forwarded=alices)
    refused = await world.answer(said)
    assert str(mallory.id) in refused.text
    mallory.say(chat, f"/start {make_sample('x').magnet()}", forwarded=alices)
    assert (await _says(world, world.alice, f"/start {code}")).text.startswith("You are this bot's owner now.")
    assert chat.bot_messages == (refused,)
    assert world.rows("SELECT id FROM notes") == []


async def test_a_code_in_a_group_is_no_claim(world: World) -> None:
    code = await started(world)
    group = world.api.group("Square", world.alice)
    world.alice.say(group, f"/start {code}")
    claimed = await _says(world, world.alice, f"/start {code}")
    assert claimed.text.startswith("You are this bot's owner now.")
    assert group.bot_messages == ()
