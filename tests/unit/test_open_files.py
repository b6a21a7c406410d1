"""Who may have how many files open, so that nobody takes the last ones."""

import resource

import pytest

from services.resolvers.libtorrent.settings import WAYS, session_settings
from web import connections


@pytest.mark.parametrize("allowed", [256, 1_024, 4_096, 65_536, 1_048_576, resource.RLIM_INFINITY])
def test_the_web_and_the_swarm_leave_some_of_them_to_the_database_and_telegram(
    monkeypatch: pytest.MonkeyPatch, allowed: int
) -> None:
    monkeypatch.setattr("resource.getrlimit", lambda _: (allowed, allowed))
    leading = session_settings(listen_interfaces="", dht=True, dht_bootstrap_nodes=(), alert_mask=0, way="plain")
    sessions = max(WAYS) * int(leading["connections_limit"])
    beside = sessions // max(WAYS)  # see test_exchanges: they are as many as one session's
    of_trackers = int(leading["max_concurrent_http_announces"])
    all_of_them = allowed if allowed != resource.RLIM_INFINITY else 65_536
    assert connections.most() + sessions + beside + of_trackers <= 0.96 * all_of_them
    assert connections.most() >= 64
    assert sessions >= max(WAYS) * 20, "a lookup gets on"
