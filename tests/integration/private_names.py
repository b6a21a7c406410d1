"""What leads inwards by names, and by private addresses that are no loopback, where network and names are our own.

Run there as ``python -m tests.integration.private_names``, with 127.0.0.53 to resolve names, it prints who was heard
where private addresses are kept off, and who was not though they are allowed.
"""

import asyncio
import ipaddress
import json
from typing import cast
from unittest.mock import patch

from services.resolvers.addresses import AddressPolicy
from tests.integration.private_vectors import (
    INNER,
    WEB,
    contacts_of,
    misread_vectors,
    named_vectors,
    private_vectors,
    silent_of,
)

RESOLVER = "127.0.0.53"
HOSTS = f"127.0.0.1 localhost\n::1 ip6-localhost\n127.0.1.1 machine\n{INNER} hosted.test\n10.9.9.9 ten.hosted.test\n"
_RECORDS = {
    "inner.test": (INNER,),
    "six.test": ("::1",),
    "ten.test": ("10.9.9.9",),
    "link.test": ("169.254.169.254",),
    "both.test": (INNER, "192.0.0.8"),
    "every.test": (INNER, "::1"),
    "zero.test": ("0.0.0.0",),  # noqa: S104 - as a target it is this machine
    "mapped.test": (f"::ffff:{INNER}",),
}
_REBINDING = "rebinding.test"
_HEARD_AT = {
    **{name: hosts for name, hosts in _RECORDS.items() if name not in {"both.test", "zero.test", "mapped.test"}},
    "zero.test": ("127.0.0.1",),
    "INNER.test.": (INNER,),
    "localhost": ("127.0.0.1",),
    "ip6-localhost": ("::1",),
    "machine": ("127.0.1.1",),
    "hosted.test": (INNER,),
    "ten.hosted.test": ("10.9.9.9",),
}
_OFTEN_UNHEARD = {"both.test": (INNER,), "mapped.test": (INNER,), _REBINDING: (INNER,)}
_A, _AAAA = 1, 28
_FOUND, _UNKNOWN = 0x8180, 0x8183


class Names(asyncio.DatagramProtocol):
    """Resolves the names of the table. A rebinding one is a public address at every other question, else a private."""

    def __init__(self) -> None:
        self._transport: asyncio.DatagramTransport | None = None
        self._rebound = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.DatagramTransport", transport)  # asyncio's own is none by its bases

    def datagram_received(self, data: bytes, addr: tuple[str, int]) -> None:
        end = data.index(b"\0", 12)
        name, at = [], 12
        while at < end:
            name.append(data[at + 1 : at + 1 + data[at]].decode())
            at += data[at] + 1
        kind = int.from_bytes(data[end + 1 : end + 3], "big")
        known = self._known(".".join(name).lower(), kind)
        version = {_A: 4, _AAAA: 6}.get(kind)
        found = [address for address in map(ipaddress.ip_address, known or ()) if address.version == version]
        records = [
            b"\xc0\x0c" + data[end + 1 : end + 5] + bytes(4) + len(one.packed).to_bytes(2, "big") + one.packed
            for one in found
        ]
        flags = _UNKNOWN if known is None else _FOUND
        head = data[:2] + b"".join(number.to_bytes(2, "big") for number in (flags, 1, len(records), 0, 0))
        if self._transport is not None:
            self._transport.sendto(head + data[12 : end + 5] + b"".join(records), addr)

    def _known(self, name: str, kind: int) -> tuple[str, ...] | None:
        if name != _REBINDING:
            return _RECORDS.get(name)
        if kind == _A:
            self._rebound = not self._rebound
        return (WEB if self._rebound else INNER,)


async def _tried() -> dict[str, object]:
    loop = asyncio.get_running_loop()
    transport, _ = await loop.create_datagram_endpoint(Names, local_addr=(RESOLVER, 53))
    heard = [*named_vectors(_HEARD_AT), *private_vectors()]
    vectors = [*heard, *named_vectors(_OFTEN_UNHEARD), *misread_vectors()]
    with patch.object(AddressPolicy, "admits", lambda *_: True):  # the filter alone
        contacts, silent = await asyncio.gather(contacts_of(vectors), silent_of(heard, seconds=15))
    transport.close()
    return {"vectors": len(vectors), "contacts": contacts, "silent": silent}


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_tried())))  # noqa: T201 - what it is for
