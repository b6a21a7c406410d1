"""How a browser is let in, and out."""

from collections.abc import Awaitable
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse

from services.errors import LinkUsedUp
from web.entry import COOKIE, check_origin, remember
from web.given import services_of
from web.labels import another_link, labels
from web.rates import client_of
from web.words import words_of

router = APIRouter(include_in_schema=False)

Secret = Annotated[str, Path(max_length=200)]


@router.get("/login/{secret}")
async def ask_login(request: Request, secret: Secret) -> Response:
    """Ask whether to use the link up: whoever fetches it to show what is behind it does not."""
    t, services = words_of(request), services_of(request)
    await _counted(request, services.sessions.whose_link(secret))
    told = t.gettext("This browser is then let in for a month; /logout all in the chat ends that.")
    if not services.telegram:
        told = t.gettext("This browser is then let in for a month, or until you log out.")
    return services.html.plain(
        labels(t), t.gettext("Open your notes in this browser?"), [told], action=request.url.path,
        button=t.gettext("Open"),
    )  # fmt: skip


@router.post("/login/{secret}")
async def login(request: Request, secret: Secret) -> Response:
    """Use the link up, and let the browser in."""
    check_origin(request)
    sessions = services_of(request).sessions
    session = await _counted(request, sessions.open(secret))
    await sessions.close(request.cookies.get(COOKIE, ""))  # the one that this browser had
    answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    remember(request, answer, session)
    return answer


@router.post("/logout")
async def logout(request: Request) -> Response:
    """Let the browser in no more."""
    check_origin(request)
    t, services = words_of(request), services_of(request)
    await services.sessions.close(request.cookies.get(COOKIE, ""))
    another = another_link(t, telegram=services.telegram)
    answer = services.html.plain(labels(t), t.gettext("You are logged out."), [another])
    answer.delete_cookie(COOKIE)
    return answer


async def _counted(request: Request, asked_for: Awaitable[str]) -> str:
    """Return what is asked for with a link; a client may be wrong about one so often, and then has to wait."""
    try:
        return await asked_for
    except LinkUsedUp:
        request.app.state.limits.guesses.take(client_of(request))
        raise
