"""qbittorrent-nox, over its Web API, with a profile and a password of its own."""

import asyncio
import base64
import contextlib
import hashlib
import os
import secrets
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

import qbittorrentapi

from benchmarks.peers.port import Missing
from benchmarks.ports import free_port
from benchmarks.processes import running
from benchmarks.swarm_process import RemoteSwarm, Sought

USER = "owner"
_LOOK_EVERY = 0.05
_START = 20.0
_SETTINGS = """[BitTorrent]
Session\\Interface=lo
Session\\InterfaceName=lo
Session\\InterfaceAddress={host}
Session\\Port=0
Session\\DHTEnabled={dht}
Session\\LSDEnabled=false
Session\\PeXEnabled=false
Session\\QueueingSystemEnabled={queue}
Session\\DefaultSavePath={folder}
[LegalNotice]
Accepted=true
[Network]
PortForwardingEnabled=false
[Preferences]
Connection\\ResolvePeerCountries=false
Connection\\UPnP=false
General\\Locale=en
WebUI\\Address=127.0.0.1
WebUI\\Port={web}
WebUI\\UseUPnP=false
WebUI\\Username={user}
WebUI\\Password_PBKDF2="@ByteArray({password})"
"""


class Qbittorrent:
    """See `Peer`."""

    name = "qbittorrent-nox"

    async def version(self) -> str:
        async with running(_program(), "--version", talks=True) as process:
            assert process.stdout is not None  # noqa: S101 - it talks
            return (await process.stdout.readline()).decode().split()[-1].removeprefix("v")

    @contextlib.asynccontextmanager
    async def open(self, swarm: RemoteSwarm, *, dht: bool) -> "AsyncIterator[_Finder]":  # noqa: ARG002 - the port's
        if dht:
            raise Missing("it enters the DHT by public nodes of its own, which 4.5 cannot be told to leave out")
        async with self.client() as (client, _):
            yield _Finder(client)

    def here(self) -> None:
        """Raise Missing where it is not installed."""
        _program()

    @contextlib.asynccontextmanager
    async def client(
        self, host: str = "127.0.0.1", *, dht: bool = False
    ) -> AsyncIterator[tuple[qbittorrentapi.Client, int]]:
        """Run it at *host*; yield a `qbittorrentapi.Client` and its process's number."""
        program = _program()
        with tempfile.TemporaryDirectory() as name:
            folder, web, password = Path(name), free_port(), secrets.token_urlsafe()
            await asyncio.to_thread(write_settings, folder, web, password, host, dht=dht)
            async with running(program, f"--profile={folder}", f"--webui-port={web}") as process:
                yield await connected(web, password), process.pid


def _program() -> str:
    found = shutil.which("qbittorrent-nox")
    if found is None:
        raise Missing("qbittorrent-nox is not installed (apt install qbittorrent-nox)")
    return found


def write_settings(
    folder: Path, web: int, password: str, host: str = "127.0.0.1", *, dht: bool = False, queue: bool = False
) -> None:
    """Make a profile in *folder*, whose Web API lets `USER` in with *password*; its swarm is at *host*. Blocks.

    *queue*: three torrents are looked for at once, as it comes.
    """
    path = folder / "qBittorrent" / "config" / "qBittorrent.conf"
    path.parent.mkdir(parents=True)
    salt = os.urandom(16)
    key = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, 100_000)
    spelled = b":".join(map(base64.b64encode, (salt, key))).decode()
    spots = {"host": host, "folder": folder / "saved"}
    switches = {"dht": str(dht).lower(), "queue": str(queue).lower()}
    path.write_text(_SETTINGS.format(web=web, user=USER, password=spelled, **spots, **switches), "utf-8")


async def connected(web: int, password: str) -> qbittorrentapi.Client:
    """Return a client of the one that is started on the port *web*, as soon as that answers.

    Raises:
        Missing: it does not.
    """
    client = qbittorrentapi.Client(
        host=f"http://127.0.0.1:{web}",
        username=USER,
        password=password,
        FORCE_SCHEME_FROM_HOST=True,
        REQUESTS_ARGS={"timeout": 30},
    )
    until = time.monotonic() + _START
    while True:
        try:
            await asyncio.to_thread(client.auth_log_in)
        except qbittorrentapi.APIConnectionError as error:
            if time.monotonic() > until:
                raise Missing(f"its Web API did not answer within {_START:.0f} s") from error
            await asyncio.sleep(0.1)
        else:
            return client


class _Finder:
    def __init__(self, client: qbittorrentapi.Client) -> None:
        self._client = client

    async def find(self, sought: Sequence[Sought], patience: float) -> list[float]:
        began = time.perf_counter()
        urls, hashes = [one.magnet for one in sought], [one.hash for one in sought]
        # Paused it would never look; without a condition to stop at it would go on to the payload.
        await asyncio.to_thread(self._client.torrents_add, urls=urls, stop_condition="MetadataReceived")
        times: list[float] = []
        while len(times) < len(sought) and time.perf_counter() - began < patience:
            await asyncio.sleep(_LOOK_EVERY)
            found = sum(one.size > 0 for one in await asyncio.to_thread(self._client.torrents_info))
            times += [time.perf_counter() - began] * (found - len(times))
        await asyncio.to_thread(self._client.torrents_delete, delete_files=True, torrent_hashes=hashes)
        async with asyncio.timeout(_START):
            while await asyncio.to_thread(self._client.torrents_info):  # noqa: ASYNC110 - it has no event
                await asyncio.sleep(_LOOK_EVERY)
        return times
