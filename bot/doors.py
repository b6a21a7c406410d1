"""Which notebooks are open to whom over HTTP: their private chat's, and those of groups that they are in now."""

import asyncio
from weakref import WeakValueDictionary

from telegram import Bot
from telegram.error import BadRequest, ChatMigrated, Forbidden, TelegramError

from handlers.context import status_of
from handlers.gate import MEMBERS
from services.clock import Clock
from services.notebook.local import LOCAL
from services.notebook.people import People
from services.torrents import PersonId
from web.given import Others

_REMEMBERED = 60.0  # seconds that an answer of Telegram's is good for
_TITLES_REMEMBERED = 3600.0
_MOST_REMEMBERED = 10_000


class _Asking:
    """What is asked of Telegram by one at a time."""

    def __init__(self) -> None:
        self.turn = asyncio.Lock()
        self.failures = 0


class Doors:
    """See `web.given.Doors`."""

    def __init__(self, bot: Bot, people: People, clock: Clock) -> None:
        self._bot = bot
        self._people = people
        self._clock = clock
        self._titles: dict[str, tuple[float, str]] = {}
        self._known: dict[tuple[str, PersonId], tuple[float, bool]] = {}
        self._asking: WeakValueDictionary[object, _Asking] = WeakValueDictionary()  # while somebody waits for it

    def own(self, person: PersonId) -> str | None:
        """Return the door of the person's private chat, whose number is the person's."""
        door = str(person)
        return door if self._people.access.serves(person, door, private=True) else None

    async def others(self, person: PersonId) -> Others:
        """Return the doors of the groups that are let in and have this member, asked of Telegram once a minute."""
        access = self._people.access
        groups = sorted({access.now(chat) for chat in access.chats})
        members = await asyncio.gather(*(self._is_member(group, person) for group in groups))
        open_ones = [group for group, is_member in zip(groups, members, strict=True) if is_member]
        return Others(open_ones, all_known=None not in members)

    async def title(self, door: str) -> str:
        """Return what a group is called, asked of Telegram once an hour; empty where that cannot be asked now."""
        asking = self._asking.setdefault(door, _Asking())
        async with asking.turn:
            return await self._title(door)

    async def _title(self, door: str) -> str:
        now = self._clock.monotonic()
        until, title = self._titles.get(door, (now, ""))
        if now < until:
            return title
        try:
            title, seconds = (await self._bot.get_chat(_number(door))).title or "", _TITLES_REMEMBERED
        except TelegramError:  # a title is a help, nothing more
            title, seconds = "", _REMEMBERED
        self._titles[door] = now + seconds, title
        return title

    async def _is_member(self, group: str, person: PersonId) -> bool | None:
        """Return whether they are; None where it cannot be found out. Many who ask at once share one answer."""
        asking = self._asking.setdefault((group, person), _Asking())
        failures = asking.failures
        async with asking.turn:
            if asking.failures != failures:
                return None
            is_member = await self._ask(group, person)
            asking.failures += is_member is None
            return is_member

    async def _ask(self, group: str, person: PersonId) -> bool | None:
        now = self._clock.monotonic()
        until, known = self._known.get((group, person), (now, False))
        if now < until:
            return known
        try:
            member = await self._bot.get_chat_member(_number(group), _number(person))
            known = status_of(member) in MEMBERS
        except (BadRequest, ChatMigrated, Forbidden):  # it has no such member, is gone, or the bot is in it no longer
            known = False
        except TelegramError:  # nobody is let in on a guess, nor told that nothing is there
            return None
        self._known.pop((group, person), None)
        self._known[group, person] = now + _REMEMBERED, known
        if len(self._known) > _MOST_REMEMBERED:
            del self._known[next(iter(self._known))]
        return known


class LocalDoor:
    """See `web.given.Doors`: without Telegram nobody can be told apart from whoever started the program."""

    def own(self, person: PersonId) -> str | None:
        """Return the door of this machine's owner; None for everybody else."""
        return LOCAL if person == LOCAL else None

    async def others(self, _: PersonId) -> Others:
        """Return none: who is in a group only Telegram could tell."""
        return Others()

    async def title(self, _: str) -> str:
        """Return none, as there are no others."""
        return ""


def _number(whose: str) -> int:
    return int(whose.removeprefix("tg:"))
