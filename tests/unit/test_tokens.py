"""Tokens: shown once, known by what cannot be turned back into them, and each its person's own."""

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from services.errors import StoreUnavailable, TokenNameTaken, TokenNameUnfit, TokenNotFound, TooManyTokens
from services.notebook.tokens import Tokens
from services.store.store import Store
from services.torrents import PersonId
from tests.fake_clock import FakeClock

ALICE, BOB = PersonId("tg:1"), PersonId("tg:2")


@pytest.fixture
def tokens(store: Store, clock: FakeClock) -> Tokens:
    return Tokens(store, clock)


async def test_a_token_opens_its_persons_things_until_it_is_taken_back(tokens: Tokens) -> None:
    hers, his = await tokens.give(ALICE, "backup"), await tokens.give(BOB, "backup")
    assert hers != his
    assert (await tokens.whose(hers), await tokens.whose(his), await tokens.whose(hers + "x")) == (ALICE, BOB, None)
    await tokens.take_back(ALICE, "backup")
    assert (await tokens.whose(hers), await tokens.whose(his)) == (None, BOB)
    with pytest.raises(TokenNotFound):
        await tokens.take_back(ALICE, "backup")


async def test_the_database_does_not_have_it(tokens: Tokens, tmp_path: Path) -> None:
    secret = await tokens.give(ALICE, "backup", request_key="k")
    with closing(sqlite3.connect(tmp_path / "calibot.db")) as database:
        dump = "\n".join(database.iterdump())
    assert "backup" in dump
    assert secret.removeprefix("calibot_") not in dump


async def test_the_same_request_again_gives_another_in_its_place(tokens: Tokens) -> None:
    lost = await tokens.give(ALICE, "backup", request_key="k")
    shown = await tokens.give(ALICE, "backup", request_key="k")
    assert (await tokens.whose(lost), await tokens.whose(shown)) == (None, ALICE)
    assert len(await tokens.of(ALICE)) == 1


async def test_a_name_is_taken_once_and_there_is_an_end_to_them(tokens: Tokens) -> None:
    for number in range(20):
        await tokens.give(ALICE, f"token {number}")
    with pytest.raises(TokenNameTaken):
        await tokens.give(ALICE, "token 3")
    with pytest.raises(TooManyTokens):
        await tokens.give(ALICE, "one more")
    await tokens.give(BOB, "token 3")


@pytest.mark.parametrize("name", ["", "x" * 41, "two\nlines", "\u202ebackwards", "nul\0"])
async def test_a_name_is_one_short_line(name: str, tokens: Tokens) -> None:
    with pytest.raises(TokenNameUnfit):
        await tokens.give(ALICE, name)
    assert await tokens.of(ALICE) == []


async def test_the_last_use_is_known_to_the_hour(tokens: Tokens, clock: FakeClock) -> None:
    secret = await tokens.give(ALICE, "backup")

    async def used() -> float | None:
        return (await tokens.of(ALICE))[0].used_at

    assert await used() is None
    await tokens.whose(secret)
    first = await used()
    assert first == clock.now()
    await clock.advance(1800)
    await tokens.whose(secret)
    assert await used() == first
    await clock.advance(1801)
    await tokens.whose(secret)
    assert await used() == clock.now()


async def test_a_store_that_takes_no_writes_still_lets_read(
    tokens: Tokens, store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    secret = await tokens.give(ALICE, "backup")

    async def full(_: object) -> None:
        raise StoreUnavailable(reason="disk full")

    monkeypatch.setattr(store, "write", full)
    assert await tokens.whose(secret) == ALICE
