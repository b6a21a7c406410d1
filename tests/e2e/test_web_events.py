"""Listeners at real sockets, beside the chat."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus

from sandbox.swarm import make_sample
from tests.e2e.conftest import World
from tests.e2e.test_web import address_of, token_of


@asynccontextmanager
async def listening(world: World, token: str, query: str = "") -> AsyncIterator[ClientConnection]:
    address = (await address_of(world)).replace("http:", "ws:") + "/api/events" + query
    async with connect(address, additional_headers={"Authorization": f"Bearer {token}"}, proxy=None) as socket:
        yield socket


async def heard(socket: ClientConnection) -> dict[str, Any]:
    async with asyncio.timeout(20):
        event: dict[str, Any] = json.loads(await socket.recv())
        return event


async def until_closed(socket: ClientConnection) -> AsyncIterator[str | bytes]:
    with contextlib.suppress(ConnectionClosed):
        while True:
            yield await socket.recv()


async def heard_until_completed(socket: ClientConnection) -> dict[str, Any]:
    while True:
        event = await heard(socket)
        if event["type"] == "task" and event["task"]["status"] == "completed":
            return event


async def test_what_begins_in_the_chat_is_heard_to_its_end(running: World) -> None:
    sample = running.swarm.seed(make_sample("True.Name.mkv"))
    token = await token_of(running)
    async with listening(running, token) as socket:
        assert (await heard(socket))["type"] == "snapshot"
        await running.ask(sample.magnet(dn="18"))
        assert (await heard(socket))["note"]["id"] == 1
        await running.ask("/calibrate 1")
        end = await heard_until_completed(socket)
        assert end["task"]["result"] == "True.Name.mkv"
    told = [end["task"]]
    since = end["seq"]
    while told:  # once more, perhaps: it is stored a moment before the end has its own number
        assert {one["status"] for one in told} == {"completed"}
        async with listening(running, token, f"?since={since}") as socket:
            first = await heard(socket)
        assert not first["reset"]
        told, since = first["tasks"], first["seq"]


async def test_after_a_new_start_everything_is_told_anew(running: World) -> None:
    token = await token_of(running)
    headers = {"Authorization": f"Bearer {token}"}
    async with listening(running, token) as socket:
        since = (await heard(socket))["seq"]
        async with httpx.AsyncClient(base_url=await address_of(running), headers=headers) as http:
            task_id = (await http.post("/api/calibrate/async", json={"info_hash": "1" * 40})).json()["task_id"]
        assert await running.stop() == 0
        assert {json.loads(message)["type"] async for message in until_closed(socket)} <= {"task"}
        assert socket.close_code == 1012
    assert "Traceback" not in running.output
    running.output = ""
    await running.start()
    async with listening(running, token, f"?since={since}") as socket:
        first = await heard(socket)
        assert (first["reset"], [one["task_id"] for one in first["tasks"]]) == (True, [task_id])


async def test_one_who_reads_nothing_holds_up_neither_others_nor_the_end(running: World) -> None:
    token = await token_of(running)
    host, port = (await address_of(running)).removeprefix("http://").split(":")
    reader, writer = await asyncio.open_connection(host, int(port), limit=1)
    lines = ["GET /api/events HTTP/1.1", f"Host: {host}:{port}", "Connection: Upgrade", "Upgrade: websocket"]
    lines += [
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==",
        f"Authorization: Bearer {token}",
    ]
    writer.write("\r\n".join([*lines, "", ""]).encode())
    assert await reader.read(12) == b"HTTP/1.1 101"
    async with listening(running, token) as other:
        assert (await heard(other))["type"] == "snapshot"
        await running.ask(f"magnet:?xt=urn:btih:{'2' * 40}")
        assert (await heard(other))["note"]["id"] == 1
    assert await running.stop() == 0
    assert "Traceback" not in running.output
    writer.close()


async def test_strangers_and_pages_of_other_sites_are_answered_as_over_http(running: World) -> None:
    token = await token_of(running)
    address = (await address_of(running)).replace("http:", "ws:") + "/api/events"
    for headers, status, code in (
        ({}, 401, "token_needed"),
        ({"Authorization": f"Bearer {token}", "Origin": "https://elsewhere.example"}, 403, "from_another_site"),
    ):
        with pytest.raises(InvalidStatus) as refused:
            async with connect(address, additional_headers=headers, proxy=None):
                pass
        response = refused.value.response
        assert (response.status_code, json.loads(response.body)["code"]) == (status, code)
