"""People: they write, edit, delete, press, block, and upgrade groups."""

import asyncio
from collections.abc import Mapping

from sandbox.botapi.chats import ANONYMOUS, Account, Chat, Message
from sandbox.botapi.files import File
from sandbox.botapi.text import MAX_CAPTION, MAX_LENGTH, Formatted, commands, utf16_length
from sandbox.botapi.world import PressAnswer, World

_PATIENCE = 10.0
"""Seconds that a person waits for the answer to a press."""


class Person:
    """Somebody with an account. Does what apps let people do, and a few things that only a forged app could."""

    def __init__(self, world: World, account: Account) -> None:
        self._world = world
        self.account = account

    @property
    def id(self) -> int:
        return self.account.id

    def say(
        self,
        chat: Chat,
        text: str | Formatted,
        *,
        reply_to: Message | None = None,
        topic: int | None = None,
        anonymous: bool = False,
        photo: bool = False,
        document: File | None = None,
        forwarded: Mapping[str, object] | None = None,
    ) -> Message:
        """Write *text*, as it is, and return the message.

        Args:
            chat: one that this person is in.
            text: 1 to 4,096 UTF-16 units; 1,024 under a photo. See `styled` for one that is formatted.
            reply_to: a message that stands in this chat; its topic is taken where none is given.
            topic: of a forum.
            anonymous: write as the group, as its anonymous administrators do.
            photo: send a photo, *text* being its caption.
            document: send a file, *text* being its caption, which may be empty.
            forwarded: forward what somebody else wrote: a MessageOrigin (Bot API) without its date.
        """
        if chat.status(self.id) in {"left", "kicked"}:
            raise ValueError(f"{self.account.first_name} is not in {chat.title}")
        _check_is_there(chat)
        if reply_to is not None and chat.find(reply_to.id) is not reply_to:
            raise ValueError(f"{reply_to} does not stand in {chat.title}")
        formatted = _typed(text, MAX_CAPTION if photo or document else MAX_LENGTH, empty=document is not None)
        message = Message(
            id=chat.next_id,
            chat=chat,
            sender=ANONYMOUS if anonymous else self.account,
            date=self._world.now(),
            formatted=formatted,
            html=formatted.text,
            reply_to=reply_to,
            topic=topic or (reply_to.topic if reply_to else None),
            anonymous=anonymous,
            photo=photo,
            document=self._world.files.keep(document) if document else None,
            forwarded=forwarded,
        )
        self._world.say(message)
        return message

    def edit(self, message: Message, text: str) -> None:
        """Change one's own message."""
        if message.deleted or (message.sender != self.account and not message.anonymous):
            raise ValueError(f"{self.account.first_name} cannot edit {message}")
        _check_is_there(message.chat)
        self._world.edit(message, _typed(text, MAX_CAPTION if message.has_caption else MAX_LENGTH))

    def delete(self, message: Message) -> None:
        """Delete anybody's message, for all; no bot is ever told."""
        message.deleted = True
        self._world.changed.beat()

    async def press(self, message: Message, button: str) -> PressAnswer:
        """Press the button that says *button* and return what the bot answered.

        Raises:
            LookupError: there is no such callback button on the message now.
            TimeoutError: no answer within 10 seconds.
        """
        for row in message.keyboard:
            for one in row:
                if one.text == button and one.kind == "callback_data":
                    return await self.press_data(message, one.value)
        raise LookupError(f"no button {button!r} to press on {message}")

    async def press_data(self, message: Message, data: str) -> PressAnswer:
        """Press with any *data*, as a forged app can, and return what the bot answered.

        Raises:
            LookupError: the message is deleted.
            ValueError: its group has become a supergroup.
            TimeoutError: no answer within 10 seconds.
        """
        if message.deleted:
            raise LookupError(f"{message} is deleted")
        _check_is_there(message.chat)
        answer = self._world.press(self.account, message, data)
        async with asyncio.timeout(_PATIENCE):
            return await answer

    def upgrade(self, group: Chat) -> Chat:
        """Make a basic *group* a supergroup, and return that one: it has the same people, and no messages yet."""
        if group.kind != "group" or group.status(self.id) in {"left", "kicked"}:
            raise ValueError(f"{self.account.first_name} cannot upgrade {group.title}")
        _check_is_there(group)
        return self._world.upgrade(self.account, group)

    def block(self) -> None:
        """Block the bot in private."""
        self._world.private(self.account).set_status(self._world.bot, "kicked")

    def unblock(self) -> None:
        self._world.private(self.account).set_status(self._world.bot, "member")


def _check_is_there(chat: Chat) -> None:
    if chat.upgraded_to is not None:
        raise ValueError(f"{chat.title} is a supergroup now")


def _typed(text: str | Formatted, most: int, *, empty: bool = False) -> Formatted:
    formatted = text if isinstance(text, Formatted) else Formatted(text, commands(text))
    if not (0 if empty else 1) <= utf16_length(formatted.text) <= most:
        raise ValueError(f"nobody can send an empty message, or one over {most:,} UTF-16 units")
    return formatted
