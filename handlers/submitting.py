"""A request becomes a task: said once, for commands and for buttons."""

from telegram import Update

from handlers.context import CalibotContext, key_of, person_of
from services.calibration.follower import NewFollower
from services.calibration.task import CalibrationRequest
from services.torrents import NotebookId, TaskId


async def submit(
    update: Update,
    context: CalibotContext,
    request: CalibrationRequest,
    *,
    notebook: NotebookId,
    cause: str,
    follower: NewFollower,
    key: str | None = None,
) -> TaskId:
    """Submit what the update's person asks for, once for the update, or for *key*. Raises what `submit_task` does."""
    return await context.services.manager.submit_task(
        request=request,
        notebook=notebook,
        asked_by=person_of(update),
        cause=cause,
        follower=follower,
        request_key=key or key_of(update, context),
    )
