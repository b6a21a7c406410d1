"""Which notebooks are open to whom over HTTP."""

import asyncio
from types import SimpleNamespace

import pytest
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, TelegramError

from bot.doors import Doors, LocalDoor
from services.access import Access
from services.notebook.local import LOCAL
from services.notebook.people import People
from services.store.store import Store
from services.torrents import PersonId
from tests.fake_clock import FakeClock
from web.given import Others

ALICE, BOB, CAROL = PersonId("tg:1"), PersonId("tg:2"), PersonId("tg:3")


class FakeBot:
    """Says of everybody in every group the same."""

    def __init__(self) -> None:
        self.says: SimpleNamespace | TelegramError = SimpleNamespace(status="member")
        self.asked: list[tuple[int, int]] = []
        self.titles: list[int] = []
        self.fails_for: set[int] = set()

    async def get_chat_member(self, chat_id: int, user_id: int) -> SimpleNamespace:
        self.asked.append((chat_id, user_id))
        await asyncio.sleep(0)
        if chat_id in self.fails_for:
            raise NetworkError("Bad Gateway")
        if isinstance(self.says, TelegramError):
            raise self.says
        return self.says

    async def get_chat(self, chat_id: int) -> SimpleNamespace:
        self.titles.append(chat_id)
        await asyncio.sleep(0)
        if isinstance(self.says, TelegramError):
            raise self.says
        return SimpleNamespace(title=f"Films {chat_id}")


@pytest.fixture
def bot() -> FakeBot:
    return FakeBot()


@pytest.fixture
def doors(bot: FakeBot, store: Store, clock: FakeClock) -> Doors:
    access = Access(
        owners=frozenset({ALICE}), users=frozenset({BOB}), chats=frozenset({"tg:-5", "tg:-7"}), moved={"tg:-7": "tg:-8"}
    )
    return Doors(bot, People(store, access, clock), clock)  # type: ignore[arg-type] # as much of it as is asked


def test_a_private_chat_is_open_to_whom_it_is_served(doors: Doors) -> None:
    assert [doors.own(person) for person in (ALICE, BOB, CAROL)] == ["tg:1", "tg:2", None]


async def test_groups_are_asked_of_telegram_by_their_numbers_of_today_once_a_minute(
    doors: Doors, bot: FakeBot, clock: FakeClock
) -> None:
    assert (await doors.others(BOB)).doors == ["tg:-5", "tg:-8"]
    assert sorted(bot.asked) == [(-8, 2), (-5, 2)]
    bot.says = SimpleNamespace(status="left")
    await clock.advance(59)
    assert (await doors.others(BOB)).doors == ["tg:-5", "tg:-8"]
    assert len(bot.asked) == 2
    await clock.advance(2)
    assert (await doors.others(BOB)).doors == []


@pytest.mark.parametrize(
    ("member", "there"),
    [
        ({"status": "creator"}, True),
        ({"status": "administrator"}, True),
        ({"status": "restricted", "is_member": True}, True),
        ({"status": "restricted", "is_member": False}, False),
        ({"status": "left"}, False),
        ({"status": "kicked"}, False),
    ],
    ids=str,
)
async def test_a_member_is_who_telegram_says_is_one(
    member: dict[str, object], there: bool, doors: Doors, bot: FakeBot
) -> None:
    bot.says = SimpleNamespace(**member)
    assert bool((await doors.others(BOB)).doors) is there


@pytest.mark.parametrize(
    "error",
    [BadRequest("Bad Request: member not found"), Forbidden("Forbidden: bot was kicked"), ChatMigrated(-100)],
    ids=str,
)
async def test_where_telegram_knows_of_none_there_is_none(error: TelegramError, doors: Doors, bot: FakeBot) -> None:
    bot.says = error
    for _ in range(3):
        assert await doors.others(BOB) == Others([])
    assert len(bot.asked) == 2, "once a minute, as of others"


async def test_a_telegram_out_of_reach_is_no_answer_and_is_asked_again(doors: Doors, bot: FakeBot) -> None:
    bot.says = NetworkError("Bad Gateway")
    assert await doors.others(BOB) == Others([], all_known=False)
    bot.says = SimpleNamespace(status="member")
    assert (await doors.others(BOB)).doors == ["tg:-5", "tg:-8"]


async def test_one_group_that_cannot_be_asked_shuts_no_other(doors: Doors, bot: FakeBot) -> None:
    bot.fails_for = {-8}
    assert await doors.others(BOB) == Others(["tg:-5"], all_known=False)


async def test_many_who_ask_at_once_are_one_question(doors: Doors, bot: FakeBot) -> None:
    found = await asyncio.gather(*(doors.others(BOB) for _ in range(50)))
    assert found == [Others(["tg:-5", "tg:-8"])] * 50
    assert await asyncio.gather(*(doors.title("tg:-5") for _ in range(50))) == ["Films -5"] * 50
    assert (len(bot.asked), len(bot.titles)) == (2, 1)


async def test_many_who_ask_a_telegram_out_of_reach_wait_for_it_once_together(doors: Doors, bot: FakeBot) -> None:
    bot.fails_for = {-5, -8}
    assert await asyncio.gather(*(doors.others(BOB) for _ in range(50))) == [Others([], all_known=False)] * 50
    assert len(bot.asked) == 2
    await doors.others(BOB)
    assert len(bot.asked) == 4


async def test_who_does_not_wait_any_more_leaves_the_question_to_the_others(doors: Doors, bot: FakeBot) -> None:
    asked = [asyncio.create_task(doors.others(BOB)) for _ in range(3)]
    await asyncio.sleep(0)
    asked[0].cancel()
    assert await asyncio.gather(*asked[1:]) == [Others(["tg:-5", "tg:-8"])] * 2


async def test_a_group_is_called_by_its_title_asked_for_once_an_hour(
    doors: Doors, bot: FakeBot, clock: FakeClock
) -> None:
    for seconds, asked in ((0, 1), (3599, 1), (2, 2)):
        await clock.advance(seconds)
        assert await doors.title("tg:-5") == "Films -5"
        assert bot.titles == [-5] * asked


async def test_a_title_that_cannot_be_asked_for_is_none_and_is_asked_for_again_in_a_minute(
    doors: Doors, bot: FakeBot, clock: FakeClock
) -> None:
    bot.says = NetworkError("down")
    for seconds, asked in ((0, 1), (59, 1)):
        await clock.advance(seconds)
        assert await doors.title("tg:-5") == ""
        assert len(bot.titles) == asked
    bot.says = SimpleNamespace(status="member")
    await clock.advance(2)
    assert await doors.title("tg:-5") == "Films -5"


async def test_without_telegram_the_machines_own_door_is_open_to_its_owner_alone(doors: Doors) -> None:
    assert [LocalDoor().own(person) for person in (LOCAL, ALICE)] == ["local", None]
    assert await LocalDoor().others(LOCAL) == Others()
    assert doors.own(LOCAL) is None, "and to nobody where there is Telegram"
