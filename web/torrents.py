"""``/api/torrents``: what is known of the torrents that one's notes and tasks have."""

from typing import Annotated

from fastapi import APIRouter, Path

from services.torrents import InfoHash, TorrentId
from web.context import WhoAsks
from web.described import refusals
from web.note_shapes import OneTorrent, torrent_of
from web.notes import Page
from web.refusals import TorrentNotFound

router = APIRouter(prefix="/api")
_FILES_ON_A_PAGE = 1_000


@router.get("/torrents/{info_hash}", responses=refusals(404))
async def torrent(
    asker: WhoAsks,
    info_hash: Annotated[str, Path(min_length=32, max_length=64)],
    page: Page = 0,
) -> OneTorrent:
    """Return what is known of the torrent, as one's own notebook has it, else as one that is shared has it."""
    search, asked = asker.services.search, TorrentId.of(InfoHash.parse(info_hash))
    found = await search.torrent([asker.notebook], asked, page=page, size=_FILES_ON_A_PAGE)
    if found is None:
        shared = await asker.shared()
        found = await search.torrent(shared.notebooks, asked, page=page, size=_FILES_ON_A_PAGE)
        if found is None:
            shared.insist()
            raise TorrentNotFound
    return torrent_of(found, page)
