"""The magnets of a text: which torrents they name, how, and where they say to ask."""

import html
import re
import socket
from collections.abc import Callable, Iterable, Iterator
from functools import cache
from itertools import chain
from typing import NamedTuple

from services.errors import InvalidInfoHash
from services.magnets.links import find_links
from services.torrents import Hints, InfoHash, TorrentId

# BEP 9: a multihash, where 12 is SHA-256 and 20 its length.
_URN = re.compile(
    r"(?i:urn:btih:)([0-9A-Fa-f]{40}|[A-Za-z2-7]{32})(?![0-9A-Za-z])"
    r"|(?i:urn:btmh:1220)([0-9A-Fa-f]{64})(?![0-9A-Za-z])",
    re.ASCII,
)
_BARE = re.compile(r"(?<![0-9A-Za-z])(?:[0-9A-Fa-f]{64}|[0-9A-Fa-f]{40}|[A-Za-z2-7]{32})(?![0-9A-Za-z])")
_ESCAPES = re.compile(r"((?:%[0-9A-Fa-f]{2})+)")
_REFERENCE = re.compile(r"(&(?:amp|apos|#[0-9]{1,7}|#x[0-9a-f]{1,6});)", re.IGNORECASE | re.ASCII)
_TRACKER = re.compile(r"[^\s\x00-\x1f\x7f]+")
_PEER = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([A-Za-z0-9._-]{1,253})):([0-9]{1,5})")
_LAST_PORT = 65535
_BETWEEN = "\ud800"  # stands in no value and is no escape's meaning
_NO_HINTS = Hints()


class Magnet(NamedTuple):
    """A magnet link (BEP 9, BEP 53): ``text[start:end]``, in code points.

    Attributes:
        torrents: at least one. The first ``btih`` and the first ``btmh`` are one torrent, a hybrid; each further hash
            is a torrent of its own.
        name: the first ``dn``, decoded and encodable; None when there is none.
        hints: its ``tr`` and ``x.pe``, distinct; IPv6 without brackets. Peers that are none are passed over.
    """

    start: int
    end: int
    torrents: tuple[TorrentId, ...]
    name: str | None
    hints: Hints


def find_magnets(text: str) -> tuple[Magnet, ...]:
    """Return every magnet of *text* that names a torrent, in order. Takes any text, in linear time."""
    return tuple(_magnets(text))


def torrents_in(text: str) -> tuple[tuple[TorrentId, Hints], ...]:
    """Return the distinct torrents that *text* asks for, in order, each with the hints of its magnets.

    They are those of its magnets, then the bare info-hashes that are whole words beside these: 40 or 64 hex digits, 32
    base32 digits.
    """
    magnets = find_magnets(text)
    ends, starts = [0, *(one.end for one in magnets)], [*(one.start for one in magnets), len(text)]
    beside = " ".join(text[end:start] for end, start in zip(ends, starts, strict=True))
    found = dict(gather(magnets))
    for torrent in _bare(beside):
        found.setdefault(torrent, Hints())
    return tuple(found.items())


def _bare(text: str) -> Iterator[TorrentId]:
    for word in _BARE.finditer(text):
        if (info_hash := _parsed(word[0])) is not None:
            yield TorrentId.of(info_hash)


def gather(magnets: Iterable[Magnet]) -> tuple[tuple[TorrentId, Hints], ...]:
    """Return the distinct torrents of *magnets*, in order, each with the hints of all magnets that name it."""
    found: dict[TorrentId, list[Hints]] = {}
    for magnet in magnets:
        for torrent in magnet.torrents:
            found.setdefault(torrent, []).append(magnet.hints)
    return tuple((torrent, _joined(hints)) for torrent, hints in found.items())


def _joined(hints: list[Hints]) -> Hints:
    if len(hints) == 1:
        return hints[0]
    trackers = chain.from_iterable(one.trackers for one in hints)
    peers = chain.from_iterable(one.peers for one in hints)
    return Hints(tuple(dict.fromkeys(trackers)), tuple(dict.fromkeys(peers)))


def torrents_named(topics: str) -> tuple[TorrentId, ...]:
    """Return the torrents that a link's *topics* name, distinct, in order."""
    hashes = list(filter(None, map(_info_hash, dict.fromkeys(topics.split("&")))))
    if len(hashes) < 2:  # noqa: PLR2004 - one hash, one torrent
        return tuple(map(TorrentId.of, hashes))
    v1 = next((one for one in hashes if one.is_v1), None)
    v2 = next((one for one in hashes if not one.is_v1), None)
    further = (one for one in dict.fromkeys(hashes) if one not in {v1, v2})
    return (TorrentId(v1, v2), *map(TorrentId.of, further))


def _magnets(text: str) -> Iterator[Magnet]:
    # The links of a text have much in common.
    named, unescaped, trackers, peers = cache(torrents_named), cache(_unescaped), cache(_trackers), cache(_peers)
    for link in find_links(text):
        torrents = named(link.topics())
        if not torrents:
            continue
        span, (at_trackers, at_peers) = link.name(), link.hints()
        name = _name(text[slice(*span)], unescaped) if span else None
        hints = Hints(trackers(tuple(at_trackers)), peers(tuple(at_peers))) if at_trackers or at_peers else _NO_HINTS
        yield Magnet(link.start, link.end, torrents, name, hints)


def _info_hash(topic: str) -> InfoHash | None:
    urn = _URN.match(_decoded(topic, _unescaped) if "%" in topic else topic)
    return _parsed(urn[1] or urn[2]) if urn else None


def _parsed(digits: str) -> InfoHash | None:
    try:
        return InfoHash.parse(digits)
    except InvalidInfoHash:  # nothing but zeros
        return None


def _trackers(values: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(filter(_TRACKER.fullmatch, _all_decoded(values)))


def _peers(values: tuple[str, ...]) -> tuple[tuple[str, int], ...]:
    return tuple(dict.fromkeys(filter(None, map(_peer, _all_decoded(values)))))


def _peer(value: str) -> tuple[str, int] | None:
    peer = _PEER.fullmatch(value)
    if peer is None or not 0 < int(peer[3]) <= _LAST_PORT:
        return None
    if peer[1]:
        try:
            socket.inet_pton(socket.AF_INET6, peer[1])
        except OSError:
            return None
    return peer[1] or peer[2], int(peer[3])


def _name(raw: str, unescaped: Callable[[str], str]) -> str:
    spaced = raw.replace("+", " ")
    if "&" in spaced:
        spaced = _replaced(_REFERENCE, cache(html.unescape), spaced)
    return _decoded(spaced, unescaped).encode("utf-8", "replace").decode()


def _all_decoded(values: tuple[str, ...]) -> Iterable[str]:
    """Return the distinct *values*, decoded: all at once, there may be very many."""
    joined = _BETWEEN.join(dict.fromkeys(values))
    return dict.fromkeys((_decoded(joined, cache(_unescaped)) if "%" in joined else joined).split(_BETWEEN))


def _decoded(raw: str, unescaped: Callable[[str], str]) -> str:
    return _replaced(_ESCAPES, unescaped, raw) if "%" in raw else raw


def _unescaped(escapes: str) -> str:
    """Return percent-escapes read as UTF-8; bytes that are none become U+FFFD."""
    return bytes.fromhex(escapes.replace("%", "")).decode("utf-8", "replace")


def _replaced(pattern: re.Pattern[str], replace: Callable[[str], str], raw: str) -> str:
    """Return *raw* with what the group of *pattern* finds replaced."""
    parts = pattern.split(raw)
    parts[1::2] = map(replace, parts[1::2])
    return "".join(parts)
