"""How a browser is let in, and out."""

import secrets
from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Path, Request, Response
from fastapi.responses import RedirectResponse

from services.errors import LinkUsedUp
from web.entry import check_origin, forget, guess, may_guess, remember, session_in
from web.forms import form_of, word_in
from web.given import services_of
from web.html import Button
from web.labels import another_link, labels
from web.rates import client_of
from web.words import words_of

router = APIRouter(include_in_schema=False)

Secret = Annotated[str, Path(max_length=200)]


@router.get("/login/{secret}")
async def ask_login(request: Request, secret: Secret) -> Response:
    """Ask whether to use the link up: whoever fetches it to show what is behind it does not.

    Another site's page can have a browser look at wrong links. Who did so too often is asked about any, so that nobody
    is kept out, and nothing is told of links without an end.
    """
    t, services = words_of(request), services_of(request)
    looks, client = request.app.state.limits.looks, client_of(request)
    if not looks.wait(client):
        try:
            await services.sessions.whose_link(secret)
        except LinkUsedUp:
            looks.take(client)
            raise
    told = t.gettext("This browser is then let in for a month; /logout all in the chat ends that.")
    if not services.telegram:
        told = t.gettext("This browser is then let in for a month, or until you log out.")
    button = Button(t.gettext("Open"), request.url.path, secrets.token_urlsafe())
    return services.html.plain(labels(t), t.gettext("Open your notes in this browser?"), [told], button=button)


@router.post("/login/{secret}")
async def login(request: Request, secret: Secret) -> Response:
    """Use the link up, and let the browser in; once more where its page was pressed twice."""
    check_origin(request)
    may_guess(request)
    sessions = services_of(request).sessions
    try:
        session = await sessions.open(secret, word_in(await form_of(request), "press"))
    except LinkUsedUp:
        guess(request)
        raise
    before = session_in(request)
    if before is not None and before != session:
        await sessions.close(before)
    answer = RedirectResponse("/", HTTPStatus.SEE_OTHER)
    remember(request, answer, session)
    return answer


@router.post("/logout")
async def logout(request: Request) -> Response:
    """Let the browser in no more."""
    check_origin(request)
    t, services = words_of(request), services_of(request)
    await services.sessions.close(session_in(request) or "")
    another = another_link(t, telegram=services.telegram)
    answer = services.html.plain(labels(t), t.gettext("You are logged out."), [another])
    forget(request, answer)
    return answer
