"""How the API is described (OpenAPI): beside what each route answers, how it refuses."""

from http import HTTPStatus
from typing import Any

from fastapi import Depends, FastAPI
from fastapi.security import HTTPBearer

from web.shapes import Refused

_FRAMEWORKS = "422"
_THEIR_SHAPES = ("HTTPValidationError", "ValidationError")


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """Return how a route that may refuse so is described."""
    return {status: {"model": Refused, "description": HTTPStatus(status).phrase} for status in statuses}


OF_ANYBODY = refusals(400, 401, 403, 408, 413, 415, 503)
"""What every route may say: of a body that it does not want, and when the program stops."""
OF_WHO_ASKS = OF_ANYBODY | refusals(429)
BY_TOKEN = (Depends(HTTPBearer(scheme_name="token", description="of /token in the chat", auto_error=False)),)
"""Nothing but the description: `web.entry` lets in."""


class Described(FastAPI):
    """An application whose description does not tell of the framework's own refusals, which it never answers with."""

    def openapi(self) -> dict[str, Any]:
        """Return the description."""
        described = super().openapi()
        for methods in described["paths"].values():
            for route in methods.values():
                route["responses"].pop(_FRAMEWORKS, None)
        for name in _THEIR_SHAPES:
            described["components"]["schemas"].pop(name, None)
        return described
