"""What listeners hear of tasks and notes as they change, in which order, and who hears of what."""

import asyncio
import dataclasses
from collections.abc import AsyncIterator
from itertools import pairwise

import pytest

from services.errors import StoreUnavailable
from services.notebook.history import History
from services.store.store import Store
from services.torrents import PersonId
from tests.fake_clock import FakeClock
from tests.unit.conftest import Run
from tests.unit.fakes import FakeEngine, torrent
from tests.unit.web_world import ALICE, BOB, CAROL, GROUP, MALLORY, Socket, World, web_world
from web.context import Asker, Shared

ASYNC = "/api/calibrate/async"
HASH = torrent("lost").shown.hex


@pytest.fixture
async def world(run: Run, store: Store, clock: FakeClock, engine: FakeEngine) -> AsyncIterator[World]:
    engine.knows("x", "x.iso")
    async with run() as manager, web_world(manager, store, clock) as world:
        yield world


def tasks_of(socket: Socket) -> list[tuple[str, str]]:
    return [(one["task"]["task_id"], one["task"]["status"]) for one in socket.heard() if one["type"] == "task"]


async def test_at_first_it_hears_of_all_tasks_there_are(world: World) -> None:
    note = await world.note("tg:1", "x")
    await world.ended(ASYNC, {"note_id": note})
    socket = await world.listen(ALICE)
    (first,) = socket.heard()
    assert (first["type"], first["reset"], first["notes"]) == ("snapshot", False, [])
    (task,) = first["tasks"]
    assert (task["status"], task["note_id"], task["result"]) == ("completed", note, "x.iso")
    assert task["items"][0]["notes"] == [note]


async def test_then_of_each_change_with_a_rising_number(world: World) -> None:
    note = await world.note("tg:1", "x")
    socket = await world.listen(ALICE)
    seq = socket.heard()[0]["seq"]
    await world.ended(ASYNC, {"note_id": note})
    heard = socket.heard()
    numbers = [seq, *(one["seq"] for one in heard)]
    assert all(earlier < later for earlier, later in pairwise(numbers))
    assert [one["task"]["status"] for one in heard if one["type"] == "task"][-1] == "completed"
    (changed,) = [one["note"] for one in heard if one["type"] == "note"]
    assert changed == {"id": note, "notebook": changed["notebook"], "version": 2, "deleted": False}


async def test_a_task_is_told_within_a_second_of_its_change(world: World) -> None:
    socket = await world.listen(ALICE)
    socket.heard()
    task_id = (await world.post(ALICE, ASYNC, {"info_hash": HASH})).json()["task_id"]
    await world.clock.advance(0.9)
    assert tasks_of(socket)[-1] == (task_id, "running")


async def test_notes_that_come_and_go_are_told(world: World) -> None:
    socket = await world.listen(ALICE)
    socket.heard()
    note = await world.note("tg:1", "x")
    await world.clock.advance(1)
    await world.services.notebook.delete(await world.services.notebook.behind("tg:1"), note)
    await world.clock.advance(1)
    assert [(one["note"]["id"], one["note"]["deleted"]) for one in socket.heard()] == [(note, False), (note, True)]


async def test_one_who_comes_again_hears_what_changed_meanwhile_and_no_more(world: World) -> None:
    old = await world.ended(ASYNC, {"info_hash": torrent("x").shown.hex})
    socket = await world.listen(ALICE)
    since = socket.heard()[0]["seq"]
    await socket.leaves()
    note = await world.note("tg:1", "x")
    new = await world.ended(ASYNC, {"info_hash": HASH})
    (first,) = (await world.listen(ALICE, f"since={since}")).heard()
    assert not first["reset"]
    assert [one["task_id"] for one in first["tasks"]] == [new["task_id"]] != [old["task_id"]]
    assert [one["id"] for one in first["notes"]] == [note]
    (nothing,) = (await world.listen(ALICE, f"since={first['seq']}")).heard()
    assert (nothing["tasks"], nothing["notes"], nothing["seq"]) == ([], [], first["seq"])


async def test_whoever_is_cut_off_between_two_messages_misses_nothing(world: World) -> None:
    """Each number is one after which all that is greater is still to come, wherever the connection is cut."""
    live = await world.listen(ALICE)
    first = live.heard()[0]
    notes = [await world.note("tg:1", "x", f"lost{number}") for number in range(3)]
    await world.post(ALICE, "/api/calibrate/batch", {"note_ids": notes})
    await world.clock.advance(100)
    heard = [first, *live.heard()]
    everything = {key(one): one for one in heard[1:]}
    for place, last in enumerate(heard):
        known = {key(one): one for one in heard[1 : place + 1]}
        (again,) = (await world.listen(ALICE, f"since={last['seq']}")).heard()
        known |= {("task", one["task_id"]): {"task": one} for one in again["tasks"]}
        known |= {("note", one["id"]): {"note": one} for one in again["notes"]}
        assert {name: one.get("task", one.get("note")) for name, one in known.items()} == {
            name: one.get("task", one.get("note")) for name, one in everything.items()
        }


def key(event: dict[str, dict[str, str]]) -> tuple[str, str]:
    return ("task", event["task"]["task_id"]) if "task" in event else ("note", event["note"]["id"])


async def test_one_who_comes_again_with_a_notebook_more_hears_of_it_from_the_beginning(world: World) -> None:
    world.doors.reachable = False
    socket = await world.listen(BOB)
    first = socket.heard()[0]
    note = await world.note(GROUP, "x")
    own = await world.note("tg:2", "x")
    await world.clock.advance(1)
    since = socket.heard()[-1]["seq"]
    await socket.leaves()
    world.doors.reachable = True
    task = await world.ended(ASYNC, {"note_id": note}, ALICE)
    named = ",".join(map(str, first["notebooks"]))
    (again,) = (await world.listen(BOB, f"since={since}&notebooks={named}")).heard()
    assert (again["reset"], [one["task_id"] for one in again["tasks"]]) == (True, [task["task_id"]])
    assert len(again["notebooks"]) == 2
    named = ",".join(map(str, again["notebooks"]))
    (nothing,) = (await world.listen(BOB, f"since={again['seq']}&notebooks={named}")).heard()
    assert (nothing["reset"], nothing["tasks"]) == (False, [])
    assert own


@pytest.mark.parametrize("since", ["0", "1", "99999999999999999999"])
async def test_a_number_that_is_not_known_any_more_is_a_reset(world: World, since: str) -> None:
    task = await world.ended(ASYNC, {"info_hash": HASH})
    (first,) = (await world.listen(ALICE, f"since={since}")).heard()
    assert first["reset"]
    assert [one["task_id"] for one in first["tasks"]] == [task["task_id"]]
    assert (await world.listen(ALICE, f"since={first['seq']}")).heard()[0]["tasks"] == []


async def test_each_hears_of_the_notebooks_that_are_open_to_them_and_of_no_other(world: World) -> None:
    people = (ALICE, BOB, CAROL)
    sockets = {person: await world.listen(person) for person in people}
    places = {"tg:1": {ALICE}, "tg:2": {BOB}, GROUP: {ALICE, BOB}}
    for socket in sockets.values():
        socket.heard()
    notes = {await world.note(door, "x"): who for door, who in places.items()}
    await world.clock.advance(1)
    heard = {person: {one["note"]["id"] for one in socket.heard()} for person, socket in sockets.items()}
    assert heard == {person: {note for note, who in notes.items() if person in who} for person in people}
    for person in people:
        first = (await world.listen(person, f"since={world.services.manager.number - len(notes)}")).heard()[0]
        assert {one["id"] for one in first["notes"]} == heard[person]


async def test_tasks_of_a_group_are_told_to_its_members_alone(world: World) -> None:
    note = await world.note(GROUP, "x")
    sockets = {person: await world.listen(person) for person in (ALICE, BOB, CAROL)}
    task = await world.ended(ASYNC, {"note_id": note}, BOB)
    told = {person: {task_id for task_id, _ in tasks_of(socket)} for person, socket in sockets.items()}
    assert told == {ALICE: {task["task_id"]}, BOB: {task["task_id"]}, CAROL: set()}


async def test_it_is_told_in_its_own_language(world: World) -> None:
    english, chinese = await world.listen(ALICE), await world.listen(ALICE, language="zh")
    await world.ended(ASYNC, {"info_hash": HASH})
    errors = [socket.heard()[-1]["task"]["error"] for socket in (english, chinese)]
    assert [error.isascii() for error in errors] == [True, False]


@pytest.mark.parametrize(
    ("person", "query", "more", "status", "code"),
    [
        (None, "", {}, 401, "token_needed"),
        (None, "", {"Authorization": "Bearer calibot_guessed"}, 401, "token_needed"),
        (MALLORY, "", {}, 403, "not_let_in"),
        (ALICE, "", {"Origin": "https://elsewhere.example"}, 403, "from_another_site"),
        (ALICE, "", {"Origin": "null"}, 403, "from_another_site"),
        (ALICE, "since=-1", {}, 400, "bad_request"),
        (ALICE, "since=\u0661", {}, 400, "bad_request"),
        (ALICE, "since=" + "9" * 5000, {}, 400, "bad_request"),
        (ALICE, "since=", {}, 400, "bad_request"),
        (ALICE, "notebooks=", {}, 400, "bad_request"),
        (ALICE, "notebooks=1,x", {}, 400, "bad_request"),
    ],
)
async def test_whoever_may_not_listen_is_told_why(
    world: World, person: PersonId | None, query: str, more: dict[str, str], status: int, code: str
) -> None:
    socket = await world.listen(person, query, **more)
    assert (socket.accepted, socket.status, socket.body["code"]) == (False, status, code)


async def test_a_person_listens_in_fifty_places_at_most_and_keeps_nobody_else_from_it(world: World) -> None:
    first, *others = [await world.listen(ALICE) for _ in range(50)]
    assert all(socket.accepted for socket in (first, *others))
    beyond = await world.listen(ALICE)
    assert (beyond.accepted, beyond.status, beyond.body["code"]) == (False, 429, "too_many_listeners")
    assert beyond.body["error"] == "You listen in 50 places already. Close one of them first."
    assert (await world.listen(BOB)).accepted
    await first.leaves()
    assert (await world.listen(ALICE)).accepted
    assert not (await world.listen(ALICE)).accepted


async def test_while_telegram_is_asked_what_is_open_who_leaves_is_gone_and_a_stop_ends_the_others(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def silent(_: Asker) -> Shared:
        await asyncio.Event().wait()
        raise AssertionError("nobody answers")

    monkeypatch.setattr(Asker, "shared", silent)
    sockets = [await world.listen(ALICE) for _ in range(50)]
    assert not (await world.listen(ALICE)).accepted
    await asyncio.wait_for(sockets[0].leaves(), 5)
    assert (await world.listen(ALICE)).accepted
    world.app.state.stopping.set()
    await world.clock.advance(0)
    assert {socket.closed for socket in sockets[1:]} == {1012}


@pytest.mark.parametrize("path", ["/", "/api/notes", "/api/events/", "/nowhere"])
async def test_a_socket_elsewhere_is_refused_as_an_address_that_is_not_there(world: World, path: str) -> None:
    socket = await world.listen(ALICE, path=path)
    assert (socket.accepted, socket.status, socket.body["code"]) == (False, 404, "no_such_address")


async def test_a_page_of_the_same_site_may_listen(world: World) -> None:
    assert (await world.listen(ALICE, Origin="http://calibot")).accepted


async def test_switched_off_nothing_goes_on_unwatched_and_what_waits_does(world: World) -> None:
    note = await world.note("tg:1", "x")
    off = dataclasses.replace(world.services, async_enabled=False)
    world.app.state.services = off
    for path, body in ((ASYNC, {"note_id": note}), ("/api/calibrate/batch", {"all": True})):
        answer = await world.post(ALICE, path, body)
        assert (answer.status_code, answer.json()["code"]) == (503, "async_disabled")
    socket = await world.listen(ALICE)
    assert (socket.status, socket.body["code"]) == (503, "async_disabled")
    waiting = asyncio.create_task(world.post(ALICE, f"/api/calibrate/{note}"))
    await world.clock.advance(100)
    assert (await waiting).json() == {"success": True, "result": "x.iso"}


async def test_what_it_says_is_not_listened_to(world: World) -> None:
    socket = await world.listen(ALICE)
    socket.says('{"type": "task"}')
    note = await world.note("tg:1", "x")
    await world.clock.advance(1)
    assert [one["type"] for one in socket.heard()] == ["snapshot", "note"]
    assert note


async def test_one_who_takes_nothing_is_dropped_with_a_reason_and_holds_up_nobody(world: World) -> None:
    slow, other = await world.listen(ALICE), await world.listen(ALICE)
    slow.stops_reading()
    other.heard()
    await world.note("tg:1", "x")
    await world.clock.advance(1)
    assert len(other.heard()) == 1
    await world.clock.advance(10)
    slow.reads_again()
    await slow.running
    assert slow.closed == 4408


async def test_one_who_never_takes_anything_again_is_left(world: World) -> None:
    slow = await world.listen(ALICE)
    slow.stops_reading()
    await world.note("tg:1", "x")
    await world.clock.advance(60)
    assert slow.running.done()


async def test_when_the_program_stops_each_is_told(world: World) -> None:
    sockets = [await world.listen(person) for person in (ALICE, BOB)]
    world.app.state.stopping.set()
    await world.clock.advance(0)
    assert [socket.closed for socket in sockets] == [1012, 1012]


async def test_one_whose_token_is_taken_back_hears_no_more(world: World) -> None:
    socket = await world.listen(BOB)
    await world.services.tokens.take_back(BOB, "test")
    await world.clock.advance(31)
    assert socket.closed == 4401


async def test_one_who_left_a_group_hears_nothing_more_of_it(world: World) -> None:
    socket = await world.listen(BOB)
    world.doors.members.discard(BOB)
    await world.clock.advance(31)
    socket.heard()
    await world.note(GROUP, "x")
    own = await world.note("tg:2", "x")
    await world.clock.advance(1)
    assert [one["note"]["id"] for one in socket.heard()] == [own]


async def test_one_who_came_into_a_group_is_asked_to_begin_anew(world: World) -> None:
    socket = await world.listen(CAROL)
    world.doors.members.add(CAROL)
    await world.clock.advance(31)
    assert socket.closed == 4409


async def test_while_telegram_is_out_of_reach_only_the_own_notebook_is_told_and_then_all(world: World) -> None:
    socket = await world.listen(BOB)
    world.doors.reachable = False
    await world.clock.advance(31)
    socket.heard()
    await world.note(GROUP, "x")
    own = await world.note("tg:2", "x")
    await world.clock.advance(1)
    assert [one["note"]["id"] for one in socket.heard()] == [own]
    world.doors.reachable = True
    await world.clock.advance(30)
    assert socket.closed == 4409


async def test_without_the_database_it_is_asked_to_try_again(
    world: World, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    socket = await world.listen(ALICE)
    note = await world.note("tg:1", "x")

    async def down(_: object) -> None:
        raise StoreUnavailable(reason="disk full")

    monkeypatch.setattr(store, "read", down)
    world.services.manager.note_changed(note)
    await world.clock.advance(1)
    assert socket.closed == 1013


async def test_a_hundred_listeners_cost_one_reading_of_a_change(
    world: World, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    sockets = [await world.listen(person) for person in (ALICE, BOB) for _ in range(50)]
    note = await world.note(GROUP, "x")
    await world.clock.advance(1)
    readings, read = 0, store.read

    async def counted(fn: object) -> object:
        nonlocal readings
        readings += 1
        return await read(fn)  # type: ignore[arg-type] # whatever is read

    monkeypatch.setattr(store, "read", counted)
    for socket in sockets:
        socket.heard()
    world.services.manager.note_changed(note)
    await world.clock.advance(1)
    assert [[one["note"]["id"] for one in socket.heard()] for socket in sockets] == [[note]] * 100
    assert readings == 1


async def test_an_undo_in_the_chat_is_heard(world: World, store: Store) -> None:
    note = await world.note("tg:1", "x")
    await world.ended(ASYNC, {"note_id": note})
    socket = await world.listen(ALICE)
    socket.heard()
    notebook = await world.services.notebook.behind("tg:1")
    await History(store, world.clock, world.services.manager.note_changed).undo(notebook, note, person=ALICE)
    await world.clock.advance(1)
    assert [one["note"]["version"] for one in socket.heard() if one["type"] == "note"] == [3]
