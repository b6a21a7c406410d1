"""The magnets of a text: which torrents they name, how, and where they say to ask."""

import html
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import AddressValueError, IPv6Address

from services.errors import InvalidInfoHash
from services.magnets.links import Link, find_links
from services.torrents import Hints, InfoHash, TorrentId

# BEP 9: a multihash, where 12 is SHA-256 and 20 its length.
_URN = re.compile(r"urn:(?:btih:([a-z0-9]+)|btmh:1220([0-9a-f]{64})(?![a-z0-9]))", re.IGNORECASE | re.ASCII)
_V1_LENGTHS = {40, 32}
_BARE = re.compile(r"(?<![a-z0-9])(?:[0-9a-f]{64}|[0-9a-f]{40}|[a-z2-7]{32})(?![a-z0-9])", re.IGNORECASE | re.ASCII)
_ESCAPES = re.compile(r"(?:%[0-9a-f]{2})+", re.IGNORECASE | re.ASCII)
_REFERENCE = re.compile(r"&(?:amp|apos|#[0-9]{1,7}|#x[0-9a-f]{1,6});", re.IGNORECASE | re.ASCII)
_TRACKER = re.compile(r"[^\s\x00-\x1f\x7f]+")
_PEER = re.compile(r"(?:\[([0-9a-f:.]{2,45})\]|([a-z0-9._-]{1,253})):([0-9]{1,5})", re.IGNORECASE | re.ASCII)
_LAST_PORT = 65535


@dataclass(frozen=True, slots=True, kw_only=True)
class Magnet:
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

    They are those of its magnets; without any magnet, the bare info-hashes that are whole words of it: 40 or 64 hex
    digits, 32 base32 digits.
    """
    return gather(find_magnets(text)) or tuple(
        (torrent, Hints())
        for torrent in dict.fromkeys(TorrentId.of(InfoHash.parse(m[0])) for m in _BARE.finditer(text))
    )


def gather(magnets: Iterable[Magnet]) -> tuple[tuple[TorrentId, Hints], ...]:
    """Return the distinct torrents of *magnets*, in order, each with the hints of all magnets that name it."""
    places: dict[TorrentId, tuple[dict[str, None], dict[tuple[str, int], None]]] = {}
    for magnet in magnets:
        for torrent in magnet.torrents:
            trackers, peers = places.setdefault(torrent, ({}, {}))
            trackers.update(dict.fromkeys(magnet.hints.trackers))
            peers.update(dict.fromkeys(magnet.hints.peers))
    return tuple((torrent, Hints(tuple(trackers), tuple(peers))) for torrent, (trackers, peers) in places.items())


def torrents_of(text: str, link: Link) -> tuple[TorrentId, ...]:
    """Return the torrents that *link* of *text* names, distinct, in order; empty when it names none."""
    hashes = [one for start, end in link.topics if (one := _info_hash(text[start:end]))]
    if len(hashes) <= 1:
        return tuple(map(TorrentId.of, hashes))
    v1 = next((one for one in hashes if one.is_v1), None)
    v2 = next((one for one in hashes if not one.is_v1), None)
    further = (one for one in dict.fromkeys(hashes) if one not in {v1, v2})
    return (TorrentId(v1, v2), *map(TorrentId.of, further))


def _magnets(text: str) -> Iterator[Magnet]:
    for link in find_links(text):
        torrents = torrents_of(text, link)
        if torrents:
            name = _name(text[slice(*link.names[0])]) if link.names else None
            yield Magnet(start=link.start, end=link.end, torrents=torrents, name=name, hints=_hints(text, link))


def _info_hash(topic: str) -> InfoHash | None:
    urn = _URN.match(_decoded(topic))
    if urn is None or (urn[1] and len(urn[1]) not in _V1_LENGTHS):
        return None
    try:
        return InfoHash.parse(urn[1] or urn[2])
    except InvalidInfoHash:
        return None


def _hints(text: str, link: Link) -> Hints:
    if not (link.trackers or link.peers):
        return Hints()
    trackers = dict.fromkeys(_decoded(text[start:end]) for start, end in link.trackers)
    peers = dict.fromkeys(text[start:end] for start, end in link.peers)
    return Hints(tuple(filter(_TRACKER.fullmatch, trackers)), tuple(dict.fromkeys(filter(None, map(_peer, peers)))))


def _peer(raw: str) -> tuple[str, int] | None:
    peer = _PEER.fullmatch(_decoded(raw))
    if peer is None or not 0 < int(peer[3]) <= _LAST_PORT:
        return None
    if peer[1]:
        try:
            IPv6Address(peer[1])
        except AddressValueError:
            return None
    return peer[1] or peer[2], int(peer[3])


def _name(raw: str) -> str:
    spaced = _REFERENCE.sub(lambda reference: html.unescape(reference[0]), raw.replace("+", " "))
    return _decoded(spaced).encode("utf-8", "replace").decode()


def _decoded(raw: str) -> str:
    """Return *raw* with its percent-escapes read as UTF-8; bytes that are none become U+FFFD."""
    if "%" not in raw:
        return raw
    return _ESCAPES.sub(lambda run: bytes.fromhex(run[0].replace("%", "")).decode("utf-8", "replace"), raw)
