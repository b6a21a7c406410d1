"""What cannot be done is refused in one clear line, and changes nothing."""

import re
from collections.abc import AsyncIterator, Mapping

import pytest
import pytest_asyncio

from sandbox.botapi import Message
from sandbox.swarm import make_sample
from tests.e2e.conftest import World, kept, opened_world

pytestmark = pytest.mark.asyncio(loop_scope="module")

COMMANDS = ("calibrate", "calibrate_hash", "note", "history", "undo", "delete", "undelete")
_NO_TOPIC = "magnet:?dn=18&tr=http%3A%2F%2F127.0.0.1%3A1%2Fannounce"
BAD: Mapping[str, str] = {
    "nothing": "",
    "blanks": "  \n ",
    "letters": "abc",
    "39 digits": "a" * 39,
    "41 digits": "a" * 41,
    "negative": "-1",
    "31 digits": str(10**30),
    "4,000 digits": "9" * 4_000,
    "zero": "0",
    "fraction": "1.0",
    "another chat's number": "1",
    "magnet without a topic": _NO_TOPIC,
    "magnet of a hash too short": "magnet:?xt=urn:btih:" + "a" * 39,
    "3,000 letters": "x" * 3_000,
    "nul": "\0",
    "number and nul": "1\0",
    "sql": "1; DROP TABLE notes",
    "path": "../../etc/passwd",
    "emoji": "👩‍👩‍👧‍👦",
    "several words": "abc def",
    "full-width digits": "１",
    "arabic digits": "١",
    "placeholder": "{number} %s {0.__class__}",
    "markup": "<b>1</b>",
    "right-to-left override": "\u202e1",
}
_STATES = re.compile(r"\b(?:pending|running|completed|failed|cancelled)\b")
_ECHOED = 8
"""Letters: what is longer is no word of ours by chance."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[World]:
    """Where note 1 is Alice's."""
    async with opened_world(tmp_path_factory.mktemp("town"), World) as world:
        await world.start()
        assert (await world.ask(make_sample("alice's").magnet())).text == "#1 saved: 1 magnet."
        yield world


def one_clear_line(answer: Message, typed: str) -> str:
    """Return the refusal's text: a line, that tells no secret and repeats nothing."""
    text = answer.text
    assert 10 < len(text) < 300
    assert "\n" not in text
    assert _STATES.search(text) is None
    assert "Traceback" not in text
    assert len(typed) < _ECHOED or typed[:_ECHOED] not in text
    assert answer.buttons == ()
    return text


@pytest.mark.parametrize("bad", BAD.values(), ids=BAD)
@pytest.mark.parametrize("command", COMMANDS)
async def test_a_bad_argument_is_refused_in_one_line_and_changes_nothing(town: World, command: str, bad: str) -> None:
    group = town.api.group("its own notebook", town.alice)
    text = make_sample("mine").magnet(dn="18")
    saved = await town.ask(text, chat=group)
    number = saved.text.partition(" ")[0].removeprefix("#")
    refusal = await town.ask(f"/{command} {bad}", chat=group)
    note = await town.ask(f"/note {number}", chat=group)
    one_clear_line(refusal, bad)
    assert kept(note) == text
    # Answers go out in order: a card, had there been one, would stand before the note.
    assert group.bot_messages == (saved, refusal, note)
    assert town.rows("SELECT count(*) FROM tasks") == [(0,)]


@pytest.mark.parametrize("command", [one for one in COMMANDS if one != "calibrate_hash"])
async def test_another_chats_note_is_answered_exactly_as_one_that_does_not_exist(town: World, command: str) -> None:
    group = town.api.group("somebody else's", town.alice)
    foreign = await town.ask(f"/{command} 1", chat=group)
    missing = await town.ask(f"/{command} 999999", chat=group)
    assert foreign.text == missing.text
    assert foreign.html == missing.html


async def test_a_reply_to_a_message_without_a_magnet_is_refused(town: World) -> None:
    group = town.api.group("a reply", town.alice)
    words = town.alice.say(group, "no link in here")
    refusal = await town.answer(town.alice.say(group, "/calibrate_hash", reply_to=words))
    one_clear_line(refusal, words.text)
    assert group.bot_messages == (refusal,)
