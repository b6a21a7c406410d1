"""A request that comes twice is done once."""

from collections.abc import Awaitable, Callable

from services.notebook.ports import NotebookTx

KEPT_SECONDS = 48 * 3600.0
"""How long an answer is kept for its request key."""


async def once(tx: NotebookTx, key: str | None, at: float, act: Callable[[], Awaitable[str]]) -> str:
    """Return the answer stored for *key*; else act, store what it answers in the same transaction, and return it."""
    if key is None:
        return await act()
    stored = await tx.answers.get(key)
    if stored is not None:
        return stored
    answer = await act()
    await tx.answers.put(key, answer, at)
    return answer
