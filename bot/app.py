"""The composition root: what is built, in which order it starts, and how it stops in reverse."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Coroutine
from typing import Any, cast

import structlog
from telegram import Update
from telegram.error import InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.ext import Application, ApplicationBuilder, ContextTypes
from telegram.request import HTTPXRequest

from bot import swarm
from bot.config import Settings, Web
from bot.doors import Doors
from bot.listening import Interface
from handlers.context import CalibotContext, Services, Site
from handlers.files import Files
from handlers.gathering import Gathering
from handlers.inbox_bot import InboxBot
from handlers.live_status import LiveStatus
from handlers.outbox import Outbox
from handlers.receipts import Receipts
from handlers.routes import OneAfterAnotherInAChat, register
from handlers.start import command_list
from handlers.strangers import Strangers
from services.access import Access
from services.calibration.allowance import Allowance
from services.calibration.followers import Followership
from services.calibration.manager import AsyncCalibrationManager, set_async_calibration_manager
from services.calibration.moves import Moves
from services.clock import Clock, SystemClock, at_most
from services.engines.local import LocalEngine
from services.i18n import Catalogues
from services.inbox import Inbox
from services.metrics import Metrics
from services.notebook.edits import Edits
from services.notebook.export import Export
from services.notebook.history import History
from services.notebook.languages import Languages
from services.notebook.notebook import Notebook
from services.notebook.people import People
from services.notebook.search import Search
from services.notebook.sessions import Sessions
from services.notebook.tokens import Tokens
from services.store.store import Store
from services.torrents import PersonId
from web.app import make_app
from web.figures import Figures
from web.given import FrontEnd
from web.given import Services as WebServices
from web.html import Html
from web.serving import serving
from web.stopping import first_of

log = structlog.stdlib.get_logger(__name__)
App = Application[Any, CalibotContext, Any, Any, Any, Any]

_CLEANUP_SECONDS = 600.0
_FIRST_CLEANUP_SECONDS = 2.0  # soon: a bot that is often started anew must clean up, too
_LONGEST_PAUSE = 30.0
_CONNECTIONS = 256  # to Telegram, at once
_POLLING_ENDS = 0.1  # seconds for what is over in a turn of the loop, but where the library sleeps after a failure
_SIGNALS = (signal.SIGINT, signal.SIGTERM)

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - and what of it is this machine


class TokenRefused(Exception):
    """Telegram does not accept the token of the settings; or no more, *while_running*."""

    def __init__(self, *, while_running: bool = False) -> None:
        super().__init__()
        self.while_running = while_running


async def run(settings: Settings) -> None:
    """Run the bot until SIGINT or SIGTERM.

    Raises:
        TokenRefused: Telegram does not accept the token, or does so no more.
        StoreUnavailable, ResolverDown, WebUnavailable: the database, the swarm or the web server cannot be opened.
    """
    stop, revoked = asyncio.Event(), asyncio.Event()
    _stop_at_signal(stop)

    def revoke() -> None:
        log.critical("telegram.token_revoked", remedy="put a token that @BotFather gave into the settings")
        revoked.set()
        stop.set()

    async with contextlib.AsyncExitStack() as stack:
        catalogues, html = await asyncio.to_thread(Catalogues.load), await asyncio.to_thread(Html.load)
        clock = SystemClock()
        store = await stack.enter_async_context(Store.open(settings.database.path))
        languages = await Languages(store, catalogues, clock).load()
        people = await People(store, _access(settings), clock).load()
        resolver = await stack.enter_async_context(
            swarm.opened(settings.resolvers.libtorrent, swarm.dht_state_of(settings.database.path))
        )
        figures = Figures(lambda: outbox.figures)
        manager = AsyncCalibrationManager(
            LocalEngine(resolver),
            tasks=store,
            clock=clock,
            max_workers=settings.calibration.max_workers,
            timeout=settings.calibration.timeout,
            task_ttl_seconds=settings.calibration.task_ttl_seconds,
            allowance=Allowance(
                tasks=settings.calibration.tasks_per_person, lookups=settings.calibration.lookups_per_hour
            ),
            looked_up=figures.looked_up,
        )
        set_async_calibration_manager(manager)
        stack.callback(set_async_calibration_manager, None)
        await stack.enter_async_context(manager)  # lookups go on while Telegram is out of reach
        tokens, sessions, metrics = Tokens(store, clock), Sessions(store, clock), Metrics(store, manager, clock)
        followers = Followership(store, clock)
        live = LiveStatus(manager, followers, Moves(store, people, clock), clock, languages)
        inbox = Inbox(store, clock, f"tg:{settings.telegram.token.get_secret_value().partition(':')[0]}")
        receipts = Receipts(inbox)
        application = _application(settings, receipts, revoke)
        outbox = Outbox(application.bot, live, clock=clock)
        notebook, gathering = Notebook(store, clock, manager.note_changed), Gathering(outbox, receipts, clock)
        search, history, edits = (
            Search(store),
            History(store, clock, manager.note_changed),
            Edits(store, clock, manager.note_changed),
        )
        stack.push_async_callback(application.shutdown)  # after the web server, which asks Telegram, too
        web = WebServices(
            manager=manager,
            notebook=notebook,
            search=search,
            history=history,
            edits=edits,
            people=people,
            tokens=tokens,
            sessions=sessions,
            metrics=metrics,
            html=html,
            figures=figures,
            doors=Doors(application.bot, people, clock),
            catalogues=catalogues,
            clock=clock,
            timeout=settings.calibration.timeout,
            async_enabled=settings.calibration.async_enabled,
            rate_limit=settings.web.rate_limit,
            public_url=settings.web.public_url,
            front_end=FrontEnd(settings.web.front_end),
        )
        site = await _open_web(stack, settings.web, web, stop)
        application.bot_data = Services(
            manager=manager,
            followers=followers,
            notebook=notebook,
            search=search,
            export=Export(store, clock, settings.database.path.parent),
            people=people,
            live=live,
            outbox=outbox,
            history=history,
            edits=edits,
            gathering=gathering,
            files=Files(clock),
            receipts=receipts,
            strangers=Strangers(clock),
            metrics=metrics,
            languages=languages,
            tokens=tokens,
            sessions=sessions,
            site=site,
        )
        register(application)
        if not await _connect(application, stop, catalogues):
            return
        await stack.enter_async_context(_started(application))
        await stack.enter_async_context(receipts)
        stack.push_async_callback(live.settle)
        await stack.enter_async_context(outbox)
        await stack.enter_async_context(gathering)
        await live.resume(outbox)
        _repeat(application, settings, application.bot_data, inbox)
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


async def _open_web(
    stack: contextlib.AsyncExitStack, settings: Web, web: WebServices, stop: asyncio.Event
) -> Site | None:
    """Serve the page and the API until *stack* ends; return where, if they are to be."""
    if not settings.enabled:
        return None
    # Those who ask over HTTP have their second while Telegram's answers have theirs: one after the other they were over
    # three seconds. What answers them is there until the server is gone.
    port = await stack.enter_async_context(
        serving(make_app(web, stop), settings.host, settings.port, settings.trusted_proxies)
    )
    here = f"http://{Interface(_EVERYWHERE.get(settings.host, settings.host), port)}"
    return Site(settings.public_url or here, public=bool(settings.public_url))


def _stop_at_signal(stop: asyncio.Event) -> None:
    """Stop in order at the first signal; at a second one, end the process at once, as its shell would say it.

    Nothing less ends it whatever it waits for: an exception out of the loop had cancelled the store's writer, for whom
    the rest then waited without an end. What is lost is what a power cut loses. The numbers come as bytes, which a
    thread reads until the process ends: Python loses a signal that arrives while a handler is replaced.
    """
    loop = asyncio.get_running_loop()
    numbers, written = socket.socketpair()
    written.settimeout(0)

    def hear() -> None:
        numbers.recv(1)
        loop.call_soon_threadsafe(stop.set)
        os._exit(128 + numbers.recv(1)[0])

    threading.Thread(target=hear, name="signals", daemon=True).start()
    signal.set_wakeup_fd(written.detach())
    for number in _SIGNALS:
        signal.signal(number, lambda *_: None)


def _access(settings: Settings) -> Access:
    people = settings.telegram
    return Access(
        owners=frozenset(PersonId(f"tg:{one}") for one in people.owners),
        users=frozenset(PersonId(f"tg:{one}") for one in people.allowed_users),
        chats=frozenset(f"tg:{one}" for one in people.allowed_chats),
    )


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


def _repeat(application: App, settings: Settings, services: Services, inbox: Inbox) -> None:
    async def poll(_: CalibotContext) -> None:
        await services.live.poll()

    async def clean_up(_: CalibotContext) -> None:
        await services.manager.cleanup_old_tasks()
        await services.notebook.purge()
        await inbox.purge()

    jobs = application.job_queue
    assert jobs is not None  # noqa: S101 - python-telegram-bot[job-queue] is installed
    alone = {"coalesce": True, "max_instances": 1}
    jobs.run_repeating(poll, settings.telegram.status_interval, job_kwargs=alone)
    jobs.run_repeating(clean_up, _CLEANUP_SECONDS, first=_FIRST_CLEANUP_SECONDS, job_kwargs=alone)


def _tell_the_operator(application: App, people: People) -> None:
    log.info("bot.running", username=application.bot.username)
    print(f"calibot is running as @{application.bot.username}. Stop it with Ctrl-C.", flush=True)  # noqa: T201
    if people.start_code is not None:
        print(  # noqa: T201 - for the operator's eyes, not for a log
            f"It has no owner yet. Send it this in a private chat, and you are:\n  /start {people.start_code}",
            flush=True,
        )
