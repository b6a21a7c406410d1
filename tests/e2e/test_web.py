"""The web server beside the bot: one process, one loop, one end."""

import asyncio
import re
import signal
import socket

import httpx
import pytest

from tests.e2e.conftest import World
from tests.e2e.test_process import run

_LISTENING = re.compile(r"event='web\.listening'.* port=(\d+)")


async def address_of(world: World) -> str:
    found = await world.printed(_LISTENING)
    return f"http://127.0.0.1:{found[1]}"


async def test_whoever_watches_it_sees_it_well_and_ready_and_a_stop_ends_open_connections(running: World) -> None:
    address = await address_of(running)
    async with httpx.AsyncClient(base_url=address) as http:
        for route in ("/healthz", "/readyz"):
            answer = await http.get(route)
            assert (answer.status_code, answer.json()) == (200, {"success": True, "status": "ok"})
        assert "server" not in answer.headers
        assert await running.stop() == 0
        with pytest.raises(httpx.TransportError):
            await http.get("/healthz")
    assert "Traceback" not in running.output


async def test_it_is_ready_while_telegram_is_out_of_reach(world: World) -> None:
    world.base_url = "http://127.0.0.1:9/bot"
    await world.launch(world.write_settings())
    async with httpx.AsyncClient(base_url=await address_of(world)) as http:
        assert (await http.get("/readyz")).status_code == 200
    assert await world.stop(signal.SIGINT) == 0


async def test_a_request_that_never_ends_does_not_hold_up_the_end(running: World) -> None:
    address = await address_of(running)
    reader, writer = await asyncio.open_connection("127.0.0.1", int(address.rpartition(":")[2]))
    writer.write(b"GET /healthz HTTP/1.1\r\nHost: x\r\n")  # and no more of it
    await writer.drain()
    assert await running.stop() == 0
    writer.close()
    assert await reader.read() == b""


async def test_a_port_that_another_program_has_is_one_line(world: World) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        code, output = await run(world.write_settings(), CALIBOT_WEB__PORT=str(port))
    assert code == 1
    line = rf"calibot cannot listen at 127\.0\.0\.1:{port} \(\[web\] in the settings\): Address already in use\. .*\n"
    assert re.fullmatch(line, output), output


async def test_switched_off_it_listens_nowhere(world: World) -> None:
    config = world.write_settings()
    config.write_text(config.read_text(encoding="utf-8") + "[web]\nenabled = false\n", encoding="utf-8")
    await world.launch(config)
    await world.printed(re.compile("is running as"))
    assert "web.listening" not in world.output
