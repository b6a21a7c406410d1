"""Writes a torrent's name into its magnets, and touches nothing else."""

from urllib.parse import quote

from services.magnets.links import Link, find_links, first_separator, read_link
from services.magnets.parse import torrents_of
from services.torrents import Hints, TorrentId


def rename(text: str, torrent: TorrentId, name: str) -> str:
    """Return *text* with ``dn`` set to *name* in every magnet whose first torrent *torrent* answers. Idempotent.

    Args:
        text: any length, with zero or more links in it.
        torrent: all hashes that are known of it: a hybrid answers for a magnet that has one of them.
        name: the torrent's own name, not encoded; here it becomes UTF-8, percent-encoded (RFC 3986). A lone surrogate,
            which no UTF-8 has, is written as ``?``.

    Returns:
        The new text: ``dn`` is added after the last ``xt`` where missing, and of several the first stays. All else
        stays byte for byte; only where the name would be read on into the text behind the link, or lose its full
        stop, a separator closes the link.
    """
    encoded = quote(name, safe="", errors="replace")
    pieces: list[str] = []
    done = 0
    for link in find_links(text):
        torrents = torrents_of(text, link)
        if torrents and torrent.answers(torrents[0]):
            pieces += text[done : link.start], _renamed(text, link, encoded)
            done = link.end
    return "".join([*pieces, text[done:]]) if pieces else text


def magnet_link(torrent: TorrentId, name: str, hints: Hints) -> str:
    """Return a magnet link (BEP 9) to copy: ``xt`` (v1, then v2), ``dn``, ``tr``, ``x.pe``."""
    topics = [f"xt=urn:btih:{torrent.v1}"] if torrent.v1 else []
    topics += [f"xt=urn:btmh:1220{torrent.v2}"] if torrent.v2 else []
    trackers = [f"tr={quote(tracker, safe='', errors='replace')}" for tracker in hints.trackers]
    peers = [f"x.pe=[{host}]:{port}" if ":" in host else f"x.pe={host}:{port}" for host, port in hints.peers]
    return rename("magnet:?" + "&".join(topics + trackers + peers), torrent, name)


def _renamed(text: str, link: Link, encoded: str) -> str:
    named, rest = _with_name(text, link, encoded)
    if rest:
        return named + rest
    behind = text[link.end : link.limit]
    reread = read_link(named + behind, 0, len(named) + len(behind), link.opener)
    return named if reread.end == len(named) else named + _separator(text, link)


def _with_name(text: str, link: Link, encoded: str) -> tuple[str, str]:
    """Return the link as far as it is changed, and the rest of its parameters."""
    if not link.names:
        place = link.topics[-1][1]
        return f"{text[link.start : place]}{_separator(text, link)}dn={encoded}", text[place : link.end]
    (value, done), *others = link.names
    pieces = [text[link.start : value], encoded]
    for value, end in others:
        pieces.append(text[done : text.rfind("&", done, value)])
        done = end
    return "".join(pieces), text[done : link.end]


def _separator(text: str, link: Link) -> str:
    """Return the link's own separator: ``&``, or an HTML spelling of it such as ``&amp;``."""
    value, end = link.names[0] if link.names else (link.end, link.end)
    return first_separator(text[link.start : value]) or first_separator(text[end : link.end]) or "&"
