"""Whom an owner lets in from a chat, and whom no chat can put out."""

import asyncio

import pytest

from services.access import Access, LetIn, Role
from services.errors import InTheSettings, LastOwner, OwnersOnly, StoreUnavailable
from services.notebook.people import Outcome, People
from services.store.store import Store
from services.torrents import PersonId
from tests.fake_clock import FakeClock
from tests.unit.test_people import FullDisk

ALICE, BOB, CAROL = PersonId("tg:1"), PersonId("tg:2"), PersonId("tg:3")
USER, CHAT = PersonId("tg:5"), "tg:-100"
SETTINGS = Access(owners=frozenset({ALICE}), users=frozenset({USER}), chats=frozenset({CHAT}))


@pytest.fixture
async def people(store: Store, clock: FakeClock) -> People:
    return await People(store, SETTINGS, clock).load()


async def second_owner(store: Store, clock: FakeClock, access: Access = SETTINGS) -> People:
    """Return people among whom Bob is an owner who was made by a start's code."""
    claimed = await People(store, Access(), clock).load()
    assert await claimed.claim(BOB, str(claimed.start_code))
    return await People(store, access, clock).load()


async def test_who_is_let_in_is_served_at_once_and_after_a_restart(
    people: People, store: Store, clock: FakeClock
) -> None:
    assert await people.allow(CAROL, Role.USER, asked_by=ALICE) is Outcome.CHANGED
    assert await people.allow("tg:-7", Role.CHAT, asked_by=ALICE) is Outcome.CHANGED
    for one in (people, await People(store, SETTINGS, clock).load()):
        assert one.access.serves(CAROL, CAROL, private=True)
        assert one.access.serves(BOB, "tg:-7", private=False)
        assert not one.access.serves(CAROL, "tg:-8", private=False)
        assert one.access.owners == {ALICE}


async def test_who_is_denied_is_not_served_at_once_nor_after_a_restart(
    people: People, store: Store, clock: FakeClock
) -> None:
    for who, role in ((CAROL, Role.USER), ("tg:-7", Role.CHAT)):
        await people.allow(who, role, asked_by=ALICE)
        assert await people.deny(who, asked_by=ALICE) is Outcome.CHANGED
        assert await people.deny(who, asked_by=ALICE) is Outcome.AS_BEFORE
    assert people.access == SETTINGS
    assert (await People(store, SETTINGS, clock).load()).access == SETTINGS


@pytest.mark.parametrize("who", [ALICE, USER, CHAT])
async def test_who_is_in_the_settings_stays_as_they_are(people: People, store: Store, who: str) -> None:
    assert await people.allow(who, Role.USER, asked_by=ALICE) is Outcome.AS_BEFORE
    with pytest.raises(InTheSettings):
        await people.deny(who, asked_by=ALICE)
    assert people.access == SETTINGS
    assert not await store.read(lambda tx: tx.people.everybody())


@pytest.mark.parametrize("who", [USER, CAROL, PersonId(CHAT)])
async def test_nobody_but_an_owner_lets_in_puts_out_or_sees_the_list(
    people: People, store: Store, who: PersonId
) -> None:
    with pytest.raises(OwnersOnly):
        await people.allow(who, Role.USER, asked_by=who)
    with pytest.raises(OwnersOnly):
        await people.deny(USER, asked_by=who)
    with pytest.raises(OwnersOnly):
        people.everybody(asked_by=who)
    assert people.access == SETTINGS
    assert not await store.read(lambda tx: tx.people.everybody())


async def test_to_let_in_an_owner_makes_no_user_of_them(store: Store, clock: FakeClock) -> None:
    people = await second_owner(store, clock)
    assert await people.allow(BOB, Role.USER, asked_by=ALICE) is Outcome.AS_BEFORE
    assert people.access.owners == {ALICE, BOB}


async def test_an_owner_by_a_code_can_be_denied_while_there_is_another(store: Store, clock: FakeClock) -> None:
    people = await second_owner(store, clock)
    assert await people.deny(BOB, asked_by=BOB) is Outcome.CHANGED
    assert people.access == SETTINGS
    with pytest.raises(OwnersOnly):
        await people.allow(BOB, Role.USER, asked_by=BOB)


async def test_the_last_owner_cannot_be_denied(store: Store, clock: FakeClock) -> None:
    people = await second_owner(store, clock, Access())
    with pytest.raises(LastOwner):
        await people.deny(BOB, asked_by=BOB)
    assert people.access.owners == {BOB}
    assert people.start_code is None


async def test_of_two_owners_who_deny_each_other_at_once_one_stays(store: Store, clock: FakeClock) -> None:
    people = await second_owner(store, clock, Access())
    await store.write(lambda tx: tx.people.put(LetIn(who=CAROL, role=Role.OWNER, added_at=1.0)))
    await people.load()
    ends = await asyncio.gather(
        people.deny(CAROL, asked_by=BOB), people.deny(BOB, asked_by=CAROL), return_exceptions=True
    )
    assert ends[0] is Outcome.CHANGED
    assert isinstance(ends[1], LastOwner)
    assert people.access.owners == {BOB}


async def test_a_request_that_comes_twice_is_done_once(people: People) -> None:
    assert await people.allow(CAROL, Role.USER, asked_by=ALICE, request_key="1") is Outcome.CHANGED
    assert await people.allow(CAROL, Role.USER, asked_by=ALICE, request_key="1") is Outcome.CHANGED
    assert await people.deny(CAROL, asked_by=ALICE, request_key="2") is Outcome.CHANGED
    assert await people.allow(CAROL, Role.USER, asked_by=ALICE, request_key="1") is Outcome.CHANGED
    assert not people.access.lets_in(CAROL)


async def test_everybody_is_listed_with_where_they_come_from(store: Store, clock: FakeClock) -> None:
    began = clock.now()
    people = await second_owner(store, clock)
    await clock.advance(60)
    await people.allow(CAROL, Role.USER, asked_by=ALICE)
    await people.allow("tg:-7", Role.CHAT, asked_by=BOB)
    assert list(people.everybody(asked_by=BOB)) == [
        LetIn(who=ALICE, role=Role.OWNER),
        LetIn(who=USER, role=Role.USER),
        LetIn(who=CHAT, role=Role.CHAT),
        LetIn(who=BOB, role=Role.OWNER, added_at=began),
        LetIn(who="tg:-7", role=Role.CHAT, added_at=began + 60, added_by=BOB),
        LetIn(who=CAROL, role=Role.USER, added_at=began + 60, added_by=ALICE),
    ]


async def test_who_was_let_in_and_then_came_into_the_settings_is_listed_once(
    people: People, store: Store, clock: FakeClock
) -> None:
    await people.allow(CAROL, Role.USER, asked_by=ALICE)
    later = await People(store, Access(SETTINGS.owners, frozenset({CAROL})), clock).load()
    assert [one.who for one in later.everybody(asked_by=ALICE)] == [ALICE, CAROL]
    with pytest.raises(InTheSettings):
        await later.deny(CAROL, asked_by=ALICE)


async def test_what_could_not_be_stored_has_no_effect(store: Store, clock: FakeClock) -> None:
    people = await People(FullDisk(store), SETTINGS, clock).load()
    with pytest.raises(StoreUnavailable):
        await people.allow(CAROL, Role.USER, asked_by=ALICE)
    assert people.access == SETTINGS
