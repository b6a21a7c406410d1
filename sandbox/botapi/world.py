"""All that the sandbox's Telegram knows: accounts, chats, what waits for the bot, what waits for its answer."""

import asyncio
import itertools
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.botapi.chats import ANONYMOUS, TELEGRAM, Account, Chat, Kind, Message, Status
from sandbox.botapi.commands import CommandLists
from sandbox.botapi.files import Files
from sandbox.botapi.pulse import Pulse
from sandbox.botapi.shapes import member_json
from sandbox.botapi.text import Formatted, commands
from sandbox.botapi.updates import UpdateQueue

# Beyond 32 bits, as today's users' ids are.
_FIRST_PERSON = 7_000_000_001
_FIRST_GROUP = -4_000_000_001
_FIRST_SUPERGROUP = -1_002_000_000_001


@dataclass(frozen=True, slots=True)
class PressAnswer:
    """What the person who pressed was shown, and after how many seconds."""

    text: str
    show_alert: bool
    seconds: float


@dataclass(frozen=True, slots=True)
class Press:
    """A press that the bot has not answered."""

    at: float
    answer: asyncio.Future[PressAnswer]


class World:
    """The state. *now* gives seconds since 1970; update ids begin at its milliseconds: a later sandbox's are higher.

    *reads_all*: privacy mode is off, the bot hears all that is said in groups. *first_message*: the id that the first
    message of each chat has.
    """

    def __init__(
        self,
        bot: Account,
        now: Callable[[], float],
        callback_seconds: float,
        *,
        reads_all: bool,
        first_message: int,
    ) -> None:
        self.bot = bot
        self.reads_all = reads_all
        self.files = Files()
        self.commands = CommandLists()
        self.now = now
        self.updates = UpdateQueue(int(now() * 1000))
        self.changed = Pulse()
        self.accounts: dict[int, Account] = {bot.id: bot}
        self.chats: dict[int, Chat] = {}
        self._callback_seconds = callback_seconds
        self._first_message = first_message
        self._presses: dict[str, Press] = {}
        self._people = itertools.count(_FIRST_PERSON)
        self._groups = {
            "group": itertools.count(_FIRST_GROUP, -1),
            "supergroup": itertools.count(_FIRST_SUPERGROUP, -1),
        }
        self._press_ids = itertools.count(int(now()) << 32)

    def account(self, first_name: str, username: str, language: str) -> Account:
        account = Account(next(self._people), first_name, username, language)
        self.accounts[account.id] = account
        return account

    def private(self, account: Account) -> Chat:
        return self.chats.get(account.id) or self._opened(
            Chat(account.id, "private", self.bot, (account,), account.first_name, forum=False)
        )

    def group(self, title: str, members: tuple[Account, ...], kind: Kind, *, forum: bool) -> Chat:
        return self._opened(Chat(next(self._groups[kind]), kind, self.bot, members, title, forum=forum))

    def _opened(self, chat: Chat) -> Chat:
        chat.on_bot_status = self._bot_status_changed
        chat.first_id = self._first_message
        self.chats[chat.id] = chat
        return chat

    def _bot_status_changed(self, chat: Chat, before: Status, after: Status) -> None:
        self.updates.add(
            "my_chat_member",
            {
                "chat": chat.as_json(),
                "from": chat.somebody.as_json(),
                "date": int(self.now()),
                "old_chat_member": member_json(self.bot, before),
                "new_chat_member": member_json(self.bot, after),
            },
        )
        self.changed.beat()

    def say(self, message: Message) -> None:
        """Put a person's message into its chat and tell the bot, where it is there to be told."""
        message.chat.add(message)
        self._tell("message", message)

    def post(self, chat: Chat, text: str) -> Message:
        """Let the channel that is linked to *chat* post *text*; it stands in the chat, too."""
        message = Message(
            id=chat.next_id,
            chat=chat,
            sender=TELEGRAM,
            date=self.now(),
            formatted=Formatted(text, commands(text)),
            html=text,
            channel_post=True,
        )
        self.say(message)
        return message

    def upgrade(self, who: Account, group: Chat) -> Chat:
        """Let *group* become a supergroup, tell the bot so in either of them, and return the new one."""
        chat = self._opened(group.upgraded(next(self._groups["supergroup"])))
        self._tell_of_itself(group, who, {"migrate_to_chat_id": chat.id})
        self._tell_of_itself(chat, ANONYMOUS, {"migrate_from_chat_id": group.id})
        return chat

    def _tell_of_itself(self, chat: Chat, sender: Account, service: Mapping[str, object]) -> None:
        self.say(
            Message(
                id=chat.next_id,
                chat=chat,
                sender=sender,
                date=self.now(),
                formatted=Formatted("", ()),
                html="",
                anonymous=sender is ANONYMOUS,
                service=service,
            )
        )

    def edit(self, message: Message, formatted: Formatted) -> None:
        message.change(formatted, formatted.text, message.keyboard, self.now())
        self._tell("edited_message", message)

    def _tell(self, kind: str, message: Message) -> None:
        if self._hears(message):
            self.updates.add(kind, message.as_json())
        self.changed.beat()

    def _hears(self, message: Message) -> bool:
        """Whether the bot is told of *message*: in privacy mode, of commands, replies to it and service messages."""
        status = message.chat.status(self.bot.id)
        if status in {"left", "kicked"}:
            return False
        answers = message.reply_to is not None and message.reply_to.from_bot
        meant = message.text.startswith("/") or answers or bool(message.service)  # Bot FAQ
        return self.reads_all or not message.chat.is_group or status == "administrator" or meant

    def press(self, who: Account, message: Message, data: str) -> asyncio.Future[PressAnswer]:
        """Queue a callback query; its future ends when the bot answers it."""
        query_id = str(next(self._press_ids))
        press = Press(self.now(), asyncio.get_running_loop().create_future())
        self._presses[query_id] = press
        self.updates.add(
            "callback_query",
            {
                "id": query_id,
                "from": who.as_json(),
                "message": message.as_json(),
                "chat_instance": str(message.chat.id),
                "data": data,
            },
        )
        self.changed.beat()
        return press.answer

    def answer(self, query_id: str, text: str, *, show_alert: bool) -> bool:
        """Answer a press; False when it is unknown, answered already, or too old."""
        press = self._presses.pop(query_id, None)
        if press is None or self.now() - press.at > self._callback_seconds:
            return False
        if not press.answer.done():
            press.answer.set_result(PressAnswer(text, show_alert, self.now() - press.at))
        return True
