"""In which language a chat is answered."""

import sqlite3
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from handlers.language import NAMES, _meant, language_message
from handlers.live_status import LiveStatus
from services.calibration.follower import NewFollower
from services.calibration.followers import Followership
from services.errors import StoreUnavailable
from services.i18n import ENGLISH
from services.notebook.languages import Languages
from services.notebook.ports import NotebookTx, T
from services.store.store import Store
from services.torrents import NotebookId, PersonId
from tests.fake_clock import FakeClock, settle
from tests.languages import ALL, CATALOGUES, CHINESE
from tests.unit.conftest import Run
from tests.unit.fakes import hashes, moves

HERE, THERE = "tg:-1001", "tg:2"


@pytest.fixture
async def languages(store: Store, clock: FakeClock) -> Languages:
    return await Languages(store, CATALOGUES, clock).load()


async def test_everybody_is_answered_in_their_own_language_where_none_was_chosen(languages: Languages) -> None:
    assert languages.of(HERE) is None
    assert languages.words(HERE, "zh-hans") is CHINESE
    assert languages.words(HERE, "de") is ENGLISH


async def test_a_chosen_language_is_for_all_who_are_there_and_for_nobody_elsewhere(languages: Languages) -> None:
    await languages.choose(HERE, "zh")
    assert languages.words(HERE, "en") is CHINESE
    assert languages.words(THERE, "en") is ENGLISH
    await languages.choose(HERE, "en")
    assert languages.words(HERE, "zh-hans") is ENGLISH


async def test_a_chosen_language_holds_over_restarts_until_it_is_taken_back(
    languages: Languages, store: Store, clock: FakeClock
) -> None:
    await languages.choose(HERE, "zh")
    await languages.choose(THERE, "en")
    again = await Languages(store, CATALOGUES, clock).load()
    assert (again.of(HERE), again.of(THERE)) == ("zh", "en")
    await again.choose(HERE, None)
    last = await Languages(store, CATALOGUES, clock).load()
    assert (last.of(HERE), last.of(THERE)) == (None, "en")


async def test_a_choice_that_comes_twice_is_made_once(languages: Languages) -> None:
    await languages.choose(HERE, "zh", request_key="1")
    await languages.choose(HERE, None, request_key="2")
    await languages.choose(HERE, "zh", request_key="1")
    assert languages.of(HERE) is None


async def test_a_language_is_chosen_for_a_chat_that_has_notes_and_these_stay_behind_its_door(
    languages: Languages, store: Store, notebook: NotebookId
) -> None:
    await languages.choose("tg:1", "zh")
    assert await store.read(lambda tx: tx.notebooks.behind("tg:1")) == notebook


async def test_a_choice_that_cannot_be_stored_changes_nothing(store: Store, clock: FakeClock) -> None:
    class Full:
        read = store.read

        async def write(self, fn: Callable[[NotebookTx], Awaitable[T]]) -> T:
            raise StoreUnavailable(reason="disk full")

    languages = await Languages(Full(), CATALOGUES, clock).load()
    with pytest.raises(StoreUnavailable):
        await languages.choose(HERE, "zh")
    assert languages.of(HERE) is None


async def test_a_language_of_which_no_catalogue_is_left_is_english(
    languages: Languages, store: Store, clock: FakeClock, tmp_path: Path
) -> None:
    await languages.choose(HERE, "zh")
    connection = sqlite3.connect(tmp_path / "calibot.db")
    connection.execute("UPDATE doors SET language = 'eo'")
    connection.commit()
    connection.close()
    again = await Languages(store, CATALOGUES, clock).load()
    assert again.words(HERE, "zh") is ENGLISH
    assert "eo" in language_message(ENGLISH, again.of(HERE)).html


@pytest.mark.parametrize("address", [HERE, f"{HERE}:7"], ids=["chat", "topic"])
async def test_a_card_follows_the_language_of_its_chat_and_else_of_who_asked(
    address: str, languages: Languages, run: Run, store: Store, notebook: NotebookId, clock: FakeClock
) -> None:
    async with run() as manager:
        followers = Followership(store, clock)
        live = LiveStatus(manager, followers, moves(store, clock), clock, languages)
        task_id = await manager.submit_task(
            request=hashes("a"),
            notebook=notebook,
            asked_by=PersonId("tg:1"),
            cause="command",
            follower=NewFollower(address=address, reply_to=7, message_id=None, language="zh-hans"),
        )
        await settle()  # it runs
        (follower,) = await followers.of(task_id)

        async def first_word() -> str:
            card = await live.render(follower.id)
            assert card is not None
            return card.message.html.partition(" ")[0]

        said = [await first_word()]
        for chosen in ("en", "zh", None):
            await languages.choose(HERE, chosen)
            said.append(await first_word())
        state = {name: f"<b>{t.gettext('running')}</b>" for name, t in ALL.items()}
        assert said == [state["zh"], state["en"], state["zh"], state["zh"]]


# What is asked for.


@pytest.mark.parametrize(
    ("asked", "meant"),
    [
        ("zh", "zh"),
        ("ZH-Hant", "zh"),
        ("中文", "zh"),
        ("en", "en"),
        ("english", "en"),
        ("English ", "en"),
        ("auto", "auto"),
        ("AUTO", "auto"),
        ("de", None),
        ("zh en", None),
        ("", None),
    ],
)
def test_a_language_is_meant_by_its_tag_or_its_name(asked: str, meant: str | None) -> None:
    assert _meant(asked, CATALOGUES) == meant


def test_every_language_that_there_is_can_be_pressed_and_says_its_own_name() -> None:
    assert tuple(NAMES) == CATALOGUES.languages
    for t in ALL.values():
        for chosen in (None, *NAMES):
            message = language_message(t, chosen)
            assert message.keyboard is not None
            rows = [[(one.text, one.callback_data) for one in row] for row in message.keyboard.inline_keyboard]
            assert rows == [
                [("English", "language:en"), ("中文", "language:zh")],
                [(t.gettext("Each person's own"), "language:auto")],
            ]
            assert chosen is None or NAMES[chosen] in message.html
