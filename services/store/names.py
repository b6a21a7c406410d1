"""Rows of what is known of torrents."""

import sqlite3
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace

from services.calibration.task import Found
from services.notebook.note import Known
from services.store import codec
from services.store.statements import Parameters, Statements
from services.store.words import WordRows
from services.torrents import FileEntry, InfoHash, Name, NotebookId, PersonId, TorrentId, TorrentInfo


class NameRows:
    """See `services.calibration.ports.Names`."""

    def __init__(self, statements: Statements, words: WordRows) -> None:
        self._run = statements
        self._words = words

    async def verified(self, torrents: Collection[TorrentId]) -> Mapping[TorrentId, Found]:
        asked = list(torrents)
        rows = await self._run.all("verified_names", torrents=codec.torrents_to_json(asked))
        return {asked[row["place"]]: found_from(row) for row in rows}

    async def claimed(self, torrent: TorrentId) -> TorrentInfo | None:
        row = await self._run.one("claimed_name", v1=codec.hex_of(torrent.v1), v2=codec.hex_of(torrent.v2))
        if row is None:
            return None
        files = await self._run.all("files_of_name", id=row["id"])
        return TorrentInfo(
            torrent=torrent,
            name=name_from(row),
            size=row["size"],
            files=tuple(FileEntry(one["path"], one["size"]) for one in files),
            source=row["source"],
            verified=False,
        )

    async def put(self, infos: Sequence[TorrentInfo], at: float) -> None:
        fresh = await self._fresh(infos)
        for info in fresh:
            row = await self._run.one("insert_name", **_name_row(info, at))
            assert row is not None  # noqa: S101 - RETURNING gives the row
            await self._run.many("insert_file", _file_rows(row["id"], info.files))
        await self._words.refresh_having([info.torrent for info in fresh])

    async def choose(self, notebook: NotebookId, torrent: TorrentId, name: Name, person: PersonId, at: float) -> None:
        chosen = {
            "notebook_id": notebook,
            "v1": codec.hex_of(torrent.v1),
            "v2": codec.hex_of(torrent.v2),
            "text": name.text,
        }
        await self._run.one("keep_earlier_choice", **chosen)
        await self._run.one("choose_name", **chosen, encoding=name.encoding, person=person, at=at)

    async def chosen(self, torrents: Collection[TorrentId]) -> Mapping[tuple[NotebookId, TorrentId], Name]:
        asked = list(torrents)
        rows = await self._run.all("chosen_names", torrents=codec.torrents_to_json(asked))
        return {
            (NotebookId(row["notebook_id"]), asked[row["place"]]): Name(
                text=row["text"], raw=row["raw_name"], encoding=row["encoding"], chosen=True
            )
            for row in rows
        }

    async def replaced_claims(
        self, torrents: Collection[TorrentId]
    ) -> Mapping[tuple[NotebookId, TorrentId], Collection[str]]:
        asked = list(torrents)
        claims: dict[tuple[NotebookId, TorrentId], set[str]] = {}
        for row in await self._run.all("replaced_claims", torrents=codec.torrents_to_json(asked)):
            claims.setdefault((NotebookId(row["notebook_id"]), asked[row["place"]]), set()).add(row["text"])
        return claims

    async def _fresh(self, infos: Sequence[TorrentInfo]) -> Sequence[TorrentInfo]:
        """Return what is to be stored, one a hash; of claims one for the same hashes. What it replaces is deleted."""
        rows = await self._run.all("names_of", torrents=codec.torrents_to_json(info.torrent for info in infos))
        final = {row["place"] for row in rows if _stays(row, infos[row["place"]])}
        fresh = [info for place, info in enumerate(infos) if place not in final]
        verified: dict[InfoHash, TorrentInfo] = {}
        for info in fresh:
            if info.verified and verified.keys().isdisjoint(info.torrent.hashes):
                verified.update(dict.fromkeys(info.torrent.hashes, info))
        answered = {one.torrent for one in fresh if _is_answered(one.torrent, verified)}
        claimed = {one.torrent: one for one in fresh if not one.verified and one.torrent not in answered}
        replaced: dict[int, bool] = {}  # whether by what is verified
        for row in rows:
            info = infos[row["place"]]
            if row["place"] not in final and _replaces(info, row):
                replaced[row["id"]] = info.verified or replaced.get(row["id"], False)
        overtaken: list[Parameters] = [{"id": one} for one, by_verified in replaced.items() if by_verified]
        await self._run.many("keep_replaced_claims", overtaken)
        await self._run.many("reopen_claimed_notes", overtaken)
        await self._run.many("doubt_claimed_items", overtaken)
        await self._run.many("delete_name", [{"id": one} for one in replaced])
        return [*claimed.values(), *{id(info): info for info in verified.values()}.values()]


class FactRows:
    """See `services.notebook.ports.Facts`."""

    def __init__(self, statements: Statements) -> None:
        self._run = statements

    async def of(self, notebook: NotebookId, torrents: Collection[TorrentId]) -> Mapping[TorrentId, Known]:
        asked = list(torrents)
        rows = await self._run.all("known_names", torrents=codec.torrents_to_json(asked), notebook_id=notebook)
        return {
            asked[row["place"]]: Known(
                name=replace(name_from(row), chosen=bool(row["chosen"])),
                size=row["size"],
                file_count=row["file_count"],
                verified=bool(row["verified"]),
                source=row["source"],
            )
            for row in rows
        }

    async def files(self, torrent: TorrentId, *, skip: int, limit: int) -> Sequence[FileEntry]:
        v1, v2 = codec.hex_of(torrent.v1), codec.hex_of(torrent.v2)
        rows = await self._run.all("files_of", v1=v1, v2=v2, skip=skip, limit=limit)
        return [FileEntry(row["path"], row["size"]) for row in rows]

    async def asked_for(self, notebook: NotebookId, info_hash: InfoHash) -> bool:
        return await self._run.one("task_with_hash", notebook_id=notebook, info_hash=info_hash.hex) is not None


def _is_answered(torrent: TorrentId, verified: Mapping[InfoHash, TorrentInfo]) -> bool:
    return any(verified[one].torrent.answers(torrent) for one in torrent.hashes if one in verified)


def _replaces(info: TorrentInfo, row: sqlite3.Row) -> bool:
    """Whether *info* replaces a claim: one that it answers where it is verified, else one of just its hashes."""
    claimed = codec.torrent_from(row["v1"], row["v2"])
    return info.torrent.answers(claimed) if info.verified else claimed == info.torrent


def _stays(row: sqlite3.Row, info: TorrentInfo) -> bool:
    """Whether what is known stays where *info* comes: verified; or the same claim, or one that people have chosen.

    What is verified of one hash says nothing of a pair that it does not have: a claim of that is kept beside it.
    """
    if row["verified"]:
        return info.verified or codec.torrent_from(row["v1"], row["v2"]).answers(info.torrent)
    known = bool(row["chosen"]) or row["name"] == info.name.text
    return known and not info.verified and _replaces(info, row)


def _name_row(info: TorrentInfo, at: float) -> Parameters:
    return {
        "v1": codec.hex_of(info.torrent.v1),
        "v2": codec.hex_of(info.torrent.v2),
        "raw_name": info.name.raw,
        "name": info.name.text,
        "encoding": info.name.encoding,
        "certain": info.name.certain,
        "verified": info.verified,
        "source": info.source,
        "size": info.size,
        "file_count": len(info.files),
        "first_seen": at,
    }


def _file_rows(name_id: int, files: Iterable[FileEntry]) -> Iterator[Parameters]:
    for position, file in enumerate(files):
        yield {"name_id": name_id, "position": position, "path": file.path, "size": file.size}


def found_from(row: sqlite3.Row) -> Found:
    """Return what a row of ``names`` says."""
    return Found(
        torrent=codec.torrent_from(row["v1"], row["v2"]),
        name=name_from(row),
        size=row["size"],
        file_count=row["file_count"],
        source=row["source"],
        verified=bool(row["verified"]),
    )


def name_from(row: sqlite3.Row) -> Name:
    """Return the name in a row of ``names`` or ``item_rows``."""
    return Name(text=row["name"], raw=row["raw_name"], encoding=row["encoding"], certain=bool(row["certain"]))
