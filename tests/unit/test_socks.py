"""How a SOCKS5 proxy is named."""

import re

import pytest

from services.resolvers.socks import Proxy, proxy_of

SECRET = "hush"  # noqa: S105 - nobody's


@pytest.mark.parametrize(
    ("url", "proxy"),
    [
        ("socks5://proxy.example:1080", Proxy("proxy.example", 1080)),
        ("SOCKS5://10.0.0.1:9050/", Proxy("10.0.0.1", 9050)),
        ("socks5://[fd00::1]:1080", Proxy("fd00::1", 1080)),
        ("socks5://user:pass@host:1", Proxy("host", 1, "user", "pass")),
        ("socks5://us%40er:pa%3Ass%20word@host:1", Proxy("host", 1, "us@er", "pa:ss word")),
    ],
)
def test_it_is_read(url: str, proxy: Proxy) -> None:
    assert proxy_of(url) == proxy


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("http://u:hush@proxy.example:3128", "goes round the filter"),
        ("HTTPS://u:hush@proxy.example:3128", "goes round the filter"),
        ("socks4://u:hush@proxy.example:1080", "SOCKS4 carries no UDP"),
        ("socks4a://proxy.example:1080", "SOCKS4 carries no UDP"),
        ("socks5h://u:hush@proxy.example:1080", 'must be "socks5://host:port"'),
        ("socks5://u:hush@proxy.example", 'must be "socks5://host:port"'),
        ("socks5://u:hush@proxy.example:0", 'must be "socks5://host:port"'),
        ("socks5://u:hush@proxy.example:99999", 'must be "socks5://host:port"'),
        ("socks5://u:hush@:1080", 'must be "socks5://host:port"'),
        ("socks5://u:hush@host:1/path", 'must be "socks5://host:port"'),
        ("socks5://u:hush@host:1?x", 'must be "socks5://host:port"'),
        ("socks5://u:hu sh@host:1", 'must be "socks5://host:port"'),
        ("u:hush@proxy.example:1080", 'must be "socks5://host:port"'),
        ("socks5://[::1:1080", 'must be "socks5://host:port"'),
        ("", 'must be "socks5://host:port"'),
        ("socks5://u:hush@proxy..example:1080", "must have a host that can be looked up"),
        (f"socks5://u:hush@{'x' * 64}.example:1080", "must have a host that can be looked up"),
        (f"socks5://u:hush@{'x.' * 127}example:1080", "must have a host that can be looked up"),
        ("socks5://u:hush@b\u00fccher.example:1080", "must have a host that can be looked up"),
        ("socks5://hush@proxy.example:1080", "a user and a password, or neither"),
        ("socks5://:hush@proxy.example:1080", "a user and a password, or neither"),
        ("socks5://@proxy.example:1080", "a user and a password, or neither"),
        (f"socks5://u:{SECRET * 64}@proxy.example:1080", "255 bytes"),
    ],
)
def test_anything_else_is_refused_with_its_reason_and_without_its_password(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=re.escape(why)) as refused:
        proxy_of(url)
    assert SECRET not in str(refused.value)


def test_it_is_written_without_its_password() -> None:
    proxy = proxy_of("socks5://user:hush@[fd00::1]:1080")
    assert str(proxy) == "[fd00::1]:1080"
    assert SECRET not in repr(proxy)
