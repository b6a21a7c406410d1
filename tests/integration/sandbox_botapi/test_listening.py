"""Connections that come just while the server goes."""

import asyncio
import socket

import pytest
from aiohttp import web

from sandbox.botapi.listening import Listener


@pytest.mark.parametrize("turns", range(6))
@pytest.mark.parametrize("way", ["close", "refuse"])
async def test_who_connected_in_the_last_moment_is_cut_off_too(way: str, turns: int) -> None:
    listener = Listener(web.Application())
    address = (await listener.open()).removeprefix("http://").split(":")
    with socket.create_connection((address[0], int(address[1]))) as client:
        client.setblocking(False)
        for _ in range(turns):
            await asyncio.sleep(0)
        await (listener.close() if way == "close" else listener.refuse())
        if way == "refuse":
            try:
                async with asyncio.timeout(5):
                    told = await asyncio.get_running_loop().sock_recv(client, 1)
            except ConnectionResetError:
                told = b""
            assert told == b""
            await listener.close()
