"""At which addresses this machine is, as its kernel knows them."""

import asyncio
import contextlib
import itertools
import socket
import struct
from collections.abc import AsyncIterator, Callable, Iterator
from dataclasses import replace
from typing import Self

from services.clock import Clock
from services.resolvers.addresses import AddressPolicy

_GET_ADDRESSES, _NEW_ADDRESS, _DONE, _ERROR = 22, 20, 3, 2  # rtnetlink(7), netlink(7)
_A_LIST = 0x301  # NLM_F_REQUEST | NLM_F_DUMP
_ADDRESS, _LOCAL = 1, 2
_LOOK_EVERY = 10.0  # seconds
_HEAD, _ADDRESS_HEAD, _ATTRIBUTE = struct.Struct("=IHHII"), struct.Struct("=BBBBI"), struct.Struct("=HH")


class OwnAddresses:
    """Has a *policy* know this machine's public addresses as they are, while it is `run`. `read` makes one.

    A line that is dialled anew brings others, and so does each day by IPv6.
    """

    def __init__(self, without: AddressPolicy, own: frozenset[str], clock: Clock) -> None:
        self._without = without
        self._own = set(own)
        self._clock = clock
        self.policy = replace(without, own=self._own)

    @classmethod
    async def read(cls, policy: AddressPolicy, clock: Clock) -> Self:
        own, _ = await _known(policy)
        return cls(policy, own, clock)

    async def run(self, changed: Callable[[], None]) -> None:
        """Look each ten seconds, and call *changed* where they are others. Never returns.

        What a busy kernel did not list once is no less ours.
        """
        while True:
            await self._clock.sleep(_LOOK_EVERY)
            now, all_of_them = await _known(self._without)
            gone = self._own - now if all_of_them else frozenset()
            if gone or now - self._own:
                self._own |= now
                self._own -= gone
                changed()


@contextlib.asynccontextmanager
async def knowing_own(policy: AddressPolicy, clock: Clock) -> AsyncIterator[AddressPolicy]:
    """Yield *policy* with this machine's public addresses, as they are, while the ``async with`` lasts."""
    own = await OwnAddresses.read(policy, clock)
    looking = asyncio.create_task(own.run(lambda: None), name="own addresses")
    try:
        yield own.policy
    finally:
        looking.cancel()
        await asyncio.wait([looking])


async def _known(policy: AddressPolicy) -> tuple[frozenset[str], bool]:
    addresses, all_of_them = await asyncio.to_thread(own_addresses)
    return frozenset(policy.knowing_own(*addresses).own), all_of_them


def own_addresses() -> tuple[list[str], bool]:
    """Return this machine's addresses for `AddressPolicy.knowing_own`, and whether these are all. Sends nothing.

    Where the kernel does not list those of all interfaces, they are those towards the internet.
    """
    try:
        return [*_listed()], True
    except OSError:
        return [*_outward()], False


def _listed() -> Iterator[str]:
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, socket.NETLINK_ROUTE) as kernel:
        kernel.settimeout(1)
        kernel.bind((0, 0))
        kernel.send(_HEAD.pack(_HEAD.size + _ADDRESS_HEAD.size, _GET_ADDRESSES, _A_LIST, 1, 0) + bytes(8))
        while True:
            for kind, body in _parts(_HEAD, kernel.recv(2**16)):
                if kind == _ERROR:
                    raise OSError("the kernel lists no addresses")
                if kind == _DONE:
                    return
                if kind == _NEW_ADDRESS:
                    yield from _spelled(body)


def _spelled(body: bytes) -> Iterator[str]:
    family = body[0]
    if family not in {socket.AF_INET, socket.AF_INET6}:
        return
    said = dict(_parts(_ATTRIBUTE, body[_ADDRESS_HEAD.size :]))
    own = said.get(_LOCAL, said.get(_ADDRESS))  # of a point-to-point link, the address is the other end's
    if own:
        yield socket.inet_ntop(family, own)


def _parts(head: struct.Struct, data: bytes) -> Iterator[tuple[int, bytes]]:
    """Yield kind and body of each message, or attribute, in *data*: length and kind stand in its *head*."""
    at = 0
    while at + head.size <= len(data):
        length, kind = itertools.islice(head.unpack_from(data, at), 2)
        if length < head.size:
            return
        yield kind, data[at + head.size : at + length]
        at += (length + 3) & ~3


def _outward() -> Iterator[str]:
    """Yield the addresses towards the internet: a UDP socket that is connected only learns its own end."""
    for family, far in ((socket.AF_INET, "192.0.2.1"), (socket.AF_INET6, "2001:db8::1")):
        try:
            with socket.socket(family, socket.SOCK_DGRAM) as probe:
                probe.connect((far, 9))
                yield str(probe.getsockname()[0])
        except OSError:
            continue
