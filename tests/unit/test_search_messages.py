"""What /search and /find say fits into a message, however long everything in it is."""

import re

from handlers.search import _blocks, _shown
from handlers.text import LONGEST, units
from services.i18n import ENGLISH
from services.notebook.excerpts import excerpt
from services.notebook.note import Known
from services.notebook.search import Held, Hit, Page
from services.torrents import InfoHash, Name, NoteId, TorrentId

T = ENGLISH
TAGS = re.compile(r"</?(?:b|code)>")
MANY = [NoteId(10**10 + number) for number in range(100)]


def test_the_longest_page_fits_with_all_its_marks() -> None:
    found = excerpt(["😀a " * 1000], ["a"])
    assert found is not None
    hits = tuple(Hit(one, found) for one in MANY[:10])
    shown = _shown(T, "😀a " * 66, Page(hits=hits, older=MANY[0], newer=MANY[1]))
    assert units(TAGS.sub("", shown.html)) < LONGEST
    assert 10 < len(TAGS.findall(shown.html)) / 2 <= 100  # entities of one message (Bot API)
    assert shown.keyboard is not None
    assert all(len(str(one.callback_data).encode()) <= 64 for row in shown.keyboard.inline_keyboard for one in row)


def test_the_longest_find_fits_and_counts_the_rest() -> None:
    name = Name(text="😀" * 1000, raw=b"")
    held = [
        Held(
            torrent=TorrentId(InfoHash(f"{number:040x}")),
            notes=MANY,
            known=Known(name=name, size=10**20, file_count=10**9, verified=False, source="x") if number % 2 else None,
        )
        for number in range(1, 60)
    ]
    assert units(TAGS.sub("", "\n\n".join(_blocks(T, [one for one in held if one.known] * 2)))) < LONGEST
    *_, rest = _blocks(T, held)
    assert rest == "And 53 more torrents."


def test_a_guess_is_not_said_to_be_verified() -> None:
    name = Name(text="小城之春", raw=b"", encoding="gb18030", certain=False)
    known = Known(name=name, size=1, file_count=1, verified=True, source="x")
    (block,) = _blocks(T, [Held(torrent=TorrentId(InfoHash("0" * 40)), notes=MANY[:1], known=known)])
    assert "1 B · 1 file · a guess" in block
    assert "verified" not in block
