"""The application: its routes, and how it answers errors."""

import asyncio

from fastapi import FastAPI

from web import (
    acts,
    calibrate,
    events,
    figures_page,
    health,
    login,
    metrics,
    notes,
    pages,
    reference,
    task_page,
    torrents,
)
from web.bodies import Bodies
from web.described import BY_TOKEN, OF_ANYBODY, OF_WHO_ASKS, Described
from web.ended import Ended
from web.errors import answer_errors
from web.feed import Feed
from web.given import Services
from web.headers import Guarded
from web.heads import Heads
from web.limiting import Limited
from web.rates import Limits
from web.turns import Turns


def make_app(services: Services, stopping: asyncio.Event | None = None) -> FastAPI:
    """Return the application, which ends when *stopping* is set."""
    app = Described(title="calibot", docs_url=None, redoc_url=None, redirect_slashes=False)
    app.state.services = services
    app.state.stopping = stopping or asyncio.Event()
    app.state.feed = Feed(services.manager, services.notebook, services.clock)
    app.state.turns = Turns()
    answer_errors(app)
    app.state.limits = Limits(services.clock, services.rate_limit)
    app.add_middleware(Bodies)
    app.add_middleware(Limited, limits=app.state.limits)  # before any body is read
    app.add_middleware(Ended, stopping=app.state.stopping)
    app.add_middleware(Guarded)
    app.add_middleware(Heads)
    app.include_router(health.router, responses=OF_ANYBODY)
    for one in (metrics, calibrate, notes, torrents):
        app.include_router(one.router, responses=OF_WHO_ASKS, dependencies=BY_TOKEN)
    app.include_router(events.router)
    app.include_router(login.router)
    app.include_router(pages.router)
    app.include_router(acts.router)
    app.include_router(task_page.router)
    app.include_router(figures_page.router)
    app.include_router(reference.router)
    return app
