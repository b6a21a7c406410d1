"""What is done about a torrent whose metadata does not end, and what counts as a word of the DHT."""

from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.resolvers.libtorrent.alerts import Alerts
from services.resolvers.libtorrent.evidence import DhtSightings
from services.resolvers.libtorrent.lookups import Board, SoughtTorrent
from services.resolvers.libtorrent.settings import LARGEST_METADATA
from services.torrents import InfoHash


class Handle:
    """Remembers how it was slowed down."""

    def __init__(self) -> None:
        self.limits: list[int] = []

    def set_download_limit(self, limit: int) -> None:
        self.limits.append(limit)


def limits_after(*, downloaded: int) -> list[int]:
    """Return the limits, in bytes a second, that a torrent gets that has *downloaded* so many bytes."""
    handle, board = Handle(), Board[Any]()
    board.seek(SoughtTorrent(InfoHash("ab" * 20), handle))
    alerts = Alerts(cast("Any", None), board, DhtSightings(asked=False))
    state = SimpleNamespace(handle=handle, total_download=downloaded, list_peers=1, num_peers=1)
    alerts._on_states(cast("Any", [state]))
    return handle.limits


@pytest.mark.parametrize("downloaded", [0, LARGEST_METADATA, LARGEST_METADATA * 5 // 4])
def test_metadata_that_may_still_end_is_fetched_at_full_speed(downloaded: int) -> None:
    assert limits_after(downloaded=downloaded) == []


def test_whoever_sends_twice_the_largest_metadata_is_listened_to_at_64_kib_a_second() -> None:
    assert limits_after(downloaded=2 * LARGEST_METADATA + 1) == [65_536]


def test_a_message_of_the_dht_that_libtorrent_dropped_is_no_answer() -> None:
    dht = DhtSightings(asked=True)
    alerts = Alerts(cast("Any", None), Board[Any](), dht)
    alerts._on_stats({"dht.dht_nodes": 3, "dht.dht_messages_in": 50, "dht.dht_messages_in_dropped": 0})
    heard = dht.messages
    alerts._on_stats({"dht.dht_nodes": 3, "dht.dht_messages_in": 90, "dht.dht_messages_in_dropped": 40})
    assert dht.since(heard).nodes == 0
    alerts._on_stats({"dht.dht_nodes": 3, "dht.dht_messages_in": 91, "dht.dht_messages_in_dropped": 40})
    assert dht.since(heard).nodes == 3
