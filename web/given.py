"""What the front end is given: the services by name, and which doors are open to whom."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from starlette.requests import HTTPConnection

from services.calibration.manager import AsyncCalibrationManager
from services.clock import Clock
from services.i18n import Catalogues
from services.metrics import Metrics
from services.notebook.edits import Edits
from services.notebook.history import History
from services.notebook.notebook import Notebook
from services.notebook.people import People
from services.notebook.search import Search
from services.notebook.sessions import Sessions
from services.notebook.tokens import Tokens
from services.torrents import PersonId
from web.figures import Figures
from web.html import Html


class FrontEnd(StrEnum):
    """How the page learns of what changes."""

    PUSH = "push"
    """It is told, by `web.events`; while it cannot be, it asks."""
    POLL = "poll"
    """It asks each second."""
    SYNC = "sync"
    """It does not: whoever asks for names waits until there are some."""


@dataclass(frozen=True, slots=True)
class Others:
    """The *doors* that are open to somebody beside their own; *all_known*: of no other it could not be found out."""

    doors: Sequence[str] = ()
    all_known: bool = True


class Doors(Protocol):
    """Which doors are open to whom. People and doors are the other front end's own words."""

    def own(self, person: PersonId) -> str | None:
        """Return the door of the person's own notebook; None where they are not served."""

    async def others(self, person: PersonId) -> Others:
        """Return the doors of the notebooks that the person shares with others now."""

    async def title(self, door: str) -> str:
        """Return what its people call the place behind the door; empty where that is not known now."""


@dataclass(frozen=True, slots=True)
class Services:
    """What routes call; built by the composition root.

    *timeout*: seconds that a lookup may take. *async_enabled*: whether tasks may go on while nobody waits for them.
    *rate_limit*: how many requests a client may send in a minute; 0 is no bound. *public_url*: by which origin
    others reach it; empty where they do not. *front_end*: how the page learns of what changes. *telegram*: whether
    there is a chat, too, where people ask for links.
    """

    manager: AsyncCalibrationManager
    notebook: Notebook
    search: Search
    history: History
    edits: Edits
    people: People
    tokens: Tokens
    sessions: Sessions
    metrics: Metrics
    doors: Doors
    html: Html
    figures: Figures
    catalogues: Catalogues
    clock: Clock
    timeout: float
    async_enabled: bool = True
    rate_limit: int = 0
    public_url: str = ""
    telegram: bool = True
    front_end: FrontEnd = FrontEnd.PUSH

    @property
    def watched_by(self) -> FrontEnd:
        """How the page learns of what changes: where no task may go on by itself, not at all."""
        return self.front_end if self.async_enabled else FrontEnd.SYNC


def services_of(connection: HTTPConnection) -> Services:
    services = connection.app.state.services
    assert isinstance(services, Services)  # noqa: S101 - the app is made with them
    return services
