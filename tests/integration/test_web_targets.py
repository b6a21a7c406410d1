"""Addresses that are asked for as clients ask a proxy: written out, ``GET http://here/api/notes`` (RFC 9112, 3.2.2)."""

import asyncio
from pathlib import Path

import pytest

from tests.integration.web_help import Site, served
from tests.unit.web_world import ALICE


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("http://{here}/api/notes", 200),
        ("HTTP://{here}/api/notes?page=x", 400),
        ("https://elsewhere.example/api/notes", 200),
        ("http://{here}", 200),
        ("http://{here}?page=x", 400),
        ("http://{here}/nowhere", 404),
        ("http:///api/notes", 404),
        ("http://alice@{here}/api/notes", 404),
        ("ftp://{here}/api/notes", 404),
    ],
)
async def test_an_address_may_be_written_out(target: str, status: int, tmp_path: Path) -> None:
    async with served(tmp_path) as site:
        told = await site_says(site, "GET", target.format(here=f"127.0.0.1:{site.port}"))
        assert told.startswith(f"HTTP/1.1 {status} ".encode())


async def test_where_an_address_is_written_out_its_host_is_the_one_that_is_asked(tmp_path: Path) -> None:
    async with served(tmp_path) as site:
        here, elsewhere = f"127.0.0.1:{site.port}", "elsewhere.example"
        session = await site.services.sessions.open(await site.services.sessions.link(ALICE))
        told = {
            (asked, said): await site_says(
                site,
                "POST",
                f"http://{asked}/api/notes/1/restore",
                f"Host: {said}",
                f"Origin: http://{here}",
                f"Cookie: calibot_session_{site.port}={session}; calibot_session={session}",
            )
            for asked, said in ((here, elsewhere), (elsewhere, here))
        }
        assert told[here, elsewhere].startswith(b"HTTP/1.1 409 ")
        assert told[elsewhere, here].startswith(b"HTTP/1.1 403 ")


async def test_no_address_that_is_written_out_comes_around_what_one_client_may_ask_for(tmp_path: Path) -> None:
    async with served(tmp_path, rate_limit=3) as site:
        told = [await site_says(site, "GET", f"http://healthz/api/notes?{number}") for number in range(4)]
        assert [one[9:12] for one in told] == [b"200"] * 3 + [b"429"]
        assert (await site_says(site, "GET", "http://api/healthz"))[9:12] == b"200"


async def test_a_websockets_address_may_be_written_out(tmp_path: Path) -> None:
    async with served(tmp_path) as site:
        reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
        writer.write(
            f"GET {site.address}/api/events HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n"
            f"Authorization: Bearer {site.tokens[ALICE]}\r\n\r\n".encode()
        )
        assert (await reader.readline()).startswith(b"HTTP/1.1 101 ")
        writer.close()


async def site_says(site: Site, method: str, target: str, *headers: str) -> bytes:
    """Return the answer to a request that is written as is; by Alice's token where no header says who asks."""
    reader, writer = await asyncio.open_connection("127.0.0.1", site.port)
    given = headers or (f"Host: 127.0.0.1:{site.port}", f"Authorization: Bearer {site.tokens[ALICE]}")
    writer.write("\r\n".join([f"{method} {target} HTTP/1.1", *given, "Connection: close", "", ""]).encode())
    said = await reader.read()
    writer.close()
    return said
