"""The notebook of whoever starts the program without Telegram, and whose it is once there is an owner."""

from services.notebook.ports import NotebookTx
from services.torrents import PersonId

LOCAL = PersonId("local")
"""Whoever opens the page by the link that the terminal shows; also the door of their notebook."""


async def unite(tx: NotebookTx, owner: PersonId) -> bool:
    """Let this machine's page and the owner's private chat open one notebook; return whether something changed.

    Where one of them has none it opens the other's. Where both have one the page's goes into the chat's: its notes keep
    their numbers, and all that is known of them. Once is for good: what another owner opens by now stays theirs.
    """
    here, theirs = await tx.notebooks.behind(LOCAL), await tx.notebooks.behind(owner)
    if here is None:
        return theirs is not None and await tx.notebooks.move(owner, LOCAL)
    if await tx.notebooks.doors_of(here) != [LOCAL]:
        return False
    if theirs is None:
        return await tx.notebooks.move(LOCAL, owner)
    await tx.notebooks.join(here, theirs)
    return True
