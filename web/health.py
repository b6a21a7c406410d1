"""``/healthz`` and ``/readyz``: for whoever watches the process. Open to everybody; they tell nothing else."""

from typing import Literal

from fastapi import APIRouter, Request
from pydantic import BaseModel

from web.given import services_of

router = APIRouter()


class Well(BaseModel):
    """All is well."""

    success: Literal[True] = True
    status: Literal["ok"] = "ok"


@router.get("/healthz")
async def healthz() -> Well:
    """Answer as long as the process goes on."""
    return Well()


@router.get("/readyz")
async def readyz(request: Request) -> Well:
    """Answer while the database can be read; 503 ``store_unavailable`` when it cannot."""
    await services_of(request).manager.live_items()
    return Well()
