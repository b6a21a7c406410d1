"""What ``check`` says of the swarm's proxy, which answers on loopback."""

import pytest
from pydantic import SecretStr

from bot.config_resolvers import Libtorrent
from bot.doctor_swarm import look_at_proxy
from bot.finding import Finding
from sandbox.swarm import Swarm
from tests.integration.socks_proxy import Mood, SocksProxy


async def looked(url: str, *nodes: str) -> Finding:
    settings = Libtorrent(proxy=SecretStr(url), dht_bootstrap_nodes=nodes)
    assert settings.through is not None
    return await look_at_proxy(settings, settings.through)


async def test_one_that_carries_udp_is_well() -> None:
    async with Swarm() as swarm, SocksProxy(names={"router.test": "127.3.1.1"}) as proxy:
        port = swarm.dht_nodes[0].rpartition(":")[2]
        found = await looked(proxy.url, f"router.test:{port}", "nobody.test:9")
        assert (found.good, found.said) == (True, f"127.6.6.6:{proxy.port} answers, and carries UDP")


@pytest.mark.parametrize(
    ("mood", "said"),
    [("well", "answers, and no datagram comes back through it"), ("no udp", "it carries no UDP")],
)
async def test_one_that_carries_none_is_not(mood: Mood, said: str) -> None:
    async with SocksProxy(mood=mood) as proxy:
        found = await looked(proxy.url, "nobody.test:9")
    assert not found.good
    assert said in found.said
    assert "without UDP" in found.remedy


async def test_a_wrong_password_is_said_and_not_shown() -> None:
    async with SocksProxy(login=("me", "right")) as proxy:
        found = await looked(proxy.url.replace("//", "//me:hush@"))
    assert not found.good
    assert "it refuses the user, or the password" in found.said
    assert "hush" not in str(found)


async def test_one_that_is_not_there_is_said() -> None:
    async with SocksProxy() as proxy:
        url = proxy.url
    found = await looked(url)
    assert not found.good
    assert "is not there" in found.said
