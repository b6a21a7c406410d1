"""Which handler gets which update, and in which order."""

import asyncio
from collections.abc import Awaitable, Coroutine, Mapping
from typing import Any
from weakref import WeakValueDictionary

import structlog
from telegram import Message, Update
from telegram.ext import (
    Application,
    ApplicationHandlerStop,
    BaseUpdateProcessor,
    CallbackQueryHandler,
    MessageHandler,
    TypeHandler,
    filters,
)

from handlers.answers import Handler, say
from handlers.calibrate import calibrate, calibrate_hash
from handlers.context import CalibotContext, address_of, incoming_of, message_of, words_of
from handlers.export import export
from handlers.figures import show_queue, show_stats
from handlers.gate import gate
from handlers.incoming import command_of, is_command, is_torrent_file
from handlers.language import language
from handlers.login import login, logout
from handlers.notes import delete, history, note, notes, undelete, undo
from handlers.people import allow, deny, show_people
from handlers.presses import press
from handlers.receipts import Receipts
from handlers.saving import edited, save, save_command
from handlers.search import find, search
from handlers.start import show_help, start, unknown_command
from handlers.tokens import token, tokens
from handlers.torrent_files import torrent_sent
from handlers.upgrades import upgraded
from services.clock import Clock, at_most
from services.errors import CalibotError, StoreUnavailable
from services.i18n import sentence

log = structlog.stdlib.get_logger(__name__)
_AT_ONCE = 256
_PATIENCE = 0.3  # seconds; the outbox's come after them, and together they are under three
_ALL = (
    2**31
)  # the library's own places are taken by those who wait for a turn, too: a chat's backlog stopped all others
_KEPT = filters.TEXT | filters.CAPTION | filters.Document.ALL
COMMANDS: Mapping[str, Handler] = {
    "start": start,
    "help": show_help,
    "save": save_command,
    "note": note,
    "notes": notes,
    "history": history,
    "undo": undo,
    "delete": delete,
    "undelete": undelete,
    "search": search,
    "find": find,
    "export": export,
    "calibrate": calibrate,
    "calibrate_hash": calibrate_hash,
    "queue": show_queue,
    "language": language,
    "token": token,
    "tokens": tokens,
    "login": login,
    "logout": logout,
    "allow": allow,
    "deny": deny,
    "people": show_people,
    "stats": show_stats,
}
_CAPTIONS: Mapping[str, Handler] = {"save": save, "calibrate_hash": calibrate_hash}
"""Commands that take a file: they stand in its caption."""


class _Command(filters.MessageFilter):
    """What begins with a command. The library's own filter knows none that is in bold."""

    def filter(self, message: Message) -> bool:
        return is_command(message)


class _Torrent(filters.MessageFilter):
    """A .torrent file."""

    def filter(self, message: Message) -> bool:
        return is_torrent_file(message.document)


class OneAfterAnotherInAChat(BaseUpdateProcessor):
    """Handles chats at once, and each chat's messages and edits in their order; presses wait for nothing."""

    def __init__(self, receipts: Receipts) -> None:
        self._receipts = receipts
        self._running: set[asyncio.Task[Any]] = set()
        super().__init__(max_concurrent_updates=_ALL)
        self._turns: WeakValueDictionary[int, asyncio.Lock] = WeakValueDictionary()
        self._places = asyncio.Semaphore(_AT_ONCE)

    async def finish(self, clock: Clock, handled: Coroutine[Any, Any, object]) -> None:
        """Wait a moment until all is *handled*, then end what is under way: the next process does it again."""
        await at_most(clock, _PATIENCE, asyncio.create_task(handled))
        if self._running:
            for one in self._running:
                one.cancel()
            await asyncio.wait(self._running)

    async def do_process_update(self, update: object, coroutine: Awaitable[Any]) -> None:
        handling = asyncio.current_task()
        assert handling is not None  # noqa: S101 - a coroutine runs in a task
        self._running.add(handling)
        try:
            await self._in_turn(update, coroutine)
        finally:
            self._running.discard(handling)
        if isinstance(update, Update):
            self._receipts.handled(update.update_id)

    async def _in_turn(self, update: object, coroutine: Awaitable[Any]) -> None:
        message = incoming_of(update) if isinstance(update, Update) else None
        if message is None:
            await coroutine
            return
        turn = self._turns.setdefault(message.chat.id, asyncio.Lock())
        async with turn, self._places:  # a place is for who runs, not for who waits for a turn
            await coroutine

    async def initialize(self) -> None:
        """Nothing to prepare."""

    async def shutdown(self) -> None:
        """Nothing to give back."""


def register(application: "Application[Any, CalibotContext, Any, Any, Any, Any]") -> None:
    """Add every handler."""
    new = filters.UpdateType.MESSAGE
    application.add_handler(MessageHandler(new & filters.StatusUpdate.MIGRATE, upgraded), group=-2)
    application.add_handler(TypeHandler(Update, gate), group=-1)
    application.add_handler(MessageHandler(new & _Command(), command))
    application.add_handler(MessageHandler(new & _Torrent(), torrent_sent))
    application.add_handler(MessageHandler(new & _KEPT, save))
    application.add_handler(MessageHandler(filters.UpdateType.EDITED_MESSAGE & _KEPT, edited))
    application.add_handler(CallbackQueryHandler(press))
    application.add_error_handler(bug)


async def command(update: Update, context: CalibotContext) -> None:
    """Handle a message, or a file's caption, that begins with a command."""
    message = message_of(update)
    name = command_of(message, context.bot) or ""
    handler = COMMANDS.get(name) if message.text else _CAPTIONS.get(name)
    if handler is not None:
        await context.services.live.somebody_is_at(address_of(message), everywhere=name == "start")
        await handler(update, context)
    elif name in COMMANDS:
        words = words_of(update, context).gettext("/{command} takes no file: send it in a message of its own.")
        say(update, context, words.format(command=name))
    else:
        await unknown_command(update, context)


async def bug(update: object, context: CalibotContext) -> None:
    """Log what nobody foresaw with its traceback, and tell the person that it is a bug."""
    if isinstance(context.error, StoreUnavailable) and not isinstance(update, Update):
        log.error("store.unavailable", **context.error.parameters)  # a job's: it is done again in its time
        return
    log.error("handler.bug", exc_info=context.error)
    if not isinstance(update, Update):
        return
    words = sentence(CalibotError.code, {}, words_of(update, context))
    if update.callback_query is not None:
        await context.services.outbox.press(update.callback_query, words)
    elif update.message is not None:
        say(update, context, words)
    raise ApplicationHandlerStop  # else python-telegram-bot goes on to the next group: past a gate that failed
