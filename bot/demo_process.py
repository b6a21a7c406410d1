"""calibot as its own process, for the demo: started against the sandbox, watched, stopped."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from asyncio.subprocess import DEVNULL, STDOUT, Process
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

_ROOT = Path(__file__).parents[1]
_PATIENCE = 10.0
_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


_SETTINGS = """
[telegram]
token = {token}
base_url = {base_url}
base_file_url = {base_file_url}
owners = {owners}
allowed_users = {users}
allowed_chats = {chats}
[database]
path = {database}
[calibration]
timeout = {timeout}
[web]
port = 0
[resolvers.libtorrent]
listen_interfaces = "127.0.0.1:0"
dht_bootstrap_nodes = {nodes}
allow_private_peers = true
"""


class DemoFailed(Exception):
    """The demo cannot go on; says why."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where calibot finds the sandbox and its own data; all of it is another one at the next start."""

    token: str
    base_url: str
    base_file_url: str
    dht_nodes: Sequence[str]
    database: Path

    def settings(
        self, *, owners: Sequence[int], users: Sequence[int] = (), chats: Sequence[int] = (), timeout: float = 60
    ) -> str:
        """Return the settings file that makes calibot live here."""
        return _SETTINGS.format(
            token=json.dumps(self.token),
            base_url=json.dumps(self.base_url),
            base_file_url=json.dumps(self.base_file_url),
            owners=list(owners),
            users=list(users),
            chats=list(chats),
            database=json.dumps(str(self.database)),
            timeout=float(timeout),
            nodes=json.dumps(list(self.dht_nodes)),
        )

    def variables(self) -> dict[str, str]:
        """Return the same, but people, as environment variables, which go before a settings file."""
        return {
            "CALIBOT_TELEGRAM__TOKEN": self.token,
            "CALIBOT_TELEGRAM__BASE_URL": self.base_url,
            "CALIBOT_TELEGRAM__BASE_FILE_URL": self.base_file_url,
            "CALIBOT_DATABASE__PATH": str(self.database),
            "CALIBOT_WEB__PORT": "0",
            "CALIBOT_RESOLVERS__LIBTORRENT__DHT_BOOTSTRAP_NODES": json.dumps(list(self.dht_nodes)),
        }


@contextlib.asynccontextmanager
async def running(
    config: Path, output: BinaryIO, variables: Mapping[str, str] | None = None
) -> AsyncIterator["asyncio.Task[int]"]:
    """Run ``python -m bot run`` while the ``async with`` lasts; yield a task that gives its exit code when it ends.

    *variables* go before the settings in *config*.
    It has a session of its own: Ctrl-C in the terminal does not reach it, so that it is stopped here and in order.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bot", "run", "--config", str(config)),
        cwd=_ROOT,
        env=_environment() | dict(variables or {}),
        stdin=DEVNULL,
        stdout=output,
        stderr=STDOUT,
        start_new_session=True,
    )
    ended = asyncio.create_task(process.wait())
    try:
        yield ended
    finally:
        await _stop(process, ended)


@contextlib.contextmanager
def first_signal() -> Iterator["asyncio.Future[int]"]:
    """Yield a future that the first signal fills. Later ones change nothing: the end is under way, and bounded.

    The end of a terminal that is ignored (nohup) is none.
    """
    heard = [one for one in _SIGNALS if one != signal.SIGHUP or signal.getsignal(one) is not signal.SIG_IGN]
    loop = asyncio.get_running_loop()
    first: asyncio.Future[int] = loop.create_future()

    def came(number: int) -> None:
        if not first.done():
            first.set_result(number)

    for number in heard:
        loop.add_signal_handler(number, came, number)
    try:
        yield first
    finally:
        for number in heard:
            loop.remove_signal_handler(number)


async def _stop(process: Process, ended: "asyncio.Task[int]") -> None:
    with contextlib.suppress(ProcessLookupError):
        process.terminate()
    await asyncio.wait({ended}, timeout=_PATIENCE)
    if not ended.done():
        with contextlib.suppress(ProcessLookupError):
            process.kill()
    await ended


def _environment() -> dict[str, str]:
    """Return this process's environment without our settings, and without proxies: all is on loopback."""
    return {
        name: value
        for name, value in os.environ.items()
        if not name.upper().startswith("CALIBOT_") and not name.lower().endswith("_proxy")
    }


def last_lines(output: Path, count: int = 8) -> list[str]:
    """Return the last *count* lines of what the process wrote."""
    return output.read_text("utf-8", "replace").splitlines()[-count:]
