"""The only way out to Telegram: a queue per chat, sent within Telegram's limits (`handlers.slots`).

In a chat the best rank goes first, and within a rank the one that came first; one request at a time. Across chats the
same order decides who gets the overall budget. What a message shows is rendered when its turn has come, so that any
number of marks cost one edit with the newest text. What has not been sent when the process ends is lost with it:
whoever marks keeps in the store what must be shown, and whoever answers what is answered, until it is told.
"""

import asyncio
import contextlib
import itertools
import math
import random
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass, replace
from typing import Self

import structlog
from structlog.typing import FilteringBoundLogger
from telegram import Bot, CallbackQuery
from telegram.constants import CallbackQueryLimit
from telegram.error import TelegramError

from handlers.chat_queue import Answer, ChatQueue, Edit, Told, Turn
from handlers.outgoing import Address, Card, Cards, Message, Subject
from handlers.refusals import Fate, fate, loggable, new_chat, seconds_to_wait
from handlers.slots import Limits, Rank, Slots
from handlers.wire import Wire
from services.calibration.follower import FollowerId
from services.clock import Clock, at_most
from services.errors import StoreUnavailable

__all__ = ["Address", "Card", "Cards", "FollowerId", "Limits", "Message", "Outbox", "Rank"]

_log: FilteringBoundLogger = structlog.get_logger(__name__)

_SHORTEST_SLEEP = 0.001  # a float's rounding would otherwise make the dispatcher spin just before a moment
_LONGEST_BACK_OFF = 20.0  # and half as much again by jitter
_LAST_ANSWERS = 1.2  # seconds in which answers that wait are sent when the outbox is left: one more in each chat
_PATIENCE = 1.0  # and then for requests under way
_LONGEST_STILL = 2.0  # seconds
_MOST_ANSWERS = 200  # that may wait for one chat


def _nobody_waits() -> None:
    """Nothing hangs on this answer."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Figures:
    """What is *waiting* now; and since it began, the *requests*, and how many of them Telegram answered with a 429."""

    waiting: int
    requests: int
    flood_waits: int


@dataclass(slots=True)
class _Still:
    """A chat in which *presses* are being answered; it waits for that *until* then."""

    until: float
    presses: int = 0


class Outbox:
    """Sends and edits everything. Inside ``async with`` it sends; leaving it ends and awaits all that it started.

    Left, it takes nothing more, sends the answers that wait for a good second, and gives what is under way a second.
    *jitter* returns numbers from 0 to 1.
    """

    def __init__(
        self,
        bot: Bot,
        cards: Cards,
        *,
        clock: Clock,
        limits: Limits = Limits(),  # noqa: B008 - immutable
        jitter: Callable[[], float] = random.random,
    ) -> None:
        self._bot = bot
        self._wire = Wire(bot)
        self._cards = cards
        self._clock = clock
        self._limits = limits
        self._jitter = jitter
        self._overall = Slots(limits.overall)
        self._began = clock.monotonic()
        self._under_way = 0
        self._chats: dict[int, ChatQueue] = {}
        self._still: dict[int, _Still] = {}
        self._places = itertools.count()
        self._leaving = False
        self._stopped = False
        self._wake = asyncio.Event()
        self._empty = asyncio.Event()
        self._empty.set()
        self._running: asyncio.Task[None] | None = None
        self._requests = 0
        self._flood_waits = 0

    @property
    def figures(self) -> Figures:
        """How it is doing now."""
        waiting = sum(chat.count() for chat in self._chats.values())
        return Figures(waiting=waiting, requests=self._requests, flood_waits=self._flood_waits)

    async def __aenter__(self) -> Self:
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._leaving = True
        self._wake.set()
        if self._running is not None and any(chat.has_answers() for chat in self._chats.values()):
            await at_most(self._clock, _LAST_ANSWERS, asyncio.create_task(self.drained()))
        self._stop()
        if self._running is None:
            return
        await at_most(self._clock, _PATIENCE, self._running)
        if not self._running.cancelled():
            self._running.result()

    def answer(
        self,
        to: Address,
        message: Message,
        *,
        reply_to: int | None = None,
        rank: Rank = Rank.ANSWER,
        told: Told = _nobody_waits,
    ) -> None:
        """Answer a person: in order within the chat and *rank*, and tried until it worked or is pointless.

        The rest of a long answer takes a lower *rank*, so that it holds up no other. While a chat cannot be reached
        the oldest answers are dropped when more than 200 wait for it. *told* is called when it was sent or is dropped;
        not when the outbox was left before.
        """
        self._put_answer(to, Answer(message, reply_to, told), rank)

    def edit(self, to: Address, message_id: int, message: Message, *, told: Told = _nobody_waits) -> None:
        """Let one of the bot's own messages, which no follower is, show something else: an answer to a press on it."""
        self._put_answer(to, Edit(message_id, message, told), Rank.ANSWER)

    def _put_answer(self, to: Address, what: Answer | Edit, rank: Rank) -> None:
        self._put(Turn(rank=rank, place=next(self._places), to=to, what=what))
        chat = self._chats.get(to.chat_id)
        if chat and chat.failures and chat.shed(_MOST_ANSWERS):
            _log.warning("answer_dropped", chat=to.chat_id)

    def mark(self, subject: Subject, to: Address, rank: Rank) -> None:
        """Show the subject's newest state in its turn; marked again before that, the better rank counts.

        The first card of a command is an answer. Subjects are as many as the store has: nothing bounds them here.
        """
        self._put(Turn(rank=rank, place=next(self._places), to=to, what=subject))

    async def press(self, query: CallbackQuery, text: str | None = None, *, alert: bool = False) -> None:
        """Answer a press at once, round the queue: Telegram does not limit it. Never fails; too late is harmless."""
        shown = text and text[: CallbackQueryLimit.ANSWER_CALLBACK_QUERY_TEXT_LENGTH]
        for again in (True, False):
            try:
                await self._bot.answer_callback_query(query.id, text=shown, show_alert=alert)
            except TelegramError as error:
                if again and fate(error) is Fate.LATER:
                    continue
                _log.info("press_not_answered", error=loggable(error))
            return

    @contextlib.contextmanager
    def standing_still(self, chat_id: int) -> Iterator[None]:
        """Begin no request to the chat, so that a press in it is answered before any edit which it causes.

        That lasts two seconds at the most: somebody may press again and again, or Telegram be slow about one.
        """
        still = self._still.setdefault(chat_id, _Still(until=self._clock.monotonic() + _LONGEST_STILL))
        still.presses += 1
        try:
            yield
        finally:
            still.presses -= 1
            if not still.presses:
                del self._still[chat_id]
            self._wake.set()

    async def moved(self, chat_id: int, became: int) -> None:
        """Go on in the supergroup that a group has become, whoever tells of it first, and how often.

        Raises:
            StoreUnavailable: it is told again with the next request to the group.
        """
        await self._cards.moved(chat_id, became)
        if chat := self._chats.get(chat_id):
            for turn in chat.waiting():
                chat.drop(turn)
                self._follow(turn, Address(became))

    def _follow(self, turn: Turn, to: Address) -> None:
        moved = turn.at(to)
        if moved is None:
            turn.close()
        elif not self._stopped:
            self._queue(moved)

    async def drained(self) -> None:
        """Return when nothing waits and nothing is under way, or when the outbox has stopped."""
        await self._empty.wait()

    def _put(self, turn: Turn) -> None:
        if not (self._leaving or self._stopped):
            self._queue(turn)

    def _queue(self, turn: Turn) -> None:
        chat = self._chats.get(turn.to.chat_id)
        if chat is None:
            rate = self._limits.group if turn.to.is_group else self._limits.private
            slots = Slots(rate)
            slots.hold(self._began)  # what the process before us has sent just now counts too: no burst at first
            chat = self._chats[turn.to.chat_id] = ChatQueue(slots)
        chat.put(turn)
        if turn.rank is Rank.ANSWER:
            chat.retry_at = -math.inf  # a person who has just written is answered now, whatever failed before
        self._empty.clear()
        self._wake.set()

    def _stop(self) -> None:
        self._stopped = True
        self._chats.clear()
        self._empty.set()
        self._wake.set()

    async def _run(self) -> None:
        async with asyncio.TaskGroup() as tasks:
            while not self._stopped:
                self._wake.clear()
                pause = self._start_due(tasks)
                alarm = tasks.create_task(self._wake_in(pause)) if pause < math.inf else None
                await self._wake.wait()
                if alarm:
                    alarm.cancel()

    async def _wake_in(self, seconds: float) -> None:
        await self._clock.sleep(max(_SHORTEST_SLEEP, seconds))
        self._wake.set()

    def _start_due(self, tasks: asyncio.TaskGroup) -> float:
        """Start what may go now, best first; return the seconds until time alone lets something happen."""
        now = self._clock.monotonic()
        if self._leaving:
            for chat in self._chats.values():
                chat.drop_cards()
        due, pause = self._look(now)
        for turn, chat in sorted(due, key=lambda pair: pair[0]):
            wait = self._overall.wait(now, turn.rank, under_way=self._under_way)
            if wait > 0:
                return min(pause, wait)
            chat.pop(turn)
            chat.serving, chat.asking = turn, True
            self._under_way += 1
            tasks.create_task(self._serve(chat, turn))
        return pause

    def _look(self, now: float) -> tuple[list[tuple[Turn, ChatQueue]], float]:
        """Return the best of each chat that may go now, and when to look again; forget the chats that came to rest."""
        due: list[tuple[Turn, ChatQueue]] = []
        pause = math.inf
        at_work = False
        for chat_id, chat in list(self._chats.items()):
            best = chat.best()
            at_work = at_work or chat.serving is not None or best is not None
            if chat.serving is not None:
                continue
            wait = chat.slots.quiet_in(now) if best is None else chat.wait(now, best.rank)
            if still := self._still.get(chat_id):
                wait = max(wait, still.until - now)
            if wait > 0:
                pause = min(pause, wait)
            elif best is None:
                del self._chats[chat_id]
            else:
                due.append((best, chat))
        if not at_work:
            self._empty.set()
        return due, pause

    async def _serve(self, chat: ChatQueue, turn: Turn) -> None:
        """Give *turn* its slot; whatever becomes of it, the next one's way is free."""
        try:
            match turn.what:
                case Answer():
                    await self._give(chat, turn, turn.what)
                case Edit():
                    await self._change(chat, turn, turn.what)
                case subject:
                    await self._show(chat, turn, subject)
        except StoreUnavailable:
            self._unread(chat, turn)
        except Exception:  # noqa: BLE001 - a bug in one card must not silence the others; its traceback is logged
            _log.exception("outbox_bug", chat=turn.to.chat_id)
            turn.close()
        finally:
            self._asked(chat)
            chat.serving = None
            self._wake.set()

    def _asked(self, chat: ChatQueue) -> None:
        """Let others ask: its request is over, or there is none."""
        if chat.asking:
            chat.asking = False
            self._under_way -= 1
            self._wake.set()

    async def _give(self, chat: ChatQueue, turn: Turn, answer: Answer) -> None:
        try:
            await self._ask(chat, turn, self._wire.send(turn.to, answer.message, answer.reply_to))
        except TelegramError as error:
            await self._failed(chat, turn, error)
        else:
            answer.close()

    async def _change(self, chat: ChatQueue, turn: Turn, edit: Edit) -> None:
        try:
            await self._ask(chat, turn, self._wire.edit(turn.to, edit.message_id, edit.message))
        except TelegramError as error:
            if fate(error) is Fate.MESSAGE_GONE:  # somebody deleted it: there is nothing to show it in
                _log.info("message_gone", chat=turn.to.chat_id)
                edit.close()
            else:
                await self._failed(chat, turn, error)
        else:
            edit.close()

    async def _show(self, chat: ChatQueue, turn: Turn, subject: Subject) -> None:
        card = await self._cards.render(subject)
        if card is None:
            return
        if card.to != turn.to:  # its chat has become another since it was marked
            self._follow(turn, card.to)
            return
        if turn.anew:
            card = replace(card, message_id=None)
        try:
            message_id = await self._ask(chat, turn, self._wire.put_up(card))
        except TelegramError as error:
            if fate(error) is not Fate.MESSAGE_GONE or card.message_id is None:
                await self._failed(chat, turn, error)
                return
            await self._cards.gone(subject, card)
            if card.ended:
                chat.put_back(replace(turn, anew=True))
        else:
            await self._cards.shown(subject, card, message_id)

    async def _ask(self, chat: ChatQueue, turn: Turn, request: Awaitable[int]) -> int:
        """Return the answer to *request*; it has used a slot even if it failed, since it may have arrived."""
        try:
            message_id = await request
        finally:
            now = self._clock.monotonic()
            self._requests += 1
            chat.slots.take(now)
            self._overall.take(now)
            self._asked(chat)  # what is to be stored of it holds this chat alone
        self._cards.took(turn.to)
        if chat.failures:
            self._reachable_again()
        return message_id

    async def _failed(self, chat: ChatQueue, turn: Turn, error: TelegramError) -> None:
        match fate(error):
            case Fate.HOLD:
                seconds = seconds_to_wait(error)
                self._flood_waits += 1
                _log.warning("flood_wait", chat=turn.to.chat_id, seconds=seconds)
                chat.slots.hold(self._clock.monotonic() + seconds)
                chat.put_back(turn)
            case Fate.LATER:
                _log.info("telegram_unreachable", chat=turn.to.chat_id, failures=chat.failures, error=loggable(error))
                self._later(chat, turn)
            case Fate.CHAT_GONE:
                _log.info("chat_gone", chat=turn.to.chat_id, error=loggable(error))
                self._give_up(chat, turn, whole=True)
            case Fate.CHAT_MOVED:
                became = new_chat(error)
                await self.moved(turn.to.chat_id, became)
                self._follow(turn, Address(became))
            case Fate.TOPIC_GONE:
                _log.info("topic_gone", chat=turn.to.chat_id, thread=turn.to.thread_id)
                self._give_up(chat, turn, whole=False)
            case Fate.REVOKED if self._stopped:
                pass  # said by another request, or none of our business any more
            case Fate.REVOKED:
                self._stop()  # whoever fetches the updates says so, and ends the program
            case Fate.MESSAGE_GONE | Fate.REFUSED:
                _log.error("telegram_refused", chat=turn.to.chat_id, error=loggable(error))
                turn.close()

    def _give_up(self, chat: ChatQueue, turn: Turn, *, whole: bool) -> None:
        """Drop *turn* and all that waits for its *whole* chat, or for its topic, which takes no messages."""
        self._cards.closed(turn.to, whole=whole)
        turn.close()
        for lost in chat.waiting():
            if whole or lost.to == turn.to:
                chat.drop(lost)
                lost.close()

    def _later(self, chat: ChatQueue, turn: Turn) -> None:
        self._pause(chat)
        chat.put_back(turn)

    def _pause(self, chat: ChatQueue) -> None:
        chat.retry_at = self._clock.monotonic() + self._back_off(chat.failures)
        chat.failures += 1

    def _unread(self, chat: ChatQueue, turn: Turn) -> None:
        """Show a card later that the store does not give; answers, which need no store, go before it."""
        self._later(chat, turn if turn.is_answer else replace(turn, rank=max(turn.rank, Rank.END)))
        best = chat.best()
        if best is not None and best.rank is Rank.ANSWER and best.what is not turn.what:
            chat.retry_at = -math.inf

    def _back_off(self, failures: int) -> float:
        return min(_LONGEST_BACK_OFF, 0.5 * 2.0 ** min(failures, 10)) * (1 + self._jitter() / 2)

    def _reachable_again(self) -> None:
        """One that had failed got through: whoever else backs off need not wait any longer."""
        for chat in self._chats.values():
            chat.failures = 0
            chat.retry_at = -math.inf
