"""How the first owner is made."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from services.access import Access
from services.errors import StoreUnavailable
from services.notebook.people import People
from services.notebook.ports import NotebookTx, T
from services.store.store import Store
from services.torrents import PersonId
from tests.fake_clock import FakeClock

ALICE, BOB = PersonId("tg:1"), PersonId("tg:2")


@pytest.fixture
async def people(store: Store, clock: FakeClock) -> People:
    return await People(store, Access(), clock).load()


def code_of(people: People) -> str:
    assert people.start_code is not None
    return people.start_code


async def test_the_start_code_makes_its_sender_the_owner(people: People) -> None:
    assert not people.access.serves(ALICE, "tg:1", private=True)
    assert await people.claim(ALICE, code_of(people))
    assert people.access.serves(ALICE, "tg:1", private=True)
    assert people.access.owners == {ALICE}


async def test_the_start_code_works_once(people: People) -> None:
    code = code_of(people)
    assert await people.claim(ALICE, code)
    assert people.start_code is None
    assert not await people.claim(BOB, code)
    assert people.access.owners == {ALICE}


async def test_two_who_send_the_code_at_once_do_not_both_become_the_owner(people: People) -> None:
    code = code_of(people)
    claimed = await asyncio.gather(people.claim(ALICE, code), people.claim(BOB, code))
    assert list(claimed) == [True, False]
    assert people.access.owners == {ALICE}


async def test_who_sends_the_code_while_the_owner_is_written_is_not_told_that_it_is_used_up(
    store: Store, clock: FakeClock
) -> None:
    people: People

    class Watched:
        read = store.read

        async def write(self, fn: Callable[[NotebookTx], Awaitable[T]]) -> T:
            assert (people.start_code, people.code_used_up) == (None, False)
            assert not await people.claim(BOB, code)
            return await store.write(fn)

    people = await People(Watched(), Access(), clock).load()
    code = code_of(people)
    assert await people.claim(ALICE, code)


async def test_the_fifth_try_may_be_right(people: People) -> None:
    code = code_of(people)
    for _ in range(4):
        assert not await people.claim(BOB, "wrong")
    assert await people.claim(BOB, code)


async def test_after_five_wrong_tries_the_code_is_none(people: People) -> None:
    code = code_of(people)
    for wrong in ("wrong", "", code[:-1], code.upper() + "X", "ö\ud800"):
        assert not people.code_used_up
        assert not await people.claim(BOB, wrong)
    assert people.code_used_up
    assert people.start_code is None
    assert not await people.claim(ALICE, code)
    assert not people.access.owners


async def test_an_owner_in_the_settings_leaves_no_code(store: Store, clock: FakeClock) -> None:
    people = await People(store, Access(owners=frozenset({ALICE})), clock).load()
    assert people.start_code is None
    assert not await people.claim(BOB, "")


async def test_users_and_chats_in_the_settings_leave_the_code(store: Store, clock: FakeClock) -> None:
    access = Access(users=frozenset({BOB}), chats=frozenset({"tg:-1"}))
    assert (await People(store, access, clock).load()).start_code is not None


async def test_the_code_is_new_at_each_start(store: Store, clock: FakeClock) -> None:
    codes = {code_of(await People(store, Access(), clock).load()) for _ in range(20)}
    assert len(codes) == 20
    assert all(len(code) >= 16 for code in codes)


async def test_the_owner_is_remembered_at_the_next_start(store: Store, clock: FakeClock, people: People) -> None:
    await people.claim(ALICE, code_of(people))
    again = await People(store, Access(users=frozenset({BOB})), clock).load()
    assert again.access == Access(owners=frozenset({ALICE}), users=frozenset({BOB}))
    assert again.start_code is None


class FullDisk:
    """A store that fails *times* times."""

    def __init__(self, store: Store, times: int = 1) -> None:
        self.read = store.read
        self._store = store
        self._left = times

    async def write(self, fn: Callable[[NotebookTx], Awaitable[T]]) -> T:
        if self._left:
            self._left -= 1
            raise StoreUnavailable
        return await self._store.write(fn)


async def test_a_claim_that_could_not_be_stored_can_be_made_again(store: Store, clock: FakeClock) -> None:
    people = await People(FullDisk(store, times=6), Access(), clock).load()
    code = code_of(people)
    for _ in range(6):
        with pytest.raises(StoreUnavailable):
            await people.claim(ALICE, code)
        assert not people.access.owners
        assert people.start_code == code
    assert await people.claim(ALICE, code)
