"""What boards show, and the messages that tell their ends; and what is stored once they do."""

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from handlers.board_view import END_LINES, LIVE_LINES, MOST_ENDS, View, board_card, ends_message
from handlers.outgoing import Address, Card, EndsOf, Subject, TheBoard
from handlers.slots import Rank
from services.calibration.board import Board, Line, LineShown
from services.calibration.boards import Boards, Listed
from services.calibration.follower import BoardId, FollowerId
from services.calibration.manager import AsyncCalibrationManager
from services.calibration.task import Snapshot
from services.clock import Clock
from services.i18n import Translation
from services.notebook.languages import Languages
from services.torrents import TaskId

_LONG = 65.0  # seconds: an end that took longer is told by a reply; who runs out of a minute takes a little more
_MOST_REMEMBERED = 1_000

Mark = Callable[[Subject, Address, Rank], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class BoardCard(Card):
    """A board, what it shows of its *lines*, and what there is to do when it does.

    *last*: its tasks have ended. *untold*: ends that it has no room for; *slow*: some that a reply is to tell.
    *leaving* are followers whose own message is still to say that the board shows their task.
    """

    lines: Sequence[LineShown]
    gist: int
    last: bool
    untold: bool
    slow: bool
    leaving: Sequence[FollowerId]


@dataclass(frozen=True, slots=True, kw_only=True)
class EndsCard(Card):
    """A message that tells the ends of *lines*. *untold* and *slow*: there are others, as of a board."""

    lines: Sequence[LineShown]
    untold: bool
    slow: bool


class BoardStatus:
    """Keeps boards true, and lets no end of theirs go untold. *mark* is the outbox's."""

    def __init__(
        self, manager: AsyncCalibrationManager, boards: Boards, clock: Clock, languages: Languages, mark: Mark
    ) -> None:
        self._manager = manager
        self._boards = boards
        self._clock = clock
        self._languages = languages
        self._mark = mark
        self._known: dict[BoardId, tuple[int, int]] = {}
        self._asked_for: set[BoardId] = set()

    async def resume(self, meant: Callable[[str], bool]) -> None:
        """Mark every board at an address that is *meant* which may not have shown its last word."""
        for board in await self._boards.open():
            if meant(board.address):
                self._mark(TheBoard(board.id), Address.parse(board.address), Rank.END)

    async def catch_up(self) -> None:
        """Mark every board whose message is behind."""
        for board in await self._boards.behind():
            if Address.spelled_by(board.address):
                self._mark(TheBoard(board.id), Address.parse(board.address), Rank.END)

    def show(self, board: Board) -> None:
        """Mark the board, closed or not: somebody has just asked for it."""
        self._known.pop(board.id, None)
        self._asked_for.add(board.id)
        self._mark(TheBoard(board.id), Address.parse(board.address), Rank.END)

    async def render(self, subject: TheBoard) -> BoardCard | None:
        listed = await self._listed(subject.board)
        if listed is None:
            return None
        board = listed.board
        if not listed.lines and board.message_id is None:  # nothing is left to show
            await self._boards.shown(board.id, (), last=True)
            return None
        made = await self._board(listed)
        # Forgotten until it is known to be shown: an edit whose answer is lost may have been made.
        known = self._known.pop(board.id, None)
        settled = board.closed and not board.behind and all(line.told for line in listed.lines)
        if settled and board.id not in self._asked_for:
            return None
        if board.message_id is not None and known == (board.message_id, made.gist):
            await self.shown(subject, made, board.message_id)
            return None
        return made

    async def _listed(self, board: BoardId) -> Listed | None:
        """Return what is on it, without the ends that need a card; others may come while these are taken off."""
        while listed := await self._boards.get(board):
            apart = [line.follower for line in listed.lines if line.needs_card]
            if not apart:
                return listed
            await self._boards.take_off(board, apart)
            to = Address.parse(listed.board.address)
            for follower in apart:
                self._mark(follower, to, Rank.END)
            self._mark(TheBoard(board), to, Rank.END)  # it is behind now, whatever comes of what is being rendered
        return None

    async def _board(self, listed: Listed) -> BoardCard:
        board, lines = listed.board, listed.lines
        quick, slow = _untold(lines)
        live = list(dict.fromkeys(line.task_id for line in reversed(lines) if not line.state.ended))
        page = min(board.page, max(0, len(live) - 1) // LIVE_LINES)
        shown = live[page * LIVE_LINES : (page + 1) * LIVE_LINES]
        fresh = list(dict.fromkeys(line.task_id for line in quick))[:MOST_ENDS]
        ended = _latest(lines, fresh)[: END_LINES if live else MOST_ENDS]
        glances = await self._manager.glance([*shown, *fresh, *ended])
        t, to = self._words(board.address, board.language), Address.parse(board.address)
        states = {line.task_id: line.state for line in lines}
        view = View(
            board=board.id,
            counts=Counter(states.values()),
            page=page,
            live=[glances[one] for one in shown if one in glances],
            fresh=[glances[one] for one in fresh if _has_ended(one, glances)],
            ended=[glances[one] for one in ended if one in glances],
            asking=board.asking,
            can_retry=any(line.can_retry for line in lines),
            kept=any(line.kept for line in lines),
            shared=len({line.asked_by for line in lines if not line.state.ended}) > 1,
        )
        message, many = board_card(view, self._clock.now(), t)
        here = _tell(view.fresh[:many], quick)
        told = here | {line.follower for line in lines if line.fresh and line.forgotten}
        return BoardCard(
            to=to,
            message=message,
            message_id=board.message_id,
            reply_to=board.reply_to,
            ended=True,
            lines=[_shown(line, told) for line in lines if _is_news(line, told)],
            gist=hash(board_card(view, None, t)[0]),
            last=not view.left,
            untold=len(quick) > len(here),
            slow=bool(slow),
            leaving=[line.follower for line in lines if line.message_id is not None],
        )

    async def render_ends(self, subject: EndsOf) -> EndsCard | None:
        """Return a list of what has no room on the board, else a reply to somebody who has waited long."""
        listed = await self._listed(subject.board)
        quick, slow = _untold(listed.lines if listed else ())
        if listed is None or (not slow and len(quick) <= END_LINES):
            return None
        board = listed.board
        reply = len(quick) <= END_LINES
        group = [line for line in slow if line.asked_by == slow[0].asked_by] if reply else quick
        asked_for = list(dict.fromkeys(line.task_id for line in group))[:MOST_ENDS]
        glances = await self._manager.glance(asked_for)
        ends = [glances[one] for one in asked_for if _has_ended(one, glances)]
        if not ends:  # retried meanwhile
            return None
        message, many = ends_message(ends, self._words(board.address, group[0].language if reply else board.language))
        told = _tell(ends[:many], group)
        asked_in = [line.reply_to for line in group if line.reply_to is not None] if reply else []
        return EndsCard(
            to=Address.parse(board.address),
            message=message,
            message_id=None,
            reply_to=max(asked_in, default=None),
            ended=True,
            lines=[_shown(line, told) for line in group if line.follower in told],
            untold=len(quick) > (0 if reply else len(told)),
            slow=len(slow) > (len(told) if reply else 0),
        )

    async def shown(self, subject: TheBoard | EndsOf, card: BoardCard | EndsCard, message_id: int) -> None:
        """Store what is shown, and mark what comes of it: other ends, and the messages that say where to look."""
        board = subject.board
        if isinstance(card, EndsCard):
            await self._boards.shown(board, card.lines)
            self._mark(TheBoard(board), card.to, Rank.END)
            self._mark_ends(board, card)
            return
        await self._boards.shown(board, card.lines, at=(str(card.to), message_id), last=card.last)
        self._asked_for.discard(board)
        self._known[board] = message_id, card.gist
        if len(self._known) > _MOST_REMEMBERED:
            del self._known[next(iter(self._known))]
        self._mark_ends(board, card)
        if card.untold:  # behind the list, which stays, and may find nothing left to tell
            self._mark(TheBoard(board), card.to, Rank.END)
        for follower in card.leaving:
            self._mark(follower, card.to, Rank.PROGRESS)

    def _mark_ends(self, board: BoardId, card: BoardCard | EndsCard) -> None:
        if card.untold:
            self._mark(EndsOf(board), card.to, Rank.END)
        elif card.slow:
            self._mark(
                EndsOf(board), card.to, Rank.ANEW
            )  # the board has said it already, and is not to be stale for it

    async def gone(self, subject: TheBoard | EndsOf) -> None:
        self._asked_for.discard(subject.board)
        await self._boards.lost_message(subject.board)

    def _words(self, address: str, language: str) -> Translation:
        return self._languages.words(Address.parse(address).door, language)


def _untold(lines: Iterable[Line]) -> tuple[list[Line], list[Line]]:
    """Return the ends that nobody was told of, oldest first: those that came quickly, and those that did not."""
    fresh = [line for line in lines if line.fresh and not line.forgotten]
    fresh.sort(key=lambda line: line.ended_at or 0.0)
    return [line for line in fresh if line.took <= _LONG], [line for line in fresh if line.took > _LONG]


def _latest(lines: Iterable[Line], fresh: Iterable[TaskId]) -> list[TaskId]:
    """Return the latest ended tasks but the *fresh* ones, newest first."""
    ended = sorted((line for line in lines if line.state.ended), key=lambda line: line.ended_at or 0.0, reverse=True)
    others = dict.fromkeys(line.task_id for line in ended if not line.forgotten)
    for task_id in fresh:
        others.pop(task_id, None)
    return list(others)


def _has_ended(task_id: TaskId, glances: Mapping[TaskId, Snapshot]) -> bool:
    """Whether there is an end to tell: it may have been retried meanwhile."""
    return task_id in glances and glances[task_id].task.state.ended


def _tell(ends: Iterable[Snapshot], lines: Iterable[Line]) -> set[FollowerId]:
    """Return the followers of *lines* that are told by a line for each of *ends*."""
    attempts = {one.task.id: one.task.attempt for one in ends}
    return {line.follower for line in lines if attempts.get(line.task_id) == line.attempt}


def _is_news(line: Line, told: set[FollowerId]) -> bool:
    return line.follower in told or (line.attempt, line.state) != line.shown


def _shown(line: Line, told: set[FollowerId]) -> LineShown:
    return LineShown(
        follower=line.follower,
        task_id=line.task_id,
        attempt=line.attempt,
        state=line.state,
        told=line.follower in told,
    )
