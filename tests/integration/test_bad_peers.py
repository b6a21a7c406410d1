"""The sandbox's peers that refuse, hang, stall and lie, and seeders that speak in one way alone: each as it says."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import suppress
from itertools import product
from typing import TYPE_CHECKING

import pytest

from sandbox.swarm import Sample, Swarm, make_sample
from sandbox.swarm.bencoding import decode, encode
from sandbox.swarm.giver import Giver
from sandbox.swarm.lies import (
    PIECE,
    Lie,
    all_but_the_last,
    another,
    another_size,
    noise_without_end,
    pieces_without_end,
    refusal,
    short,
    truth,
    zeros,
)
from sandbox.swarm.peers import Hanging, Mute, Refusing, Seeder, Speech
from sandbox.swarm.tcp_server import tcp_server
from tests.integration.leftovers import nothing_left
from tests.integration.swarm_help import metadata_by_magnet

if TYPE_CHECKING:
    import libtorrent as lt

__all__ = ["nothing_left"]

LIAR = "127.0.2.9"
LARGE = make_sample("large", files=[("f", 16_384 * 2_500)], piece_length=16_384)
LAST = len(LARGE.info) // PIECE
NO_UTP: "lt.settings_pack" = {"enable_outgoing_utp": False}
SPEAKING: "dict[Speech, lt.settings_pack]" = {
    "plain": {**NO_UTP, "out_enc_policy": 2},
    "mse": {**NO_UTP, "out_enc_policy": 0, "in_enc_policy": 0},
    "utp": {"enable_outgoing_tcp": False, "utp_connect_timeout": 500, "utp_fin_resends": 1},
}


@pytest.fixture
async def swarm() -> AsyncIterator[Swarm]:
    async with Swarm(dht=False) as one:
        yield one


class Asker:
    """Asks one peer for metadata by hand, over plain TCP (BEP 3, 9, 10)."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def of(cls, peer: Giver) -> "tuple[Asker, dict[bytes, object]]":
        """Return one that has greeted *peer*, and what the peer said of itself."""
        self = cls(*await asyncio.open_connection(*peer.endpoint))
        self._writer.write(b"\x13BitTorrent protocol" + bytes((0, 0, 0, 0, 0, 0x10, 0, 0)) + LARGE.wire_hashes[0])
        self._writer.write(b"-YY0001-" + b"y" * 12)
        self._send(0, encode({b"m": {b"ut_metadata": 7}}))
        await self._reader.readexactly(68)
        return self, decode((await self._hear())[1:])

    async def piece(self, number: int) -> "tuple[dict[bytes, object], bytes]":
        """Return the next message after asking for the piece: its dictionary and what follows."""
        self.ask(number)
        return await self.next()

    def ask(self, number: int) -> None:
        self._send(3, encode({b"msg_type": 0, b"piece": number}))

    async def next(self) -> "tuple[dict[bytes, object], bytes]":
        body = (await self._hear())[1:]
        end = body.find(b"ee") + 2 if body.startswith(b"d") else 0
        return decode(body[:end]) if end else {}, body[end:]

    async def hung_up(self) -> None:
        self._writer.close()
        await self._writer.wait_closed()

    def _send(self, extension: int, body: bytes) -> None:
        self._writer.write((len(body) + 2).to_bytes(4, "big") + bytes((20, extension)) + body)

    async def _hear(self) -> bytes:
        size = int.from_bytes(await self._reader.readexactly(4), "big")
        return (await self._reader.readexactly(size))[1:]


def test_the_large_ones_metadata_has_several_pieces() -> None:
    assert LAST == 3


def test_other_metadata_is_of_the_same_size_and_wrong_in_each_piece() -> None:
    other = another(LARGE.info)
    assert len(other) == len(LARGE.info)
    starts = range(0, len(other), PIECE)
    assert all(other[start : start + PIECE] != LARGE.info[start : start + PIECE] for start in starts)


@pytest.mark.parametrize(
    ("lie", "asked", "size", "length"),
    [
        (truth, 1, len(LARGE.info), PIECE),
        (truth, LAST, len(LARGE.info), len(LARGE.info) % PIECE),
        (zeros, 1, len(LARGE.info), PIECE),
        (zeros, LAST, len(LARGE.info), len(LARGE.info) % PIECE),
        (short, 1, len(LARGE.info), PIECE // 2),
        (all_but_the_last, 1, len(LARGE.info), PIECE),
        (another_size, 1, len(LARGE.info) + PIECE, PIECE),
    ],
)
async def test_a_liar_gives_one_answer_of_its_kind(lie: Lie, asked: int, size: int, length: int) -> None:
    async with Giver(LIAR, LARGE.info, lie=lie) as peer:
        asker, hello = await Asker.of(peer)
        assert hello[b"metadata_size"] == len(LARGE.info)
        head, data = await asker.piece(asked)
        assert head == {b"msg_type": 1, b"piece": asked, b"total_size": size}
        assert len(data) == length
        assert (data == LARGE.info[asked * PIECE : asked * PIECE + length]) is (lie is not zeros)
        await asker.hung_up()


@pytest.mark.parametrize("claims", [16 * 2**20 - 1, 2**31 - 1])
async def test_one_who_claims_more_has_zeros_for_all_of_it(claims: int) -> None:
    async with Giver(LIAR, LARGE.info, claims=claims, lie=zeros) as peer:
        asker, hello = await Asker.of(peer)
        assert hello[b"metadata_size"] == claims
        head, data = await asker.piece(claims // PIECE)
        assert (head[b"total_size"], data) == (claims, bytes(claims % PIECE))
        await asker.hung_up()


async def test_one_who_stalls_gives_all_but_the_last_piece() -> None:
    async with Giver(LIAR, LARGE.info, lie=all_but_the_last) as peer:
        asker, _ = await Asker.of(peer)
        asker.ask(LAST)
        for number in range(LAST):  # the last was asked for first, and is never given
            assert (await asker.piece(number))[0][b"piece"] == number
        await asker.hung_up()


async def test_one_who_refuses_says_so() -> None:
    async with Giver(LIAR, LARGE.info, lie=refusal) as peer:
        asker, _ = await Asker.of(peer)
        assert await asker.piece(1) == ({b"msg_type": 2, b"piece": 1}, b"")
        await asker.hung_up()


async def test_one_without_end_goes_on_with_pieces_or_with_noise() -> None:
    async with Giver(LIAR, LARGE.info, lie=pieces_without_end) as peer:
        asker, _ = await Asker.of(peer)
        asker.ask(0)
        given = [(await asker.next())[0][b"piece"] for _ in range(100)]
        assert given == list(range(100))
        await asker.hung_up()
    async with Giver(LIAR, LARGE.info, lie=noise_without_end) as peer:
        asker, _ = await Asker.of(peer)
        asker.ask(0)
        assert [await asker.next() for _ in range(100)] == [({}, b"\xff" * PIECE)] * 100
        await asker.hung_up()


async def test_a_dull_one_knows_no_metadata(swarm: Swarm) -> None:
    peer = await swarm.place(Giver(LIAR, LARGE.info, dull=True), LARGE)
    asker, hello = await Asker.of(peer)
    assert hello == {b"m": {}, b"upload_only": 1}
    await asker.hung_up()


@pytest.mark.parametrize("level", [1, 2], ids=["plain behind the handshake", "RC4"])
async def test_one_who_insists_on_encryption_is_understood_by_libtorrent(swarm: Swarm, level: int) -> None:
    (wire_hash,) = LARGE.wire_hashes
    peer = await swarm.place(Giver(LIAR, LARGE.info, encrypted_for=wire_hash), LARGE)
    magnet = LARGE.magnet() + f"&x.pe={peer.endpoint[0]}:{peer.endpoint[1]}"
    assert await metadata_by_magnet(magnet, "", SPEAKING["mse"] | {"allowed_enc_level": level}) == LARGE.info
    assert await metadata_by_magnet(magnet, "", SPEAKING["plain"], patient=False) is None


@pytest.mark.parametrize("encrypted", [False, True])
async def test_one_who_speaks_utp_alone_is_understood_by_libtorrent(swarm: Swarm, encrypted: bool) -> None:
    (wire_hash,) = LARGE.wire_hashes if encrypted else (b"",)
    peer = await swarm.place(Giver(LIAR, LARGE.info, encrypted_for=wire_hash, utp=True), LARGE)
    magnet = LARGE.magnet() + f"&x.pe={peer.endpoint[0]}:{peer.endpoint[1]}"
    policy: lt.settings_pack = {"out_enc_policy": 0 if encrypted else 2}
    assert await metadata_by_magnet(magnet, "", {**SPEAKING["utp"], **policy}) == LARGE.info
    assert await metadata_by_magnet(magnet, "", SPEAKING["plain"], patient=False) is None


async def test_much_metadata_comes_whole_by_utp() -> None:
    vast = make_sample("vast", files=[("f", 16_384 * 150_000)], piece_length=16_384)
    assert len(vast.info) > 2_900_000
    async with Giver(LIAR, vast.info, utp=True) as peer:
        magnet = vast.magnet() + f"&x.pe={peer.endpoint[0]}:{peer.endpoint[1]}"
        assert await metadata_by_magnet(magnet, "", {**SPEAKING["utp"], "out_enc_policy": 2}) == vast.info


async def test_one_who_is_asked_encrypted_for_another_torrent_hangs_up(swarm: Swarm) -> None:
    async with Giver(LIAR, LARGE.info, encrypted_for=b"another torrent's.....") as peer:
        magnet = LARGE.magnet() + f"&x.pe={peer.endpoint[0]}:{peer.endpoint[1]}"
        assert await metadata_by_magnet(magnet, "", SPEAKING["mse"], patient=False) is None


@pytest.mark.parametrize(("seeder", "client"), [*product(["any", "plain", "mse", "utp"], SPEAKING)])
async def test_a_seeder_is_spoken_to_in_its_way_alone(seeder: Speech, client: Speech) -> None:
    async with Seeder(seeder) as peer:
        peer.add(LARGE)
        magnet = LARGE.magnet() + f"&x.pe={peer.endpoint[0]}:{peer.endpoint[1]}"
        given = await metadata_by_magnet(magnet, "", SPEAKING[client], patient=False)
    assert given == (LARGE.info if seeder in {"any", client} else None)


async def test_a_placed_one_is_found_and_ends_with_the_swarm() -> None:
    async with Swarm(dht=False) as swarm:
        sample: Sample = swarm.unseeded(make_sample("x"))
        seeder = await swarm.place(Seeder("plain"), sample)
        seeder.add(sample)
        assert await metadata_by_magnet(sample.magnet(), "", SPEAKING["plain"]) == sample.info
    with pytest.raises(OSError, match="Connect call failed"):
        await asyncio.open_connection(*seeder.endpoint)


async def test_one_who_refuses_is_nobody() -> None:
    async with Refusing(LIAR) as peer:
        assert peer.endpoint[1] != 0
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection(*peer.endpoint)


async def test_one_who_hangs_takes_no_connection_and_refuses_none() -> None:
    async with Hanging(LIAR) as peer, Mute("127.0.2.10") as other:
        waiting = asyncio.create_task(asyncio.open_connection(*peer.endpoint))
        for _ in range(20):  # connections that need no more than a moment
            _, writer = await asyncio.open_connection(*other.endpoint)
            writer.close()
            await writer.wait_closed()
        assert not waiting.done()
        waiting.cancel()
        await asyncio.wait([waiting])


async def test_a_curt_one_hangs_up_at_once() -> None:
    async with Mute(LIAR, curt=True) as peer:
        reader, writer = await asyncio.open_connection(*peer.endpoint)
        assert await reader.read() == b""
        writer.close()
        await writer.wait_closed()


@pytest.mark.parametrize("turns", range(6))
async def test_who_comes_in_while_a_peer_goes_is_hung_up_on(turns: int) -> None:
    with socket.socket() as coming:
        coming.setblocking(False)
        async with Giver(LIAR, LARGE.info) as peer:
            coming.connect_ex(peer.endpoint)  # it stands in the queue now, and is let in at one of the next turns
            for _ in range(turns):
                await asyncio.sleep(0)
        with suppress(ConnectionResetError):
            assert await asyncio.get_running_loop().sock_recv(coming, 1) == b""


async def test_who_is_spoken_to_is_hung_up_on_where_that_is_cancelled() -> None:
    async def answer(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        raise asyncio.CancelledError

    async with tcp_server(answer, LIAR) as server:
        reader, writer = await asyncio.open_connection(*server.sockets[0].getsockname())
        assert await reader.read() == b""
        writer.close()


async def test_a_peer_whose_end_is_cancelled_goes_all_the_same() -> None:
    entered, over = asyncio.Event(), asyncio.Event()
    peer = Mute(LIAR)

    async def living() -> None:
        async with peer:
            entered.set()
            await over.wait()

    life = asyncio.create_task(living())
    await entered.wait()
    reader, writer = await asyncio.open_connection(*peer.endpoint)
    await peer.connected.wait()
    over.set()
    await asyncio.sleep(0)  # it is about to end
    life.cancel()
    await asyncio.wait([life])
    assert life.cancelled()
    with pytest.raises(ConnectionRefusedError):
        await asyncio.open_connection(*peer.endpoint)
    with suppress(ConnectionResetError):
        assert await reader.read() == b""
    writer.close()
