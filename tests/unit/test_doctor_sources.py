"""What a check says of the sources of names beside the swarm."""

import os
from pathlib import Path

import pytest

from bot.config_resolvers import Files, Http, Libtorrent, Resolvers
from bot.doctor_sources import look_at_sources


def said(*hosts: str, allow_private: bool = False) -> list[str]:
    http = Http(templates=tuple(f"https://{one}/{{info_hash}}" for one in hosts))
    settings = Resolvers(order=("http",), http=http, libtorrent=Libtorrent(allow_private_peers=allow_private))
    return [str(one) for one in look_at_sources(settings)]


@pytest.mark.parametrize("host", ["10.0.0.5", "127.0.0.1:8000", "[fd00::1]", "localhost", "cache:8080", "2130706433"])
def test_a_cache_that_is_kept_off_is_told_with_what_to_do(host: str) -> None:
    (line,) = said(host)
    assert line.startswith("✗ http: ")
    assert line.endswith(
        "is in a private network, and is not contacted — to have it asked: allow_private_peers = true in "
        "[resolvers.libtorrent]"
    )
    (line,) = said(host, allow_private=True)
    assert line.startswith("✓ http: ")


def test_of_several_caches_each_is_told_of() -> None:
    kept_off, good = said("cache.example", "10.0.0.5", "8.8.8.8")
    assert kept_off.startswith("✗ http: 10.0.0.5 is in")
    assert good == "✓ http: cache.example, 8.8.8.8 will learn which torrents are looked for"


def test_a_folder_that_may_not_be_looked_into_is_told_and_those_after_it_are_looked_at(
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
    settings = Resolvers(
        order=("files", "http"), files=Files(folders=folders), http=Http(templates=("https://c.example/{info_hash}",))
    )
    files, http = map(str, look_at_sources(settings))
    assert files == (
        f"✗ files: {tmp_path}/locked: Permission denied; {tmp_path}/none: No such file or directory; "
        f"{tmp_path}/file: Not a directory; {folders[-1]}: File name too long — see [resolvers.files] folders"
    )
    assert http.startswith("✓ http")
    settings = Resolvers(order=("files",), files=Files(folders=(tmp_path,)))
    assert [str(one) for one in look_at_sources(settings)] == [f"✓ files: read in {tmp_path}"]
