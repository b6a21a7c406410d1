"""Whom a stranger's word has been answered: once an hour, so that no crowd of them takes the slots of the served."""

from collections import OrderedDict

from services.clock import Clock
from services.torrents import PersonId

_PAUSE = 3600.0
_KEPT = 10_000


class Strangers:
    """Remembers the last 10,000 of them."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._told: OrderedDict[PersonId, float] = OrderedDict()

    def to_be_told(self, person: PersonId) -> bool:
        """Whether *person* was not told within the hour; from now on, they were."""
        now = self._clock.monotonic()
        told = self._told.pop(person, None)
        fresh = told is None or now - told >= _PAUSE
        self._told[person] = now if told is None or fresh else told
        if len(self._told) > _KEPT:
            self._told.popitem(last=False)
        return fresh
