"""One exchange of metadata with one peer: what is asked, what is taken, and what is left of it."""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress

import pytest

from sandbox.swarm import Sample, Swarm, make_sample
from sandbox.swarm.bencoding import decode, encode
from sandbox.swarm.giver import Giver
from sandbox.swarm.lies import PIECE, truth
from sandbox.swarm.peers import Hanging, Mute, Refusing, Seeder
from sandbox.swarm.tcp_server import tcp_server
from services.resolvers.libtorrent import LibtorrentResolver
from services.resolvers.libtorrent.evidence import Endpoint
from services.resolvers.libtorrent.exchange import Useless, metadata
from services.resolvers.libtorrent.settings import USUAL_METADATA
from services.torrents import Hints, InfoHash
from tests.integration.leftovers import nothing_left, soon
from tests.integration.liars import LIARS, large
from tests.integration.swarm_help import (
    QuickClock,
    Running,
    Steps,
    metadata_by_magnet,
    nothing_left_in,
    opened,
    torrent_id,
    trackers_of,
)

__all__ = ["nothing_left"]

HOST = "127.0.2.20"
BY_PLAIN_TCP = {kind: liar for kind, liar in LIARS.items() if "by uTP" not in kind}
SILENT = {"all but the last piece", "a size that is nearly right"}
"""Liars who say no more at some time, and stay."""


@pytest.fixture
async def swarm() -> AsyncIterator[Swarm]:
    async with Swarm(dht=False) as one:
        yield one


class Heard:
    """Counts how often an exchange was brought nearer to its end."""

    def __init__(self) -> None:
        self.times = 0

    def __call__(self) -> None:
        self.times += 1


def wanted(sample: Sample) -> InfoHash:
    return InfoHash(sample.v1 or sample.v2 or "")


def always(_size: int) -> bool:
    return True


async def given(sample: Sample, peer: Endpoint) -> bytes:
    return await metadata(wanted(sample), peer, Heard(), always)


def when_all_are_asked(info: bytes, claims: int, piece: int) -> Iterator[bytes]:
    """Give nothing until the last piece is asked for, and then all of them, the last first."""
    last = (claims - 1) // PIECE
    for number in range(last, -1, -1) if piece == last else ():
        yield from truth(info, claims, number)


def message(number: int, extension: int, body: bytes) -> bytes:
    return (len(body) + 2).to_bytes(4, "big") + bytes((number, extension)) + body


def greeting(wanted: bytes) -> bytes:
    return b"\x13BitTorrent protocol" + bytes((0, 0, 0, 0, 0, 0x10, 0, 0)) + wanted + b"-XX0001-abcdefghijkl"


def hello(size: int) -> bytes:
    """Return what a peer says that has so many bytes of metadata."""
    return encode({b"m": {b"ut_metadata": 7}, b"metadata_size": size})


@asynccontextmanager
async def speaking(say: Callable[[bytes], bytes]) -> AsyncIterator[Endpoint]:
    """Yield where a peer is that says so much at once, for the 20 bytes of the hash that it is asked for."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(say((await reader.readexactly(68))[28:48]))
        while await reader.read(4_096):
            pass

    async with tcp_server(listen, HOST) as server:
        yield server.sockets[0].getsockname()


def of_pieces(count: int) -> Sample:
    """Return a sample whose metadata has so many pieces."""
    hashes = ((count - 1) * PIECE) // 20 + 1
    sample = make_sample(f"of {count}", files=[("f", 16_384 * hashes)], piece_length=16_384)
    assert -(-len(sample.info) // PIECE) == count
    return sample


SAMPLES = [make_sample("v1"), make_sample("v2", kind="v2"), make_sample("hybrid", kind="hybrid"), of_pieces(70)]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
async def test_a_peer_gives_what_it_has(sample: Sample) -> None:
    heard = Heard()
    async with Seeder("plain") as peer:
        peer.add(sample)
        while True:
            with suppress(EOFError, ConnectionError):  # it hangs up until all of it is there
                assert await metadata(wanted(sample), peer.endpoint, heard, always) == sample.info
                break
            heard.times = 0
    assert heard.times == 3 + -(-len(sample.info) // PIECE), "connected, known, said how much it has, and each piece"


async def test_a_hybrid_is_verified_by_its_longer_hash() -> None:
    sample = make_sample("hybrid", kind="hybrid")
    assert sample.v2 is not None
    async with Giver(HOST, sample.info) as peer:
        assert await metadata(InfoHash(sample.v2), peer.endpoint, Heard(), always) == sample.info
    async with Giver(HOST, sample.info + b" ") as peer:
        with pytest.raises(Useless):
            await metadata(InfoHash(sample.v2), peer.endpoint, Heard(), always)


async def test_all_pieces_are_asked_for_at_once_and_may_come_in_any_order() -> None:
    sample = of_pieces(8)
    async with Giver(HOST, sample.info, lie=when_all_are_asked) as peer:
        assert await given(sample, peer.endpoint) == sample.info


async def test_of_many_pieces_eight_are_asked_for_at_once() -> None:
    sample, asked = of_pieces(40), list[int]()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(greeting((await reader.readexactly(68))[28:48]) + message(20, 0, hello(len(sample.info))))
        await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
        given = 0
        while given < 40:
            asked.append((await reader.read(4_096)).count(b"msg_type"))  # all that was written in one go
            for number in range(given, given + asked[-1]):
                writer.write(message(20, 1, b"".join(truth(sample.info, 0, number))))
            given += asked[-1]

    async with tcp_server(listen, HOST) as server:
        assert await given(sample, server.sockets[0].getsockname()) == sample.info
    assert (asked[0], sum(asked), max(asked)) == (8, 40, 8)


@pytest.mark.parametrize("kind", sorted(BY_PLAIN_TCP.keys() - SILENT - {"sizes that disagree"}))
async def test_who_does_not_give_what_it_is_has_an_end(kind: str) -> None:
    true = large()
    async with BY_PLAIN_TCP[kind](HOST, true) as liar:
        with pytest.raises((Useless, OSError, EOFError)):
            await given(true, liar.endpoint)
        assert liar.sent < 2**20


async def test_what_a_peer_says_of_the_size_beside_a_piece_is_not_needed() -> None:
    true = large()
    async with LIARS["sizes that disagree"](HOST, true) as peer:
        assert await given(true, peer.endpoint) == true.info


@pytest.mark.parametrize("kind", sorted(SILENT))
async def test_who_falls_silent_is_waited_for(kind: str) -> None:
    true, heard = large(), Heard()
    async with BY_PLAIN_TCP[kind](HOST, true) as liar:
        asking = asyncio.create_task(metadata(wanted(true), liar.endpoint, heard, always))
        await liar.greeted.wait()
        asking.cancel()
        await asyncio.wait([asking])
    assert asking.cancelled()


@pytest.mark.parametrize(
    ("said", "why"),
    [
        (b"\x13BitTorrent protocol" + bytes(8) + bytes(20) + bytes(20), "another torrent"),
        (b"HTTP/1.1 400 Bad Request\r\n\r\n" + bytes(68), "no BitTorrent"),
    ],
    ids=lambda one: one if isinstance(one, str) else "",
)
async def test_who_speaks_of_something_else_is_left(said: bytes, why: str) -> None:
    async with speaking(lambda _: said) as peer:
        with pytest.raises(Useless):
            await given(SAMPLES[0], peer)


HELLOS = {
    "no dictionary": b"i5e",
    "nonsense": b"\xff",
    "extensions that are none": encode({b"m": 5, b"metadata_size": 100}),
    "no number": encode({b"m": {b"ut_metadata": b"1"}, b"metadata_size": 100}),
    "zero, which takes it back": encode({b"m": {b"ut_metadata": 0}, b"metadata_size": 100}),
    "a number that is none": encode({b"m": {b"ut_metadata": 256}, b"metadata_size": 100}),
    "a negative number": encode({b"m": {b"ut_metadata": -1}, b"metadata_size": 100}),
    "more words than a peer has": encode({b"m": {b"ut_metadata": 1}, b"metadata_size": 100, b"z": [b""] * 3_000}),
    "no size": encode({b"m": {b"ut_metadata": 1}}),
    "size zero": encode({b"m": {b"ut_metadata": 1}, b"metadata_size": 0}),
    "a negative size": encode({b"m": {b"ut_metadata": 1}, b"metadata_size": -1}),
    "a size that is none": encode({b"m": {b"ut_metadata": 1}, b"metadata_size": b"9"}),
    "more than is read": encode({b"m": {b"ut_metadata": 1}, b"metadata_size": USUAL_METADATA + 1}),
}


@pytest.mark.parametrize("said", HELLOS.values(), ids=HELLOS)
async def test_who_offers_no_metadata_is_left(said: bytes) -> None:
    async with speaking(lambda wanted: greeting(wanted) + message(20, 0, said)) as peer:
        with pytest.raises(Useless):
            await given(SAMPLES[0], peer)


async def test_who_has_more_than_there_is_room_for_is_not_asked_for_it() -> None:
    true, sizes = large(), list[int]()

    def no(size: int) -> bool:
        sizes.append(size)
        return False

    async with Giver(HOST, true.info) as peer:
        with pytest.raises(Useless):
            await metadata(wanted(true), peer.endpoint, Heard(), no)
        assert (sizes, peer.sent) == ([len(true.info)], 0)


PIECES = {
    "no dictionary": b"i5e",
    "nonsense": b"\xff" * 100,
    "a refusal": encode({b"msg_type": 2, b"piece": 0}),
    "a request": encode({b"msg_type": 0, b"piece": 0}),
    "one that was not asked for": encode({b"msg_type": 1, b"piece": 9, b"total_size": 100}) + bytes(100),
    "a negative one": encode({b"msg_type": 1, b"piece": -1, b"total_size": 100}) + bytes(100),
    "one without a number": encode({b"msg_type": 1, b"total_size": 100}) + bytes(100),
    "too short a one": encode({b"msg_type": 1, b"piece": 0}) + bytes(10),
}


@pytest.mark.parametrize("piece", PIECES.values(), ids=PIECES)
async def test_who_gives_what_is_no_piece_is_left(piece: bytes) -> None:
    async with speaking(lambda wanted: greeting(wanted) + message(20, 0, hello(100)) + message(20, 1, piece)) as peer:
        with pytest.raises(Useless):
            await given(SAMPLES[0], peer)


async def test_who_hides_much_before_a_piece_is_left_and_it_is_not_read() -> None:
    """It would cost much more than a piece: objects of Python for all of it."""
    sample = of_pieces(2)
    head = encode({b"msg_type": 1, b"piece": 0, b"z": [b""] * 400})
    async with speaking(
        lambda wanted: (
            greeting(wanted) + message(20, 0, hello(len(sample.info))) + message(20, 1, head + sample.info[:15_700])
        )
    ) as peer:
        with pytest.raises(Useless):
            await given(sample, peer)


async def test_a_message_that_is_longer_than_a_piece_is_passed_over() -> None:
    sample = of_pieces(2)
    head = encode({b"msg_type": 1, b"piece": 0})
    first = message(20, 1, head + bytes(300) + sample.info[:16_384])
    true = [message(20, 1, b"".join(truth(sample.info, 0, number))) for number in range(2)]
    async with speaking(
        lambda wanted: greeting(wanted) + message(20, 0, hello(len(sample.info))) + first + true[0] + true[1]
    ) as peer:
        assert await given(sample, peer) == sample.info


async def test_who_gives_a_piece_twice_is_left() -> None:
    sample = of_pieces(2)
    first = message(20, 1, b"".join(truth(sample.info, 0, 0)))
    async with speaking(
        lambda wanted: greeting(wanted) + message(20, 0, hello(len(sample.info))) + first + first
    ) as peer:
        with pytest.raises(Useless):
            await given(sample, peer)


async def test_who_says_all_at_once_and_is_gone_is_nothing_to_log(caplog: pytest.LogCaptureFixture) -> None:
    """Each piece that was there had one more asked for: asyncio logs what is said to somebody who is gone."""
    pieces = b"".join(message(20, 1, encode({b"msg_type": 1, b"piece": number})) for number in range(128))

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(68)
        writer.write(greeting(head[28:48]) + message(20, 0, hello(USUAL_METADATA)) + pieces)
        writer.transport.abort()

    async with tcp_server(listen, HOST) as server:
        with pytest.raises((Useless, OSError)):
            await given(SAMPLES[0], server.sockets[0].getsockname())
    assert caplog.get_records("call") == []


async def test_who_says_much_else_before_is_heard_out() -> None:
    sample = SAMPLES[0]
    others = [b"", b"\x01", b"\x05" + bytes(125_000), b"\x14\x05" + bytes(20_000), b"\x04" + bytes(4), b"\x14"] * 2
    others.remove(others[2])
    before = b"".join(len(one).to_bytes(4, "big") + one for one in others)
    has = message(20, 0, hello(len(sample.info)))
    piece = encode({b"msg_type": 1, b"piece": 0, b"total_size": len(sample.info)}) + sample.info
    async with speaking(lambda wanted: greeting(wanted) + before + has + has + message(20, 1, piece)) as peer:
        assert await given(sample, peer) == sample.info


@pytest.mark.parametrize("noise", [bytes(4), message(5, 0, bytes(100_000)), (2**32 - 1).to_bytes(4, "big")])
async def test_who_never_comes_to_the_point_is_left_soon(noise: bytes) -> None:
    async with speaking(lambda wanted: greeting(wanted) + noise * (2**18 // len(noise) + 1)) as peer:
        with pytest.raises(Useless):
            await given(SAMPLES[0], peer)


@pytest.mark.parametrize("bad", [Refusing(HOST), Mute(HOST, curt=True)], ids=["refuses", "hangs up"])
async def test_who_takes_no_connection_is_left(bad: "Refusing | Mute") -> None:
    async with bad:
        with pytest.raises((OSError, EOFError)):
            await given(SAMPLES[0], bad.endpoint)


@pytest.mark.parametrize("bad", [Hanging(HOST), Mute(HOST)], ids=["hangs", "says nothing"])
async def test_who_is_silent_is_given_up_by_whoever_waits(bad: "Hanging | Mute") -> None:
    async with bad:
        asking = asyncio.create_task(given(SAMPLES[0], bad.endpoint))
        if isinstance(bad, Mute):
            await bad.connected.wait()
        else:
            await asyncio.sleep(0)
        asking.cancel()
        await asyncio.wait([asking])
    assert asking.cancelled()


async def test_it_says_of_itself_what_libtorrent_says() -> None:
    """Whoever is asked in both ways cannot tell one from the other by the names."""
    told = list[tuple[bytes, object]]()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readexactly(68)
        writer.write(greeting(head[28:48]))
        body = b""
        while body[:2] != b"\x14\x00":
            body = await reader.readexactly(int.from_bytes(await reader.readexactly(4), "big"))
        told.append((head[48:56], decode(body[2:])[b"v"]))

    async with tcp_server(listen, HOST) as server:
        host, port = server.sockets[0].getsockname()
        with pytest.raises((OSError, EOFError)):
            await given(SAMPLES[0], (host, port))
        magnet = f"magnet:?xt=urn:btih:{SAMPLES[0].v1}&x.pe={host}:{port}"
        await metadata_by_magnet(magnet, settings={"enable_outgoing_utp": False, "out_enc_policy": 2}, patient=False)
    assert told[0] == told[1]


async def test_it_comes_from_the_address_that_it_is_bound_to() -> None:
    came = asyncio.get_running_loop().create_future()

    async def listen(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set_result(writer.get_extra_info("peername")[0])

    async with tcp_server(listen, HOST) as server:
        with pytest.raises((OSError, EOFError)):
            await metadata(wanted(SAMPLES[0]), server.sockets[0].getsockname(), Heard(), always, local="127.4.4.4")
    assert await came == "127.4.4.4"


@pytest.mark.parametrize("way", ["by TCP", "by uTP", "by MSE"])
async def test_a_name_comes_from_a_peer_whom_the_sessions_cannot_get_it_from(
    swarm: Swarm, resolver: LibtorrentResolver, way: str
) -> None:
    true = swarm.unseeded(large())
    key = true.wire_hashes[0] if way == "by MSE" else b""
    giver = Giver(HOST, true.info, lie=when_all_are_asked, utp=way == "by uTP", encrypted_for=key)
    peer = await swarm.place(giver, true)
    info = await resolver.resolve(torrent_id(true), trackers_of(true), Steps())
    assert (info.name.text, info.verified) == ("true", True)
    assert peer.given.is_set()
    assert nothing_left_in(resolver)


async def test_who_is_hinted_late_is_asked_too(swarm: Swarm, resolver: LibtorrentResolver) -> None:
    true = swarm.unseeded(large())
    mute = await swarm.place(Mute("127.0.2.21"), true)
    peer = await swarm.place(Giver(HOST, true.info, lie=when_all_are_asked), true, by=[])
    async with Running(resolver, torrent_id(true), trackers_of(true)) as running:
        await mute.connected.wait()
        resolver.add_hints(torrent_id(true), Hints(peers=(peer.endpoint,)))
        assert (await running.task).name.text == "true"
    assert nothing_left_in(resolver)


@pytest.mark.parametrize("closed", [False, True], ids=["called off", "closed"])
async def test_a_lookup_that_is_over_leaves_no_exchange(swarm: Swarm, *, closed: bool) -> None:
    dead = swarm.unseeded(large())
    await swarm.place(Mute(HOST), dead)
    async with AsyncExitStack() as stack:
        resolver = await stack.enter_async_context(opened(swarm, dht=False))
        exchanges = resolver._exchanges._running
        async with Running(resolver, torrent_id(dead), trackers_of(dead)) as running:
            assert await soon(lambda: bool(exchanges))
            if closed:
                await stack.aclose()
                assert not exchanges
            else:
                running.task.cancel()
                assert await soon(lambda: not exchanges)


async def test_who_says_nothing_is_left_while_the_lookup_goes_on(swarm: Swarm) -> None:
    dead = swarm.unseeded(large())
    await swarm.place(Mute(HOST), dead)
    async with opened(swarm, dht=False, clock=QuickClock()) as resolver:
        exchanges = resolver._exchanges._running
        async with Running(resolver, torrent_id(dead), trackers_of(dead)) as running:
            assert await soon(lambda: bool(exchanges))
            assert await soon(lambda: not exchanges)
            assert not running.task.done()
