"""What several tests of the swarm get."""

import shutil
import subprocess
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from sandbox.swarm import Swarm
from services.resolvers.libtorrent import LibtorrentResolver
from tests.integration.leftovers import soon
from tests.integration.private_names import HOSTS, RESOLVER
from tests.integration.swarm_help import nothing_left_in, opened

OWN_NETWORK = """
for file in hosts resolv.conf nsswitch.conf; do mount --bind "$1/$file" "/etc/$file"; done
ip link set lo up
for address in 10.9.9.9 100.64.9.9 169.254.169.254 172.16.9.9 192.168.9.9; do ip address add $address/32 dev lo; done
ip address add fd00::9/128 dev lo nodad
shift
"$@"
"""


@pytest.fixture
async def swarm() -> AsyncIterator[Swarm]:
    async with Swarm() as one:
        yield one


@pytest.fixture
async def resolver(swarm: Swarm) -> AsyncIterator[LibtorrentResolver]:
    async with opened(swarm) as one:
        yield one
        assert await soon(lambda: nothing_left_in(one)), "a lookup that is over has left its torrent"


@pytest.fixture
def own_network(tmp_path: Path) -> list[str]:
    """Return the command before a command that is to run where network, hosts and resolver are its own."""
    unshare, ip = shutil.which("unshare"), shutil.which("ip")
    (tmp_path / "hosts").write_text(HOSTS)
    (tmp_path / "resolv.conf").write_text(f"nameserver {RESOLVER}\n")
    (tmp_path / "nsswitch.conf").write_text("hosts: files dns\n")
    before = [unshare or "false", "-rmn", "sh", "-euc", OWN_NETWORK, "sh", str(tmp_path)]
    if not ip or subprocess.run([*before, "true"], check=False, capture_output=True).returncode:  # noqa: S603 - our own words
        pytest.skip("LEFT OUT: names and private addresses are not tried where no network of one's own can be had")
    return before
