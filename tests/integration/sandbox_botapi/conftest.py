from collections.abc import AsyncIterator

import httpx
import pytest
from telegram import Bot

from sandbox.botapi import BotApi, Chat, Limits, Person
from tests.integration.sandbox_botapi.clients import HandMovedTime, bot_of, http_of


@pytest.fixture(autouse=True)
def _no_deprecation_in_retry_after(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PTB_TIMEDELTA", "1")


@pytest.fixture
def clock() -> HandMovedTime:
    return HandMovedTime()


@pytest.fixture
async def api(clock: HandMovedTime) -> AsyncIterator[BotApi]:
    async with BotApi(limits=Limits.none(), now=clock) as api:
        yield api


@pytest.fixture
async def bot(api: BotApi) -> AsyncIterator[Bot]:
    async with bot_of(api) as bot:
        yield bot


@pytest.fixture
async def http(api: BotApi) -> AsyncIterator[httpx.AsyncClient]:
    async with http_of(api) as client:
        yield client


@pytest.fixture
def alice(api: BotApi) -> Person:
    return api.person("Alice", username="alice", language="en")


@pytest.fixture
def private(api: BotApi, alice: Person) -> Chat:
    return api.private(alice)
