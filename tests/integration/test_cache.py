"""Claims that the database has, as a source: the real store, and the sources as the settings open them."""

from pathlib import Path

import pytest

from bot.config_resolvers import Files, Resolvers
from bot.known import KnownClaims
from bot.sources import opened
from services.clock import SystemClock
from services.errors import NotFound
from services.store.store import Store
from services.torrents import FileEntry, Hints, InfoHash, Name, Step, TorrentId, TorrentInfo

V1, V2 = InfoHash("1" * 40), InfoHash("2" * 64)
PAIR = TorrentId(V1, V2)


class Silent:
    def started(self) -> None: ...
    def report(self, step: Step) -> None: ...
    def claimed(self, info: TorrentInfo) -> None: ...


def claim_of(torrent: TorrentId, *, verified: bool = False) -> TorrentInfo:
    return TorrentInfo(
        torrent=torrent,
        name=Name(text="三体", raw="三体".encode("gb18030"), encoding="gb18030", certain=False),
        size=3,
        files=(FileEntry("b", 1), FileEntry("a", 2)),
        source="command",
        verified=verified,
    )


async def test_what_was_claimed_comes_back_whole_and_of_exactly_these_hashes(tmp_path: Path) -> None:
    async with Store.open(tmp_path / "calibot.db") as store:
        known = KnownClaims(store)
        assert await known.claim(PAIR) is None
        await store.write(lambda tx: tx.names.put([claim_of(PAIR)], 1.0))
        assert await known.claim(PAIR) == claim_of(PAIR)
        assert await known.claim(TorrentId(V1)) is None
        await store.write(lambda tx: tx.names.put([claim_of(TorrentId(v2=V2))], 1.0))
        assert await known.claim(TorrentId(v2=V2)) == claim_of(TorrentId(v2=V2))
        await store.write(lambda tx: tx.names.put([claim_of(PAIR, verified=True)], 2.0))
        assert [await known.claim(one) for one in (PAIR, TorrentId(V1), TorrentId(v2=V2))] == [None] * 3


@pytest.mark.parametrize(
    ("order", "given", "answers"),
    [(("cache", "files"), True, True), (("files",), True, False), (("cache", "files"), False, False)],
)
async def test_a_lookup_that_finds_nothing_is_answered_by_a_claim_where_cache_is_in_the_order(
    order: tuple[str, ...], given: bool, answers: bool, tmp_path: Path
) -> None:
    settings = Resolvers.model_validate({"order": order, "files": Files(folders=(tmp_path,))})
    async with Store.open(tmp_path / "calibot.db") as store:
        await store.write(lambda tx: tx.names.put([claim_of(PAIR)], 1.0))
        known = KnownClaims(store) if given else None
        async with opened(settings, None, SystemClock(), marks=tmp_path / "marks", known=known) as sources:
            lookup = sources.resolve(PAIR, Hints(), Silent())
            if answers:
                assert await lookup == claim_of(PAIR)
            else:
                with pytest.raises(NotFound):
                    await lookup
