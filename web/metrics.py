"""``/metrics``: how the program is doing, for Prometheus, by an owner's token."""

from typing import Any

from fastapi import APIRouter, Request, Response

from services.errors import OwnersOnly
from web.context import WhoAsks
from web.given import services_of

router = APIRouter()
_FORMATS: dict[int | str, dict[str, Any]] = {
    200: {"content": {"text/plain": {}, "application/openmetrics-text": {}}, "description": "The figures"}
}


@router.get("/metrics", response_class=Response, responses=_FORMATS)
async def metrics(request: Request, asker: WhoAsks) -> Response:
    """Return how the program is doing, for Prometheus."""
    if not asker.may_any:
        raise OwnersOnly
    services = services_of(request)
    content, kind = services.figures.shown(await services.manager.live_items(), request.headers.get("accept", ""))
    return Response(content, headers={"Content-Type": kind})
