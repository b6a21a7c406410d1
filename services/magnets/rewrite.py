"""Writes a torrent's name into its magnets, and touches nothing else."""

from collections.abc import Callable, Collection, Mapping
from functools import cache
from urllib.parse import quote

from services.magnets.links import Link, ends_before, find_links, first_separator
from services.magnets.parse import torrents_named
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
    # The links of a text have much in common.
    asked = cache(lambda topics: any(map(torrent.answers, torrents_named(topics)[:1])))
    return _rewritten(text, lambda link: name if asked(link.topics()) else None)[0]


def rename_at(text: str, names: Mapping[int, str]) -> tuple[str, Collection[int]]:
    """Return *text* with ``dn`` set in every link that begins at one of *names*, see `rename`; and which were changed.

    Those are told by where they began.
    """
    return _rewritten(text, lambda link: names.get(link.start))


def magnet_link(torrent: TorrentId, name: str | None, hints: Hints) -> str:
    """Return a magnet link (BEP 9) to copy: ``xt`` (v1, then v2), ``dn`` unless *name* is None, ``tr``, ``x.pe``."""
    topics = [f"xt=urn:btih:{torrent.v1}"] if torrent.v1 else []
    topics += [f"xt=urn:btmh:1220{torrent.v2}"] if torrent.v2 else []
    trackers = [f"tr={quote(tracker, safe='', errors='replace')}" for tracker in hints.trackers]
    peers = [f"x.pe=[{host}]:{port}" if ":" in host else f"x.pe={host}:{port}" for host, port in hints.peers]
    link = "magnet:?" + "&".join(topics + trackers + peers)
    return link if name is None else rename(link, torrent, name)


def _rewritten(text: str, name_of: Callable[[Link], str | None]) -> tuple[str, Collection[int]]:
    encoded = cache(lambda name: quote(name, safe="", errors="replace"))
    ends = cache(ends_before)
    pieces: list[str] = []
    changed: list[int] = []
    done = 0
    for link in find_links(text):
        name = name_of(link)
        if name is None:
            continue
        renamed = _renamed(link, encoded(name), ends)
        if renamed != text[link.start : link.end]:
            pieces += text[done : link.start], renamed
            changed.append(link.start)
            done = link.end
    return "".join([*pieces, text[done:]]) if pieces else text, changed


def _renamed(link: Link, encoded: str, ends: Callable[[str, str, str], bool]) -> str:
    text, name = link.text, link.name()
    value, end = name or (link.end, link.end)
    separator = first_separator(text[link.start : value]) or first_separator(text[end : link.end]) or "&"
    if name:
        changed, rest = link.without_names(end)
        named = f"{text[link.start : value]}{encoded}{changed}"
    else:
        place = link.topics_end()
        changed, named, rest = "", f"{text[link.start : place]}{separator}dn={encoded}", text[place : link.end]
    # What stands before the name has no say in where a link that ends in its name ends.
    last = named if changed else f"magnet:?dn={encoded}"
    if rest or ends(link.behind(), last, link.opener):
        return named + rest
    # A plain `&` would make a character reference of `#39;` behind it.
    return named + (separator if ends(link.behind(), last + separator, link.opener) else "&amp;")
