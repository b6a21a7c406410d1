"""What runs with Telegram and without: the database, the swarm, the manager, the page."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, Collection
from dataclasses import dataclass

import structlog

from bot import sources, swarm
from bot.config import Settings, Telegram
from bot.known import KnownClaims
from bot.listening import Interface
from handlers.context import Site
from services.access import Access
from services.calibration.allowance import Allowance
from services.calibration.manager import AsyncCalibrationManager, set_async_calibration_manager
from services.clock import Clock, SystemClock
from services.engines.local import LocalEngine
from services.errors import StoreUnavailable
from services.i18n import Catalogues
from services.metrics import Metrics
from services.notebook.edits import Edits
from services.notebook.history import History
from services.notebook.notebook import Notebook
from services.notebook.people import People
from services.notebook.search import Search
from services.notebook.sessions import Sessions
from services.notebook.tokens import Tokens
from services.store.store import Store
from services.torrents import PersonId
from web.app import make_app
from web.figures import Figures
from web.given import Doors, FrontEnd
from web.given import Services as WebServices
from web.html import Html
from web.serving import serving

log = structlog.stdlib.get_logger(__name__)

_CLEANUP_SECONDS = 600.0
_FIRST_CLEANUP_SECONDS = 2.0  # soon: a bot that is often started anew must clean up, too

_EVERYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - and what of it is this machine


@dataclass(frozen=True, slots=True, kw_only=True)
class Core:
    """The services, by name, that do not know who asks them."""

    settings: Settings
    clock: Clock
    store: Store
    catalogues: Catalogues
    html: Html
    people: People
    manager: AsyncCalibrationManager
    notebook: Notebook
    search: Search
    history: History
    edits: Edits
    tokens: Tokens
    sessions: Sessions
    metrics: Metrics
    figures: Figures


async def build(
    stack: contextlib.AsyncExitStack, settings: Settings, figures: Figures, *, owners: Collection[PersonId] = ()
) -> Core:
    """Open all of it until *stack* ends; *owners* are some beside those of the settings.

    Raises:
        StoreUnavailable, ResolverDown: the database or the swarm cannot be opened.
    """
    catalogues, html = await asyncio.to_thread(Catalogues.load), await asyncio.to_thread(Html.load)
    clock = SystemClock()
    store = await stack.enter_async_context(Store.open(settings.database.path))
    people = await People(store, _access(settings.telegram, owners), clock).load()
    await people.share_local([PersonId(f"tg:{one}") for one in settings.telegram.owners])
    resolver = await stack.enter_async_context(
        sources.opened(
            settings.resolvers,
            swarm.dht_state_of(settings.database.path),
            clock,
            marks=sources.marks_of(settings.database.path),
            known=KnownClaims(store),
        )
    )
    manager = AsyncCalibrationManager(
        LocalEngine(resolver),
        tasks=store,
        clock=clock,
        max_workers=settings.calibration.max_workers,
        timeout=settings.calibration.timeout,
        task_ttl_seconds=settings.calibration.task_ttl_seconds,
        allowance=Allowance(tasks=settings.calibration.tasks_per_person, lookups=settings.calibration.lookups_per_hour),
        looked_up=figures.looked_up,
    )
    set_async_calibration_manager(manager)
    stack.callback(set_async_calibration_manager, None)
    await stack.enter_async_context(manager)  # lookups go on while Telegram is out of reach
    notebook = Notebook(store, clock, manager.note_changed)
    await stack.enter_async_context(tidied(clock, manager.cleanup_old_tasks, notebook.purge))
    return Core(
        settings=settings,
        clock=clock,
        store=store,
        catalogues=catalogues,
        html=html,
        people=people,
        manager=manager,
        notebook=notebook,
        search=Search(store),
        history=History(store, clock, manager.note_changed),
        edits=Edits(store, clock, manager.note_changed),
        tokens=Tokens(store, clock),
        sessions=Sessions(store, clock),
        metrics=Metrics(store, manager, clock),
        figures=figures,
    )


def _access(telegram: Telegram, owners: Collection[PersonId]) -> Access:
    return Access(
        owners=frozenset(PersonId(f"tg:{one}") for one in telegram.owners).union(owners),
        users=frozenset(PersonId(f"tg:{one}") for one in telegram.allowed_users),
        chats=frozenset(f"tg:{one}" for one in telegram.allowed_chats),
    )


@contextlib.asynccontextmanager
async def tidied(clock: Clock, *chores: Callable[[], Awaitable[object]]) -> AsyncIterator[None]:
    """Do the *chores* soon, and every ten minutes while the ``async with`` lasts."""

    async def tidy() -> None:
        await clock.sleep(_FIRST_CLEANUP_SECONDS)
        while True:
            for chore in chores:
                await _done(chore)
            await clock.sleep(_CLEANUP_SECONDS)

    tidying = asyncio.create_task(tidy())
    try:
        yield
    finally:
        tidying.cancel()
        await asyncio.wait({tidying})


async def _done(chore: Callable[[], Awaitable[object]]) -> None:
    try:
        await chore()
    except StoreUnavailable as error:
        log.error("store.unavailable", **error.parameters)  # noqa: TRY400 - no bug; it is done again in its time
    except Exception:  # a bug in one of them must not end the others for good: told whole, and tried again in its time
        log.exception("tidying.bug")


async def open_web(stack: contextlib.AsyncExitStack, core: Core, doors: Doors, stop: asyncio.Event) -> Site | None:
    """Serve the page and the API until *stack* ends; return where, if they are to be.

    Raises:
        WebUnavailable: it cannot listen there.
    """
    settings = core.settings.web
    if not settings.enabled:
        return None
    web = WebServices(
        manager=core.manager,
        notebook=core.notebook,
        search=core.search,
        history=core.history,
        edits=core.edits,
        people=core.people,
        tokens=core.tokens,
        sessions=core.sessions,
        metrics=core.metrics,
        html=core.html,
        figures=core.figures,
        doors=doors,
        catalogues=core.catalogues,
        clock=core.clock,
        timeout=core.settings.calibration.timeout,
        async_enabled=core.settings.calibration.async_enabled,
        rate_limit=settings.rate_limit,
        public_url=settings.public_url,
        front_end=FrontEnd(settings.front_end),
        telegram=bool(core.settings.telegram.token.get_secret_value()),
    )
    # Those who ask over HTTP have their second while Telegram's answers have theirs: one after the other they were over
    # three seconds. What answers them is there until the server is gone.
    port = await stack.enter_async_context(
        serving(make_app(web, stop), settings.host, settings.port, settings.trusted_proxies)
    )
    here = f"http://{Interface(_EVERYWHERE.get(settings.host, settings.host), port)}"
    return Site(settings.public_url or here, public=bool(settings.public_url))
