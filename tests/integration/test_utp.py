"""uTP (BEP 29) by the one who connects: with libtorrent, through a bad network, and packet by packet."""

import asyncio
import errno
import random
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Self, cast

import pytest

from sandbox.swarm import Sample, make_sample
from sandbox.swarm.lies import PIECE
from sandbox.swarm.peers import Seeder
from services.clock import Clock, SystemClock
from services.resolvers.libtorrent.evidence import Endpoint
from services.resolvers.libtorrent.exchange import Useless, metadata
from services.resolvers.libtorrent.utp import by_utp
from services.torrents import InfoHash
from tests.fake_clock import FakeClock, settle
from tests.integration.leftovers import nothing_left
from tests.integration.liars import LIARS, large

__all__ = ["nothing_left"]

HOST = "127.0.2.30"
HEADER = struct.Struct(">BBHIIIHH")
DATA, FIN, STATE, RESET, SYN = range(5)
FIRST = 65_533
"""What a scripted peer counts its packets from: soon after it they begin anew."""


@dataclass(frozen=True, slots=True)
class Packet:
    """What was heard; *early* has the selective acknowledgement, empty where there is none."""

    kind: int
    connection: int
    sent: int
    took: int
    window: int
    number: int
    acknowledged: int
    early: bytes
    data: bytes

    @classmethod
    def read(cls, datagram: bytes) -> Self:
        first, extension, connection, sent, took, window, number, acknowledged = HEADER.unpack_from(datagram)
        assert first & 15 == 1
        early, rest = b"", datagram[HEADER.size :]
        if extension:
            assert (extension, rest[0]) == (1, 0), "a selective acknowledgement, and nothing behind it"
            early, rest = rest[2 : 2 + rest[1]], rest[2 + rest[1] :]
        return cls(first >> 4, connection, sent, took, window, number, acknowledged, early, rest)


class Peer(asyncio.DatagramProtocol):
    """One who says by uTP what a test has it say, and keeps what it hears; a SYN it *answers* so, where it does.

    Its answer has the number *first*.
    """

    def __init__(self, *, answers: int | None = STATE, first: int = FIRST) -> None:
        self.heard: list[Packet] = []
        self.called = asyncio.Event()
        self._answers = answers
        self._first = first
        self._transport: asyncio.DatagramTransport | None = None
        self._other: Endpoint = ("", 0)

    async def __aenter__(self) -> Self:
        await asyncio.get_running_loop().create_datagram_endpoint(lambda: self, local_addr=(HOST, 0))
        return self

    async def __aexit__(self, *_: object) -> None:
        assert self._transport is not None
        self._transport.close()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)
        self.endpoint: Endpoint = transport.get_extra_info("sockname")

    def datagram_received(self, data: bytes, addr: Endpoint) -> None:
        packet, self._other = Packet.read(data), addr
        self.heard.append(packet)
        self.called.set()
        if packet.kind == SYN and self._answers is not None:
            self.say(self._answers, self._first, acknowledged=packet.number)

    @property
    def connection(self) -> int:
        """What it calls the connection."""
        return self.heard[0].connection

    def say(
        self,
        kind: int,
        number: int,
        data: bytes = b"",
        *,
        acknowledged: int = 1,
        at: int = 1_000,
        connection: int | None = None,
    ) -> None:
        of = self.connection if connection is None else connection
        self.send(HEADER.pack(kind << 4 | 1, 0, of, at, 0, 2**20, number & 0xFFFF, acknowledged) + data)

    def send(self, datagram: bytes) -> None:
        assert self._transport is not None
        self._transport.sendto(datagram, self._other)

    async def given(self, *packets: int) -> None:
        """Send the packets that are so many after the first, each of its own byte."""
        for one in packets:
            self.say(DATA, FIRST + one, bytes((65 + one,)))
        await settle()

    def of(self, kind: int) -> list[Packet]:
        return [one for one in self.heard if one.kind == kind]


class Network:
    """A network between one who connects and *peer*: of what goes through it some is lost, doubled, or comes late.

    Nothing is lost twice: libtorrent ends a connection, in silence, of which it has said something three times.
    """

    def __init__(self, peer: Endpoint, seed: int) -> None:
        self._random = random.Random(seed)
        self._peer = peer
        self._late: bytes | None = None
        self.lost: set[bytes] = set()

    @asynccontextmanager
    async def between(self) -> AsyncIterator[Endpoint]:
        loop = asyncio.get_running_loop()
        outer, _ = await loop.create_datagram_endpoint(lambda: _End(self._forth), local_addr=(HOST, 0))
        inner, _ = await loop.create_datagram_endpoint(lambda: _End(self._back), remote_addr=self._peer)
        self._outer, self._inner = outer, inner
        try:
            yield outer.get_extra_info("sockname")
        finally:
            outer.close()
            inner.close()

    def _loses(self, data: bytes) -> bool:
        told = data[:1] + data[2:4] + data[16:18]  # its kind, whose it is, and its number
        if told in self.lost or self._random.random() > 0.15:
            return False
        self.lost.add(told)
        return True

    def _forth(self, data: bytes, addr: Endpoint) -> None:
        self._other = addr
        if not self._loses(data):
            self._inner.sendto(data)

    def _back(self, data: bytes, _addr: Endpoint) -> None:
        if self._loses(data):
            return
        if self._late is None and self._random.random() < 0.2:
            self._late = data
            return
        for one in (data, data) if self._random.random() < 0.1 else (data,):
            self._outer.sendto(one, self._other)
        if self._late is not None:
            self._outer.sendto(self._late, self._other)
            self._late = None


class Slow(Network):
    """Loses nothing, and lets nothing back until it is *released*; *came* counts what would come back."""

    def __init__(self, peer: Endpoint) -> None:
        super().__init__(peer, 0)
        self.came = asyncio.Semaphore(0)
        self._waiting: list[bytes] | None = []

    def _loses(self, _data: bytes) -> bool:
        return False

    def _back(self, data: bytes, _addr: Endpoint) -> None:
        self.came.release()
        if self._waiting is None:
            self._outer.sendto(data, self._other)
        else:
            self._waiting.append(data)

    def release(self, order: slice) -> None:
        """Let all through from now on, and what waits in that *order*."""
        for one in (self._waiting or [])[order]:
            self._outer.sendto(one, self._other)
        self._waiting = None


class _End(asyncio.DatagramProtocol):
    def __init__(self, hear: Callable[[bytes, Endpoint], None]) -> None:
        self._hear = hear

    def datagram_received(self, data: bytes, addr: Endpoint) -> None:
        self._hear(data, addr)


@pytest.fixture(autouse=True)
def nothing_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """See that whatever a peer says is no error of ours; asyncio logs what escapes."""
    yield
    assert caplog.get_records("call") == []


def heard() -> None:
    """Be content that something was."""


def always(_size: int) -> bool:
    return True


async def given(sample: Sample, peer: Endpoint, clock: Clock | None = None) -> bytes:
    wanted = InfoHash(sample.v1 or sample.v2 or "")
    return await metadata(wanted, peer, heard, always, connect=partial(by_utp, clock=clock or SystemClock()))


def of_pieces(count: int) -> Sample:
    """Return a sample whose metadata has about so many pieces."""
    sample = make_sample(f"of {count}", files=[("f", 16_384 * (count * PIECE // 20))], piece_length=16_384)
    assert len(sample.info) > (count - 1) * PIECE
    return sample


async def until_given(sample: Sample, seeder: Seeder, peer: Endpoint | None = None) -> bytes:
    """Return what *seeder* gives, by way of *peer*; it hangs up until it has all of it itself."""
    while True:
        with suppress(EOFError, ConnectionError):
            return await given(sample, peer or seeder.endpoint)


SAMPLES = [make_sample("v1"), make_sample("v2", kind="v2"), make_sample("hybrid", kind="hybrid"), of_pieces(70)]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
async def test_libtorrent_gives_what_it_has(sample: Sample) -> None:
    async with Seeder("utp") as seeder:
        seeder.add(sample)
        assert await until_given(sample, seeder) == sample.info


@pytest.mark.parametrize("seed", [0, 6, 14])
async def test_through_a_network_that_loses_doubles_and_delays_all_of_it_comes(seed: int) -> None:
    sample = of_pieces(4)
    async with Seeder("utp") as seeder:
        seeder.add(sample)
        assert await until_given(sample, seeder) == sample.info
        network = Network(seeder.endpoint, seed)
        async with network.between() as peer:
            assert await given(sample, peer) == sample.info
        assert network.lost


@pytest.mark.parametrize("order", [slice(None), slice(None, None, -1), slice(1, None)], ids=["in turn", "not", "lost"])
async def test_who_was_called_again_before_its_answer_came_gives_what_it_has(order: slice) -> None:
    """Where both calls were one connection's, libtorrent has two of them, and hears us in the later one alone."""
    clock, sample = FakeClock(), of_pieces(4)
    async with Seeder("utp") as seeder:
        seeder.add(sample)
        assert await until_given(sample, seeder) == sample.info
        network = Slow(seeder.endpoint)
        async with network.between() as peer:
            asking = asyncio.create_task(given(sample, peer, clock))
            await network.came.acquire()
            await clock.advance(0.5)
            await network.came.acquire()
            network.release(order)
            assert await asking == sample.info


async def connecting(peer: Peer, clock: Clock) -> "asyncio.Task[None]":
    """Return who connects to *peer*, and stays, once it has said so."""

    async def connect() -> None:
        async with by_utp(peer.endpoint, None, clock=clock):
            await asyncio.get_running_loop().create_future()

    task = asyncio.create_task(connect())
    await peer.called.wait()
    return task


async def ended(task: "asyncio.Task[None]") -> None:
    task.cancel()
    await asyncio.wait([task])
    await settle()


async def test_who_does_not_answer_is_called_again_each_time_after_twice_as_long() -> None:
    clock = FakeClock()
    async with Peer(answers=None) as peer:
        task = await connecting(peer, clock)
        for times, seconds in enumerate((0.5, 1.0, 2.0), 1):
            await clock.advance(seconds - 0.01)
            assert len(peer.heard) == times
            await clock.advance(0.01)
            assert len(peer.heard) == times + 1
        assert {(one.kind, one.number) for one in peer.heard} == {(SYN, 1)}
        await ended(task)


def named(call: Packet) -> tuple[int, int]:
    """Return the numbers that the connection has which is called for: the peer's, and ours."""
    return call.connection, (call.connection + 1) & 0xFFFF


@pytest.mark.parametrize("drawn", [0, 65_530, 65_532, 65_534])
@pytest.mark.parametrize("answered", range(3))
async def test_the_call_that_is_answered_is_the_connection_and_the_others_are_called_off(
    monkeypatch: pytest.MonkeyPatch, answered: int, drawn: int
) -> None:
    monkeypatch.setattr("secrets.randbelow", lambda _: drawn)
    clock = FakeClock()
    async with Peer(answers=None) as peer:
        task = await connecting(peer, clock)
        await clock.advance(0.5 + 1.0)
        calls = peer.heard[:]
        assert len({number for call in calls for number in named(call)}) == 6, "no two have one in common"
        for call in (calls[answered], *calls):
            peer.say(STATE, FIRST, connection=call.connection)
        await clock.advance(60.0)
        others = {named(call)[1] for call in calls if call is not calls[answered]}
        assert [one.kind for one in peer.heard[3:]] == [RESET, RESET], "it is connected, and knows nothing of others"
        assert {one.connection for one in peer.heard[3:]} == others
        await ended(task)
        assert [(one.kind, one.connection) for one in peer.heard[5:]] == [(RESET, named(calls[answered])[1])]


async def test_who_gives_up_calls_off_all_calls() -> None:
    clock = FakeClock()
    async with Peer(answers=None) as peer:
        task = await connecting(peer, clock)
        await clock.advance(0.5)
        await ended(task)
        assert [one.connection for one in peer.of(RESET)] == [named(call)[1] for call in peer.of(SYN)]
        assert len(peer.of(SYN)) == 2


async def test_an_answer_to_something_else_is_none() -> None:
    async with Peer(answers=None) as peer:
        task = await connecting(peer, FakeClock())
        for acknowledged in (0, 2, 65_535):
            peer.say(STATE, FIRST, acknowledged=acknowledged)
        await peer.given(0)
        assert [one.kind for one in peer.heard] == [SYN], "what comes is not taken"
        await ended(task)


async def test_what_is_said_is_said_again_until_it_is_acknowledged() -> None:
    clock = FakeClock()
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=clock) as (_, say):
        say(b"one")
        await clock.advance(0.3)
        say(b"two")
        await clock.advance(0.2)
        await clock.advance(1.0)
        assert [(one.number, one.data) for one in peer.of(DATA)] == [(2, b"one"), (3, b"two")] * 3
        peer.say(STATE, FIRST, acknowledged=2)
        await clock.advance(0.49)
        assert len(peer.of(DATA)) == 6
        await clock.advance(0.01)
        assert [one.number for one in peer.of(DATA)[6:]] == [3], "soon again, since it has heard something"
        peer.say(STATE, FIRST, acknowledged=3)
        await clock.advance(60.0)
        assert len(peer.of(DATA)) == 7
        assert {one.connection for one in peer.of(DATA)} == {peer.connection + 1}


@pytest.mark.parametrize("kind", [STATE, DATA])
async def test_an_acknowledgement_is_one_of_all_before_it_whatever_brings_it(kind: int) -> None:
    clock = FakeClock()
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=clock) as (_, say):
        for word in (b"one", b"two", b"three"):
            say(word)
        await settle()
        peer.say(kind, FIRST, b"A", acknowledged=3)
        await clock.advance(0.5)
        assert [one.data for one in peer.of(DATA)] == [b"one", b"two", b"three", b"three"]


async def test_what_acknowledges_nothing_new_puts_nothing_off() -> None:
    clock = FakeClock()
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=clock) as (_, say):
        say(b"one")
        for number, acknowledged in enumerate((1, 65_535, 40_000)):
            await clock.advance(0.125)
            peer.say(DATA, FIRST + number, b"A", acknowledged=acknowledged)
        await settle()
        assert len(peer.of(DATA)) == 1
        await clock.advance(0.125)
        assert len(peer.of(DATA)) == 2


async def test_what_is_said_after_a_silence_is_said_again_in_half_a_second() -> None:
    clock = FakeClock()
    async with Peer(answers=None) as peer:
        connecting = by_utp(peer.endpoint, None, clock=clock)
        entering = asyncio.create_task(connecting.__aenter__())
        await peer.called.wait()
        await clock.advance(1.6)
        peer.say(STATE, FIRST)
        _, say = await entering
        await clock.advance(0.3)
        say(b"one")
        await clock.advance(0.5)
        assert len(peer.of(DATA)) == 2
        await connecting.__aexit__(None, None, None)


async def test_what_comes_before_its_turn_is_given_in_it_and_acknowledged_at_once() -> None:
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=FakeClock()) as (stream, _):
        await peer.given(0, 2, 3, 5)
        assert await stream.read(9) == b"A"
        assert [(one.acknowledged, one.early) for one in peer.of(STATE)] == [
            (FIRST, b""),
            (FIRST, bytes((0b1, 0, 0, 0))),
            (FIRST, bytes((0b11, 0, 0, 0))),
            (FIRST, bytes((0b1011, 0, 0, 0))),
        ]
        await peer.given(1)
        assert await stream.read(9) == b"BCD"
        assert (peer.heard[-1].acknowledged, peer.heard[-1].early) == (0, bytes((0b1, 0, 0, 0))), "counted anew"
        await peer.given(4)
        assert await stream.read(9) == b"EF"
        assert (peer.heard[-1].acknowledged, peer.heard[-1].early) == (2, b"")


async def test_of_what_is_far_ahead_the_acknowledgement_has_as_many_words_as_it_needs() -> None:
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=FakeClock()):
        await peer.given(32)
        assert peer.heard[-1].early == bytes((0, 0, 0, 0b1000_0000))
        await peer.given(33)
        assert peer.heard[-1].early == bytes((0, 0, 0, 0b1000_0000, 0b1, 0, 0, 0))


async def test_what_comes_twice_is_given_once_and_acknowledged_each_time() -> None:
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=FakeClock()) as (stream, _):
        await peer.given(0, 0, 2, 2, 1, 0, 2)
        assert await stream.read(9) == b"ABC"
        assert len(peer.of(STATE)) == 7
        assert peer.heard[-1].acknowledged == 65_535


async def test_what_is_too_far_ahead_or_too_much_is_not_kept() -> None:
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=FakeClock()) as (stream, _):
        peer.say(DATA, FIRST + 256, b"z")
        await settle()
        assert peer.heard[-1].early == b""
        peer.say(DATA, FIRST + 255, b"z")
        for number in range(1, 5):
            peer.say(DATA, FIRST + number, bytes(40_000))
            await settle()
        bits = int.from_bytes(peer.heard[-1].early, "little")
        assert [number for number in range(256) if bits >> number & 1] == [0, 1, 2, 254]
        peer.say(DATA, FIRST, b"A")
        assert len(await stream.readexactly(120_001)) == 120_001


async def test_the_window_is_as_many_bytes_as_are_kept() -> None:
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=FakeClock()):
        for number in (1, 2, 3):
            peer.say(DATA, FIRST + number, bytes(128 * 1_024 // 3))
            await settle()
        assert peer.heard[-1].early == bytes((0b111, 0, 0, 0))
        assert {one.window for one in peer.heard} == {128 * 1_024}


async def test_a_peer_may_count_from_zero() -> None:
    async with Peer(first=0) as peer, by_utp(peer.endpoint, None, clock=FakeClock()) as (stream, say):
        say(b"one")
        await settle()
        assert peer.heard[-1].acknowledged == 65_535
        peer.say(DATA, 1, b"B")
        await settle()
        assert (peer.heard[-1].acknowledged, peer.heard[-1].early) == (65_535, bytes((0b1, 0, 0, 0)))
        peer.say(DATA, 0, b"A")
        assert await stream.readexactly(2) == b"AB"


async def test_connections_have_numbers_that_cannot_be_guessed() -> None:
    numbers = set[int]()
    for _ in range(5):
        async with Peer() as peer, by_utp(peer.endpoint, None, clock=FakeClock()):
            numbers.add(peer.connection)
    assert len(numbers) > 1


async def test_the_highest_number_of_a_connection_is_one_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("secrets.randbelow", lambda numbers: numbers - 1)
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=FakeClock()) as (_, say):
        say(b"one")
        await settle()
        assert peer.heard[-1].connection == peer.connection + 1


async def test_what_is_missing_is_taken_however_much_is_kept_that_comes_after_it() -> None:
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=FakeClock()) as (stream, _):
        for number in (1, 2, 3):
            peer.say(DATA, FIRST + number, bytes(43_690))
            await settle()
        peer.say(DATA, FIRST, bytes(1_400))
        assert len(await stream.readexactly(132_470)) == 132_470
        await peer.given(4)
        assert await stream.read(9) == b"E"


async def test_there_is_room_again_for_what_comes_before_its_turn_once_that_has_come() -> None:
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=FakeClock()) as (stream, _):
        for number in range(0, 10, 2):
            peer.say(DATA, FIRST + number + 1, bytes(43_000))
            await settle()
            peer.say(DATA, FIRST + number, b"A")
            assert len(await stream.readexactly(43_001)) == 43_001


async def test_what_comes_twice_before_its_turn_is_kept_once() -> None:
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=FakeClock()) as (stream, _):
        for number in (1, 1, 1, 1, 2):
            peer.say(DATA, FIRST + number, bytes(43_000))
            await settle()  # else the socket's own buffer is full
        peer.say(DATA, FIRST, b"A")
        assert len(await stream.readexactly(86_001)) == 86_001


async def test_where_nothing_can_be_said_any_more_the_connection_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = FakeClock()
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=clock) as (stream, say):
        for word in (b"one", b"two"):
            say(word)

        def unreachable(*_: object) -> None:
            raise OSError(errno.ENETUNREACH, "Network is unreachable")

        monkeypatch.setattr(socket.socket, "send", unreachable, raising=False)
        await clock.advance(0.5)
        monkeypatch.undo()
        assert await stream.read() == b""
        await clock.advance(60.0)
    assert len(peer.of(DATA)) == 2


JUNK: dict[str, Callable[[Peer], bytes]] = {
    "another's": lambda peer: HEADER.pack(1, 0, peer.connection + 1, 0, 0, 0, FIRST, 1) + b"x",
    "of another version": lambda peer: HEADER.pack(2, 0, peer.connection, 0, 0, 0, FIRST, 1) + b"x",
    "too short": lambda peer: HEADER.pack(1, 0, peer.connection, 0, 0, 0, FIRST, 1)[:-1],
    "nothing": lambda _: b"",
    "without its data": lambda peer: HEADER.pack(1, 0, peer.connection, 0, 0, 0, FIRST, 1),
    "of no kind": lambda peer: HEADER.pack(0xF1, 0, peer.connection, 0, 0, 0, FIRST, 1) + b"x",
    "a second SYN": lambda peer: HEADER.pack(0x41, 0, peer.connection, 0, 0, 0, FIRST, 1) + b"x",
    "a DHT's": lambda _: b"d1:ad2:id20:abcdefghij0123456789e1:q4:ping1:t2:aa1:y1:qe",
}


@pytest.mark.parametrize("junk", JUNK.values(), ids=JUNK)
async def test_what_is_no_packet_of_the_connection_is_passed_over(junk: Callable[[Peer], bytes]) -> None:
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=FakeClock()) as (stream, _):
        peer.send(junk(peer))
        await settle()
        assert len(peer.heard) == 1, "nothing is said to it"
        await peer.given(0)
        assert await stream.read(9) == b"A"


@pytest.mark.parametrize(
    ("first", "extensions"),
    [
        (7, b"\x00\x03abc"),
        (7, b"\x02\x00\x00\x08abcdefgh"),
        (1, b"\x00\x04\xff\xff\xff\xff"),
        (2, b"\x00\x00"),
        (1, b"\x02\x01a" * 3 + b"\x00\x00"),
    ],
)
async def test_extensions_that_nobody_knows_are_passed_over(first: int, extensions: bytes) -> None:
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=FakeClock()) as (stream, _):
        peer.send(HEADER.pack(1, first, peer.connection, 0, 0, 0, FIRST, 1) + extensions + b"here")
        assert await stream.read(9) == b"here"


@pytest.mark.parametrize(
    "extensions", [b"", b"\x01", b"\x01\xff", b"\x01\x01a\x01", b"\x00\x05abcd", b"\x01\x00" * 4 + b"\x00\x00x"]
)
@pytest.mark.parametrize("kind", [DATA, FIN, RESET])
async def test_what_has_extensions_without_an_end_is_passed_over(extensions: bytes, kind: int) -> None:
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=FakeClock()) as (stream, _):
        peer.send(HEADER.pack(kind << 4 | 1, 1, peer.connection, 0, 0, 0, FIRST, 1) + extensions)
        await settle()
        assert len(peer.heard) == 1, "nothing is said to it"
        await peer.given(0)
        assert await stream.read(9) == b"A"


async def test_how_long_a_packet_was_on_its_way_is_told_back() -> None:
    clock = FakeClock(5_000.000_25)
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=clock):
        now = 5_000_000_250 % 2**32
        for at in (now - 250, now + 1):
            peer.say(DATA, FIRST, b"A", at=at % 2**32)
            await settle()
        assert [one.took for one in peer.of(STATE)] == [250, 2**32 - 1]


async def test_what_is_of_another_connection_says_nothing_of_the_way() -> None:
    clock = FakeClock(5_000.0)
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=clock) as (_, say):
        peer.send(JUNK["another's"](peer))
        await settle()
        say(b"one")
        await settle()
        assert peer.heard[-1].took == 5_000_000_000 % 2**32 - 1_000, "what the answer to our SYN took"


async def test_each_packet_has_the_time_at_which_it_is_sent() -> None:
    clock = FakeClock(5_000.0)
    async with Peer(answers=None) as peer:
        task = await connecting(peer, clock)
        await clock.advance(0.5)
        assert [one.sent for one in peer.heard] == [now % 2**32 for now in (5_000_000_000, 5_000_500_000)]
        await ended(task)


@pytest.mark.parametrize("answer", [FIN, RESET])
async def test_who_refuses_is_not_connected_to(answer: int) -> None:
    async with Peer(answers=answer) as peer:
        with pytest.raises(OSError):  # noqa: PT011 - each has one of its own
            await given(SAMPLES[0], peer.endpoint)
        await settle()
        assert [one.kind for one in peer.heard] == [SYN], "nothing more is said"


async def test_where_nobody_listens_there_is_no_connection() -> None:
    async with Peer() as peer:
        closed = peer.endpoint
    await settle()
    with pytest.raises(ConnectionRefusedError):
        await given(SAMPLES[0], closed)


@pytest.mark.parametrize("end", [FIN, RESET])
async def test_who_ends_the_connection_was_heard_up_to_there(end: int) -> None:
    clock = FakeClock()
    async with Peer() as peer:
        async with by_utp(peer.endpoint, None, clock=clock) as (stream, say):
            say(b"not acknowledged")
            await peer.given(0)
            peer.say(end, FIRST + 1)
            await settle()
            assert await stream.read() == b"A"
            before = len(peer.heard)
            await peer.given(1, 2)
            say(b"nothing")
            await clock.advance(60.0)
        assert len(peer.heard) == before, "nothing more is said"


async def test_who_does_not_know_the_connection_may_say_so_by_the_number_that_we_speak_by() -> None:
    """So libutp does, where it had hung up before it heard anything."""
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=FakeClock()) as (stream, _):
        peer.send(HEADER.pack(RESET << 4 | 1, 0, peer.connection + 1, 0, 0, 0, FIRST, 2))
        await settle()
        assert stream.at_eof()


@pytest.mark.parametrize("end", [FIN, RESET])
async def test_whose_end_comes_in_the_middle_has_no_metadata(end: int) -> None:
    async with Peer() as peer:
        asking = asyncio.create_task(given(SAMPLES[0], peer.endpoint, FakeClock()))
        await peer.called.wait()
        await settle()
        assert peer.of(DATA)[0].data.startswith(b"\x13BitTorrent protocol")
        peer.say(DATA, FIRST, b"\x13BitTorrent", acknowledged=2)
        peer.say(end, FIRST + 1, acknowledged=2)
        with pytest.raises(EOFError):
            await asking


async def test_who_is_gone_after_it_answered_has_no_metadata() -> None:
    clock = FakeClock()
    async with Peer() as peer:
        asking = asyncio.create_task(given(SAMPLES[0], peer.endpoint, clock))
        await peer.called.wait()
        await settle()
    await clock.advance(0.5)
    with pytest.raises((OSError, EOFError)):
        await asking


async def test_an_end_has_no_data() -> None:
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=FakeClock()) as (stream, _):
        peer.say(FIN, FIRST, b"A")
        assert await stream.read() == b""


async def test_an_end_that_comes_before_its_turn_waits_for_it_and_is_acknowledged() -> None:
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=FakeClock()) as (stream, _):
        peer.say(FIN, FIRST + 1)
        await peer.given(2, 0)
        assert await stream.read() == b"A", "behind the end nothing counts"
        assert peer.heard[-1].acknowledged == FIRST + 1


async def test_whoever_gives_without_end_in_small_packets_is_left() -> None:
    async with Peer() as peer, by_utp(peer.endpoint, None, clock=FakeClock()) as (stream, _):
        for number in range(8_000):
            peer.say(DATA, FIRST + number, b"A")
            if not number % 50:
                await settle()
        assert len(await stream.read()) == 7_999, "one of eight thousand was the answer to our SYN"


@pytest.mark.parametrize("junk", [JUNK["too short"], JUNK["another's"]], ids=["too short", "another's"])
@pytest.mark.parametrize("answers", [STATE, None], ids=["connected", "before it answered"])
async def test_whoever_sends_without_end_what_is_no_packet_is_left(
    junk: Callable[[Peer], bytes], answers: int | None
) -> None:
    async def read(peer: Peer) -> bytes:
        async with by_utp(peer.endpoint, None, clock=FakeClock()) as (stream, _):
            return await stream.read()

    async with Peer(answers=answers) as peer:
        reading = asyncio.create_task(read(peer))
        await peer.called.wait()
        await settle()
        for number in range(7_999 if answers else 8_000):
            peer.send(junk(peer))
            if not number % 50:
                await settle()
        await settle()
        assert not reading.done()
        peer.send(junk(peer))
        await asyncio.wait([reading])
        assert reading.result() == b"" if answers else isinstance(reading.exception(), OSError)


async def test_who_is_left_for_what_it_sends_without_end_is_told_so() -> None:
    async with Peer() as peer:
        async with by_utp(peer.endpoint, None, clock=FakeClock()) as (stream, _):
            for number in range(8_001):
                peer.send(JUNK["too short"](peer))
                if not number % 50:
                    await settle()
            assert await stream.read() == b""
        await settle()
        assert [one.kind for one in peer.heard] == [SYN, RESET]


@pytest.mark.parametrize("fails", [False, True])
async def test_at_its_end_the_peer_is_told_so_and_nobody_speaks_any_more(*, fails: bool) -> None:
    async with Peer() as peer:
        with suppress(LookupError):
            async with by_utp(peer.endpoint, None, clock=FakeClock()):
                if fails:
                    raise LookupError
        assert [one.get_name() for one in asyncio.all_tasks() if one.get_name() == "uTP"] == []
        await settle()
        assert [one.kind for one in peer.heard] == [SYN, RESET]
        assert peer.heard[-1].connection == peer.connection + 1


async def test_who_speaks_of_something_else_is_told_that_it_is_left() -> None:
    async with Peer() as peer:
        asking = asyncio.create_task(given(SAMPLES[0], peer.endpoint, FakeClock()))
        await peer.called.wait()
        await settle()
        peer.say(DATA, FIRST, b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(68), acknowledged=2)
        with pytest.raises(Useless):
            await asking
        await settle()
        assert [one.kind for one in peer.heard] == [SYN, DATA, STATE, RESET]


@pytest.mark.parametrize("heard_of", [False, True], ids=["before it answered", "connected"])
async def test_who_is_left_is_told_so(*, heard_of: bool) -> None:
    async with Peer(answers=STATE if heard_of else None) as peer:
        task = await connecting(peer, FakeClock())
        await settle()
        await ended(task)
        assert [(one.kind, one.connection) for one in peer.heard] == [
            (SYN, peer.connection),
            (RESET, peer.connection + 1),
        ]


@pytest.mark.parametrize("turns", range(6))
async def test_who_was_called_is_told_of_the_end_in_any_moment(turns: int) -> None:
    async def connect(peer: Peer) -> None:
        async with by_utp(peer.endpoint, None, clock=FakeClock()):
            await asyncio.get_running_loop().create_future()

    async with Peer(answers=None) as peer:
        task = asyncio.create_task(connect(peer))
        for _ in range(turns):
            await asyncio.sleep(0)
        await ended(task)
        assert len(peer.of(RESET)) == len(peer.of(SYN))


async def test_who_is_called_off_in_any_moment_leaves_nothing() -> None:
    async with Peer() as peer:
        for turns in range(30):
            task = asyncio.create_task(given(SAMPLES[0], peer.endpoint, FakeClock()))
            for _ in range(turns):
                await asyncio.sleep(0)
            await ended(cast("asyncio.Task[None]", task))
            assert task.cancelled()


async def test_it_comes_from_the_address_that_it_is_bound_to() -> None:
    async with Peer() as peer:
        async with by_utp(peer.endpoint, "127.4.4.4", clock=FakeClock()):
            assert peer._other[0] == "127.4.4.4"
        with pytest.raises(OSError, match="assign"):
            async with by_utp(peer.endpoint, "203.0.113.77", clock=FakeClock()):
                pass


@pytest.mark.parametrize("kind", [kind for kind in LIARS if "by uTP" in kind])
async def test_a_liar_gives_nothing_that_is_taken(kind: str) -> None:
    true = large()
    async with LIARS[kind](HOST, true) as liar:
        if kind == "sizes that disagree, by uTP":
            assert await given(true, liar.endpoint) == true.info
        else:
            with pytest.raises((Useless, OSError, EOFError)):
                await given(true, liar.endpoint)
            assert liar.sent < 2**20
