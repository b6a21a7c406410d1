"""What is counted for Prometheus, by its naming conventions."""

from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, Metric
from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily
from prometheus_client.exposition import choose_encoder

from services.calibration.ports import LookedUp
from services.calibration.task import State

_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 45, 60, 120, 300, 900, 3600)
_NOBODY = "none"
_OPENMETRICS = "application/openmetrics-text"


class Sending(Protocol):
    """How the other front end's messages are doing: what waits now, and counts since the program began."""

    @property
    def waiting(self) -> int: ...
    @property
    def requests(self) -> int: ...
    @property
    def flood_waits(self) -> int: ...


class Figures:
    """Counts what it hears of, and reads the rest when it is asked. *sending* tells of messages, if any are sent."""

    def __init__(self, sending: Callable[[], Sending | None]) -> None:
        self._registry = CollectorRegistry()
        self._waits = Histogram(
            "calibot_lookup_wait_seconds", "How long lookups waited in line", registry=self._registry, buckets=_SECONDS
        )
        self._times = Histogram(
            "calibot_lookup_duration_seconds",
            "How long lookups took once begun, by the source that found the name",
            ["source"],
            registry=self._registry,
            buckets=_SECONDS,
        )
        self._outcomes = Counter(
            "calibot_lookups", "Lookups that have ended, by what came of them", ["outcome"], registry=self._registry
        )
        self._items = Gauge("calibot_items", "Torrents of tasks under way", ["state"], registry=self._registry)
        self._sending = sending
        self._registry.register(self)

    def looked_up(self, row: LookedUp) -> None:
        """Count a lookup that has ended."""
        self._waits.observe(row.waited)
        self._times.labels(row.source or _NOBODY).observe(row.took)
        self._outcomes.labels(row.outcome).inc()

    def collect(self) -> Iterator[Metric]:
        """Yield what the other front end tells (prometheus_client's ``Collector``)."""
        now = self._sending()
        if now is None:
            return
        yield GaugeMetricFamily("calibot_outbox_waiting", "Messages that wait for a slot", now.waiting)
        yield CounterMetricFamily("calibot_telegram_requests", "Messages sent and edited", now.requests)
        yield CounterMetricFamily("calibot_telegram_flood_waits", "Requests answered with 429", now.flood_waits)

    def shown(self, items: Mapping[State, int], accept: str) -> tuple[bytes, str]:
        """Return all of it in the best format of the *accept* header, and that format's name."""
        for state in (State.PENDING, State.RUNNING):
            self._items.labels(str(state)).set(items.get(state, 0))
        # In a version of its own: the library trusts that what is asked for has numbers.
        encode, kind = choose_encoder(f"{_OPENMETRICS}; version=1.0.0" if _OPENMETRICS in accept else "")
        return encode(self._registry), kind
