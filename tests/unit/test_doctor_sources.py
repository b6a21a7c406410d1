"""What a check says of the sources of names beside the swarm."""

import os
import socket
import threading
from pathlib import Path

import pytest

from bot.config import Web
from bot.config_resolvers import Command, Files, Http, Qbittorrent, Resolvers
from bot.doctor_sources import look_at_sources
from sandbox.swarm import make_sample
from services.errors import ResolverDown
from services.resolvers.files import Counted, counted
from services.resolvers.libtorrent import read_torrent

EVERYWHERE = Web(host="0.0.0.0")  # noqa: S104 - it does not listen


async def said(settings: Resolvers, page: Web | None = None) -> list[str]:
    return [str(one) async for one in look_at_sources(settings, page or Web())]


@pytest.mark.parametrize(
    "host",
    [
        *("10.0.0.5", "127.0.0.1:8000", "[fd00::1]", "2130706433", "localhost", "LOCALHOST.", "cache.localhost"),
        *("cache.lan:8080", "own.example", "nas.local", "six.local"),
    ],
)
async def test_a_cache_that_is_kept_off_is_told_with_what_to_do(host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    real = socket.getaddrinfo
    home = {
        **dict.fromkeys(("LOCALHOST.", "localhost.", "cache.localhost"), "127.0.0.1"),
        "cache.lan": "192.168.1.2",
        "own.example": "127.0.1.1",
        "nas.local": "169.254.7.7",
        "six.local": "fe80::1",
    }
    monkeypatch.setattr(socket, "getaddrinfo", lambda host, *of, **how: real(home.get(host, host), *of, **how))
    (line,) = await said(Resolvers(order=("http",), http=Http(templates=(f"https://{host}/{{info_hash}}",))))
    assert line == (
        f"✗ http: {host}: it is in a private network — to have it asked: allow_private_peers = true in "
        "[resolvers.libtorrent]"
    )


@pytest.mark.parametrize("address", ["0.0.0.1", "127.0.0.1", "::", "64:ff9b::a00:1"])
async def test_that_a_cache_whose_name_is_blocked_is_private_is_not_said(
    address: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = socket.getaddrinfo
    monkeypatch.setattr(socket, "getaddrinfo", lambda _, *of, **how: real(address, *of, **how))
    (line,) = await said(Resolvers(order=("http",), http=Http(templates=("https://cache.example/{info_hash}",))))
    assert line == "✗ http: cache.example: no address that may be contacted — see [resolvers.http] templates"


async def test_a_folder_that_may_not_be_looked_into_is_told_and_those_after_it_are_looked_at(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.scandir

    def refusing(folder: str) -> object:  # whoever is root may look where nobody may
        if "locked" in str(folder):
            raise PermissionError(13, "Permission denied", folder)
        return real(folder)

    monkeypatch.setattr(os, "scandir", refusing)
    (tmp_path / "file").touch()
    folders = (tmp_path, tmp_path / "locked", tmp_path / "none", tmp_path / "file", tmp_path / ("long" * 99))
    command = Command(argv=("/bin/echo", "{info_hash}"))
    files, other = await said(Resolvers(order=("files", "command"), files=Files(folders=folders), command=command))
    assert files == (
        f"✗ files: {tmp_path}/locked: Permission denied; {tmp_path}/none: No such file or directory; "
        f"{tmp_path}/file: Not a directory; {folders[-1]}: File name too long — see [resolvers.files] folders"
    )
    assert other == "✓ command: /bin/echo is asked"


async def said_of_files(*folders: Path) -> str:
    (line,) = await said(Resolvers(order=("files",), files=Files(folders=folders)))
    return line


async def test_what_is_in_the_folders_is_counted_and_what_cannot_be_used_is_named(tmp_path: Path) -> None:
    (tmp_path / "a" / "deep").mkdir(parents=True)
    (tmp_path / "b").mkdir()
    folders = (tmp_path / "a", tmp_path / "b")
    there = f"{folders[0]}, {folders[1]}"
    assert await said_of_files(*folders) == f"✓ files: read in {there}: no .torrent file seen"
    junk = folders[0] / "deep" / "\x1b[31m\u202e.torrent"
    junk.write_bytes(b"d4:info5:wronge")
    shown = f"{folders[0]}/deep/\ufffd[31m.torrent"
    assert await said_of_files(*folders) == (
        f"✗ files: read in {there}: 0 files can be used, 1 cannot, such as {shown} — see [resolvers.files] folders"
    )
    (folders[1] / "x.torrent").write_bytes(b"d4:info" + make_sample("Good").info + b"e")
    assert await said_of_files(*folders) == f"✓ files: read in {there}: 1 file can be used, 1 cannot, such as {shown}"
    junk.unlink()
    assert await said_of_files(*folders) == f"✓ files: read in {there}: 1 file can be used"


@pytest.mark.parametrize("name", ["lost+found", "lost.torrent"])
async def test_a_folder_within_that_may_not_be_looked_into_is_told_and_is_no_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    real = os.scandir

    def refused(folder: str) -> object:
        if Path(folder).name.startswith("lost"):
            raise PermissionError(13, "Permission denied", folder)
        return real(folder)

    monkeypatch.setattr(os, "scandir", refused)  # whoever is root may look where nobody may
    closed = tmp_path / name
    closed.mkdir()
    said = f"read in {tmp_path}: no .torrent file seen; closed to us: {closed}"
    assert await said_of_files(tmp_path) == f"✗ files: {said} — see [resolvers.files] folders"
    (tmp_path / "lost too").mkdir()
    (tmp_path / "x.torrent").write_bytes(b"d4:info" + make_sample("Good").info + b"e")
    told = await said_of_files(tmp_path)
    assert told.startswith(f"✓ files: read in {tmp_path}: 1 file can be used; closed to us: ")
    assert told.endswith(" and 1 more")


async def test_a_file_of_a_folder_whose_names_alone_may_be_read_is_one_that_cannot_be_used(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = Path.stat

    def refused(path: Path, *, follow_symlinks: bool = True) -> os.stat_result:
        if path.name.startswith("lost"):
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, follow_symlinks=follow_symlinks)

    (tmp_path / "lost.torrent").touch()
    monkeypatch.setattr(Path, "stat", refused)  # whoever is root may enter where nobody may
    said = f"read in {tmp_path}: 0 files can be used, 1 cannot, such as {tmp_path / 'lost.torrent'}"
    assert await said_of_files(tmp_path) == f"✗ files: {said} — see [resolvers.files] folders"


def test_a_tree_without_torrents_is_left_when_the_time_is_over(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    over, looked = threading.Event(), []
    real = os.scandir

    def counting(folder: str) -> object:
        looked.append(folder)
        over.set()
        return real(folder)

    (tmp_path / "a" / "b" / "c").mkdir(parents=True)
    monkeypatch.setattr(os, "scandir", counting)
    assert counted([tmp_path], read_torrent, over) == Counted(0, [], [])
    assert str(tmp_path / "a" / "b") not in looked


@pytest.mark.parametrize(("usable", "said"), [(3, "3 files can be used"), (0, "no .torrent file seen")])
async def test_of_more_than_can_be_read_soon_it_is_said_that_more_may_be_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, usable: int, said: str
) -> None:
    def counted(_: object, __: object, over: threading.Event) -> Counted:
        over.wait()
        return Counted(usable, [], [])

    monkeypatch.setattr("bot.doctor_sources.counted", counted)
    monkeypatch.setattr("bot.doctor_sources._COUNTED_FOR", 0.0)
    monkeypatch.setattr("bot.doctor_sources._PATIENCE", 3600.0)
    assert await said_of_files(tmp_path) == f"✓ files: read in {tmp_path}: {said} (as far as 0 s went)"


async def test_a_read_that_never_returns_holds_up_nothing_and_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    returns = threading.Event()

    def hanging(*_: object) -> Counted:
        returns.wait()
        return Counted(0, [], [])

    monkeypatch.setattr("bot.doctor_sources.counted", hanging)
    monkeypatch.setattr("bot.doctor_sources._COUNTED_FOR", 0.0)
    monkeypatch.setattr("bot.doctor_sources._PATIENCE", 0.0)
    try:
        line = await said_of_files(tmp_path)
    finally:
        returns.set()
    assert line == f"✗ files: {tmp_path}: a read there does not return — see [resolvers.files] folders"


@pytest.mark.parametrize(("fetches", "begins"), [(False, "✗ qbittorrent: its list of torrents is longer"), (True, "✓")])
async def test_a_qbittorrent_whose_list_is_too_long_is_told_where_lookups_need_it(
    monkeypatch: pytest.MonkeyPatch, *, fetches: bool, begins: str
) -> None:
    class Long:
        def __init__(self, _: object) -> None: ...

        def version(self) -> str:
            return "v4.5.2"

        def fetches(self) -> bool:
            return fetches

        def listed(self) -> None:
            raise ResolverDown(reason="too_large")

        def leave(self, *, politely: bool) -> None: ...

    monkeypatch.setattr("bot.doctor_sources.Server", Long)
    (line,) = await said(Resolvers(order=("qbittorrent",), qbittorrent=Qbittorrent(url="http://127.0.0.1:1")))
    assert line.startswith(begins)


class Refusing:
    """A qBittorrent that cannot be asked, for *reason*."""

    reason = "unreachable"

    def __init__(self, _: object) -> None: ...

    def version(self) -> str:
        raise ResolverDown(reason=self.reason)

    def leave(self, *, politely: bool) -> None: ...


@pytest.mark.parametrize(
    ("reason", "line"),
    [
        (
            "banned",
            (
                "✗ qbittorrent: http://127.0.0.1:1 lets nobody in from this address for a while — "
                "put the password right, then start that qBittorrent anew, or wait an hour"
            ),
        ),
        (
            "status 404",
            "✗ qbittorrent: what answers at http://127.0.0.1:1 is no qBittorrent — see [resolvers.qbittorrent]",
        ),
        ("status 500", "✗ qbittorrent: http://127.0.0.1:1 answers with status 500 — see [resolvers.qbittorrent]"),
    ],
)
async def test_what_is_wrong_with_a_qbittorrent_is_told_with_what_to_do(
    reason: str, line: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.doctor_sources.Server", type("_", (Refusing,), {"reason": reason}))
    assert await said(Resolvers(order=("qbittorrent",), qbittorrent=Qbittorrent(url="http://127.0.0.1:1"))) == [line]


@pytest.mark.parametrize(
    ("login", "why"),
    [
        ({"username": "me", "password": "s3cret"}, "does not let us in with this username and password"),
        ({}, "does not let us in without a username and password"),
        ({"password": "s3cret"}, "does not let us in without a username and password"),
        ({"api_key": "qbt_s3cret"}, "does not let us in with this API key; before 5.2 it has none"),
    ],
)
async def test_that_a_qbittorrent_does_not_let_us_in_is_told_by_what_it_was_given(
    login: dict[str, str], why: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.doctor_sources.Server", type("_", (Refusing,), {"reason": "password"}))
    settings = Qbittorrent.model_validate({"url": "http://127.0.0.1:1", **login})
    (line,) = await said(Resolvers(order=("qbittorrent",), qbittorrent=settings))
    assert line == f"✗ qbittorrent: http://127.0.0.1:1 {why} — see [resolvers.qbittorrent]"


@pytest.mark.parametrize(
    ("url", "page", "its"),
    [
        ("http://127.0.0.1:8080", Web(), True),
        ("http://localhost:8080/qbt", Web(), True),
        ("https://127.0.0.1:8080", Web(), True),
        ("http://[::1]:8080", Web(host="::1"), True),
        ("http://127.0.0.1:8080", EVERYWHERE, True),
        ("http://192.168.1.5:8080", Web(host="192.168.1.5"), True),
        ("http://127.0.0.1:8081", Web(), False),
        ("http://127.0.0.1", Web(), False),
        ("http://127.0.0.1", Web(port=80), True),
        ("https://localhost/qbt", Web(port=443), True),
        ("http://127.0.0.1", Web(port=443), False),
        ("http://127.0.0.1:8080", Web(enabled=False), False),
        ("http://127.0.0.2:8080", Web(), False),
        ("http://192.168.1.5:8080", Web(), False),
        ("http://qbittorrent:8080", EVERYWHERE, False),
        ("http://127.0.0.1:8080", Web(host="::"), False),
    ],
)
async def test_a_qbittorrent_where_the_page_listens_is_told_and_not_asked(
    url: str, page: Web, monkeypatch: pytest.MonkeyPatch, *, its: bool
) -> None:
    monkeypatch.setattr("bot.doctor_sources.Server", Refusing)
    (line,) = await said(Resolvers(order=("qbittorrent",), qbittorrent=Qbittorrent(url=url)), page)
    told = f"✗ qbittorrent: {url} is where calibot's own page listens — change that qBittorrent's port and url, or port"
    assert line.startswith(told if its else f"✗ qbittorrent: nobody can be reached at {url}")
