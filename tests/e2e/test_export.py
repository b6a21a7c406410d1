"""/export: a notebook's notes come as files, to whoever may read it."""

import json
from typing import Any

from sandbox.botapi import Chat, Fault, Message, Person
from sandbox.swarm import make_sample
from tests.e2e.conftest import World


async def files(world: World, asked: Message, count: int = 2) -> dict[str, bytes]:
    """Return the files that answer *asked*, by the ends of their names."""

    def answers() -> list[Message]:
        return [one for one in asked.chat.bot_messages if one.reply_to is asked]

    await world.api.until(lambda: len(answers()) >= count)
    found = {}
    for one in answers():
        assert one.document is not None, one.text
        found[one.document.name.partition(".")[2]] = one.document.content
    return found


async def notes(world: World, person: Person, chat: Chat) -> list[dict[str, Any]]:
    exported = await files(world, person.say(chat, "/export"))
    document: dict[str, Any] = json.loads(exported["json"])
    assert (document["format"], document["version"], document["last"]) == ("calibot-notes", 1, True)
    return document["notes"]  # type: ignore[no-any-return]


async def test_a_notebook_comes_as_json_with_its_history_and_as_text(world: World) -> None:
    bob, carol = world.invite("Bob"), world.api.person("Carol")
    market = world.group("Market", carol)
    await world.start()
    assert (await world.ask("/export")).text == "There are no notes here yet."
    sample = world.swarm.seed(make_sample("三体.mkv"))
    await world.ask(f"to watch {sample.magnet(dn='18')}")
    await world.ask(world.swarm.dead().magnet(), person=bob, chat=world.api.private(bob))
    await world.ask(world.swarm.dead().magnet(), person=carol, chat=market)
    await world.shows(await world.ask("/calibrate 1"), "completed")
    asked = world.alice.say(world.private, "/export")
    exported = await files(world, asked)
    (note,) = json.loads(exported["json"])["notes"]
    assert (note["number"], note["text"]) == (1, f"to watch {sample.magnet(dn='三体.mkv')}")
    assert [(one["text"], one["cause"]) for one in note["revisions"]] == [
        (f"to watch {sample.magnet(dn='18')}", "command")
    ]
    assert exported["txt"].decode().endswith(f"\nto watch {sample.magnet(dn='三体.mkv')}\n")
    await world.ask("/help")  # answered when what went before is over
    captions = [one.text for one in world.private.bot_messages if one.reply_to is asked]
    assert captions == ["1 note with its earlier texts", "1 note as it is now"]
    # Once its files are sent, it can be asked for again; a member has their group's notes, an owner too.
    assert [one["number"] for one in await notes(world, world.alice, world.private)] == [1]
    assert [one["number"] for one in await notes(world, bob, world.api.private(bob))] == [2]
    assert [one["number"] for one in await notes(world, carol, market)] == [3]
    assert [path.name for path in world.folder.iterdir() if "export" in path.name] == []


async def test_an_export_that_telegram_did_not_take_is_sent_again_whole_and_not_made_twice(running: World) -> None:
    world = running
    await world.ask(world.swarm.dead().magnet())
    world.api.break_next("sendDocument", Fault.BAD_GATEWAY, times=2)
    asked = world.alice.say(world.private, "/export")
    again = world.alice.say(world.private, "/export")
    exported = await files(world, asked)
    assert json.loads(exported["json"])["last"] is True
    assert (await world.answer(again)).text == "The last export is not sent yet. Ask again when you have its files."
