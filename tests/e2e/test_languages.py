"""In which language people are answered, from the first word of a conversation to the last."""

import re
from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest
import pytest_asyncio

from sandbox.botapi import Chat, Message, Person
from sandbox.swarm import make_sample
from tests.e2e.conftest import World, opened_world, states

pytestmark = pytest.mark.asyncio(loop_scope="module")

CHINESE = re.compile(r"[\u4e00-\u9fff]")
ENGLISH = re.compile(r"(?<![/\w])[a-z]{3,} [a-z]{2,}")
FORWARDED = {"type": "hidden_user", "sender_user_name": "Somebody"}
OWN = "In this chat each person is answered in the language of their Telegram."
SPEAKS_ENGLISH, SPEAKS_CHINESE = "In this chat I speak English.", "在这个聊天里，我使用中文。"


@dataclass
class Town(World):
    """Alice owns the bot and has an English app; Mei's is Chinese. Erin is the groups' administrator."""

    async def fill(self) -> None:
        self.timeout = 600  # nothing ends by itself
        self.mei = self.api.person("Mei", language="zh-hans")
        self.users.append(self.mei.id)
        self.guests = [self.invite(f"Guest {number}") for number in range(5)]
        self.erin, self.dave = self.api.person("Erin", language="en"), self.api.person("Dave", language="en")
        self.groups = [self.group(f"Group {number}", self.erin, self.dave, self.mei) for number in range(4)]
        self.forum = self.api.group("Forum", self.erin, self.dave, forum=True)
        self.chats.append(self.forum.id)
        for group in (*self.groups, self.forum):
            group.set_status(self.erin, "administrator")
        await self.start()

    async def live_card(self, person: Person, chat: Chat) -> Message:
        """Return the card of a lookup that goes on."""
        return await self.ask(f"/calibrate_hash {self.swarm.dead().magnet()}", person=person, chat=chat)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def town(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Town]:
    async with opened_world(tmp_path_factory.mktemp("town"), Town) as town:
        await town.fill()
        yield town


def number_in(saved: Message) -> str:
    found = re.search(r"#(\d+)", saved.text)
    assert found is not None
    return found[1]


async def test_whose_app_is_chinese_is_answered_in_chinese_to_the_end(town: Town) -> None:
    mei, chat = town.mei, town.api.private(town.mei)
    sample = town.swarm.seed(make_sample("三体.mkv", files=[("a.mkv", 1_234)]))
    saved = await town.ask(f"{sample.magnet()}&dn=Ubuntu.22.04.iso", person=mei, chat=chat)
    number = number_in(saved)
    assert saved.text == f"已保存 #{number}：1 个磁力链接。"
    card = await town.ask(f"/calibrate {number}", person=mei, chat=chat)
    size, names = "1.23 kB · 1 个文件 · 已验证", "原名：Ubuntu.22.04.iso → 现名：三体.mkv"
    await town.shows(card, "已完成", "三体.mkv", size, f"已更正：#{number}", names)
    assert states(card)[-1] == "已完成"
    assert set(states(card)) <= {"等待中", "进行中", "已完成"}
    assert (await mei.press(card, "撤销")).text == "已在 1 条笔记中撤销。"
    await town.shows(card, "已完成", "已在 1 条笔记中撤销。")

    live = await town.live_card(mei, chat)
    await town.shows(live, "进行中")
    await mei.press(live, "取消")
    await town.shows(live, "已取消", "不再继续查找")

    asked = ("/help", "/start", f"/history {number}", "/note 999999", "/queue", "/search 没有", "hello", "/wrong")
    for text in asked:
        await town.ask(text, person=mei, chat=chat)
    for text in (shown for one in chat.bot_messages for _, shown in one.versions):
        assert CHINESE.search(text), text
        assert not ENGLISH.search(text), text


async def test_a_stranger_is_refused_in_the_language_of_their_app(town: Town) -> None:
    stranger = town.api.person("Stranger", language="zh-hant")
    refused = await town.ask("hello", person=stranger, chat=town.api.private(stranger))
    assert refused.text == f"这个机器人只为所有者允许的人服务。请把你的编号告诉所有者：{stranger.id}"


async def test_in_private_a_language_is_chosen_by_a_word_or_by_a_press(town: Town) -> None:
    guest = town.guests[0]
    chat = town.api.private(guest)
    asked = await town.ask("/language", person=guest, chat=chat)
    assert asked.text == OWN
    assert [[label for label, _ in row] for row in asked.buttons] == [["English", "中文"], ["Each person's own"]]
    assert (await guest.press(asked, "中文")).text == ""
    await town.shows(asked, SPEAKS_CHINESE)
    assert (await town.ask("/note 999999", person=guest, chat=chat)).text == "这里没有这条笔记。"
    assert (await town.ask("/language", person=guest, chat=chat)).text == SPEAKS_CHINESE
    await guest.press(asked, "各自的语言")
    await town.shows(asked, OWN)
    assert (await town.ask("/language zh-hans", person=guest, chat=chat)).text == SPEAKS_CHINESE
    assert (await town.ask("/language English", person=guest, chat=chat)).text == SPEAKS_ENGLISH
    wrong = await town.ask("/language klingon", person=guest, chat=chat)
    assert wrong.text.startswith("I speak English and Chinese: ")
    assert (await town.ask("/language auto", person=guest, chat=chat)).text == OWN


async def test_a_language_that_was_chosen_outranks_the_app_of_whoever_asks(town: Town) -> None:
    group = town.groups[0]
    assert (await town.ask("/language en", person=town.erin, chat=group)).text == SPEAKS_ENGLISH
    saved = await town.ask(make_sample("noted").magnet(), person=town.mei, chat=group)
    assert saved.text == f"#{number_in(saved)} saved: 1 magnet."


async def test_in_a_group_its_language_is_chosen_by_those_who_may_do_all_there(town: Town) -> None:
    group = town.groups[1]
    refused = "Only an administrator of this group may do that."
    asked = await town.ask("/language", person=town.dave, chat=group)
    assert asked.text == OWN
    assert (await town.ask("/language zh", person=town.dave, chat=group)).text == refused
    assert (await town.dave.press(asked, "中文")).text == refused
    assert asked.text == OWN
    assert (await town.ask("/language zh", person=town.erin, chat=group)).text == SPEAKS_CHINESE
    assert (await town.dave.press(asked, "English")).text == "只有本群组的管理员才能这样做。"
    assert town.rows(f"SELECT language FROM doors WHERE door = 'tg:{group.id}'") == [("zh",)]  # noqa: S608 - a test's


async def test_all_that_is_said_in_a_group_is_in_its_language(town: Town) -> None:
    group, elsewhere = town.groups[2], town.groups[3]
    before = await town.live_card(town.dave, group)
    await town.shows(before, "running")
    await town.ask("/language zh", person=town.erin, chat=group)

    # A card that is there already follows when it changes, and who may not touch it is told in Chinese.
    assert (await town.mei.press(before, "Cancel")).text == "只有提交者本人或管理员才能这样做。"
    await town.dave.press(before, "Cancel")
    await town.shows(before, "已取消")

    for one in range(2):
        last = town.dave.say(group, make_sample(f"forwarded {one}").magnet(), forwarded=FORWARDED)
    gathered = await town.answer(last)
    assert re.fullmatch(r"已保存 #\d+–#\d+：2 个磁力链接。", gathered.text)
    after = await town.live_card(town.dave, group)
    await town.shows(after, "进行中")
    assert states(after)[0] in {"等待中", "进行中"}
    assert (await town.ask("/note 999999", person=town.dave, chat=elsewhere)).text == "There is no such note here."


async def test_a_forum_has_one_language_in_all_its_topics(town: Town) -> None:
    first, second = (town.forum.open_topic() for _ in range(2))
    chosen = town.erin.say(town.forum, "/language zh", topic=first)
    assert (await town.answer(chosen)).text == SPEAKS_CHINESE
    asked = town.dave.say(town.forum, f"/calibrate_hash {town.swarm.dead().magnet()}", topic=second)
    card = await town.shows(await town.answer(asked), "进行中")
    assert card.topic == second


async def test_a_chosen_language_holds_after_a_restart_and_its_cards_go_on_in_it(town: Town) -> None:
    guest = town.guests[1]
    chat = town.api.private(guest)
    await town.ask("/language zh", person=guest, chat=chat)
    card = await town.live_card(guest, chat)
    await town.shows(card, "进行中")
    await town.follows(card)
    town.kill()
    await town.ended()
    await town.start()
    await guest.press(card, "取消")
    await town.shows(card, "已取消")
    assert set(states(card)) <= {"等待中", "进行中", "已取消"}
    assert (await town.ask("/language", person=guest, chat=chat)).text == SPEAKS_CHINESE
    assert (await town.ask("/language auto", person=guest, chat=chat)).text == OWN
