"""The chat page's server: whom it lets in, and what it tells and does. What people see is in the end-to-end tests."""

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Mapping
from typing import Any, Self

import aiohttp
import pytest

from sandbox.botapi import BotApi, Chat, Person
from sandbox.page import Cast, ChatPage, Offer

HOSTILE = "</script><img src=x onerror=alert(1)> \u202egpj.exe"


class Client:
    """A browser that has opened the page: what it was told, and what it does."""

    def __init__(self, session: aiohttp.ClientSession, page: ChatPage) -> None:
        self._connecting = session.ws_connect(f"{page.url}live", headers={"Origin": page.url.rstrip("/")})
        self.told: dict[tuple[int, int], dict[str, Any]] = {}
        self.status: dict[str, Any] = {}
        self.cast: dict[str, Any] = {}
        self._number = 0

    async def __aenter__(self) -> Self:
        self._socket = await self._connecting
        await self.until(lambda: bool(self.status))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._socket.close()

    async def _hear(self) -> dict[str, Any]:
        heard: dict[str, Any] = json.loads(await self._socket.receive_str())
        self.cast = heard.get("cast", self.cast)
        self.status |= heard.get("status", {})
        self.told |= {(one["chat"], one["id"]): one for one in heard.get("messages", [])}
        return heard

    async def until(self, condition: Any) -> None:
        while not condition():
            await self._hear()

    async def do(self, what: str, **given: object) -> Mapping[str, Any]:
        """Do it, and return how it was answered."""
        self._number += 1
        await self._socket.send_str(json.dumps({"n": self._number, "do": what, **given}))
        while (heard := await self._hear()).get("answer") != self._number:
            pass
        return heard


@pytest.fixture
async def api() -> AsyncIterator[BotApi]:
    async with BotApi() as api:
        yield api


@pytest.fixture
def alice(api: BotApi) -> Person:
    return api.person("Alice", language="en")


@pytest.fixture
def bob(api: BotApi) -> Person:
    return api.person("Bob", language="zh-hans")


@pytest.fixture
def group(api: BotApi, alice: Person, bob: Person) -> Chat:
    return api.group("Friends", alice, bob)


@pytest.fixture
async def page(api: BotApi, alice: Person, bob: Person, group: Chat) -> AsyncIterator[ChatPage]:
    chats = [api.private(alice), api.private(bob), group]
    people = [(alice, ("owner", "所有者")), (bob, ("let in", "已获准"))]
    cast = Cast(people=people, chats=chats, chips=[Offer("x", ("Hello", "你好"), "/hello")])
    async with ChatPage(api, cast, gone_seconds=0.05) as page:
        yield page


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def client(session: aiohttp.ClientSession, page: ChatPage) -> AsyncIterator[Client]:
    async with Client(session, page) as client:
        yield client


@pytest.mark.parametrize("path", ["", "index.html", "page.css", "page.js", "words.js", "icon.svg"])
async def test_every_file_comes_with_a_policy_that_allows_itself_alone(
    session: aiohttp.ClientSession, page: ChatPage, path: str
) -> None:
    async with session.get(page.url + path) as answer:
        assert answer.status == 200
        policy = dict(part.split(" ", 1) for part in answer.headers["Content-Security-Policy"].split("; "))
        assert policy["default-src"] == "'none'"
        assert set(policy.values()) == {"'none'", "'self'"}
        assert answer.headers["X-Content-Type-Options"] == "nosniff"
        assert "http" not in (await answer.text()).replace("http://www.w3.org/2000/svg", "").lower()


@pytest.mark.parametrize("path", ["", "page.js", "live", "file/file-1"])
@pytest.mark.parametrize("host", ["evil.example", "evil.example:{port}", "127.0.0.1", "127.0.0.1.evil.example:{port}"])
async def test_a_name_that_points_here_is_refused(
    session: aiohttp.ClientSession, page: ChatPage, path: str, host: str
) -> None:
    port = page.url.rsplit(":", 1)[1].rstrip("/")
    async with session.get(page.url + path, headers={"Host": host.format(port=port)}) as answer:
        assert answer.status == 403


@pytest.mark.parametrize(
    "origin", ["http://evil.example", "null", "https://127.0.0.1:{port}", "http://127.0.0.1:1", None]
)
async def test_no_other_page_drives_it(session: aiohttp.ClientSession, page: ChatPage, origin: str | None) -> None:
    port = page.url.rsplit(":", 1)[1].rstrip("/")
    headers = {"Origin": origin.format(port=port)} if origin else {}
    with pytest.raises(aiohttp.WSServerHandshakeError) as refused:
        await session.ws_connect(f"{page.url}live", headers=headers)
    assert refused.value.status == 403


async def test_a_port_that_is_taken_is_refused(api: BotApi, page: ChatPage) -> None:
    port = int(page.url.rsplit(":", 1)[1].rstrip("/"))
    with pytest.raises(OSError, match="address already in use"):
        async with ChatPage(api, Cast(people=[], chats=[]), port=port):
            pass


async def test_what_is_written_comes_as_text_letter_by_letter(client: Client, alice: Person, api: BotApi) -> None:
    message = alice.say(api.private(alice), HOSTILE)
    key = (message.chat.id, message.id)
    await client.until(lambda: key in client.told)
    assert client.told[key]["text"] == HOSTILE
    alice.edit(message, "edited")
    await client.until(lambda: client.told[key]["text"] == "edited")
    assert client.told[key]["edited"] is True
    alice.delete(message)
    await client.until(lambda: client.told[key].get("deleted"))


async def test_people_write_reply_edit_forward_and_delete(
    client: Client, api: BotApi, alice: Person, group: Chat
) -> None:
    here = {"as": alice.id, "chat": alice.id}
    assert "wrong" not in await client.do("say", **here, text="/note 1")
    assert "wrong" not in await client.do("say", **here, text="an answer", reply=1)
    assert "wrong" not in await client.do("edit", **here, message=1, text="other words")
    assert "wrong" not in await client.do("forward", **here, message=2, to=group.id)
    assert "wrong" not in await client.do("delete", **here, message=1)
    first, second = api.private(alice).every_message
    assert (first.text, first.deleted) == ("other words", True)
    assert second.reply_to is first
    (forwarded,) = group.messages
    assert (forwarded.text, forwarded.as_json()["forward_origin"]) == (
        "an answer",
        {"date": int(forwarded.date), "type": "user", "sender_user": alice.account.as_json()},
    )


async def test_a_file_goes_up_and_comes_down_to_be_saved(
    client: Client, session: aiohttp.ClientSession, page: ChatPage, api: BotApi, alice: Person
) -> None:
    content = "三体\n".encode("gbk")
    file = {"name": "../a.html", "content": base64.b64encode(content).decode()}
    assert "wrong" not in await client.do("say", **{"as": alice.id}, chat=alice.id, text="my list", file=file)
    (message,) = api.private(alice).messages
    assert message.document is not None
    assert (message.text, message.document.name, message.document.content) == ("my list", "a.html", content)
    async with session.get(f"{page.url}file/{message.document.id}") as answer:
        assert (await answer.read(), answer.content_type) == (content, "application/octet-stream")
        assert answer.headers["Content-Disposition"] == "attachment"


async def test_what_cannot_be_done_is_said_and_nothing_is(
    client: Client, api: BotApi, alice: Person, bob: Person, group: Chat
) -> None:
    alice.say(group, "mine")
    alice.say(api.private(alice), "too")
    for what, given in (
        ("say", {"as": bob.id, "chat": alice.id, "text": "in another's chat"}),
        ("say", {"as": 1, "chat": alice.id, "text": "as nobody"}),
        ("say", {"as": alice.id, "chat": alice.id, "text": "  "}),
        ("say", {"as": alice.id, "chat": alice.id, "text": "x" * 4097}),
        ("say", {"as": alice.id, "chat": alice.id, "text": "", "file": {"name": "x", "content": "*"}}),
        ("say", {"as": alice.id, "chat": alice.id, "text": "x", "reply": 99}),
        ("edit", {"as": bob.id, "chat": group.id, "message": 1, "text": "not mine"}),
        ("delete", {"as": bob.id, "chat": group.id, "message": 1}),
        ("forward", {"as": alice.id, "chat": alice.id, "message": 1, "to": bob.id}),
        ("press", {"as": alice.id, "chat": alice.id, "message": 99, "data": "x"}),
        ("trouble", {"kind": "fire"}),
        ("dance", {}),
    ):
        assert (await client.do(what, **given)).get("wrong"), what
    assert [one.text for chat in (api.private(alice), api.private(bob), group) for one in chat.messages] == [
        "too",
        "mine",
    ]


async def test_two_pages_see_the_same(session: aiohttp.ClientSession, page: ChatPage, alice: Person) -> None:
    async with Client(session, page) as one, Client(session, page) as other:
        await one.do("say", **{"as": alice.id}, chat=alice.id, text="hello")
        await other.until(lambda: (alice.id, 1) in other.told)
    async with Client(session, page) as later:
        await later.until(lambda: (alice.id, 1) in later.told)
        assert [one["name"] for one in later.cast["people"]] == ["Alice", "Bob"]
        assert later.cast["chips"] == [{"sort": "x", "label": ["Hello", "你好"], "text": "/hello"}]


async def test_telegram_is_gone_and_comes_back_by_itself(
    client: Client, session: aiohttp.ClientSession, api: BotApi
) -> None:
    await client.do("trouble", kind="gone")
    await client.until(lambda: client.status["gone"])
    await client.until(lambda: not client.status["gone"])
    async with session.get(f"{api.base_url}{api.token}/getMe") as answer:
        assert answer.status == 200


async def test_the_next_message_is_refused_and_what_is_late_can_be_seen(
    client: Client, session: aiohttp.ClientSession, api: BotApi, alice: Person
) -> None:
    await client.do("trouble", kind="refuse")
    api.private(alice)
    answers = []
    for _ in range(2):
        async with session.post(
            f"{api.base_url}{api.token}/sendMessage", json={"chat_id": alice.id, "text": "x"}
        ) as answer:
            answers.append((answer.status, (await answer.json()).get("parameters")))
    assert answers == [(429, {"retry_after": 5}), (200, None)]
    await client.do("trouble", kind="slow", on=True)
    await client.until(lambda: client.status["slow"])
    await client.do("trouble", kind="slow", on=False)
    await client.until(lambda: not client.status["slow"])


async def test_when_it_ends_telegram_is_there_and_the_pages_are_told(
    session: aiohttp.ClientSession, api: BotApi, alice: Person
) -> None:
    async with ChatPage(api, Cast(people=[(alice, ("", ""))], chats=[api.private(alice)]), gone_seconds=3600) as page:
        socket = await session.ws_connect(f"{page.url}live", headers={"Origin": page.url.rstrip("/")})
        await socket.send_json({"n": 1, "do": "trouble", "kind": "gone"})
        while "answer" not in await socket.receive_json():
            pass
        ending = asyncio.ensure_future(_last(socket))
    assert await ending in {aiohttp.WSMsgType.CLOSE, aiohttp.WSMsgType.CLOSING}
    async with session.get(f"{api.base_url}{api.token}/getMe") as answer:
        assert answer.status == 200


async def _last(socket: aiohttp.ClientWebSocketResponse) -> aiohttp.WSMsgType:
    while (message := await socket.receive()).type is aiohttp.WSMsgType.TEXT:
        pass
    return message.type
