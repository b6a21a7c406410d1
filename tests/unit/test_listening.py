"""Which interfaces the settings name, and the clock of a server."""

import pytest

from bot.doctor_telegram import seconds_ahead
from bot.listening import Interface, interfaces


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("0.0.0.0:6881,[::]:6881", ["0.0.0.0:6881", "[::]:6881"]),
        (" 127.0.0.1:0 , [::1]:5 ", ["127.0.0.1:0", "[::1]:5"]),
        ("eth0:6881", ["eth0:6881"]),
    ],
)
def test_interfaces_are_read_as_libtorrent_reads_them(text: str, found: list[str]) -> None:
    assert [str(one) for one in interfaces(text)] == found


def test_an_address_of_the_sixth_version_stands_in_brackets() -> None:
    assert str(Interface("::1", 5)) == "[::1]:5"


@pytest.mark.parametrize(
    ("date", "ahead"),
    [
        ("Thu, 01 Jan 1970 00:01:40 GMT", 0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 100),
        ("Thu, 01 Jan 1970 02:01:40 +0200", 0),
        ("Thu, 01 Jan 1970 00:03:20 -0000", -100),
        ("", None),
        ("yesterday", None),
    ],
)
def test_a_clock_is_compared_with_what_a_server_says(date: str, ahead: float | None) -> None:
    assert seconds_ahead(date, 100.0) == ahead
