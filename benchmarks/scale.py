"""How much of everything one run does, and how long it may take."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Counts; *patience* is the seconds that one lookup of many names may take before it is counted as it stands."""

    rounds: int = 5
    patience: float = 15.0
    names: tuple[int, ...] = (1, 100, 1_000)
    dht_names: int = 20
    settle: float = 4.0
    """Seconds that a DHT, or memory, is given to come to rest."""
    dead: int = 1_000
    submits: int = 200
    commands: int = 12
    running: int = 500
    lookups: int = 1_000
    batches: tuple[int, int] = (1_000, 5_000)
    text_bytes: int = 1_000_000
    followers: tuple[int, ...] = (0, 1_000, 10_000)
    ticks: int = 2_000
    live_tasks: tuple[int, ...] = (1, 50, 200)
    live_chats: int = 200
    live_window: float = 45.0
    """Seconds that a play of tasks lasts."""
    notes: int = 100_000
    web_rate: float = 200.0
    web_seconds: float = 20.0
    searches: int = 40
    """Searches of each kind."""

    def rest(self, names: int) -> float:
        """Return the seconds after a run of so many *names* in which nobody is measured: what they leave ends in it."""
        return 0.2 + names / 1_000


FULL = Scale()
TINY = Scale(
    rounds=1,
    patience=5.0,
    names=(1, 3),
    dht_names=2,
    settle=0.2,
    dead=5,
    submits=5,
    commands=2,
    running=3,
    lookups=3,
    batches=(10, 20),
    text_bytes=20_000,
    followers=(0, 10),
    ticks=10,
    live_tasks=(1, 5),
    live_chats=2,
    live_window=9.0,
    notes=200,
    web_rate=20.0,
    web_seconds=1.0,
    searches=2,
)
"""Enough to show that each section still works; its figures mean nothing."""
