"""What kind of network it is: how many are silent, how far away all are, how much is lost, how many lie."""

from dataclasses import dataclass, replace
from random import Random
from typing import Self


@dataclass(frozen=True, slots=True, kw_only=True)
class Climate:
    """How good or bad a network is.

    Args:
        silent: the share of the DHT's nodes that never answer.
        round_trip: seconds, the median; a lognormal distribution with the *spread* of its logarithm.
        loss: the share of datagrams that get lost, each way; of what TCP sends, the share that comes late.
        liars: the share of peers that give false metadata, half of them by MSE alone.
    """

    silent: float = 0.45
    round_trip: float = 0.11
    spread: float = 0.5
    loss: float = 0.02
    liars: float = 0.02

    def drawn_round_trip(self, random: Random) -> float:
        return min(1.5, max(0.01, self.round_trip * random.lognormvariate(0.0, self.spread)))

    def with_liars(self, share: float) -> Self:
        return replace(self, liars=share)


CALM = Climate()
STORM = Climate(silent=0.6, round_trip=0.18, spread=0.7, loss=0.08)
