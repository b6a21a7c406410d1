"""How much one person may ask for, so that nobody takes the swarm from the others."""

import math
from collections.abc import Collection
from dataclasses import dataclass

from services.calibration.ports import Tx
from services.errors import AllowanceUsedUp, TooMany, TooManyTasks
from services.notebook.note import MOST_TORRENTS
from services.torrents import PersonId, TorrentId

_HOUR = 3600.0


@dataclass(frozen=True, slots=True)
class Allowance:
    """What a person may have *tasks* of under way, and *lookups* of in an hour; 0 is no bound."""

    tasks: int = 0
    lookups: int = 0

    async def ask(self, tx: Tx, person: PersonId, torrents: Collection[TorrentId], now: float) -> None:
        """Count the lookups that *torrents* need as asked for by *person*; what is known already needs no allowance.

        Raises:
            TooMany: more torrents than one task may have, or lookups than an hour has.
            TooManyTasks: this person has enough under way.
            AllowanceUsedUp: not now.
        """
        if len(torrents) > MOST_TORRENTS:
            raise TooMany(most=MOST_TORRENTS)
        needed = len(torrents) - len(await tx.names.verified(torrents))
        if not needed:
            return
        if self.tasks and await tx.tasks.under_way(person) >= self.tasks:
            raise TooManyTasks(most=self.tasks)
        if self.lookups:
            await self._check(tx, person, needed, now)
        await tx.asked.add(person, needed, now)

    async def _check(self, tx: Tx, person: PersonId, needed: int, now: float) -> None:
        if needed > self.lookups:
            raise TooMany(most=self.lookups)
        asked = await tx.asked.since(person, now - _HOUR)
        over = sum(lookups for _, lookups in asked) + needed - self.lookups
        for at, lookups in asked if over > 0 else ():
            over -= lookups
            if over <= 0:  # as it is in the end, since it needs no more than an hour has
                raise AllowanceUsedUp(most=self.lookups, minutes=math.ceil((at + _HOUR - now) / 60))


async def forget_old(tx: Tx, now: float) -> None:
    """Delete what no allowance is judged by any more."""
    await tx.asked.forget(now - _HOUR)
