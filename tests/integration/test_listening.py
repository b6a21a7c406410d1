"""Ports of this machine: which can be had, and whose they are."""

import os
import socket
from collections.abc import Iterator

import pytest

from bot.listening import Interface, has_port, interfaces, refusal


@pytest.fixture(params=[socket.SOCK_STREAM, socket.SOCK_DGRAM], ids=["tcp", "udp"])
def taken(request: pytest.FixtureRequest) -> Iterator[int]:
    with socket.socket(socket.AF_INET, request.param) as one:
        one.bind(("127.0.0.1", 0))
        if request.param == socket.SOCK_STREAM:
            one.listen()
        yield one.getsockname()[1]


def test_a_port_that_is_taken_is_refused_and_it_is_seen_whose_it_is(taken: int) -> None:
    assert refusal(Interface("127.0.0.1", taken)) is not None
    assert has_port(os.getpid(), taken) is True
    assert has_port(os.getppid(), taken) is False


def test_a_port_that_is_free_is_not_refused_nor_kept() -> None:
    for _ in range(2):
        assert refusal(Interface("127.0.0.1", 0)) is None


def test_an_address_that_is_not_this_machines_is_refused() -> None:
    assert refusal(Interface("192.0.2.1", 0)) is not None


def test_a_device_is_looked_at_by_its_name() -> None:
    here, nowhere = interfaces("lo:0,nosuch0:0")
    assert refusal(here) is None
    refused = refusal(nowhere)
    assert refused is not None
    assert refused.strerror == "there is no device nosuch0"


def test_of_a_process_that_is_not_there_nothing_is_known() -> None:
    assert has_port(2**22 + 1, 1) is None
