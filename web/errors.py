"""Errors as answers, all of one shape: ``{"success": false, "error": "<sentence>", "code": "<word>"}``."""

import asyncio
from collections.abc import Iterator, Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, RedirectResponse
from starlette.exceptions import HTTPException
from starlette.requests import HTTPConnection
from starlette.routing import Match
from starlette.types import Receive, Scope, Send

from services import errors
from services.errors import CalibotError
from services.i18n import Parameters, Translation, sentence
from web.entry import forget, session_in
from web.forms import came_from
from web.given import services_of
from web.headers import EACH
from web.labels import labels, the_terminals_link
from web.refusals import (
    AsyncDisabled,
    BadRequest,
    FromAnotherSite,
    MethodNotTaken,
    NoSuchAddress,
    NotebookNotFound,
    NotInTime,
    NotJson,
    NotLetIn,
    OutcomeUnknown,
    TextTooLong,
    TokenNeeded,
    TooLarge,
    TooManyListeners,
    TooManyRequests,
    TooSlow,
    TorrentNotFound,
)
from web.shapes import Refused
from web.words import words_of

_STATUS: Mapping[type[CalibotError], HTTPStatus] = {
    TokenNeeded: HTTPStatus.UNAUTHORIZED,
    NotLetIn: HTTPStatus.FORBIDDEN,
    errors.NotAllowed: HTTPStatus.FORBIDDEN,
    errors.OwnersOnly: HTTPStatus.FORBIDDEN,
    FromAnotherSite: HTTPStatus.FORBIDDEN,
    NoSuchAddress: HTTPStatus.NOT_FOUND,
    errors.LinkUsedUp: HTTPStatus.NOT_FOUND,
    errors.NoteNotFound: HTTPStatus.NOT_FOUND,
    errors.TaskNotFound: HTTPStatus.NOT_FOUND,
    NotebookNotFound: HTTPStatus.NOT_FOUND,
    TorrentNotFound: HTTPStatus.NOT_FOUND,
    MethodNotTaken: HTTPStatus.METHOD_NOT_ALLOWED,
    errors.AllUndone: HTTPStatus.CONFLICT,
    errors.AllCalibrated: HTTPStatus.CONFLICT,
    errors.CannotCancel: HTTPStatus.CONFLICT,
    errors.CannotRetry: HTTPStatus.CONFLICT,
    errors.CannotChoose: HTTPStatus.CONFLICT,
    errors.NoteChanged: HTTPStatus.CONFLICT,
    errors.NotDeleted: HTTPStatus.CONFLICT,
    errors.NothingToUndo: HTTPStatus.CONFLICT,
    errors.EditedSince: HTTPStatus.CONFLICT,
    errors.WrittenSince: HTTPStatus.CONFLICT,
    TextTooLong: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    TooSlow: HTTPStatus.REQUEST_TIMEOUT,
    NotJson: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    TooManyListeners: HTTPStatus.TOO_MANY_REQUESTS,
    OutcomeUnknown: HTTPStatus.SERVICE_UNAVAILABLE,
    TooManyRequests: HTTPStatus.TOO_MANY_REQUESTS,
    errors.TooManyTasks: HTTPStatus.TOO_MANY_REQUESTS,
    errors.AllowanceUsedUp: HTTPStatus.TOO_MANY_REQUESTS,
    errors.LookupFailed: HTTPStatus.BAD_GATEWAY,
    AsyncDisabled: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.MembershipUnknown: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.ShuttingDown: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    NotInTime: HTTPStatus.GATEWAY_TIMEOUT,
}
"""Those that are not here are about what was asked: 400."""
_MINUTE = 60


def answer_errors(app: FastAPI) -> None:
    """Let *app* answer every error in the one shape, in the request's language. A bug's traceback goes to the log."""

    async def ours(request: Request, error: CalibotError) -> Response:
        return answer_to(request, error)

    async def unfit(request: Request, error: RequestValidationError) -> Response:
        first = error.errors()[0]
        if first["loc"][0] == "path" and _wants_a_page(request):
            return answer_to(request, NoSuchAddress())  # no person knows the name of what stands in it
        ours = first["loc"][:-1] if first["type"] == "extra_forbidden" else first["loc"]  # no word from outside
        return answer_to(request, BadRequest(where=".".join(map(str, ours))))

    async def the_frameworks(request: Request, error: HTTPException) -> Response:
        if error.status_code == HTTPStatus.NOT_FOUND:
            return answer_to(request, NoSuchAddress())
        if error.status_code == HTTPStatus.METHOD_NOT_ALLOWED:
            taken = list(_taken_by(request))
            if request.method == "GET" and taken == ["POST"] and _wants_a_page(request):
                # A form's address, typed or gone back to; what stands behind it is no proof that it was sent.
                return RedirectResponse("/#", HTTPStatus.SEE_OTHER)
            answer = answer_to(request, MethodNotTaken())
            answer.headers["Allow"] = ", ".join(taken)
            return answer
        answer = answer_to(request, BadRequest(where="body"), error.status_code)
        answer.headers.update(error.headers or {})
        return answer

    async def a_bug(request: Request, _: Exception) -> Response:
        answer = answer_to(request, CalibotError(), HTTPStatus.INTERNAL_SERVER_ERROR)
        answer.headers.update(EACH)  # it is answered outside of all middleware
        return answer

    app.exception_handler(CalibotError)(ours)
    app.exception_handler(RequestValidationError)(unfit)
    app.exception_handler(HTTPException)(the_frameworks)
    app.exception_handler(Exception)(a_bug)


def _taken_by(request: Request) -> Iterator[str]:
    """Yield the methods that the request's address takes; the framework tells those of one route alone."""
    for method in ("GET", "POST", "PUT", "DELETE"):
        scope = {**request.scope, "method": method}
        if any(route.matches(scope)[0] is Match.FULL for route in request.app.routes):
            yield from ("GET", "HEAD") if method == "GET" else (method,)


def answer_to(connection: HTTPConnection, error: CalibotError, status: int | None = None) -> Response:
    """Return the answer that says *error*: a page where a browser has asked for one."""
    answer = _told(connection, error, status)
    if isinstance(error, TokenNeeded) and session_in(connection) is not None:
        forget(connection, answer)  # else a session that is nobody's were counted as a guess with each request
    return answer


def _told(connection: HTTPConnection, error: CalibotError, status: int | None) -> Response:
    answer = _json_to(connection, error, status)
    if not _wants_a_page(connection):
        return answer
    page = _page_that_says(connection, error, answer.status_code)
    page.headers.update(_headers(answer.status_code, error.parameters))
    return page


def _wants_a_page(connection: HTTPConnection) -> bool:
    is_api = connection.scope["path"].startswith("/api/")
    return not is_api and "text/html" in connection.headers.get("accept", "")


def _page_that_says(connection: HTTPConnection, error: CalibotError, status: int) -> Response:
    t, html = words_of(connection), services_of(connection).html
    say, said = labels(t), _in_a_browser(connection, error, t)
    if isinstance(error, TokenNeeded) or (isinstance(error, NotLetIn) and not services_of(connection).telegram):
        return html.plain(say, t.gettext("Your notes"), said, status)
    wanted_to_see = connection.scope.get("method", "GET") in {"GET", "HEAD"}
    heading = t.gettext("That cannot be shown.") if wanted_to_see else t.gettext("That was not done.")
    if isinstance(error, OutcomeUnknown):
        heading = t.gettext("That may have been done, or not.")
    to = "/" if wanted_to_see else came_from(connection)
    return html.plain(say, heading, said, status, back=say["skip"] if to == "/" else t.gettext("Back"), to=to)


def _in_a_browser(connection: HTTPConnection, error: CalibotError, t: Translation) -> list[str]:
    """Return what a person at a browser is told, who may have no chat to ask in."""
    telegram = services_of(connection).telegram
    match error:
        case TokenNeeded() if telegram:
            return [
                t.gettext("Send /login to the bot, in a private chat: it answers with a link that opens them here.")
            ]
        case TokenNeeded() | NotLetIn() if not telegram:
            return [the_terminals_link(t)]
        case errors.LinkUsedUp() if not telegram:
            return [t.gettext("This link was used, or is too old."), the_terminals_link(t)]
        case errors.AllCalibrated():
            return [t.gettext("All notes here are calibrated. Find names beside a note does it again.")]
        case errors.AllUndone():
            return [t.gettext("What was undone, or kept, stays so. Find names beside a note writes it again.")]
        case _:
            return [sentence(error.code, error.parameters, t)]


def _json_to(connection: HTTPConnection, error: CalibotError, status: int | None) -> JSONResponse:
    """Return the answer that says *error*, with the *status* of its kind where none is given."""
    if status is None:
        status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), HTTPStatus.BAD_REQUEST)
    return refused(connection, status, error.code, error.parameters)


async def turn_away(scope: Scope, receive: Receive, send: Send, error: CalibotError) -> None:
    """Say *error* to who asks, before the request was read, and close the connection."""
    answer = answer_to(HTTPConnection(scope), error)
    answer.headers["Connection"] = "close"
    await answer(scope, receive, send)
    # uvicorn logs a fault where an application returns before a WebSocket that it refused is seen to be closed.
    await asyncio.sleep(0)


def refused(connection: HTTPConnection, status: int, code: str, parameters: Parameters) -> JSONResponse:
    """Return the answer that says *code* with its *parameters*."""
    said = sentence(code, parameters, words_of(connection))
    return JSONResponse(Refused(error=said, code=code).model_dump(), status, _headers(status, parameters))


def _headers(status: int, parameters: Parameters) -> Mapping[str, str]:
    if status == HTTPStatus.UNAUTHORIZED:
        return {"WWW-Authenticate": "Bearer"}
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        seconds = parameters.get("seconds", int(parameters.get("minutes", 1)) * _MINUTE)
        return {"Retry-After": str(seconds)}
    return {}
