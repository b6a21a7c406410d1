"""A qBittorrent's Web API: what is asked of it, and what its answers and its library's errors are to us. It blocks."""

import re
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

import qbittorrentapi
from qbittorrentapi.definitions import APIKwargsT
from requests import PreparedRequest, Response
from requests.exceptions import ReadTimeout, SSLError, Timeout
from urllib3.exceptions import HTTPError, ReadTimeoutError

from services.errors import NotFound, ResolverDown
from services.torrents import Hints, TorrentId

_OLDEST = (2, 8, 18)  # Web API of 4.5.0: one that is older would go on to a torrent's payload
_WITH_FETCH = (2, 11, 9)  # of 5.2
_CONNECTION = 2.0  # seconds at most for it
_VERSION = re.compile(r"[0-9]+(?:\.[0-9]+){1,3}", re.ASCII)
_LONGEST_VERSION = 30
_VERSION_KEPT = 60.0  # seconds at most that it is believed: it may be another one that has been started meanwhile
_LARGEST = 64 * 1024 * 1024  # bytes of an answer: in its list a torrent with a hundred trackers has six thousand
_PIECE = 64 * 1024  # bytes of it that are read at once
_ODD = (AttributeError, KeyError, RecursionError, TypeError, ValueError)  # the library takes answers as they come
_STOPPED = {"pausedDL", "stoppedDL"}  # up to 4.6, and from 5.0 on
_WORKING = 2  # as it calls a tracker that has answered


@dataclass(frozen=True, slots=True)
class Login:
    """Where a qBittorrent is, and what it lets in by: an API key, else a name and a password, which may be empty.

    *seconds* is what one question may take as a whole, and half of it is what a connection may, two seconds at most.
    """

    url: str
    username: str = ""
    password: str = field(default="", repr=False)
    api_key: str = field(default="", repr=False)
    seconds: float = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """A torrent that is there. *key* is what it is called by: its v1 info-hash, or the first 40 digits of its v2.

    A magnet of a hybrid that names v1 alone has another key once its metadata is there. So many peers are *connected*,
    and so many *named* by trackers. *queued*: it has not been looked for yet, since others come first there;
    *stopped*: it is not, since its owner has stopped it.
    """

    key: str
    v1: str
    v2: str
    category: str
    tags: frozenset[str]
    has_metadata: bool
    folder: str
    connected: int
    named: int
    queued: bool
    stopped: bool

    @property
    def may_be_half(self) -> bool:
        """Whether it may turn out to be a hybrid of which its v2 info-hash alone is known there."""
        return not self.has_metadata and not self.v1 and bool(self.v2)

    def may_be(self, torrent: TorrentId) -> bool:
        """Whether it has an info-hash of *torrent*."""
        asked = {one.hex for one in torrent.hashes} | {one.hex[:40] for one in torrent.hashes}
        return not asked.isdisjoint({self.key, self.v1, self.v2} - {""})


@dataclass(frozen=True, slots=True)
class Asked:
    """Who is asked about a torrent: so many *trackers*, of which some *answered*, and *named* peers; and the *dht*."""

    trackers: int = 0
    answered: int = 0
    named: int = 0
    dht: bool = False


@dataclass(frozen=True, slots=True)
class New:
    """A *magnet* to be added: it stops once its metadata is there, and would have its files in *folder*."""

    magnet: str
    category: str
    tag: str
    folder: str


class Server:
    """What a qBittorrent is asked for. Every method blocks, and raises ResolverDown where there is no proper answer.

    Parameter *reason* is ``password``, ``banned``, ``timeout``, ``unreachable``, ``certificate``, ``garbage``,
    ``too_large``, ``too_old``, or ``status`` with a number. No method takes "all" for an answer: each names exactly
    what it is about.
    """

    def __init__(self, login: Login) -> None:
        self._login = login
        self._client = _Client(
            host=login.url,
            username=login.username,
            password=login.password,
            api_key=login.api_key,
            FORCE_SCHEME_FROM_HOST=True,  # else one that does not answer https is sent the password without it
            SIMPLE_RESPONSES=True,
            REQUESTS_ARGS={
                "allow_redirects": False,
                "stream": True,
                # The environment's proxies are for Telegram, and a password for this host in .netrc is another one.
                "proxies": {"http": "", "https": ""},
                "auth": _unchanged,
            },
            HTTPADAPTER_ARGS={"max_retries": 0},
        )
        self._client.know_only(login)

    @property
    def seconds(self) -> float:
        """What one question may take."""
        return self._login.seconds

    def version(self) -> str:
        """Return what it says that it is: ``v4.5.2``."""
        with self._asked():
            said = self._client.app_version()
            if not _VERSION.search(said) or len(said) > _LONGEST_VERSION or not said.isprintable():
                raise ResolverDown(reason="garbage")
            return said

    def fetches(self) -> bool:
        """Return whether it can look for metadata without a torrent being added.

        Raises:
            ResolverDown: it is too old, too.
        """
        with self._asked():
            version = tuple(map(int, self._client.app_web_api_version().split(".")))
        if version < _OLDEST:
            raise ResolverDown(reason="too_old")
        return version >= _WITH_FETCH

    def listed(
        self, *, category: str | None = None, tag: str | None = None, keys: Iterable[str] | None = None
    ) -> list[Listed]:
        """Return the torrents of *category*, with *tag*, of *keys*, or all."""
        with self._asked():
            return _read(self._client.torrents_info(category=category, tag=tag, torrent_hashes=keys))

    def add(self, new: New) -> bool:
        """Add what is *new*; return whether it says that it did: what is there already, it does not add."""
        with self._asked():
            said = self._client.torrents_add(
                urls=new.magnet,
                category=new.category,
                tags=new.tag,
                save_path=new.folder,
                use_download_path=False,
                use_auto_torrent_management=False,
                is_stopped=False,  # stopped it would never look
                stop_condition="MetadataReceived",
            )
            if said not in {"Ok.", "Fails."}:
                raise ResolverDown(reason="garbage")
            return said == "Ok."

    def exported(self, key: str) -> bytes | None:
        """Return the .torrent of *key*; None where it is not there, or has no metadata."""
        with self._asked():
            try:
                return self._client.torrents_export(torrent_hash=key)
            except (qbittorrentapi.NotFound404Error, qbittorrentapi.Conflict409Error):
                return None

    def fetched(self, magnet: str) -> bytes | None:
        """Return the .torrent that *magnet* leads to, or have it looked for, and return None. It adds no torrent.

        Raises:
            NotFound: it does not take *magnet*.
        """
        with self._asked():
            try:
                said: object = self._client.torrents_fetch_metadata(source=magnet)
            except qbittorrentapi.HTTP400Error as error:
                raise NotFound(reason="refused") from error
            if not isinstance(said, Mapping):
                raise ResolverDown(reason="garbage")
            if not said.get("info"):
                return None
            try:
                return self._client.torrents_save_metadata(source=magnet)
            except (qbittorrentapi.NotFound404Error, qbittorrentapi.Conflict409Error):
                return self.exported(str(said.get("hash", "")))  # it is among its torrents

    def _has(self, key: str, tag: str) -> bool:
        return any(tag in row.tags for row in self.listed(keys=[key]))

    def tell(self, key: str, tag: str, hints: Hints) -> None:
        """Give *key* more places to ask, where it still has *tag*."""
        if not self._has(key, tag):
            return
        with self._asked():
            if hints.trackers:
                self._client.torrents_add_trackers(torrent_hash=_named([key])[0], urls=hints.trackers)
            if hints.peers:
                spelled = [f"[{host}]:{port}" if ":" in host else f"{host}:{port}" for host, port in hints.peers]
                self._client.torrents_add_peers(peers=spelled, torrent_hashes=_named([key]))

    def delete(self, keys: Sequence[str]) -> None:
        """Delete *keys*, and never a file: since they were seen their owner may have moved them beside others."""
        with self._asked():
            self._client.torrents_delete(delete_files=False, torrent_hashes=_named(keys))

    def tags(self) -> list[str]:
        """Return every tag that there is."""
        with self._asked():
            return [str(one) for one in _list(self._client.torrents_tags())]

    def forget_tags(self, tags: Sequence[str]) -> None:
        with self._asked():
            self._client.torrents_delete_tags(tags=tags)

    def has_category(self, category: str) -> bool:
        with self._asked():
            said: object = self._client.torrents_categories()
            return isinstance(said, Mapping) and category in said

    def forget_category(self, category: str) -> None:
        with self._asked():
            self._client.torrents_remove_categories(categories=category)

    def asked(self, key: str) -> Asked:
        """Return whom it asks about *key*: what it lists of that may be old, or never come."""
        with self._asked():
            try:
                said = _list(self._client.torrents_trackers(torrent_hash=key))
            except qbittorrentapi.NotFound404Error:
                return Asked()
        entries = [one for one in said if isinstance(one, Mapping)]
        trackers = [one for one in entries if not str(one.get("url")).startswith("** [")]
        working = [one for one in trackers if one.get("status") == _WORKING]
        return Asked(
            trackers=len(trackers),
            answered=len(working),
            named=max((_number(one, "num_seeds") + _others(one, "num_leeches") for one in working), default=0),
            dht=any(one.get("url") == "** [DHT] **" and one.get("status") == _WORKING for one in entries),
        )

    def dht_nodes(self) -> int:
        """Return how many nodes of the DHT it knows."""
        with self._asked():
            said: object = self._client.transfer_info()
            return _number(said, "dht_nodes") if isinstance(said, Mapping) else 0

    def leave(self, *, politely: bool) -> None:
        """Close what is open, and *politely* end the session before."""
        try:
            if politely:
                with self._asked():
                    self._client.auth_log_out()
        finally:
            self._client.close()

    @contextmanager
    def _asked(self) -> Iterator[None]:
        if self._client.refused:
            raise ResolverDown(reason="password")
        self._client.begin(self._login.seconds)
        try:
            yield
        except qbittorrentapi.APIError as error:
            reason = _reason(error)
            if reason in {"banned", "password"} and self._login.api_key:
                self._client.refused = True
                reason = "password"
            raise ResolverDown(reason=reason) from error
        except _ODD as error:
            raise ResolverDown(reason="garbage") from error


class _Client(qbittorrentapi.Client):
    """Logs in where it has to, and never again with what was *refused*: after five times we would be banned.

    What is asked from `begin` on is over in time, with logging in and asking again, and no answer is endless. The
    version is asked once a session: the library itself does so before much of what it asks.
    """

    refused = False
    _connection = _due = _version_until = 0.0
    _version = ""
    _refuses = False

    def know_only(self, login: Login) -> None:
        """Log in as *login* says: what is empty there the library takes from the environment."""
        self.username, self._password, self._api_key = login.username, login.password, login.api_key
        self._VERIFY_WEBUI_CERTIFICATE = True

    def begin(self, seconds: float) -> None:
        self._connection = min(_CONNECTION, seconds / 2)
        self._due = time.monotonic() + seconds

    def _request(self, *args: Any, **kwargs: Any) -> Any:
        left = self._left()
        kwargs["requests_args"] = {"timeout": (min(self._connection, left), left), "hooks": {"response": self._take_in}}
        return super()._request(*args, **kwargs)

    def _left(self) -> float:
        left = self._due - time.monotonic()
        if left <= 0:
            raise ReadTimeout
        return left

    def _take_in(self, response: Response, **_: object) -> None:
        """Read the answer piece by piece: the library's time-out is that of a piece."""
        content, whole = bytearray(), False
        try:
            while piece := response.raw.read1(_PIECE, decode_content=True):
                content += piece
                self._left()
                _check_size(content)
            whole = True
        except ReadTimeoutError as error:
            raise ReadTimeout from error
        except HTTPError as error:
            raise ConnectionError from error
        finally:
            if not whole:
                response.close()
        self._refuses = response.status_code == HTTPStatus.UNAUTHORIZED or content.strip() == b"Fails."
        response._content = bytes(content)  # noqa: SLF001 - it has no other way in, and the cookies are read from `raw`

    def auth_log_in(self, username: str | None = None, password: str | None = None, **kwargs: APIKwargsT) -> None:
        if self.refused:
            raise qbittorrentapi.LoginFailed
        try:
            super().auth_log_in(username, password, **kwargs)
        except qbittorrentapi.LoginFailed as error:
            if not self._refuses:  # to the library whatever is not "Ok." is a wrong password
                raise qbittorrentapi.APIError("no answer to a login") from error
            self.refused = True
            raise

    def app_web_api_version(self, **kwargs: APIKwargsT) -> str:
        if not self._version or time.monotonic() >= self._version_until:
            said = super().app_web_api_version(**kwargs).strip()
            if not _VERSION.fullmatch(said):
                raise ValueError("no version")
            self._version, self._version_until = said, time.monotonic() + _VERSION_KEPT
        return self._version

    def _initialize_context(self) -> None:
        """Forget what was said: this is called before a login, and when somebody did not answer."""
        self._version = ""
        super()._initialize_context()

    def close(self) -> None:
        """Close the connections: of itself the library does so when the collector of garbage comes by."""
        self._trigger_session_initialization()


class _TooLargeError(qbittorrentapi.APIError):
    """An answer is longer than any that is read. As an error of the library's it is not asked for again."""


def _check_size(content: bytearray) -> None:
    if len(content) > _LARGEST:
        raise _TooLargeError


def _reason(error: qbittorrentapi.APIError) -> str:
    match error:
        case _TooLargeError():
            return "too_large"
        case qbittorrentapi.LoginFailed() | qbittorrentapi.HTTP401Error():
            return "password"
        case qbittorrentapi.HTTP403Error():
            return "banned"
        case qbittorrentapi.HTTPError():
            return f"status {error.http_status_code}"
        case qbittorrentapi.APIConnectionError():
            return _why_unreachable(error.__context__)
        case _:
            return "garbage"


def _why_unreachable(error: BaseException | None) -> str:
    match error:
        case Timeout():
            return "timeout"
        case SSLError():
            return "certificate"
        case _:
            return "unreachable"


def _unchanged(request: PreparedRequest) -> PreparedRequest:
    return request


def _named(keys: Sequence[str]) -> Sequence[str]:
    """Return *keys*, which are info-hashes, and no other word that may mean something else."""
    if not keys or not all(re.fullmatch(r"[0-9a-f]{40}", one) for one in keys):
        raise ValueError("no info-hash")
    return keys


def _list(said: object) -> list[object]:
    if not isinstance(said, list):
        raise ResolverDown(reason="garbage")
    return said


def _read(said: object) -> list[Listed]:
    found = []
    for one in _list(said):
        if not isinstance(one, Mapping) or not isinstance(key := one.get("hash"), str):
            raise ResolverDown(reason="garbage")
        has_metadata = one.get("has_metadata") is True or _number(one, "total_size") > 0
        found.append(
            Listed(
                key=key,
                v1=str(one.get("infohash_v1", "")),
                v2=str(one.get("infohash_v2", "")),
                category=str(one.get("category", "")),
                tags=frozenset(tag.strip() for tag in str(one.get("tags", "")).split(",")) - {""},
                has_metadata=has_metadata,
                folder=str(one.get("save_path", "")),
                connected=_number(one, "num_seeds") + _number(one, "num_leechs"),
                named=_number(one, "num_complete") + _others(one, "num_incomplete"),
                queued=one.get("state") == "queuedDL" and not has_metadata,
                stopped=one.get("state") in _STOPPED and not has_metadata,
            )
        )
    return found


def _others(given: Mapping[str, object], key: str) -> int:
    """Return how many have not all of it, but for the one that has announced itself, which trackers count."""
    return max(0, _number(given, key) - 1)


def _number(given: Mapping[str, object], key: str) -> int:
    """Return the number at *key*, 0 where there is none: it says -1 of what it does not know."""
    value = given.get(key)
    return max(0, value) if isinstance(value, int) else 0
