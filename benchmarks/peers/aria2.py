"""aria2c, as one runs it for metadata alone; its own start counts, since it is a command."""

import asyncio
import contextlib
import shutil
import tempfile
import time
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from benchmarks.peers.port import Missing
from benchmarks.ports import free_port
from benchmarks.processes import running
from benchmarks.swarm_process import RemoteSwarm, Sought

_LOOK_EVERY = 0.005


class Aria2:
    """See `Peer`."""

    name = "aria2c"

    async def version(self) -> str:
        async with running(program(), "--version", talks=True) as process:
            assert process.stdout is not None  # noqa: S101 - it talks
            return (await process.stdout.readline()).decode().split()[-1]

    @contextlib.asynccontextmanager
    async def open(self, swarm: RemoteSwarm, *, dht: bool) -> "AsyncIterator[_Finder]":
        program()
        yield _Finder(swarm.dht_nodes[0] if dht else None)


def program() -> str:
    """Return where it is. Raises Missing."""
    found = shutil.which("aria2c")
    if found is None:
        raise Missing("aria2c is not installed (apt install aria2)")
    return found


class _Finder:
    def __init__(self, entry: str | None) -> None:
        self._entry = entry

    async def find(self, sought: Sequence[Sought], patience: float) -> list[float]:
        folder = Path(await asyncio.to_thread(tempfile.mkdtemp))
        magnets = folder / "magnets"
        try:
            await asyncio.to_thread(magnets.write_text, "\n".join(one.magnet for one in sought), "utf-8")
            return await self._run(magnets, len(sought), patience)
        finally:
            await asyncio.to_thread(shutil.rmtree, folder)

    async def _run(self, magnets: Path, count: int, patience: float) -> list[float]:
        folder = magnets.parent
        dht = (f"--dht-entry-point={self._entry}", f"--dht-listen-port={free_port()}") if self._entry else ()
        began = time.perf_counter()
        async with running(
            program(),
            "--no-conf",
            "--quiet",
            "--interface=127.0.0.1",
            f"--listen-port={free_port()}",
            f"--enable-dht={'true' if self._entry else 'false'}",
            "--enable-dht6=false",
            *dht,
            f"--dht-file-path={folder / 'dht.dat'}",
            "--bt-metadata-only=true",
            "--bt-save-metadata=true",
            f"--max-concurrent-downloads={count}",
            f"--dir={folder}",
            f"--input-file={magnets}",
            patience=0,  # asked to, it takes seconds to end
        ):
            times: list[float] = []
            while len(times) < count and (now := time.perf_counter() - began) < patience:
                times += [now] * (await asyncio.to_thread(_saved, folder) - len(times))
                await asyncio.sleep(_LOOK_EVERY)
            return times


def _saved(folder: Path) -> int:
    return sum(1 for _ in folder.glob("*.torrent"))
