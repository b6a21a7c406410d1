"""Rows of what is known of torrents."""

import sqlite3

from services.calibration.task import Found
from services.store import codec
from services.store.statements import Statements
from services.torrents import Name, TorrentId, TorrentInfo


class NameRows:
    """See `services.calibration.ports.Names`."""

    def __init__(self, statements: Statements) -> None:
        self._run = statements

    async def verified(self, torrent: TorrentId) -> Found | None:
        row = await self._run.one("verified_name", v1=codec.hex_of(torrent.v1), v2=codec.hex_of(torrent.v2))
        if row is None:
            return None
        return Found(
            torrent=codec.torrent_from(row["v1"], row["v2"]),
            name=name_from(row),
            size=row["size"],
            file_count=row["file_count"],
            source=row["source"],
            verified=True,
        )

    async def put(self, info: TorrentInfo, at: float) -> None:
        v1, v2 = codec.hex_of(info.torrent.v1), codec.hex_of(info.torrent.v2)
        earlier = await self._run.all("names_of", v1=v1, v2=v2)
        if any(row["verified"] for row in earlier):
            return
        for claimed in earlier:
            await self._run.one("delete_name", id=claimed["id"])
        row = await self._run.one(
            "insert_name",
            v1=v1,
            v2=v2,
            raw_name=info.name.raw,
            name=info.name.text,
            encoding=info.name.encoding,
            certain=info.name.certain,
            verified=info.verified,
            source=info.source,
            size=info.size,
            file_count=len(info.files),
            first_seen=at,
        )
        assert row is not None  # noqa: S101 - RETURNING gives the row
        await self._run.many(
            "insert_file",
            [
                {"name_id": row["id"], "position": position, "path": file.path, "size": file.size}
                for position, file in enumerate(info.files)
            ],
        )


def name_from(row: sqlite3.Row) -> Name:
    """Return the name in a row of ``names`` or ``item_rows``."""
    return Name(text=row["name"], raw=row["raw_name"], encoding=row["encoding"], certain=bool(row["certain"]))
