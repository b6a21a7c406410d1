"""In which language a chat is answered: the one that was chosen for it, or each person's own."""

from collections.abc import Mapping
from typing import Self

from services.clock import Clock
from services.i18n import Catalogues, Translation
from services.notebook.once import once
from services.notebook.ports import NotebookStore, NotebookTx


class Languages:
    """Knows which language was chosen for each door (a chat's address), and has the words of all languages."""

    def __init__(self, store: NotebookStore, catalogues: Catalogues, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._chosen: Mapping[str, str] = {}
        self.catalogues = catalogues

    async def load(self) -> Self:
        """Learn what was chosen."""
        self.know(await self._store.read(lambda tx: tx.notebooks.languages()))
        return self

    def know(self, chosen: Mapping[str, str]) -> None:
        """Answer in what was *chosen* from now on: that is what is stored."""
        self._chosen = chosen

    def of(self, door: str) -> str | None:
        """Return the language that was chosen for *door*; None where each person's own counts."""
        return self._chosen.get(door)

    def words(self, door: str, own: str) -> Translation:
        """Return the words for somebody at *door* whose *own* language is this, an IETF tag."""
        return self.catalogues.of(self.of(door) or own)

    async def choose(self, door: str, language: str | None, *, request_key: str | None = None) -> None:
        """Answer everybody at *door* in *language*, at once and over restarts; None: each in their own.

        Raises:
            StoreUnavailable: nothing was changed.
        """

        async def write(tx: NotebookTx) -> Mapping[str, str]:
            now = self._clock.now()

            async def choose() -> str:
                await tx.notebooks.open(door, now)
                await tx.notebooks.speak(door, language)
                return language or ""

            await once(tx, request_key, now, choose)
            return await tx.notebooks.languages()

        self.know(await self._store.write(write))
