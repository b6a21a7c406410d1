"""The repeating job that polls the manager and marks what must be shown; and what the outbox then shows."""

from collections.abc import Collection
from dataclasses import dataclass

import structlog
from structlog.typing import FilteringBoundLogger

from handlers.board_status import BoardCard, BoardStatus, EndsCard
from handlers.board_view import moved_message
from handlers.cards import LOST_PAGE, card, failed_card, replaced_card, shown_state
from handlers.closed_places import ClosedPlaces, around
from handlers.outbox import Outbox
from handlers.outgoing import Address, Card, EndsOf, Message, Subject, TheBoard
from handlers.slots import Rank
from handlers.text import escape
from services.calibration.follower import Follower, FollowerId
from services.calibration.followers import Followership
from services.calibration.manager import AsyncCalibrationManager
from services.calibration.moves import Moves
from services.calibration.task import Snapshot, State
from services.clock import Clock
from services.errors import StoreUnavailable, TaskNotFound
from services.i18n import Translation, sentence
from services.notebook.languages import Languages
from services.torrents import TaskId

_MOST_REMEMBERED = 10_000  # messages: of more, those shown longest ago cost an edit that changes nothing

_log: FilteringBoundLogger = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, kw_only=True)
class TaskCard(Card):
    """A card, and the follower that it was made for: its message may become another task's while it is on its way."""

    follower: Follower
    attempt: int
    state: State

    @property
    def was_shown(self) -> bool:
        """Whether the message has shown this end before."""
        return self.ended and (self.follower.shown_attempt, self.follower.shown_state) == (self.attempt, self.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class LeavingCard(Card):
    """What the message of a follower shows whose task is shown by a board now."""

    follower: Follower


@dataclass(frozen=True, slots=True, kw_only=True)
class ForgottenCard(Card):
    """What the message of a follower shows whose task is kept no longer."""

    follower: Follower


_Known = tuple[int, int]
"""A message's number, and the hash of what it shows."""


class LiveStatus:
    """Keeps every followed message, and every board, true: it implements the outbox's `Cards`.

    What a message shows already is not sent again.
    """

    def __init__(
        self,
        manager: AsyncCalibrationManager,
        followers: Followership,
        moves: Moves,
        clock: Clock,
        languages: Languages,
    ) -> None:
        self._manager = manager
        self._followers = followers
        self._moves = moves
        self._clock = clock
        self._languages = languages
        self._outbox: Outbox | None = None
        self._number = 0
        self._store_failed = False
        self._known: dict[FollowerId, _Known] = {}
        self._unstored: dict[Subject, tuple[Card, int]] = {}
        self._closed = ClosedPlaces(followers)
        self.boards = BoardStatus(manager, followers.boards, clock, languages, self._put_mark)

    async def resume(self, outbox: Outbox) -> None:
        """Begin to mark for *outbox*: first all messages that have not shown an end, so that they go on."""
        self._outbox = outbox
        self._number = self._manager.number
        await self._closed.load()
        await self._mark_all()

    async def _mark_all(self, places: Collection[Address] | None = None) -> None:
        """Mark all that is to be shown, anywhere or at *places*, where messages are taken."""

        def meant(address: str) -> bool:
            if not Address.spelled_by(address):  # it is another front end's
                return False
            return places is None or not around(Address.parse(address)).isdisjoint(places)

        ended = set(await self._followers.unshown_ends())
        for follower in await self._followers.unfinished():
            if meant(follower.address):
                self._mark(follower, Rank.END if follower.task_id in ended else Rank.PROGRESS)
        for follower in await self._followers.leaving():
            if meant(follower.address):
                self._mark(follower, Rank.PROGRESS)
        await self.boards.resume(meant)

    async def poll(self) -> None:
        """Mark the messages of what changed since the last poll; a store that fails is said once until it works."""
        try:
            await self._catch_up(*self._unstored)
            await self._open()
            more = True
            while more:
                more = await self._poll_batch()
        except StoreUnavailable as error:  # the next poll begins where this one ended
            if not self._store_failed:
                _log.error("store.unavailable", **error.parameters)
            self._store_failed = True
        else:
            self._store_failed = False

    async def _poll_batch(self) -> bool:
        changes = await self._manager.tasks_since(self._number)
        became = {task.id: (task.attempt, shown_state(task)) for task in changes.tasks}
        for follower in await self._followers.of(*became) if became else ():
            self._mark(follower, _rank(follower, *became[follower.task_id]))
        for follower in await self._followers.behind(changes.notes):
            self._mark(follower, Rank.ANEW)  # a batch writes into one note after another: its own card comes first
        if changes.tasks:
            await self.boards.catch_up()  # a retry takes lines off boards
        self._number = changes.number  # not before all are marked: the store may fail there
        return changes.more

    async def settle(self) -> None:
        """Store what the store has not taken before the outbox was left: nobody else knows those messages' numbers."""
        try:
            await self._catch_up(*self._unstored)
            async with self._closed.tried():
                pass
        except StoreUnavailable as error:  # each is left as a lost answer would leave it: a press adopts it
            _log.error("store.unavailable", **error.parameters)

    async def show(self, task_id: TaskId, rank: Rank = Rank.ANSWER) -> None:
        """Mark the task's messages: somebody has just asked for it. Never fails: what was asked is done."""
        try:
            for follower in await self._followers.of(task_id):
                self._mark(follower, rank)
        except StoreUnavailable as error:  # the next poll that can read marks them
            _log.warning("show_failed", **error.parameters)

    async def somebody_is_at(self, place: Address, *, everywhere: bool = False) -> None:
        """Let the next poll mark what is to be shown at *place*, if it was closed; *everywhere*: in its whole chat.

        Never fails: whatever they ask for fails, too, then.
        """
        try:
            await self._closed.knock(place, everywhere=everywhere)
        except StoreUnavailable as error:
            _log.warning("knock_failed", **error.parameters)

    async def _open(self) -> None:
        async with self._closed.tried() as places:
            if places:
                await self._mark_all(places)

    def _mark(self, follower: Follower, rank: Rank) -> None:
        if not Address.spelled_by(follower.address):  # it is another front end's
            return
        to = Address.parse(follower.address)
        if follower.on_board is None:
            self._put_mark(follower.id, to, rank)
            return
        self._put_mark(TheBoard(follower.on_board), to, rank)
        if follower.leaving:
            self._put_mark(follower.id, to, Rank.PROGRESS)

    def _put_mark(self, subject: Subject, to: Address, rank: Rank) -> None:
        if self._outbox is not None and (rank is Rank.ANSWER or to not in self._closed):
            self._outbox.mark(subject, to, rank)

    # What the outbox asks for.

    async def render(self, subject: Subject) -> Card | None:
        await self._catch_up(subject)
        match subject:
            case TheBoard():
                return await self.boards.render(subject)
            case EndsOf():
                return await self.boards.render_ends(subject)
            case follower:
                return await self._render(follower)

    async def _render(self, follower: FollowerId) -> TaskCard | LeavingCard | ForgottenCard | None:
        one = await self._followers.get(follower)
        if one is not None and one.on_board is not None:
            return await self._leaving(one)
        if one is None or one.end_shown_at is not None:
            return None
        snapshot = await self._snapshot(one.task_id)
        if snapshot is None:
            return await self._forgotten(one)
        state = shown_state(snapshot.task)
        if one.gone and not state.ended:
            return None
        made = TaskCard(
            follower=one,
            to=Address.parse(one.address),
            message=await self._message(one, snapshot, state),
            message_id=one.message_id,
            reply_to=one.reply_to,
            attempt=snapshot.task.attempt,
            state=state,
            ended=state.ended,
        )
        # Forgotten until it is known to be shown: an edit whose answer is lost may have been made.
        if one.message_id is not None and self._known.pop(follower, None) == _known(one.message_id, made.message):
            await self.shown(follower, made, one.message_id)
            return None
        return made

    async def _forgotten(self, one: Follower) -> ForgottenCard | None:
        """Return what a message shows whose task is kept no longer, and that has shown no end of it.

        Its chat was closed for a month. What shows an end stays as it is, whatever has become of its notes.
        """
        if one.message_id is None or (one.shown_state is not None and one.shown_state.ended):
            await self._followers.rests(one)
            return None
        to = Address.parse(one.address)
        message = _no_longer_kept(self._languages.words(to.door, one.language))
        return ForgottenCard(
            follower=one, to=to, message=message, message_id=one.message_id, reply_to=None, ended=False
        )

    async def _leaving(self, one: Follower) -> LeavingCard | None:
        if not one.leaving:
            return None
        snapshot = (await self._manager.glance([one.task_id])).get(one.task_id)
        to = Address.parse(one.address)
        t = self._languages.words(to.door, one.language)
        message = _no_longer_kept(t) if snapshot is None else moved_message(snapshot, t)
        return LeavingCard(follower=one, to=to, message=message, message_id=one.message_id, reply_to=None, ended=False)

    async def _message(self, follower: Follower, snapshot: Snapshot, state: State) -> Message:
        """Return the card, or the page of what was not found, or replaced, that its reader has turned to."""
        t = self._languages.words(Address.parse(follower.address).door, follower.language)
        page = follower.failed_page
        if page is not None and page < 0 and state.ended:
            replaced = await self._manager.list_replaced(follower.task_id, place=~page)
            if replaced.items:
                return replaced_card(snapshot, replaced, t)
        elif page is not None and state.ended:
            lost = await self._manager.list_lost(follower.task_id, page=page, size=LOST_PAGE)
            if lost:
                return failed_card(snapshot, lost, page, t)
        return card(snapshot, state, self._clock.now(), t)

    async def _snapshot(self, task_id: TaskId) -> Snapshot | None:
        """Return the task as it stands, even if it ended longer ago than anybody else is told of."""
        snapshot = await self._manager.get_task_status(task_id)
        return snapshot or next(iter(await self._manager.unshown_ends(task_id)), None)

    async def shown(self, subject: Subject, card: Card, message_id: int) -> None:
        try:
            await self._store(subject, card, message_id)
        except StoreUnavailable:  # the poll says so
            self._unstored[subject] = card, message_id

    async def _catch_up(self, *subjects: Subject) -> None:
        """Store what the subjects' messages are known to show, where that has failed: nobody else knows the numbers."""
        for subject in subjects:
            if unstored := self._unstored.get(subject):
                await self._store(subject, *unstored)
                if self._unstored.get(subject) is unstored:
                    del self._unstored[subject]

    async def _store(self, subject: Subject, card: Card, message_id: int) -> None:
        match card:
            case BoardCard() | EndsCard() if isinstance(subject, TheBoard | EndsOf):
                await self.boards.shown(subject, card, message_id)
            case LeavingCard():
                await self._followers.left(card.follower)
            case ForgottenCard():
                await self._followers.rests(card.follower)
            case TaskCard():
                after = await self._followers.shown(card.follower, message_id, card.attempt, card.state)
                if after is not None and after.on_board is not None:  # it was folded while this was on its way
                    self._mark(after, Rank.END)
                self._remember(card.follower.id, _known(message_id, card.message))

    def _remember(self, follower: FollowerId, known: _Known) -> None:
        self._known[follower] = known
        if len(self._known) > _MOST_REMEMBERED:
            del self._known[next(iter(self._known))]

    async def gone(self, subject: Subject, card: Card) -> None:
        match card:
            case BoardCard() | EndsCard() if isinstance(subject, TheBoard | EndsOf):
                await self.boards.gone(subject)
            case LeavingCard():
                await self._followers.left(card.follower)
            case ForgottenCard():
                await self._followers.rests(card.follower)
            case TaskCard() if card.was_shown:
                # Whoever has deleted a message that had shown its end does not want it back: a note was changed.
                await self._followers.rests(card.follower)
            case TaskCard():
                await self._followers.lost_message(card.follower)

    def took(self, place: Address) -> None:
        self._closed.took(place)

    def closed(self, place: Address, *, whole: bool) -> None:
        self._closed.close(place, whole=whole)

    async def moved(self, chat_id: int, became: int) -> None:
        moved = await self._moves.move(str(Address(chat_id)), str(Address(became)))
        self._closed.left(chat_id)
        self._languages.know(moved.languages)
        for follower in moved.followers:
            self._mark(follower, Rank.END)
        if not moved.first:
            return
        if moved.by_settings:
            remedy = (
                f"write {became} in the place of {chat_id} into allowed_chats; until then it is let in all the same"
            )
            _log.warning("group_upgraded", chat=chat_id, became=became, remedy=remedy)
        else:
            _log.info("group_upgraded", chat=chat_id, became=became)
        if moved.apart:
            _log.warning("notebook_left_behind", chat=chat_id, became=became, why="both have notes")


def _rank(follower: Follower, attempt: int, state: State) -> Rank:
    """Return how soon a change is shown. What a board says of many is not to be stale, however long it goes on."""
    if state.ended or (follower.on_board is not None and (follower.shown_attempt, follower.shown_state) != (
        attempt, state
    )):  # fmt: skip
        return Rank.END
    return Rank.PROGRESS


def _no_longer_kept(t: Translation) -> Message:
    return Message(escape(sentence(TaskNotFound.code, {}, t)))


def _known(message_id: int, shown: Message) -> _Known:
    return message_id, hash(shown)
