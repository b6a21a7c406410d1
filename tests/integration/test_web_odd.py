"""Two thousand requests as nobody should send them are refused in the one shape, if at all, and harm nothing."""

import asyncio
import contextlib
import json
import logging
import sqlite3
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from tests.integration.odd_requests import Odd, Route, odd_requests
from tests.integration.web_help import FOUND, Site, served
from tests.unit.web_world import ALICE

_SEED, _COUNT = 4711, 2_000
_SILENT = {"framing", "socket", "damaged", "pipelined", "garbage", "version"}
"""Kinds that may be waiting for more, as the server understands them."""
_SOON, _LATE = 0.2, 10.0
_THEIRS = {
    "Invalid HTTP request received.": {400},  # of uvicorn: it is no HTTP
    "Failed to open a WebSocket connection: ": {400, 405, 426},  # of websockets: it is no handshake
}
"""What is refused before it reaches us, in words of others: how it begins, and with which status."""


@dataclass(frozen=True)
class Answer:
    status: int
    headers: dict[str, str]
    body: bytes


@pytest.mark.timeout(90)
async def test_odd_requests_are_refused_in_the_one_shape_and_change_nothing(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.WARNING)
    asked: Counter[str] = Counter()
    wrong = []
    async with served(tmp_path) as site:
        token = site.tokens[ALICE]
        routes = await _routes(site)
        odd = odd_requests(_SEED, _COUNT, routes, token, f"127.0.0.1:{site.port}")
        before = _kept(tmp_path)
        for number, one in enumerate(odd):
            answers = await _send(site.port, number, one)
            after = _kept(tmp_path)
            wrong += [
                f"{number} {one.kind} {one.route}: {why}" for why in _wrong(one, answers, changed=after != before)
            ]
            before = after
            asked[one.route.label] += 1
        async with httpx.AsyncClient(base_url=site.address, headers={"Authorization": f"Bearer {token}"}) as http:
            assert (await http.get("/api/notes")).status_code == 200, "it goes on"
    assert wrong == []
    assert min(asked[route.label] for route in routes) >= 20, "each route has had its share"
    printed = capsys.readouterr()
    assert "Traceback" not in printed.out + printed.err
    assert [one.getMessage() for one in caplog.records if one.exc_info or one.levelno >= logging.ERROR] == []


async def _routes(site: Site) -> Sequence[Route]:
    """Return all of them with sound bodies, as they are described; and the pages, which are not."""
    numbers = {"{note_id}": "1", "{task_id}": site.tasks[0], "{info_hash}": FOUND.shown.hex}
    bodies: dict[tuple[str, str], object] = {
        ("POST", "/api/calibrate/async"): {"note_id": 1},
        ("POST", "/api/calibrate/batch"): {"note_ids": [1, 2]},
        ("POST", "/api/notes"): {"text": "words"},
        ("PUT", "/api/notes/{note_id}"): {"text": "words", "version": 1},
        ("POST", "/api/notes/{note_id}/undo"): {"version": 1},
    }
    async with httpx.AsyncClient(base_url=site.address) as http:
        described = (await http.get("/openapi.json")).json()["paths"]
    routes = []
    for path, methods in described.items():
        there = path
        for name, value in numbers.items():
            there = there.replace(name, value)
        routes += [Route(method.upper(), there, bodies.get((method.upper(), path))) for method in methods]
    pages = ("/", "/notes/1", "/login/x", "/static/page.css", "/docs", "/openapi.json", "/api/events", "/nowhere")
    return [*routes, *(Route("GET", path) for path in pages), Route("POST", "/login/x"), Route("POST", "/logout")]


async def _send(port: int, number: int, odd: Odd) -> Sequence[Answer]:
    """Send it from an address of its own, so that nobody has been wrong too often; return what is answered."""
    address = (f"127.{number >> 8}.{number & 255}.9", 0)
    reader, writer = await asyncio.open_connection("127.0.0.1", port, local_addr=address)
    try:
        for piece in odd.pieces:
            writer.write(piece)
            await asyncio.sleep(0)
        if not odd.waits:
            await asyncio.sleep(0)
            writer.transport.abort()
            return ()
        return list(_answers(await _read(reader, _SOON if odd.kind in _SILENT else _LATE), odd))
    finally:
        writer.transport.abort()


async def _read(reader: asyncio.StreamReader, patience: float) -> bytes:
    read = b""
    with contextlib.suppress(TimeoutError, ConnectionError):
        while True:
            async with asyncio.timeout(patience):
                if not (piece := await reader.read(65_536)):
                    break
                read += piece
    return read


def _answers(raw: bytes, odd: Odd) -> Iterator[Answer]:
    """Yield what is in *raw* (RFC 9112)."""
    while raw:
        head, _, rest = raw.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        status = int(first.split()[1])
        if odd.pieces[0].startswith(b"HEAD ") or status < 200:
            body, raw = b"", b"" if status == 101 else rest
        elif "content-length" in headers:
            length = int(headers["content-length"])
            body, raw = rest[:length], rest[length:]
        else:
            body, raw = rest, b""
            if headers.get("transfer-encoding") == "chunked":
                body = b"".join(rest.split(b"\r\n")[1:-3:2])
        yield Answer(status, headers, body)


def _wrong(odd: Odd, answers: Sequence[Answer], *, changed: bool) -> Iterator[str]:
    refused = all(answer.status >= 400 for answer in answers)
    if changed and refused:
        yield "it was refused, and has changed something"
    if odd.waits and not answers and odd.kind not in _SILENT:
        yield "no answer"
    for answer in answers:
        if answer.status >= 500 or b"Traceback" in answer.body:
            yield f"{answer}"
        elif answer.status >= 400 and not _one_shape(odd, answer):
            yield f"another shape: {answer}"


def _one_shape(odd: Odd, answer: Answer) -> bool:
    said = answer.body.decode(errors="replace")
    if any(said.startswith(words) and answer.status in statuses for words, statuses in _THEIRS.items()):
        return True
    if "content-security-policy" not in answer.headers:
        return False
    if odd.pieces[0].startswith(b"HEAD "):
        return True
    match answer.headers.get("content-type", "").partition(";")[0]:
        case "application/json":
            told = json.loads(answer.body)
            return set(told) == {"success", "error", "code"} and told["success"] is False
        case kind:
            return kind == "text/html" and b"text/html" in odd.pieces[0]


def _kept(folder: Path) -> list[tuple[object, ...]]:
    """Return all that is in the notebooks, and what is to be done."""
    with contextlib.closing(sqlite3.connect(f"file:{folder / 'calibot.db'}?mode=ro", uri=True)) as connection:
        notes = connection.execute("SELECT * FROM notes ORDER BY id").fetchall()
        return [*notes, *connection.execute("SELECT id FROM tasks ORDER BY id").fetchall()]
