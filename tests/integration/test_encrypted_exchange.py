"""MSE by the one who connects: with libtorrent, and with peers who answer as they like."""

import asyncio
import hashlib
import socket
import struct
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial

import pytest

from sandbox.swarm import Sample, make_sample
from sandbox.swarm.giver import Giver
from sandbox.swarm.lies import PIECE
from sandbox.swarm.mse import Rc4
from sandbox.swarm.peers import Seeder
from sandbox.swarm.tcp_server import tcp_server
from services.resolvers.libtorrent import mse
from services.resolvers.libtorrent.evidence import Endpoint
from services.resolvers.libtorrent.exchange import Useless, metadata
from services.resolvers.libtorrent.mse import Key, by_mse
from services.torrents import InfoHash
from tests.integration.leftovers import nothing_left
from tests.integration.liars import LIARS, large

__all__ = ["nothing_left"]

HOST = "127.0.2.40"
WANTED = bytes(range(20))
PRIME = int(
    "FFFFFFFFFFFFFFFFC90FDAA22168C234C4C6628B80DC1CD129024E088A67CC74020BBEA63B139B22514A08798E3404DD"
    "EF9519B3CD3A431B302B0A6DF25F14374FE1356D6D51C245E485B576625E7EC6F44C42E9A63A36210000000000090563",
    16,
)
PLAIN, RC4 = 1, 2


@pytest.fixture(autouse=True)
def nothing_logged(caplog: pytest.LogCaptureFixture) -> Iterator[None]:
    """See that whatever a peer says is no error of ours; asyncio logs what escapes."""
    yield
    assert caplog.get_records("call") == []


async def given(sample: Sample, peer: Endpoint) -> bytes:
    connect = partial(by_mse, wanted=sample.wire_hashes[0], key=Key())
    return await metadata(InfoHash(sample.v1 or sample.v2 or ""), peer, lambda: None, lambda _: True, connect=connect)


def of_pieces(count: int) -> Sample:
    sample = make_sample(f"of {count}", files=[("f", 16_384 * (count * PIECE // 20))], piece_length=16_384)
    assert len(sample.info) > (count - 1) * PIECE
    return sample


SAMPLES = [make_sample("v1"), make_sample("v2", kind="v2"), make_sample("hybrid", kind="hybrid"), of_pieces(30)]


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda sample: sample.name)
@pytest.mark.parametrize("level", [PLAIN, RC4], ids=["plain behind it", "encrypted"])
async def test_libtorrent_gives_what_it_has(sample: Sample, level: int) -> None:
    async with Seeder("mse") as seeder:
        seeder._session[0].apply_settings({"allowed_enc_level": level})
        seeder.add(sample)
        while True:
            with suppress(EOFError, ConnectionError):  # it hangs up until all of it is there
                assert await given(sample, seeder.endpoint) == sample.info
                break


@pytest.mark.parametrize("kind", [kind for kind in LIARS if "encrypted" in kind])
async def test_a_liar_gives_nothing_that_is_taken(kind: str) -> None:
    true = large()
    async with LIARS[kind](HOST, true) as liar:
        if kind == "sizes that disagree, encrypted":
            assert await given(true, liar.endpoint) == true.info
        else:
            with pytest.raises((Useless, OSError, EOFError)):
                await given(true, liar.endpoint)


async def test_who_speaks_plain_alone_or_of_another_torrent_is_left() -> None:
    sample = SAMPLES[0]
    for key in (b"", bytes(20)):
        async with Giver(HOST, sample.info, encrypted_for=key) as peer:
            with pytest.raises((OSError, EOFError)):
                await given(sample, peer.endpoint)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a peer answers: *pads* of so many bytes, before and behind what it has *chosen*."""

    pads: tuple[int, int] = (0, 0)
    chosen: int = PLAIN
    verification: bytes = bytes(8)
    says_pad: int | None = None


@asynccontextmanager
async def answering(answer: Answer, said: "asyncio.Future[bytes]", goes_on: bytes = b"") -> AsyncIterator[Endpoint]:
    """Yield where a peer is that answers so, *goes on*, and tells all that it hears back; *said* came with ours."""

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        public = int.from_bytes(await reader.readexactly(96), "big")
        writer.write(pow(2, 12_345, PRIME).to_bytes(96, "big"))
        secret = pow(public, 12_345, PRIME).to_bytes(96, "big")
        theirs, ours = Rc4(sha1(b"keyA", secret, WANTED)), Rc4(sha1(b"keyB", secret, WANTED))
        pad = await reader.readuntil(sha1(b"req1", secret))
        assert len(pad) <= 512 + 20
        asks = await reader.readexactly(20)
        assert asks == xor(sha1(b"req2", WANTED), sha1(b"req3", secret))
        head = theirs.crypted(await reader.readexactly(16))
        assert head[:14] == bytes(8) + (PLAIN | RC4).to_bytes(4, "big") + bytes(2)
        said.set_result(theirs.crypted(await reader.readexactly(int.from_bytes(head[14:], "big"))))
        before, behind = answer.pads
        words = answer.chosen.to_bytes(4, "big") + (answer.says_pad or behind).to_bytes(2, "big") + bytes(behind)
        writer.write(bytes(before) + ours.crypted(answer.verification + words + goes_on))
        while data := await reader.read(4_096):
            writer.write(data if answer.chosen == PLAIN else ours.crypted(theirs.crypted(data)))

    async with tcp_server(listen, HOST) as server:
        yield server.sockets[0].getsockname()


def sha1(*parts: bytes) -> bytes:
    return hashlib.sha1(b"".join(parts), usedforsecurity=False).digest()


def xor(one: bytes, other: bytes) -> bytes:
    return bytes(left ^ right for left, right in zip(one, other, strict=True))


@pytest.mark.parametrize("chosen", [PLAIN, RC4])
@pytest.mark.parametrize("pads", [(0, 0), (1, 0), (512, 512), (7, 300)])
async def test_what_is_said_comes_to_the_peer_and_back(pads: tuple[int, int], chosen: int) -> None:
    came = asyncio.get_running_loop().create_future()
    async with (
        answering(Answer(pads, chosen), came) as peer,
        by_mse(peer, None, wanted=WANTED, key=Key()) as (heard, say),
    ):
        words = bytes(range(200))
        for part in (words[:90], words[90:150], words[150:]):
            say(part)
        assert await came == words[:68], "with the offer goes no more than a handshake"
        assert await heard.readexactly(132) == words[68:]
        say(b"and" * 20_000)
        assert await heard.readexactly(60_000) == b"and" * 20_000


async def test_who_says_much_at_once_does_not_keep_others_from_their_turn() -> None:
    much, came = bytes(100_000), asyncio.get_running_loop().create_future()
    async with (
        answering(Answer(chosen=RC4), came, goes_on=much) as peer,
        by_mse(peer, None, wanted=WANTED, key=Key()) as (heard, say),
    ):
        say(b"")
        portions: list[int] = []
        while sum(portions) < len(much):
            portions.append(len(await heard.read(len(much))))
        assert max(portions) <= 4_096, "so much is decrypted between two turns of the loop"


WRONG = {
    "a longer pad": Answer(pads=(513, 0)),
    "a longer second pad": Answer(pads=(0, 513)),
    "nothing of it chosen": Answer(chosen=0),
    "both chosen": Answer(chosen=PLAIN | RC4),
    "something else chosen": Answer(chosen=0x0100_0001),
    "another secret": Answer(pads=(0, 512), verification=bytes(7) + b"\x01"),
    "another secret, behind the longest pad": Answer(pads=(512, 0), verification=bytes(7) + b"\x01"),
}


@pytest.mark.parametrize("answer", WRONG.values(), ids=WRONG)
async def test_who_answers_what_is_no_answer_is_heard_no_more(answer: Answer) -> None:
    came = asyncio.get_running_loop().create_future()
    async with answering(answer, came) as peer, by_mse(peer, None, wanted=WANTED, key=Key()) as (heard, say):
        say(bytes(2_000))
        assert await heard.read() == b""


@pytest.mark.parametrize("how", ["ended", "cut"])
@pytest.mark.parametrize("answered", [True, False])
async def test_who_hangs_up_takes_nothing_back_of_what_it_said(how: str, *, answered: bool) -> None:
    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(pow(2, 1, PRIME).to_bytes(96, "big"))
        secret = await reader.readexactly(96)
        words = bytes(8) + RC4.to_bytes(4, "big") + bytes(2) + b"said"
        writer.write(Rc4(sha1(b"keyB", secret, WANTED)).crypted(words if answered else words[:10]))
        await reader.readuntil(sha1(b"req1", secret))
        await reader.readexactly(20 + 16)
        if how == "cut":
            writer.get_extra_info("socket").setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))

    async with (
        tcp_server(listen, HOST) as server,
        by_mse(server.sockets[0].getsockname(), None, wanted=WANTED, key=Key()) as (heard, say),
    ):
        if answered:
            assert await heard.readexactly(1) == b"s"
        say(b"")
        assert await heard.read() == (b"aid" if answered else b"")


async def test_an_error_of_ours_is_not_lost(monkeypatch: pytest.MonkeyPatch) -> None:
    async def fail(_: object) -> bool:
        raise ZeroDivisionError

    monkeypatch.setattr(mse._Wire, "_is_answered", fail)
    sample = SAMPLES[0]
    async with Giver(HOST, sample.info, encrypted_for=sample.wire_hashes[0]) as peer:
        with pytest.raises(ZeroDivisionError):
            await given(sample, peer.endpoint)


async def test_the_length_of_what_it_says_first_tells_nothing() -> None:
    lengths = set[int]()

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lengths.add(len(await reader.read(1_000)))

    async with tcp_server(listen, HOST) as server:
        for _ in range(20):
            with pytest.raises((OSError, EOFError)):
                async with by_mse(server.sockets[0].getsockname(), None, wanted=WANTED, key=Key()):
                    pass
    assert 96 <= min(lengths) < max(lengths) <= 96 + 512


def test_no_two_keys_are_the_same() -> None:
    assert len({Key().public for _ in range(20)}) == 20


async def test_whoever_is_left_in_any_moment_leaves_nothing() -> None:
    sample = SAMPLES[0]
    async with Giver(HOST, sample.info, encrypted_for=sample.wire_hashes[0]) as peer:
        for turns in range(0, 60, 3):
            task = asyncio.create_task(given(sample, peer.endpoint))
            for _ in range(turns):
                await asyncio.sleep(0)
            task.cancel()
            await asyncio.wait([task])


async def test_it_comes_from_the_address_that_it_is_bound_to() -> None:
    came = asyncio.get_running_loop().create_future()

    async def listen(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        came.set_result(writer.get_extra_info("peername")[0])

    async with tcp_server(listen, HOST) as server:
        with pytest.raises((OSError, EOFError)):
            async with by_mse(server.sockets[0].getsockname(), "127.4.4.4", wanted=WANTED, key=Key()):
                pass
    assert await came == "127.4.4.4"
