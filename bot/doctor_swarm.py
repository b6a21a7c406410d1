"""What ``check`` says of the proxy that the swarm is asked through."""

from bot.config_resolvers import Libtorrent
from bot.finding import Finding, bad, good
from services.resolvers.socks import Proxy, ProxyRefused, nodes_behind, relay

_WITHOUT = "without UDP there is no DHT, and no tracker is asked: take another proxy"


async def look_at_proxy(settings: Libtorrent, proxy: Proxy) -> Finding:
    """Return whether *proxy*, which is that of *settings*, answers and carries UDP. Its password is not told."""
    try:
        async with relay(proxy):
            pass
        names = settings.dht_bootstrap_nodes if settings.dht else ()
        there = await nodes_behind(proxy, names) if names else ()
    except ProxyRefused as error:
        remedy = _WITHOUT if error.carries_no_udp else "see proxy in [resolvers.libtorrent]"
        return bad("proxy", f"{proxy}: {error}", remedy)
    except TimeoutError:
        return bad("proxy", f"{proxy} does not answer", "start it, or see proxy in [resolvers.libtorrent]")
    except OSError as error:
        said = error.strerror or str(error)
        return bad("proxy", f"{proxy} is not there: {said}", "start it, or see proxy in [resolvers.libtorrent]")
    if names and not there:
        return bad("proxy", f"{proxy} answers, and no datagram comes back through it", _WITHOUT)
    return good(
        "proxy", f"{proxy} answers, and carries UDP" if names else f"{proxy} answers, and says that it carries UDP"
    )
