"""What whoever sits before the page does: one of the people, in a chat that they are in."""

import base64
import binascii
from collections.abc import Awaitable, Callable, Mapping
from pathlib import PurePosixPath

from sandbox.botapi import Chat, File, Message, Person, PressAnswer
from sandbox.page.shapes import Cast, origin_of
from sandbox.page.troubles import Troubles

Given = Mapping[str, object]
_MAX_FILE = 2_000_000


class Impossible(Exception):
    """The page asked for what its people cannot do. *code* says why, for the page has the words."""

    def __init__(self, code: str = "cannot") -> None:
        super().__init__(code)
        self.code = code


class Actions:
    """Does what the page asks for."""

    def __init__(self, cast: Cast, troubles: Troubles) -> None:
        self._cast = cast
        self._troubles = troubles
        self._table: Mapping[str, Callable[[Given], Awaitable[PressAnswer | None]]] = {
            "say": self._say,
            "edit": self._edit,
            "delete": self._delete,
            "forward": self._forward,
            "press": self._press,
            "trouble": self._trouble,
        }

    async def do(self, given: Given) -> PressAnswer | None:
        """Do what *given* says; return what the bot answered to a press.

        Raises:
            Impossible: it cannot be done; nothing was.
        """
        action = self._table.get(str(given.get("do")))
        if action is None:
            raise Impossible
        try:
            return await action(given)
        except TimeoutError as error:
            raise Impossible("unanswered") from error
        except (ValueError, LookupError) as error:
            raise Impossible from error

    async def _say(self, given: Given) -> None:
        person, chat = self._where(given)
        reply = _found(chat, given["reply"]) if given.get("reply") is not None else None
        person.say(chat, _text(given), reply_to=reply, document=_file(given))

    async def _edit(self, given: Given) -> None:
        person, chat = self._where(given)
        person.edit(_found(chat, given.get("message")), _text(given))

    async def _delete(self, given: Given) -> None:
        person, chat = self._where(given)
        message = _found(chat, given.get("message"))
        may = not chat.is_group or chat.status(person.id) in {"creator", "administrator"}
        if message.sender != person.account and not may:
            raise Impossible
        person.delete(message)

    async def _forward(self, given: Given) -> None:
        person, chat = self._where(given)
        message = _found(chat, given.get("message"))
        there = self._cast.chat_of(person, given.get("to"))
        if there is None:
            raise Impossible
        person.say(there, message.formatted, document=message.document, forwarded=origin_of(message))

    async def _press(self, given: Given) -> PressAnswer:
        person, chat = self._where(given)
        return await person.press_data(_found(chat, given.get("message")), str(given.get("data")))

    async def _trouble(self, given: Given) -> None:
        match given.get("kind"):
            case "slow":
                self._troubles.make_slow(slow=given.get("on") is True)
            case "refuse":
                self._troubles.refuse()
            case "gone":
                self._troubles.begin_being_gone()
            case _:
                raise Impossible

    def _where(self, given: Given) -> tuple[Person, Chat]:
        person = self._cast.person(given.get("as"))
        chat = self._cast.chat_of(person, given.get("chat")) if person else None
        if person is None or chat is None:
            raise Impossible
        return person, chat


def _found(chat: Chat, number: object) -> Message:
    message = chat.find(number) if isinstance(number, int) else None
    if message is None:
        raise Impossible("deleted")
    return message


def _text(given: Given) -> str:
    return str(given.get("text") or "").strip()


def _file(given: Given) -> File | None:
    match given.get("file"):
        case None:
            return None
        case {"name": str(name), "content": str(content)}:
            try:
                content_bytes = base64.b64decode(content, validate=True)
            except binascii.Error as error:
                raise Impossible("file") from error
            if not 0 < len(content_bytes) <= _MAX_FILE:
                raise Impossible("file")
            return File(PurePosixPath(name).name, content_bytes)
    raise Impossible("file")
