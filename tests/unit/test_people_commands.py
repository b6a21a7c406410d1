"""Whom ``/allow`` and ``/deny`` mean, and how those are shown who are let in."""

from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import pytest
from telegram import Chat, ForumTopicCreated, Message, MessageEntity, MessageOriginHiddenUser, Story, Update, User

from handlers.people import _meant, people_text
from services.access import LetIn, Role
from services.i18n import ENGLISH
from services.torrents import PersonId

NOW = datetime(2026, 11, 25, tzinfo=UTC)
GROUP, PRIVATE = Chat(-100, "supergroup", title="Town"), Chat(1, "private")
ALICE, BOB = User(1, "Alice", is_bot=False), User(2, "Bob", is_bot=False)


def message(sender: User | None = ALICE, chat: Chat = GROUP, text: str = "x", **more: Any) -> Message:
    return Message(5, NOW, chat, from_user=sender, text=text, **more)


def meant(*arguments: str, chat: Chat = GROUP, **more: Any) -> int | None:
    command = MessageEntity(MessageEntity.BOT_COMMAND, 0, len("/allow"))
    text = " ".join(["/allow", *arguments])
    return _meant(Update(1, message=message(chat=chat, text=text, entities=[command], **more)))


@pytest.mark.parametrize(
    ("argument", "number"), [("4711", 4711), ("-1001234567890", -1001234567890), ("007", 7), ("7000000001", 7000000001)]
)
def test_a_number_is_who_has_it(argument: str, number: int) -> None:
    assert meant(argument) == number
    assert meant(argument, chat=PRIVATE) == number
    assert meant(argument, reply_to_message=message(BOB)) == number


@pytest.mark.parametrize(
    "arguments",
    [
        ["0"], ["-0"], ["+5"], ["1_0"], ["٣"], ["@bob"], ["bob"], ["1", "2"], ["1.5"], ["0x10"], ["--1"], ["-"],
        ["9" * 17], ["9" * 4000], ["<b>"], ["1\u202e"],
    ],
)  # fmt: skip
def test_what_is_no_number_is_nobody(arguments: list[str]) -> None:
    assert meant(*arguments) is None
    assert meant(*arguments, reply_to_message=message(BOB)) is None


def test_a_reply_means_who_wrote_that_message() -> None:
    assert meant(reply_to_message=message(BOB)) == BOB.id


def test_alone_it_means_the_group_and_in_private_nobody() -> None:
    assert meant() == GROUP.id
    assert meant(chat=PRIVATE) is None


def test_in_a_topic_alone_it_means_the_group() -> None:
    """There Telegram gives each message that replies to nothing as a reply to the topic's beginning."""
    beginning = message(BOB, forum_topic_created=ForumTopicCreated("Films", 0))
    assert meant(reply_to_message=beginning) == GROUP.id


@pytest.mark.parametrize(
    "replied",
    [
        message(User(1087968824, "Group", is_bot=True), sender_chat=GROUP),
        message(User(136817688, "Channel", is_bot=True), sender_chat=Chat(-200, "channel")),
        message(User(777000, "Telegram", is_bot=False), sender_chat=Chat(-200, "channel"), is_automatic_forward=True),
        message(User(9, "bot", is_bot=True)),
        message(None),
        message(BOB, forward_origin=MessageOriginHiddenUser(NOW, "Carol")),
    ],
    ids=["anonymous administrator", "as a channel", "channel post", "a bot", "nobody", "forwarded"],
)
def test_a_reply_to_what_is_no_persons_own_message_means_nobody(replied: Message) -> None:
    assert meant(reply_to_message=replied) is None


@pytest.mark.parametrize(
    "more", [{"external_reply": SimpleNamespace()}, {"reply_to_story": Story(GROUP, 1)}], ids=["other chat", "story"]
)
def test_a_reply_to_something_elsewhere_does_not_let_the_group_in(more: dict[str, Any]) -> None:
    assert meant(**more) is None


def test_people_are_shown_by_role_with_their_origin() -> None:
    text = people_text(
        ENGLISH,
        [
            LetIn(who="tg:1", role=Role.OWNER),
            LetIn(who="tg:2", role=Role.OWNER, added_at=0.0),
            LetIn(who="tg:-7", role=Role.CHAT, added_at=1_795_000_000.0, added_by=PersonId("tg:1")),
        ],
    )
    assert text == (
        "Owners\n1 - by the settings\n2 - by the code of a start, 1970-01-01 00:00 UTC\n\n"
        "People\nnone\n\n"
        "Groups\n-7 - by 1, 2026-11-18 11:06 UTC"
    )
