"""The values that every room speaks of. All of them are immutable."""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NewType, Protocol, Self

from services.errors import InvalidInfoHash

TaskId = NewType("TaskId", str)
NoteId = NewType("NoteId", int)
NotebookId = NewType("NotebookId", int)
PersonId = NewType("PersonId", str)
"""Who does something: an opaque word of the front end's, such as ``tg:4711``."""

_HEX = re.compile(r"(?=0*[1-9a-f])[0-9a-f]{40}(?:[0-9a-f]{24})?")
_BASE32 = re.compile(r"[a-zA-Z2-7]{32}")
# RFC 4648's digits in any case, and `int`'s: several times faster than `base64.b32decode`, which a text of links feels.
_FROM_BASE32 = bytes.maketrans(
    b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz234567",
    b"0123456789abcdefghijklmnop0123456789abcdefghijklmnopqrstuv",
)
_WITHOUT_INK = frozenset("\u115f\u1160\u2800\u3164\uffa0")  # Hangul fillers, a Braille cell without dots


@dataclass(frozen=True, slots=True)
class InfoHash:
    """A torrent's info-hash: 40 (v1, SHA-1, BEP 3) or 64 (v2, SHA-256, BEP 52) lower-case hex digits."""

    hex: str

    @classmethod
    def parse(cls, text: str) -> Self:
        """Return the info-hash that *text* spells: 40 or 64 hex digits, or 32 base32 digits (v1), in any case.

        Raises:
            InvalidInfoHash: anything else; nothing but zeros, too, which no torrent has and libtorrent refuses.
        """
        if _BASE32.fullmatch(text):
            text = f"{int(text.encode().translate(_FROM_BASE32), 32):040x}"
        spelled = text.lower()
        if _HEX.fullmatch(spelled) is None:
            raise InvalidInfoHash
        return cls(spelled)

    @property
    def is_v1(self) -> bool:
        return len(self.hex) == 40  # noqa: PLR2004 - SHA-1 in hex

    def __str__(self) -> str:
        return self.hex


@dataclass(frozen=True, slots=True)
class TorrentId:
    """What names one torrent: its v1 info-hash, its v2 info-hash, or both (a hybrid). At least one is given."""

    v1: InfoHash | None = None
    v2: InfoHash | None = None

    def __post_init__(self) -> None:
        if self.v1 is None and self.v2 is None:
            raise ValueError("a torrent has at least one info-hash")
        if (self.v1 and not self.v1.is_v1) or (self.v2 and self.v2.is_v1):
            raise ValueError("a v1 info-hash has 40 digits, a v2 info-hash 64")

    @classmethod
    def of(cls, info_hash: InfoHash) -> Self:
        """Return the torrent that *info_hash* alone names."""
        return cls(info_hash) if info_hash.is_v1 else cls(None, info_hash)

    @property
    def hashes(self) -> tuple[InfoHash, ...]:
        """The one or two info-hashes, v1 first."""
        return tuple(one for one in (self.v1, self.v2) if one is not None)

    @property
    def shown(self) -> InfoHash:
        """The info-hash that people are shown: v1 where there is one."""
        return self.hashes[0]

    def answers(self, asked: Self) -> bool:
        """Whether a torrent with exactly these hashes is the one *asked* for: it has every hash that was named."""
        return asked.v1 in {None, self.v1} and asked.v2 in {None, self.v2}


@dataclass(frozen=True, slots=True)
class Hints:
    """Where a magnet says to ask: tracker URLs (``tr``) and peers (``x.pe``: host, port), in its own order."""

    trackers: tuple[str, ...] = ()
    peers: tuple[tuple[str, int], ...] = ()

    def merged(self, other: Self) -> Self:
        """Return these hints and then those of *other* that are new."""
        return type(self)(
            tuple(dict.fromkeys(self.trackers + other.trackers)), tuple(dict.fromkeys(self.peers + other.peers))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Name:
    """A torrent's name: *text* decoded from *raw* by *encoding*; not *certain* when the encoding was guessed.

    *chosen*: a person of the notebook said which encoding it is, so that it is certain there, and nowhere else.
    """

    text: str
    raw: bytes
    encoding: str = "utf-8"
    certain: bool = True
    chosen: bool = False

    @property
    def blank(self) -> bool:
        """Whether nobody can see it: nothing, or nothing but white space, controls and letters without ink."""
        return all(unicodedata.category(one)[0] in "ZC" or one in _WITHOUT_INK for one in self.text)


@dataclass(frozen=True, slots=True)
class FileEntry:
    """A file in a torrent: its path with ``/``, without the torrent's own name, and its size in bytes."""

    path: str
    size: int


@dataclass(frozen=True, slots=True, kw_only=True)
class TorrentInfo:
    """What a source says of a torrent.

    *torrent* has the hashes computed from the info dictionary's bytes when *verified*, else those asked for.
    *size* in bytes and *files* leave pad files (BEP 47) out.
    """

    torrent: TorrentId
    name: Name
    size: int
    files: tuple[FileEntry, ...]
    source: str
    verified: bool


@dataclass(frozen=True, slots=True)
class Step:
    """One word of progress or failure: a code of `services.i18n` and what fills its sentence."""

    code: str
    parameters: Mapping[str, int | float | str] = field(default_factory=dict)


class Progress(Protocol):
    """How a lookup tells where it stands. Both calls return at once and never fail."""

    def started(self) -> None:
        """Say that the lookup has begun; its items' time-outs run from here. Again is harmless."""

    def report(self, step: Step) -> None:
        """Say what happens now. A later report replaces an earlier one."""

    def claimed(self, info: TorrentInfo) -> None:
        """Say what a source claims, and nobody has verified: who runs out of time before anybody does takes it."""
