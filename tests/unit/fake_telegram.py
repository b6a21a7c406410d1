"""Telegram as the outbox meets it: its limits, its messages and its moods, its latency by the fake clock."""

import random
from collections import Counter, defaultdict, deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import cast

from telegram import Bot, InlineKeyboardMarkup, InputFile, LinkPreviewOptions, ReplyParameters
from telegram.error import BadRequest, ChatMigrated, Forbidden, NetworkError, RetryAfter, TelegramError

from tests.fake_clock import FakeClock

FORGETS = 60.0  # seconds that the limits look back


@dataclass(frozen=True, slots=True)
class Sent:
    message_id: int


@dataclass(frozen=True, slots=True)
class Call:
    """A request that Telegram carried out, and when; *edits* is the message that it edited."""

    at: float
    chat_id: int
    text: str
    edits: int | None
    thread_id: int | None = None
    reply: ReplyParameters | None = None
    document: tuple[str, bytes] | None = None


@dataclass(frozen=True, slots=True)
class Mishap:
    """What a request meets: *error*, after it was carried out when *applied* (its answer is lost)."""

    error: TelegramError
    applied: bool = False


@dataclass(slots=True)
class Chat:
    """Five tokens, one more a second."""

    tokens: float = 5.0
    counted_at: float = 0.0
    recent: deque[float] = field(default_factory=deque)

    def admits(self, now: float, most: float) -> bool:
        self.tokens = min(5.0, self.tokens + now - self.counted_at)
        self.counted_at = now
        while self.recent and self.recent[0] <= now - FORGETS:
            self.recent.popleft()
        if self.tokens < 1 - 1e-6 or len(self.recent) >= most:
            return False
        self.tokens -= 1
        self.recent.append(now)
        return True


class FakeTelegram:
    def __init__(self, clock: FakeClock) -> None:
        self.clock = clock
        self.calls: list[Call] = []
        self.refused = 0  # 429s that the caller brought upon itself
        self.presses: list[tuple[str, str | None]] = []
        self.messages: dict[tuple[int, int], tuple[str, InlineKeyboardMarkup | None]] = {}
        self.threads: dict[tuple[int, int], int | None] = {}
        self.press_mishaps: deque[TelegramError] = deque()
        self.latency: Callable[[], float] = lambda: 0.02
        self.slow: dict[int, float] = {}
        self.blocked: set[int] = set()
        self.turned_away: Counter[int] = Counter()  # requests to those
        self.upgraded: dict[int, int] = {}
        self.down = False
        self.under_way: defaultdict[int, int] = defaultdict(int)
        self.most_at_once: defaultdict[int, int] = defaultdict(int)
        self._mishaps: defaultdict[int, deque[Mishap]] = defaultdict(deque)
        self._chats: defaultdict[int, Chat] = defaultdict(Chat)
        self._recent: deque[float] = deque()
        self._draw = random.Random(0)
        self._ids = iter(range(1, 10**9))

    @property
    def bot(self) -> Bot:
        return cast("Bot", self)

    def mishaps(self, chat_id: int, *mishaps: Mishap) -> None:
        """Let the next requests for this chat meet these."""
        self._mishaps[chat_id].extend(mishaps)

    def shown(self, chat_id: int, thread_id: int | None = None) -> list[str]:
        """Return the texts that the chat, or one topic of it, has now, oldest first."""
        there = [key for key in sorted(self.messages) if key[0] == chat_id]
        return [self.messages[key][0] for key in there if thread_id in {None, self.threads[key]}]

    def texts(self, chat_id: int) -> list[str]:
        """Return what was sent and edited in the chat, in order."""
        return [call.text for call in self.calls if call.chat_id == chat_id]

    async def send_message(
        self,
        chat_id: int,
        text: str,
        *,
        message_thread_id: int | None,
        parse_mode: str,
        link_preview_options: LinkPreviewOptions,
        reply_parameters: ReplyParameters | None,
        reply_markup: InlineKeyboardMarkup | None,
    ) -> Sent:
        assert parse_mode == "HTML"
        assert link_preview_options.is_disabled

        async def send() -> Sent:
            message_id = next(self._ids)
            self.messages[chat_id, message_id] = text, reply_markup
            self.threads[chat_id, message_id] = message_thread_id
            call = Call(self.clock.now(), chat_id, text, None, message_thread_id, reply_parameters)
            self.calls.append(call)
            return Sent(message_id)

        return await self._request(chat_id, send)

    async def send_document(
        self,
        chat_id: int,
        document: InputFile,
        *,
        caption: str | None,
        message_thread_id: int | None,
        parse_mode: str,
        reply_parameters: ReplyParameters | None,
        reply_markup: InlineKeyboardMarkup | None,
        read_timeout: float,
        write_timeout: float,
    ) -> Sent:
        assert parse_mode == "HTML"
        assert min(read_timeout, write_timeout) > 60

        async def send() -> Sent:
            message_id = next(self._ids)
            self.messages[chat_id, message_id] = caption or "", reply_markup
            self.threads[chat_id, message_id] = message_thread_id
            content = document.input_file_content
            if not isinstance(content, bytes):
                content.seek(0)  # as the HTTP library does
                content = content.read()
            file = document.filename, content
            call = Call(self.clock.now(), chat_id, caption or "", None, message_thread_id, reply_parameters, file)
            self.calls.append(call)
            return Sent(message_id)

        return await self._request(chat_id, send)

    async def edit_message_text(
        self,
        text: str,
        *,
        chat_id: int,
        message_id: int,
        parse_mode: str,
        link_preview_options: LinkPreviewOptions,
        reply_markup: InlineKeyboardMarkup | None,
    ) -> Sent:
        assert parse_mode == "HTML"
        assert link_preview_options.is_disabled

        async def edit() -> Sent:
            if (chat_id, message_id) not in self.messages:
                raise BadRequest("Bad Request: message to edit not found")
            if self.messages[chat_id, message_id] == (text, reply_markup):
                raise BadRequest(
                    "Bad Request: message is not modified: specified new message content and reply markup are exactly"
                    " the same as a current content and reply markup of the message"
                )
            self.messages[chat_id, message_id] = text, reply_markup
            self.calls.append(Call(self.clock.now(), chat_id, text, message_id))
            return Sent(message_id)

        return await self._request(chat_id, edit)

    async def answer_callback_query(self, callback_query_id: str, *, text: str | None, show_alert: bool) -> bool:
        if self.press_mishaps:
            raise self.press_mishaps.popleft()
        self.presses.append((callback_query_id, text))
        return True

    async def _request(self, chat_id: int, carry_out: Callable[[], Awaitable[Sent]]) -> Sent:
        self.under_way[chat_id] += 1
        self.most_at_once[chat_id] = max(self.most_at_once[chat_id], self.under_way[chat_id])
        try:
            latency = self.slow.get(chat_id) or self.latency()
            there = latency * self._draw.random()
            await self.clock.sleep(there)
            sent = await self._carried_out(chat_id, carry_out)
            await self.clock.sleep(latency - there)
            return sent
        finally:
            self.under_way[chat_id] -= 1

    async def _carried_out(self, chat_id: int, carry_out: Callable[[], Awaitable[Sent]]) -> Sent:
        if self.down:
            raise NetworkError("Bad Gateway")
        self._limit(chat_id)
        if chat_id in self.blocked:
            self.turned_away[chat_id] += 1
            raise Forbidden("Forbidden: bot was blocked by the user")
        if chat_id in self.upgraded:
            raise ChatMigrated(self.upgraded[chat_id])
        mishap = self._mishaps[chat_id].popleft() if self._mishaps[chat_id] else None
        if mishap and not mishap.applied:
            raise mishap.error
        sent = await carry_out()
        if mishap:
            raise mishap.error
        return sent

    def _limit(self, chat_id: int) -> None:
        now = self.clock.now()
        while self._recent and self._recent[0] <= now - 1:
            self._recent.popleft()
        if len(self._recent) >= 30 or not self._chats[chat_id].admits(now, 20 if chat_id < 0 else 10**9):
            self.refused += 1
            raise RetryAfter(30)
        self._recent.append(now)
