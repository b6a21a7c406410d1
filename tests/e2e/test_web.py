"""The web server beside the bot: one process, one loop, one end."""

import asyncio
import re
import signal
import socket

import httpx
import pytest

from sandbox.botapi import Person
from sandbox.swarm import make_sample
from tests.e2e.conftest import World, kept
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


# The API, by a token of the chat's.


async def token_of(world: World, person: Person | None = None, name: str = "backup") -> str:
    """Ask for a token in a private chat, and return it."""
    asker = person or world.alice
    answer = await world.ask(f"/token {name}", person=asker, chat=world.api.private(asker))
    found = re.search(r"calibot_[\w-]{43}", answer.text)
    assert found, answer.text
    return found[0]


async def test_begun_over_http_it_sends_no_message_and_shows_in_the_queue_and_in_the_note(running: World) -> None:
    sample = running.swarm.seed(make_sample("True.Name.mkv"))
    saved = await running.ask(f"keep {sample.magnet(dn='18')} this")
    token = await token_of(running)
    lost = "1" * 40
    messages = len(running.private.bot_messages)
    headers = {"Authorization": f"Bearer {token}"}
    async with httpx.AsyncClient(base_url=await address_of(running), headers=headers) as http:
        slow = (await http.post("/api/calibrate/async", json={"info_hash": lost})).json()["task_id"]
        answer = await http.post("/api/calibrate/1")
        assert (answer.status_code, answer.json()) == (200, {"success": True, "result": "True.Name.mkv"})
        assert len(running.private.bot_messages) == messages
        assert lost[:8] in (await running.ask("/queue")).text
        assert (await http.post(f"/api/calibrate/cancel/{slow}")).json()["status"] == "cancelled"
    assert kept(await running.ask("/note 1")) == f"keep {sample.magnet(dn='True.Name.mkv')} this"
    assert "completed" not in saved.text


async def test_a_note_is_the_same_over_http_and_in_the_chat(running: World) -> None:
    sample = running.swarm.seed(make_sample("True.Name.mkv"))
    link, true_link = sample.magnet(dn="18"), sample.magnet(dn="True.Name.mkv")
    said = running.alice.say(running.private, f"keep {link}")
    await running.answer(said)
    headers = {"Authorization": f"Bearer {await token_of(running)}"}
    async with httpx.AsyncClient(base_url=await address_of(running), headers=headers) as http:
        assert (await http.post("/api/calibrate/1")).status_code == 200
        note = (await http.get("/api/notes/1")).json()["note"]
        assert (note["text"], note["version"]) == (f"keep {true_link}", 2)
        typed = {"text": f"typed here: {true_link}", "version": 2}
        assert (await http.put("/api/notes/1", json=typed)).json()["note"]["version"] == 3
        running.alice.edit(said, f"keep {link}")  # Telegram tells of an edit for a preview, too
        assert kept(await running.ask("/note 1")) == typed["text"]
        running.alice.edit(said, f"hold {link}")
        assert kept(await running.ask("/note 1")) == f"hold {true_link}"
        steps = (await http.get("/api/notes/1/history")).json()["steps"]
        assert [(one["version"], one["cause"]) for one in steps] == [(5, "edit"), (3, "edit"), (2, "api")]
        found = (await http.get("/api/notes?q=hold")).json()["notes"]
        assert [(one["excerpt"], one["calibrated"]) for one in found] == [("hold True.Name.mkv", True)]
        known = (await http.get(f"/api/torrents/{sample.magnet().partition('btih:')[2][:40]}")).json()
        assert (known["name"], len(known["files"]), known["notes"]) == ("True.Name.mkv", known["file_count"], [1])
        assert (await http.post("/api/notes", json={"text": "only words"})).json()["note"]["id"] == 2
        assert kept(await running.ask("/note 2")) == "only words"
        assert (await http.delete("/api/notes/2")).status_code == 200
        assert (await running.ask("/note 2")).text == "There is no such note here."
        assert (await http.post("/api/notes/2/restore")).status_code == 200
        assert kept(await running.ask("/note 2")) == "only words"
    assert "Traceback" not in running.output


async def test_a_stop_answers_who_waits_and_the_log_has_no_traceback(running: World) -> None:
    await running.ask(f"magnet:?xt=urn:btih:{'3' * 40}")
    headers = {"Authorization": f"Bearer {await token_of(running)}"}
    async with httpx.AsyncClient(base_url=await address_of(running), headers=headers) as http:
        waiting = asyncio.ensure_future(http.post("/api/calibrate/1", timeout=60))
        while "3333" not in (await running.ask("/queue")).text:
            assert not waiting.done()
        assert await running.stop() == 0
        answer = await waiting
    assert (answer.status_code, answer.json()["code"]) == (503, "shutting_down")
    assert "Traceback" not in running.output


async def test_a_token_is_listed_taken_back_and_opens_nothing_any_more(running: World) -> None:
    token = await token_of(running, name="my backup")
    assert token not in (await running.ask("/tokens")).text
    assert (await running.ask("/tokens")).text.startswith("my backup - made 20")
    taken = await running.ask("/token my backup")
    assert taken.text.startswith("You have a token of this name.")
    async with httpx.AsyncClient(base_url=await address_of(running)) as http:

        async def asked() -> int:
            headers = {"Authorization": f"Bearer {token}"}
            return (await http.get("/api/calibrate/status/none", headers=headers)).status_code

        assert await asked() == 404
        assert "last used 20" in (await running.ask("/tokens")).text
        assert (await running.ask("/tokens revoke my backup")).text == "my backup opens nothing any more."
        assert await asked() == 401
    assert (await running.ask("/tokens")).text.startswith("You have no tokens.")
    assert (await running.ask("/tokens revoke it")).text == "You have no token of this name. /tokens lists yours."
    assert token not in running.output


async def test_a_token_opens_the_groups_that_its_person_is_in_now(world: World) -> None:
    bob = world.invite("Bob")
    group = world.group("Films", world.alice, bob)
    await world.start()
    for command in ("/token x", "/tokens"):
        asked = world.alice.say(group, command)
        assert (await world.answer(asked)).text == "Tokens are given in a private chat with me alone."
    await world.answer(world.alice.say(group, f"magnet:?xt=urn:btih:{'2' * 40}"))
    alices, bobs = await token_of(world), await token_of(world, bob)
    async with httpx.AsyncClient(base_url=await address_of(world)) as http:

        async def status(token: str) -> int:
            headers = {"Authorization": f"Bearer {token}"}
            return (await http.post("/api/calibrate/async", json={"note_id": 1}, headers=headers)).status_code

        assert (await status(alices), await status(bobs)) == (200, 200)
        stranger = world.api.person("Mallory")
        assert "calibot_" not in (await world.answer(stranger.say(world.api.private(stranger), "/token x"))).text


async def test_who_is_let_in_no_more_is_refused(world: World) -> None:
    bob = world.api.person("Bob")
    await world.start()
    await world.ask(f"/allow {bob.id}")
    bobs = await token_of(world, bob)
    headers = {"Authorization": f"Bearer {bobs}"}
    async with httpx.AsyncClient(base_url=await address_of(world), headers=headers) as http:
        assert (await http.get("/api/calibrate/status/none")).status_code == 404
        await world.ask(f"/deny {bob.id}")
        assert (await http.get("/api/calibrate/status/none")).json()["code"] == "not_let_in"


@pytest.mark.parametrize("trusted", [False, True])
async def test_what_a_proxy_says_of_its_clients_is_believed_where_it_is_trusted(world: World, *, trusted: bool) -> None:
    config = world.write_settings()
    proxies = '["127.0.0.0/8"]' if trusted else "[]"
    web = f"[web]\nrate_limit = 2\ntrusted_proxies = {proxies}\n"
    config.write_text(config.read_text(encoding="utf-8") + web, encoding="utf-8")
    await world.launch(config)
    async with httpx.AsyncClient(base_url=await address_of(world)) as http:

        async def asked(said: str) -> int:
            return (await http.get("/nowhere", headers={"X-Forwarded-For": said})).status_code

        assert [await asked("192.0.2.1") for _ in range(3)] == [404, 404, 429]
        assert await asked("192.0.2.2") == (404 if trusted else 429)
        assert await asked("192.0.2.3, 192.0.2.1") == 429, "what the client itself has said is nothing"


async def test_an_owner_is_told_figures_for_prometheus(running: World) -> None:
    sample = running.swarm.seed(make_sample("True.Name.mkv"))
    await running.ask(sample.magnet(dn="18"))
    headers = {"Authorization": f"Bearer {await token_of(running)}"}
    async with httpx.AsyncClient(base_url=await address_of(running), headers=headers) as http:
        await http.post("/api/calibrate/1")
        text = (await http.get("/metrics")).text
    assert 'calibot_lookups_total{outcome="found"} 1.0' in text
    sent = re.search(r"^calibot_telegram_requests_total (\d+)", text, re.MULTILINE)
    assert sent
    assert int(sent[1]) >= 2
