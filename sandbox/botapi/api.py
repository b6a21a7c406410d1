"""The sandbox's Telegram, put together: a Bot API server on loopback, and the people who use it."""

import asyncio
import time
from collections.abc import Callable
from types import TracebackType
from typing import Self, TypeVar

from sandbox.botapi.chats import Account, Chat, Kind, Message
from sandbox.botapi.events import Call, Event, EventLog
from sandbox.botapi.faults import Fault, FaultBook
from sandbox.botapi.flood import FloodControl, Limits
from sandbox.botapi.listening import Listener
from sandbox.botapi.methods import Methods
from sandbox.botapi.people import Person
from sandbox.botapi.server import Server
from sandbox.botapi.world import World

_LIMITS = Limits()
T = TypeVar("T")


class BotApi:
    """A Bot API server for one bot, listening while the ``async with`` lasts. Lives in the loop that enters it.

    It checks what Telegram checks, in Telegram's words, and refuses, with ``sandbox:`` in the description, parameters
    and fields that it does not know, where Telegram ignores them. Not in it: service messages other than those of an
    upgraded group, inline mode, webhooks, media other than documents and photos (which cannot be had), entities that
    Telegram finds by itself other than ``bot_command``.

    Args:
        token: ``<bot id>:<letters>``; every other one is refused.
        limits: the flood limits; ``Limits.none()`` switches them off.
        now: seconds since 1970, for dates (those of HTTP, too), flood limits and the age of presses; waits are real.
        callback_seconds: how old a press may be to be answered.
        username: the bot's.
        reads_all: whether the bot hears all that is said in groups; else privacy mode hides it, as Telegram does.
        first_message: the id of each chat's first message, for a bot that remembers those of an earlier sandbox.
    """

    def __init__(
        self,
        token: str = "42:TEST",  # noqa: S107 - opens this sandbox alone
        *,
        limits: Limits = _LIMITS,
        now: Callable[[], float] = time.time,
        callback_seconds: float = 15,
        username: str = "calibot_sandbox_bot",
        reads_all: bool = True,
        first_message: int = 1,
    ) -> None:
        self.token = token
        self.bot = Account(int(token.partition(":")[0]), "calibot", username, is_bot=True)
        self._world = World(self.bot, now, callback_seconds, reads_all=reads_all, first_message=first_message)
        self._faults = FaultBook()
        self._log = EventLog()
        self._log.listen(lambda _: self._world.changed.beat())
        methods = Methods(self._world, FloodControl(limits, now))
        server = Server(token, self._world, methods, self._faults, self._log)
        self._listener = Listener(server.application())
        self._address = ""

    async def __aenter__(self) -> Self:
        self._address = await self._listener.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._world.updates.close()
        await self._listener.close()

    @property
    def privacy_mode(self) -> bool:
        """Whether getMe says that privacy mode is on; what the bot is told of is the same."""
        return not self._world.reads_all

    @privacy_mode.setter
    def privacy_mode(self, on: bool) -> None:
        self._world.reads_all = not on

    @property
    def base_url(self) -> str:
        """What stands before the token in a request's URL."""
        return f"{self._address}/bot"

    @property
    def base_file_url(self) -> str:
        """The same for files."""
        return f"{self._address}/file/bot"

    def person(self, first_name: str, *, username: str = "", language: str = "") -> Person:
        """Return somebody new, in no chat yet."""
        return Person(self._world, self._world.account(first_name, username, language))

    def private(self, person: Person) -> Chat:
        """Return *person*'s private chat with the bot, opened: from now on the bot may write there."""
        return self._world.private(person.account)

    def group(self, title: str, *people: Person, kind: Kind = "supergroup", forum: bool = False) -> Chat:
        """Return a new group with these members and the bot, all of them plain ones."""
        return self._world.group(title, tuple(person.account for person in people), kind, forum=forum)

    def post(self, group: Chat, text: str) -> Message:
        """Let the channel that is linked to *group* post *text*, and return the message that then stands in *group*."""
        return self._world.post(group, text)

    def menu(self, chat: Chat, person: Person) -> list[tuple[str, str]]:
        """Return the commands that the app of *person* lists in *chat*, each with its description."""
        return self._world.commands.shown(chat, person.account)

    def be_late(self, seconds: float) -> None:
        """Give every answer this late from now on, having done at once what it is about; 0 ends that."""
        self._faults.seconds_late = seconds
        self._world.changed.beat()

    def break_next(self, method: str, fault: Fault, *, times: int = 1, chat: Chat | None = None) -> None:
        """Let *fault* happen to the next *times* requests to *method*, in *chat* alone when it is given."""
        self._faults.order(method, fault, times, chat.id if chat else None)

    @property
    def faults_to_come(self) -> int:
        """How many faults are ordered and have not happened."""
        return self._faults.ordered

    def mend(self) -> None:
        """Take back all faults that are ordered and have not happened."""
        self._faults.clear()

    async def vanish(self) -> None:
        """Be gone: connections are refused, those that were open are cut, until `come_back`. People go on all the same.

        What was read whole before is done; nobody hears of it.
        """
        await self._listener.refuse()
        self._world.changed.beat()

    async def come_back(self) -> None:
        """Be there again, at the same address."""
        await self._listener.listen()
        self._world.changed.beat()

    @property
    def calls(self) -> list[Call]:
        """The requests that are over, in the order of their ends."""
        return self._log.calls

    @property
    def events(self) -> int:
        """How many events there were."""
        return self._log.count

    def on_event(self, listener: Callable[[Event], None]) -> Callable[[], None]:
        """Call *listener* synchronously with each event from now on; the returned function ends that."""
        return self._log.listen(listener)

    async def until(self, condition: Callable[[], T | None], seconds: float = 20) -> T:
        """Return what *condition* gives as soon as it is true, looking again whenever something happened here.

        Raises:
            TimeoutError: it was not within *seconds*; says what stands in the chats and how the last calls went.
        """
        try:
            async with asyncio.timeout(seconds):
                while not (found := condition()):
                    await self._world.changed.wait()
        except TimeoutError as error:
            raise TimeoutError(f"not within {seconds} s\n{self}") from error
        return found

    def __str__(self) -> str:
        calls = [f"{call.method} in {call.chat_id}: {call.status} {call.description}" for call in self.calls[-10:]]
        return "\n".join([*map(str, self._world.chats.values()), "last calls:", *calls])
