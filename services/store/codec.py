"""Values to JSON and back."""

import json
from collections.abc import Callable, Iterable, Mapping
from functools import cache

from services.calibration.task import CalibrationRequest, HashRequest, NoteRequest
from services.torrents import Hints, InfoHash, NoteId, Step, TorrentId

ReadRequest = Callable[[str], CalibrationRequest]
"""`request_from_json`, or something that remembers."""


def dump(value: object) -> str:
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"))


def hints_to_json(hints: Hints) -> str:
    return dump({"trackers": hints.trackers, "peers": hints.peers})


def hints_from_json(text: str) -> Hints:
    value = json.loads(text)
    return Hints(tuple(value["trackers"]), tuple((str(host), int(port)) for host, port in value["peers"]))


def torrent_from(v1: str | None, v2: str | None) -> TorrentId:
    return TorrentId(v1=InfoHash(v1) if v1 else None, v2=InfoHash(v2) if v2 else None)


def hex_of(info_hash: InfoHash | None) -> str | None:
    return info_hash.hex if info_hash else None


def torrents_to_json(torrents: Iterable[TorrentId]) -> str:
    """Return a list of (v1, v2): what ``json_each`` joins with."""
    return dump(_pairs(torrents))


def _pairs(torrents: Iterable[TorrentId]) -> list[tuple[str | None, str | None]]:
    return [(hex_of(torrent.v1), hex_of(torrent.v2)) for torrent in torrents]


def request_to_json(request: CalibrationRequest) -> str:
    match request:
        case NoteRequest(notes, named, only):
            return dump({"notes": notes, "named": named} | ({"only": _pairs(only)} if only else {}))
        case HashRequest(torrents):
            return dump(
                {
                    "torrents": [
                        {"v1": hex_of(torrent.v1), "v2": hex_of(torrent.v2), "hints": hints_to_json(hints)}
                        for torrent, hints in torrents
                    ]
                }
            )


def request_from_json(text: str) -> CalibrationRequest:
    value = json.loads(text)
    hints_of = cache(hints_from_json)  # those of a batch are few, and stand there often
    if "notes" in value:
        notes, named = ([NoteId(number) for number in value.get(key, ())] for key in ("notes", "named"))
        only = tuple(torrent_from(*pair) for pair in value.get("only", ()))
        return NoteRequest(tuple(notes), tuple(named), only)
    return HashRequest(tuple((torrent_from(one["v1"], one["v2"]), hints_of(one["hints"])) for one in value["torrents"]))


def parameters_to_json(parameters: Mapping[str, int | float | str]) -> str:
    return dump(dict(parameters))


def step_from(code: str | None, parameters: str | None) -> Step | None:
    return Step(code, json.loads(parameters or "{}")) if code else None
