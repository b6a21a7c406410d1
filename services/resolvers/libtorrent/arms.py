"""The sessions of one resolver: those that race, each with its lane."""

from dataclasses import dataclass

from services.resolvers.libtorrent.alerts import Alerts
from services.resolvers.libtorrent.evidence import DhtSightings
from services.resolvers.libtorrent.lanes import Lane
from services.resolvers.libtorrent.session import Session


@dataclass(frozen=True, slots=True)
class Arm:
    """One *session* that races, who takes in its *alerts*, what its *dht* shows, and its *lane*.

    *mask* are the alerts that it posts once the DHT's bootstrap is over.
    """

    session: Session
    alerts: Alerts
    dht: DhtSightings
    lane: Lane
    mask: int

    def look_each(self, milliseconds: int) -> None:
        """Let both sessions look so often for what is to be done."""
        for session in (self.session, self.lane.session):
            session.look_each(milliseconds)

    def hear_less(self) -> None:
        """Be woken no more for every question that the DHT asks of us."""
        self.session.want_alerts(self.mask)
