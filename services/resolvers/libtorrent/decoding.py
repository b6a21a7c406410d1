"""The bytes of an info dictionary, read by libtorrent's own decoder (BEP 3)."""

import asyncio
from typing import cast

import libtorrent as lt

from services.errors import NotFound
from services.resolvers.libtorrent.lookups import Metadata
from services.resolvers.libtorrent.twice import has_a_key_twice
from services.resolvers.metadata import describe, hashes_of, is_utf8
from services.torrents import TorrentInfo

_WALKED = 2**20  # bytes of one that is read letter by letter, where that is needed
_SMALL = 16_384  # bytes of an info dictionary that is read in less time than a thread takes to begin


async def told(given: Metadata, source: str) -> TorrentInfo:
    """Return what *given* says; *source* is the resolver's label.

    Raises:
        NotFound: it can not be read, or be read in two ways; parameter *reason* is ``metadata_unusable``.
    """
    torrent, section = given
    if len(section) <= _SMALL and is_utf8(info := _decoded(section)):
        return describe(info, torrent, source)
    return await asyncio.to_thread(_described, given, source)


def _described(given: Metadata, source: str) -> TorrentInfo:
    torrent, section = given
    return describe(_decoded(section), torrent, source)


def _decoded(section: bytes) -> dict[bytes, object]:
    try:
        info = lt.bdecode(section)
    except RuntimeError as error:  # more items than it counts to: some 200,000 files
        raise NotFound(reason="metadata_unusable") from error
    # Of a key that is there twice libtorrent takes the first value for a torrent, and the last one here. Numbers that
    # are too large, or begin with zeros, make it shorter, too.
    if len(lt.bencode(info)) != len(section) and (len(section) > _WALKED or has_a_key_twice(section)):
        raise NotFound(reason="metadata_unusable")
    return cast("dict[bytes, object]", info)


async def metadata_in(section: bytes) -> Metadata:
    """Return what *section* is, the bytes of an info dictionary.

    Raises:
        NotFound: libtorrent cannot read it, or not all of it; parameter *reason* is ``metadata_unusable``.
    """
    try:
        given = _whole(section) if len(section) <= _SMALL else await asyncio.to_thread(_whole, section)
    except RuntimeError as error:
        raise NotFound(reason="metadata_unusable") from error
    if given[1] != section:
        raise NotFound(reason="metadata_unusable")
    return given


def read_torrent(content: bytes, source: str) -> TorrentInfo:
    """See `services.resolvers.torrent_file.ReadTorrent`."""
    try:
        given = _loaded(content)
    except RuntimeError as error:
        raise NotFound(reason="torrent_unusable") from error
    return _described(given, source)


def _loaded(content: bytes) -> Metadata:
    try:
        return metadata_of(lt.load_torrent_buffer(content).ti)
    except RuntimeError:
        return _whole(content)  # perhaps it is the inner part alone


def _whole(section: bytes) -> Metadata:
    return metadata_of(lt.load_torrent_buffer(b"d4:info" + section + b"e").ti)


def metadata_of(info: lt.torrent_info | None) -> Metadata:
    """Return the metadata that *info* holds, which is there."""
    assert info is not None  # noqa: S101 - it was loaded, or had raised
    section, hashes = info.info_section(), info.info_hashes()
    return hashes_of(section, v1=hashes.has_v1(), v2=hashes.has_v2()), section
