"""Whether what stands in a town's chats is what its database says, and was told once."""

import re
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from handlers.board_view import END_LINES
from sandbox.botapi import Chat, Message
from tests.e2e.weather import Town

_LIVE = ("pending", "running")
_ENDS = ("completed", "failed", "cancelled")
_ATTEMPT = re.compile(r"attempt (\d+)")
_HASH = re.compile(r"\b[0-9a-f]{8}")
_LINES = """
SELECT address, message_id, board_id, end_shown_at IS NULL, tasks.state, tasks.attempt, item_rows.v1, name
FROM followers JOIN tasks ON tasks.id = followers.task_id JOIN item_rows ON item_rows.task_id = tasks.id
"""
_BOARDS = "SELECT address, id, message_id FROM boards WHERE message_id IS NOT NULL"


@dataclass(frozen=True)
class Line:
    """A follower, and its task of one torrent."""

    address: str
    message_id: int | None
    board: int | None
    waits: bool
    state: str
    attempt: int
    v1: str
    name: str | None

    @property
    def shown(self) -> str:
        return self.v1[:8]

    def told_by(self, text: str) -> bool:
        """Whether *text* says how the task ended, and the name that was found."""
        if self.state == "completed" and (self.name or "") not in text:
            return False
        if " tasks: " not in text and text.startswith(_ENDS):
            return text.startswith(self.state) and self.shown in text and attempt(text) == self.attempt
        mark = "✓" if self.state == "completed" else "✗"
        return any(line.startswith(mark) and self.shown in line for line in text.splitlines())


@dataclass(frozen=True)
class Board:
    """A board that has a message."""

    address: str
    id: int
    message_id: int


def attempt(text: str) -> int:
    found = _ATTEMPT.search(text)
    return int(found[1]) if found else 1


def _hashes(lines: Iterable[str]) -> set[str]:
    return {shown for line in lines for shown in _HASH.findall(line)}


def is_live(message: Message) -> bool:
    return message.text.startswith(_LIVE)


class Judge:
    """Looks at the town as it stands now."""

    def __init__(self, town: Town) -> None:
        self._town = town
        self._chats = {f"tg:{chat.id}": chat for chat in town.open_chats}
        lines = [Line(*row) for row in town.rows(_LINES)]  # type: ignore[arg-type]
        boards = [Board(*row) for row in town.rows(_BOARDS)]  # type: ignore[arg-type]
        self._lines = [one for one in lines if one.address in self._chats]
        self._boards = [one for one in boards if one.address in self._chats]

    def wrongs(self) -> Iterator[str]:
        """Say what is not true, or not told. Live messages that nobody follows are left out."""
        for line in self._lines:
            yield from self._wrong(line)
        for board in self._boards:
            message = self._chats[board.address].find(board.message_id)
            lines = [line for line in self._lines if line.board == board.id]
            for line in lines if message and len(lines) <= END_LINES else ():
                if message and not line.told_by(message.text):
                    yield f"the board says otherwise: {line}: {message}"
        followed = self._followed()
        for message in self._messages():
            if is_live(message) and (message.chat.id, message.id) in followed:
                yield f"live: {message}"

    def _wrong(self, line: Line) -> Iterator[str]:
        if line.state in _LIVE:
            yield f"under way: {line}"
        elif line.waits:
            yield f"has an end to show: {line}"
        elif line.board is not None and line.message_id is not None:
            yield f"is to say that it is on a board: {line}"
        elif line.message_id is not None:
            message = self._chats[line.address].find(line.message_id)
            if message is not None and not line.told_by(message.text):
                yield f"the card says otherwise: {line}: {message}"
        if line.state in _ENDS and not any(
            line.told_by(text) for one in self._ever(line.address) for _, text in one.versions
        ):
            yield f"told nobody: {line}"

    def orphans(self) -> list[Message]:
        """Return the live messages that nobody follows."""
        followed = self._followed()
        return [one for one in self._messages() if is_live(one) and (one.chat.id, one.id) not in followed]

    def told_again(self) -> Counter[Chat]:
        """Return by chat how many messages, followed by nobody, tell an end that another one tells; retries apart."""
        again: Counter[Chat] = Counter()
        followed = self._followed()
        for address, chat in self._chats.items():
            told = [line for line in self._lines if line.address == address and line.attempt == 1]
            there = [one for one in self._ever(address) if not one.deleted]
            telling = {one: {line.v1 for line in told if line.told_by(one.text)} for one in there}
            counts = Counter(v1 for ends in telling.values() for v1 in ends)
            for one, ends in telling.items():
                again[chat] += (one.chat.id, one.id) not in followed and any(counts[v1] > 1 for v1 in ends)
        return again

    def went_back(self) -> Iterator[str]:
        """Say which message showed an earlier state of a task after a later one."""
        retried = {line.shown for line in self._lines if line.attempt > 1}
        for message in [one for address in self._chats for one in self._ever(address)]:
            seen, over = (0, 0), set[str]()
            for _, text in message.versions:
                word = text.split(" ", 1)[0]
                if " tasks: " in text:
                    lines = text.splitlines()[1:]
                    if back := over & _hashes(line for line in lines if line.startswith(_LIVE)) - retried:
                        yield f"went back: {back} of {text}"
                    over |= _hashes(line for line in lines if line.startswith(("✓", "✗")))
                elif word in (*_LIVE, *_ENDS):
                    now = attempt(text), (2 if word in _ENDS else _LIVE.index(word))
                    if now < seen:
                        yield f"went back from {seen}: {text}"
                    seen = now

    def _followed(self) -> set[tuple[int, int | None]]:
        followed: list[Line | Board] = [*self._lines, *self._boards]
        return {(self._chats[one.address].id, one.message_id) for one in followed}

    def _messages(self) -> list[Message]:
        return [message for chat in self._chats.values() for message in chat.bot_messages]

    def _ever(self, address: str) -> list[Message]:
        """Return all that the bot ever said there, and in the group that it was before."""
        chat, town = self._chats[address], self._town
        chats: list[Chat] = [town.moving, chat] if chat is town.moved else [chat]
        return [one for place in chats for one in place.every_message if one.from_bot]
