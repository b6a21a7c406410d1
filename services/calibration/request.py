"""What a request names: its distinct torrents, when two requests are the same, and whose its task is."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace

from services.calibration.follower import NewFollower
from services.calibration.ports import Tx
from services.calibration.task import CalibrationRequest, HashRequest, Item, NoteRequest, Task, is_left_of
from services.errors import AllUndone, NotAllowed, NoteNotFound, TaskNotFound
from services.magnets.parse import Magnet, find_magnets, gather
from services.notebook.note import Note
from services.torrents import Hints, NotebookId, NoteId, PersonId, TaskId, TorrentId


async def wanted_of(
    tx: Tx, notebook: NotebookId, request: CalibrationRequest
) -> tuple[CalibrationRequest, dict[TorrentId, Hints]]:
    """Return *request*, and its distinct torrents in its order, each with the hints of all its magnets.

    A note in which a person undid, or kept, all names is passed over: it is in the request no longer.

    Raises:
        NoteNotFound: none of the notes is in this notebook.
        AllUndone: all that they name was undone, or kept, there.
    """
    match request:
        case HashRequest(named):
            return request, dict(named)
        case NoteRequest(numbers, named, only):
            notes = await tx.notes.those(notebook, numbers)
            if not notes:
                raise NoteNotFound(note_id=numbers[0])
            for note in notes:
                if note.id in named:
                    await tx.notes.unpin(note.id)
            wanted = await _wanted(tx, notebook, notes, only)
            left = {note_id for note_id, _ in wanted}
            narrowed = replace(request, notes=tuple(one for one in numbers if one in left))
            gathered = dict(gather([magnet for _, magnet in wanted]))
            return narrowed, _alone(gathered, only) if only else gathered


def _alone(gathered: Mapping[TorrentId, Hints], only: Sequence[TorrentId]) -> dict[TorrentId, Hints]:
    """Return those of *only* that answer what is *gathered*: a hybrid is one item, whichever hashes its links have."""
    alone: dict[TorrentId, Hints] = {}
    for asked, hints in gathered.items():
        for one in only:
            if one.answers(asked):
                alone[one] = alone.get(one, Hints()).merged(hints)
    return alone


async def _wanted(
    tx: Tx, notebook: NotebookId, notes: Sequence[Note], only: Sequence[TorrentId]
) -> Sequence[tuple[NoteId, Magnet]]:
    """Return the magnets of *notes*, of those *only* where any are given; without those that a person undid or kept.

    Raises:
        AllUndone: that is all of them.
    """
    magnets = [(note.id, magnet) for note in notes for magnet in find_magnets(note.text)]
    found = [one for one in magnets if not only or _names_any(one[1], only)]
    torrents = list(dict.fromkeys(torrent for _, magnet in found for torrent in magnet.torrents))
    pinned = await tx.notes.pinned(notebook, torrents)
    wanted = [(note_id, magnet) for note_id, magnet in found if (note_id, magnet.torrents[0]) not in pinned]
    if found and not wanted:
        raise AllUndone(number=found[0][0])
    return wanted


def _names_any(magnet: Magnet, torrents: Sequence[TorrentId]) -> bool:
    return any(one.answers(asked) for one in torrents for asked in magnet.torrents)


def digest_of(request: CalibrationRequest, torrents: dict[TorrentId, Hints]) -> str:
    """Return what is equal for the same request: of the same kind and notes, with the same torrents."""
    kind = ",".join(map(str, sorted(request.notes))) if isinstance(request, NoteRequest) else "hashes"
    named = sorted(f"{torrent.v1 or ''}+{torrent.v2 or ''}" for torrent in torrents)
    return hashlib.sha256("\n".join([kind, *named]).encode()).hexdigest()


def items_of(task_id: TaskId, torrents: Mapping[TorrentId, Hints]) -> Iterator[Item]:
    """Yield the items of a new task, one a torrent."""
    for position, (torrent, hints) in enumerate(torrents.items()):
        yield Item(task_id=task_id, position=position, torrent=torrent, hints=hints)


async def shown_by(tx: Tx, follower: NewFollower, request: CalibrationRequest, notebook: NotebookId) -> Task | None:
    """Return the task of this *request*, or of what was left of it, that *follower*'s message shows already."""
    if follower.message_id is None:
        return None
    there = await tx.followers.at(follower.address, follower.message_id)
    if there is None or there.notebook != notebook or not is_left_of(there.request, request):
        return None
    return await tx.tasks.get(there.task_id)


async def own_task(tx: Tx, task_id: TaskId, notebook: NotebookId, person: PersonId, *, everyones: bool) -> Task:
    task = await tx.tasks.get(task_id)
    if task is None or task.notebook != notebook:
        raise TaskNotFound
    if task.asked_by != person and not everyones:
        raise NotAllowed
    return task
