"""With Telegram: the chats beside the page, taken in, answered, and left in order."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, cast

import structlog
from telegram import Update
from telegram.error import InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.ext import Application, ApplicationBuilder, ContextTypes
from telegram.request import HTTPXRequest

from bot.config import Settings
from bot.core import build, open_web, tidied
from bot.doors import Doors
from bot.terminal import say
from handlers.context import CalibotContext, Services
from handlers.files import Files
from handlers.gathering import Gathering
from handlers.inbox_bot import InboxBot
from handlers.live_status import LiveStatus
from handlers.outbox import Outbox
from handlers.receipts import Receipts
from handlers.routes import OneAfterAnotherInAChat, register
from handlers.start import command_list
from handlers.strangers import Strangers
from services.calibration.followers import Followership
from services.calibration.moves import Moves
from services.clock import Clock, at_most
from services.i18n import Catalogues
from services.inbox import Inbox
from services.notebook.export import Export
from services.notebook.languages import Languages
from services.notebook.local import LOCAL
from services.notebook.people import People
from services.resolvers.libtorrent import read_torrent
from web.figures import Figures
from web.stopping import first_of

log = structlog.stdlib.get_logger(__name__)
App = Application[Any, CalibotContext, Any, Any, Any, Any]

_LONGEST_PAUSE = 30.0
_CONNECTIONS = 256  # to Telegram, at once
_POLLING_ENDS = 0.1  # seconds for what is over in a turn of the loop, but where the library sleeps after a failure


class TokenRefused(Exception):
    """Telegram does not accept the token of the settings; or no more, *while_running*."""

    def __init__(self, *, while_running: bool = False) -> None:
        super().__init__()
        self.while_running = while_running


async def serve(settings: Settings, stop: asyncio.Event) -> None:
    """Serve the chats, and the page where it is to be, until *stop*.

    Raises:
        TokenRefused: Telegram does not accept the token, or does so no more.
        StoreUnavailable, ResolverDown, WebUnavailable: the database, the swarm or the web server cannot be opened.
    """
    revoked = asyncio.Event()

    def revoke() -> None:
        log.critical("telegram.token_revoked", remedy="put a token that @BotFather gave into the settings")
        revoked.set()
        stop.set()

    async with contextlib.AsyncExitStack() as stack:
        core = await build(stack, settings, Figures(lambda: outbox.figures))
        store, clock, manager, people = core.store, core.clock, core.manager, core.people
        languages = await Languages(store, core.catalogues, clock).load()
        followers = Followership(store, clock)
        live = LiveStatus(manager, followers, Moves(store, people, clock), clock, languages)
        inbox = Inbox(store, clock, f"tg:{settings.telegram.token.get_secret_value().partition(':')[0]}")
        receipts = Receipts(inbox)
        application = _application(settings, receipts, revoke)
        outbox = Outbox(application.bot, live, clock=clock)
        gathering = Gathering(outbox, receipts, clock)
        await core.sessions.close_all(LOCAL)  # whose notes are the owner's now: /login lets them in
        stack.push_async_callback(application.shutdown)  # after the web server, which asks Telegram, too
        site = await open_web(stack, core, Doors(application.bot, people, clock), stop)
        application.bot_data = Services(
            manager=manager,
            followers=followers,
            notebook=core.notebook,
            search=core.search,
            export=Export(store, clock, settings.database.path.parent),
            people=people,
            live=live,
            outbox=outbox,
            history=core.history,
            edits=core.edits,
            gathering=gathering,
            files=Files(clock, read_torrent),
            receipts=receipts,
            strangers=Strangers(clock),
            metrics=core.metrics,
            languages=languages,
            tokens=core.tokens,
            sessions=core.sessions,
            site=site,
        )
        register(application)
        if not await _connect(application, stop, core.catalogues):
            return
        await stack.enter_async_context(_started(application))
        await stack.enter_async_context(receipts)
        stack.push_async_callback(live.settle)
        await stack.enter_async_context(outbox)
        await stack.enter_async_context(gathering)
        await live.resume(outbox)
        await stack.enter_async_context(tidied(clock, inbox.purge))
        _poll_status(application, settings.telegram.status_interval, live)
        for update in await receipts.unfinished(application.bot):
            await application.update_queue.put(update)
        await stack.enter_async_context(_polling(application, settings, clock, stop))
        if not stop.is_set():
            _tell_the_operator(application, people)
        await stop.wait()
        log.info("bot.stopping")
    log.info("bot.stopped")
    if revoked.is_set():
        raise TokenRefused(while_running=True)


def _application(settings: Settings, receipts: Receipts, revoked: Callable[[], None]) -> App:
    bot = InboxBot(
        receipts=receipts,
        revoked=revoked,
        token=settings.telegram.token.get_secret_value(),
        base_url=settings.telegram.base_url,
        base_file_url=settings.telegram.base_file_url,
        request=HTTPXRequest(connection_pool_size=_CONNECTIONS),
        get_updates_request=HTTPXRequest(connection_pool_size=1),
    )
    builder = (
        ApplicationBuilder()
        .bot(bot)
        .context_types(ContextTypes(context=CalibotContext))
        .concurrent_updates(OneAfterAnotherInAChat(receipts))
    )
    return cast("App", builder.build())


async def _done(call: Coroutine[Any, Any, object], stop: asyncio.Event) -> bool:
    """Whether *call* was done before the program is to stop: Telegram may answer late, or never."""

    async def done() -> bool:
        await call
        return True

    async def stopped() -> bool:
        await stop.wait()
        return False

    return await first_of(done(), stopped())


async def _until_reachable(call: Callable[[], Coroutine[Any, Any, object]], stop: asyncio.Event) -> bool:
    """Call until Telegram does not fail, however long that takes; False when the program is to stop before."""
    pause, said = 1.0, False
    while True:
        try:
            return await _done(call(), stop)
        except InvalidToken as error:
            raise TokenRefused from error
        except (NetworkError, RetryAfter) as error:
            if not said:
                log.warning("telegram.unreachable", error=str(error), remedy="it is tried again until it answers")
                said = True
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), pause)
            return False
        pause = min(2 * pause, _LONGEST_PAUSE)


async def _connect(application: App, stop: asyncio.Event, catalogues: Catalogues) -> bool:
    """Make the bot known to itself (getMe); False when the program is to stop before Telegram was reached."""
    if not await _until_reachable(application.initialize, stop):
        return False
    try:
        return await _done(_show_commands(application, catalogues), stop)
    except TelegramError as error:
        log.warning("telegram.commands", error=str(error))  # the menu is a help, nothing more
    return True


async def _show_commands(application: App, catalogues: Catalogues) -> None:
    for language in catalogues.languages:
        code = None if language == "en" else language  # English is for everybody else
        await application.bot.set_my_commands(command_list(catalogues.of(language)), language_code=code)


@contextlib.asynccontextmanager
async def _started(application: App) -> AsyncIterator[None]:
    await application.start()
    try:
        yield
    finally:
        await application.stop()


@contextlib.asynccontextmanager
async def _polling(application: App, settings: Settings, clock: Clock, stop: asyncio.Event) -> AsyncIterator[None]:
    """Take updates in; at the end, first no new ones, then those that are there have a moment."""
    updater = application.updater
    assert updater is not None  # noqa: S101 - the builder makes one

    async def start() -> None:
        await updater.start_polling(
            poll_interval=settings.telegram.poll_interval,
            allowed_updates=[Update.MESSAGE, Update.EDITED_MESSAGE, Update.CALLBACK_QUERY],
            error_callback=_said_by_the_bot,
        )

    await _until_reachable(start, stop)
    try:
        yield
    finally:
        if updater.running:  # also where it was stopped before it could start
            cast("InboxBot", application.bot).fetch_no_more()
            await at_most(clock, _POLLING_ENDS, asyncio.create_task(updater.stop()))
        handled = application.update_queue.join()
        await cast("OneAfterAnotherInAChat", application.update_processor).finish(clock, handled)


def _said_by_the_bot(_: TelegramError) -> None:
    """Say nothing: the bot has told the log, once for many of them."""


def _poll_status(application: App, seconds: float, live: LiveStatus) -> None:
    async def poll(_: CalibotContext) -> None:
        await live.poll()

    jobs = application.job_queue
    assert jobs is not None  # noqa: S101 - python-telegram-bot[job-queue] is installed
    jobs.run_repeating(poll, seconds, job_kwargs={"coalesce": True, "max_instances": 1})


def _tell_the_operator(application: App, people: People) -> None:
    log.info("bot.running", username=application.bot.username)
    say(f"calibot is running as @{application.bot.username}. Stop it with Ctrl-C.")
    if people.start_code is not None:
        say(f"It has no owner yet. Send it this in a private chat, and you are:\n  /start {people.start_code}")
