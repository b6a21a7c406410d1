"""Owners let people and groups in from a chat, see who is in, and what is under way."""

import asyncio
import re

import pytest

from sandbox.botapi import Chat, Person
from sandbox.swarm import make_sample
from tests.e2e.conftest import World

HELP = "I keep notes"
WHOM = "Whom? Reply with"
OWNERS_ONLY = "Only this bot's owner may do that."


async def served(world: World, person: Person, chat: Chat) -> bool:
    """Whether *person* is answered in *chat*, where Alice is too unless it is private."""
    said = person.say(chat, "/help")
    if not chat.is_group:
        return (await world.answer(said)).text.startswith(HELP)
    await world.ask("/note 0", chat=chat)  # answered after whatever came before
    return any(one.reply_to is said for one in chat.bot_messages)


async def private(world: World, person: Person) -> bool:
    return await served(world, person, world.api.private(person))


async def restarted(world: World) -> None:
    assert await world.stop() == 0
    await world.start()


async def test_a_person_is_let_in_by_a_reply_and_denied_by_their_number(world: World) -> None:
    world.owners = [world.alice.id]
    bob = world.api.person("<b>Bob</b>")
    hall = world.api.group("Hall", world.alice, bob)
    await world.start()
    assert not await served(world, bob, hall)
    said = bob.say(hall, "let me in")
    answer = await world.answer(world.alice.say(hall, "/allow", reply_to=said))
    assert answer.text == f"{bob.id} is let in: they are served in their private chat with me."
    assert await private(world, bob)
    assert not await served(world, bob, hall), "they are, not the group"
    assert (await world.ask(f"/allow {bob.id}")).text == f"{bob.id} is let in already."
    await restarted(world)
    assert await private(world, bob)
    assert (await world.ask(f"/deny {bob.id}")).text == f"{bob.id} is no longer let in."
    assert not await private(world, bob)
    assert (await world.ask(f"/deny {bob.id}")).text == f"{bob.id} is not let in."
    assert world.rows("SELECT * FROM people") == []


async def test_a_group_is_let_in_alone_and_denied_from_elsewhere(world: World) -> None:
    bob = world.api.person("Bob")
    hall = world.api.group("Hall", world.alice, bob)
    await world.start()
    answer = await world.ask("/allow", chat=hall)
    assert answer.text == f"Group {hall.id} is let in: whoever may write there is served there."
    assert await served(world, bob, hall)
    assert not await private(world, bob)
    await restarted(world)
    assert await served(world, bob, hall)
    card = await world.ask(f"/calibrate_hash {world.swarm.dead().magnet()}", person=bob, chat=hall)
    assert (await world.ask(f"/deny {hall.id}")).text == f"{hall.id} is no longer let in."
    assert not await served(world, bob, hall)
    assert (await bob.press(card, "Cancel")).text == "You may not do that."
    assert (await world.ask("/deny", chat=hall)).text == f"{hall.id} is not let in."


async def test_people_are_listed_with_where_they_come_from(world: World) -> None:
    bob, carol = world.invite("Bob"), world.api.person("Carol")
    square = world.group("Square", world.alice)
    hall = world.api.group("Hall", world.alice)
    await world.start()
    await world.ask(f"/allow {carol.id}")
    await world.ask("/allow", chat=hall)
    text = (await world.ask("/people")).text
    when = r", \d{4}-\d\d-\d\d \d\d:\d\d UTC"
    expected = (
        f"Owners\n{world.alice.id} - by the settings\n\n"
        f"People\n{bob.id} - by the settings\n{carol.id} - by {world.alice.id}{when}\n\n"
        f"Groups\n{square.id} - by the settings\n{hall.id} - by {world.alice.id}{when}"
    )
    assert re.fullmatch(expected, text), text


async def test_what_is_in_the_settings_and_what_is_unclear_is_told_and_changes_nothing(world: World) -> None:
    bob = world.invite("Bob")
    square = world.group("Square", world.alice, bob)
    await world.start()
    settings = "The bot's settings let this one in: that can be changed there alone."
    for text, chat in ((f"/deny {bob.id}", None), (f"/deny {world.alice.id}", None), ("/deny", square)):
        assert (await world.ask(text, chat=chat)).text == settings
    for text in ("/allow", "/deny", "/allow @bob", "/allow 1 2", "/allow 0", "/deny <b>", "/allow " + "9" * 40):
        answer = (await world.ask(text)).text
        assert answer.startswith(WHOM)
        assert "\n" not in answer
    shown = await world.ask("/help", chat=square)
    assert (await world.answer(world.alice.say(square, "/allow", reply_to=shown))).text.startswith(WHOM)
    anonymous = bob.say(square, "hello", anonymous=True)
    assert (await world.answer(world.alice.say(square, "/allow", reply_to=anonymous))).text.startswith(WHOM)
    mine = await world.ask(f"/allow {world.api.bot.id}")
    assert mine.text == f"{world.api.bot.id} is my own number: send a person's or a group's."
    assert (await world.ask("/allow", person=bob, chat=square)).text == OWNERS_ONLY
    assert (await world.ask("/allow nonsense", person=bob, chat=square)).text == OWNERS_ONLY
    assert world.rows("SELECT * FROM people") == world.rows("SELECT * FROM allowed_chats") == []


async def test_the_last_owner_cannot_be_denied_and_an_earlier_one_can(world: World) -> None:
    world.owners = []
    await world.start()
    found = await world.printed(re.compile(r"/start (\S+)"))
    await world.ask(found[0])
    last = "This is the last owner. Without one nobody could let anybody in."
    assert (await world.ask(f"/deny {world.alice.id}")).text == last
    await restarted(world)
    assert (await world.ask(f"/deny {world.alice.id}")).text == last
    assert "by the code of a start, 2" in (await world.ask("/people")).text
    bob = world.api.person("Bob")
    world.owners = [bob.id]
    await restarted(world)
    answer = await world.ask(f"/deny {world.alice.id}", person=bob, chat=world.api.private(bob))
    assert answer.text == f"{world.alice.id} is no longer let in."
    assert not await private(world, world.alice)


async def test_the_queue_shows_what_is_under_way_here_ones_own_or_all(world: World) -> None:
    world.timeout = 600
    bob, carol = world.invite("Bob"), world.invite("Carol")
    square, market = world.group("Square", world.alice, bob), world.group("Market", world.alice, carol)
    await world.start()
    empty = "Nothing is being looked up."
    assert (await world.ask("/queue")).text == (await world.ask("/queue", chat=square)).text == empty
    in_square, in_market = world.swarm.dead(), world.swarm.dead()
    asked = f"/calibrate_hash {in_square.magnet()}"
    card = await world.ask(asked, person=bob, chat=square)
    other = await world.ask(f"/calibrate_hash {in_market.magnet()}", person=carol, chat=market)
    await world.shows(card, "running")
    await world.shows(other, "running")
    mine = rf"at work · {str(in_square.v1)[:16]}… · asked \d+ s ago"
    theirs = rf"at work · {str(in_market.v1)[:16]}… · asked \d+ s ago"
    here = [(world.alice, square), (bob, square), (bob, world.api.private(bob))]
    for person, chat in here:
        text = (await world.ask("/queue", person=person, chat=chat)).text
        assert re.fullmatch(mine, text), text
    everything = (await world.ask("/queue")).text
    assert re.fullmatch(rf"{mine} · by {bob.id}\n{theirs} · by {carol.id}", everything), everything
    assert (await bob.press(card, "Cancel")).text == ""
    assert (await world.ask("/queue", chat=square)).text == empty


async def test_the_figures_are_those_of_the_lookups(world: World) -> None:
    world.timeout = 2
    await world.start()
    assert (await world.ask("/stats")).text == "Now: 0 at work, 0 waiting.\n\nNo lookup in 30 days."
    found = world.swarm.seed(make_sample("Found", files=[("a.mkv", 1_234)]))
    await world.shows(await world.ask(f"/calibrate_hash {found.magnet()}"), "completed")
    await world.shows(await world.ask(f"/calibrate_hash {world.swarm.dead().magnet()}"), "failed")
    async with asyncio.timeout(20):  # a lookup is counted when it is gone, a moment after its card has ended
        while "\n2 lookups in 30 days\n" not in (text := (await world.ask("/stats")).text):
            pass
    for words in (
        "Now: 0 at work, 0 waiting.",
        "Names found: 50 % of those that nobody stopped",
        "Wait before its turn: 0.0 s on average, 95 of 100 within 0.0 s",
        ": 1 name; half within ",
        "1 - found",
        "1 - nobody had it",
    ):
        assert words in text


@pytest.mark.parametrize("command", ["/allow", "/deny", "/people", "/stats"])
async def test_a_command_under_a_photo_is_told_to_stand_alone_and_does_nothing(running: World, command: str) -> None:
    said = running.alice.say(running.private, command, photo=True)
    answer = await running.answer(said)
    assert answer.text == f"{command} takes no file: send it in a message of its own."


@pytest.mark.parametrize("photo", [False, True])
async def test_a_command_that_an_owner_forwards_is_somebody_elses_words_and_not_carried_out(
    running: World, photo: bool
) -> None:
    mallory = {"type": "user", "sender_user": {"id": 4711, "is_bot": False, "first_name": "Mallory"}}
    said = running.alice.say(running.private, "/allow 4711", forwarded=mallory, photo=photo)
    kept = "There is no magnet link in what you forwarded: nothing was kept."
    assert (await running.answer(said)).text == kept
    link = make_sample(f"forwarded {photo}").magnet()
    said = running.alice.say(running.private, f"/save {link}", forwarded=mallory, photo=photo)
    number = re.match(r"#(\d+) saved", (await running.answer(said)).text)
    assert number is not None
    assert running.rows(f"SELECT text FROM notes WHERE id = {number[1]}") == [(f"/save {link}",)]  # noqa: S608
    assert running.rows("SELECT * FROM people") == []
