"""``python -m bot check`` and ``resolve`` where the swarm is asked through a proxy."""

import re

from sandbox.swarm import make_sample
from tests.e2e.command import Ended, command
from tests.e2e.conftest import World
from tests.integration.socks_proxy import SocksProxy


async def through(world: World, proxy: SocksProxy, login: str, *words: str) -> Ended:
    """Run it with the world's settings and *proxy*, spoken to as *login*, beside which nothing may be bound."""
    text = world.write_settings().read_text(encoding="utf-8")
    listen = 'listen_interfaces = "0.0.0.0:0"'
    url = proxy.url.replace("//", f"//{login}@")
    text, count = re.subn(r"(?m)^listen_interfaces = .*$", f'{listen}\nproxy = "{url}"', text)
    assert count == 1
    config = world.folder / "proxied.toml"
    config.write_text(text, encoding="utf-8")
    return await command(words[0], "--config", config, *words[1:])


async def test_check_tells_that_it_is_well_and_reaches_the_dht_through_it(world: World) -> None:
    async with SocksProxy(login=("me", "hush")) as proxy:
        ended = await through(world, proxy, "me:hush", "check")
        assert ended.line("proxy")[0] == "✓"
        assert re.search(r"[1-9]\d* nodes? reached", ended.line("DHT")), ended.output
        assert proxy.sent
    assert ended.code == 0
    assert "hush" not in ended.output + ended.errors


async def test_a_wrong_password_is_told_by_check_and_never_shown(world: World) -> None:
    async with SocksProxy(login=("me", "right")) as proxy:
        ended = await through(world, proxy, "me:hush", "check")
    assert (ended.code, ended.line("proxy")[0], ended.line("DHT")[0]) == (1, "✗", "✗")
    assert "hush" not in ended.output + ended.errors


async def test_a_name_is_found_through_it(world: World) -> None:
    sample = world.swarm.seed(make_sample("through the proxy"), by=["dht"])
    assert sample.v1
    async with SocksProxy(login=("me", "hush")) as proxy:
        ended = await through(world, proxy, "me:hush", "resolve", sample.v1)
    assert "through the proxy" in ended.output
    assert "hush" not in ended.output + ended.errors
