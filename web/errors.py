"""Errors as answers, all of one shape: ``{"success": false, "error": "<sentence>", "code": "<word>"}``."""

from collections.abc import Mapping
from http import HTTPStatus

from fastapi import FastAPI, Request
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException

from services.errors import CalibotError, ShuttingDown, StoreUnavailable
from services.i18n import sentence
from web.words import words_of


class NoSuchAddress(CalibotError):
    """No route has this path."""

    code = "no_such_address"


class MethodNotTaken(CalibotError):
    """The route does not take this method."""

    code = "method_not_taken"


_STATUS: Mapping[type[CalibotError], HTTPStatus] = {
    NoSuchAddress: HTTPStatus.NOT_FOUND,
    MethodNotTaken: HTTPStatus.METHOD_NOT_ALLOWED,
    ShuttingDown: HTTPStatus.SERVICE_UNAVAILABLE,
    StoreUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
}
_OURS: Mapping[int, type[CalibotError]] = {_STATUS[kind]: kind for kind in (NoSuchAddress, MethodNotTaken)}
"""What the framework answers by itself."""


def answer_errors(app: FastAPI) -> None:
    """Let *app* answer every error in the one shape, in the request's language. A bug's traceback goes to the log."""

    async def ours(request: Request, error: CalibotError) -> JSONResponse:
        status = next((status for kind, status in _STATUS.items() if isinstance(error, kind)), HTTPStatus.BAD_REQUEST)
        return _refusal(request, status, error)

    async def the_frameworks(request: Request, error: HTTPException) -> JSONResponse:
        answer = _refusal(request, error.status_code, _OURS[error.status_code]())
        answer.headers.update(error.headers or {})
        return answer

    async def a_bug(request: Request, _: Exception) -> JSONResponse:
        return _refusal(request, HTTPStatus.INTERNAL_SERVER_ERROR, CalibotError())

    app.exception_handler(CalibotError)(ours)
    app.exception_handler(HTTPException)(the_frameworks)
    app.exception_handler(Exception)(a_bug)


def _refusal(request: Request, status: int, error: CalibotError) -> JSONResponse:
    said = sentence(error.code, error.parameters, words_of(request))
    return JSONResponse({"success": False, "error": said, "code": error.code}, status)
