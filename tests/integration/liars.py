"""Whom the tests of lying peers meet, and how much memory those take that know no end or no measure.

Run as ``python -m tests.integration.liars``, it prints what its process held before them and at most, and what they
sent, in bytes, and how many lookups ended.
"""

import asyncio
import json
import resource
from collections.abc import Callable
from contextlib import AsyncExitStack

from sandbox.swarm import Sample, Swarm, make_sample
from sandbox.swarm.giver import Giver
from sandbox.swarm.lies import (
    all_but_the_last,
    another,
    another_size,
    first_alone,
    noise_without_end,
    pieces_without_end,
    refusal,
    short,
    zeros,
)
from services.resolvers.libtorrent.settings import LARGEST_METADATA, USUAL_METADATA
from tests.integration.swarm_help import Running, opened, torrent_id, trackers_of

SIZES = (USUAL_METADATA, LARGEST_METADATA)
MOST_METADATA = LARGEST_METADATA

Liar = Callable[[str, Sample], Giver]

LIARS: dict[str, Liar] = {
    "other bytes": lambda host, true: Giver(host, another(true.info)),
    "other bytes, encrypted": lambda host, true: Giver(host, another(true.info), encrypted_for=true.wire_hashes[0]),
    "other bytes, by uTP": lambda host, true: Giver(host, another(true.info), utp=True),
    "the largest size": lambda host, true: Giver(host, true.info, claims=MOST_METADATA - 1, lie=zeros),
    "too large a size": lambda host, true: Giver(host, true.info, claims=MOST_METADATA + 1, lie=zeros),
    "too small a size": lambda host, true: Giver(host, true.info[:20_000]),
    "a size that is nearly right": lambda host, true: Giver(
        host, true.info, claims=len(true.info) - 1, lie=first_alone
    ),
    "half pieces": lambda host, true: Giver(host, true.info, lie=short),
    "all but the last piece": lambda host, true: Giver(host, true.info, lie=all_but_the_last),
    "sizes that disagree": lambda host, true: Giver(host, true.info, lie=another_size),
    "sizes that disagree, encrypted": lambda host, true: Giver(
        host, true.info, lie=another_size, encrypted_for=true.wire_hashes[0]
    ),
    "sizes that disagree, by uTP": lambda host, true: Giver(host, true.info, lie=another_size, utp=True),
    "refusals": lambda host, true: Giver(host, true.info, lie=refusal),
    "pieces without end": lambda host, true: Giver(host, true.info, lie=pieces_without_end),
    "pieces without end, by uTP": lambda host, true: Giver(host, true.info, lie=pieces_without_end, utp=True),
    "noise without end": lambda host, true: Giver(host, true.info, lie=noise_without_end),
    "no metadata at all": lambda host, true: Giver(host, true.info, dull=True),
}
"""Peers of a true sample that do not give what it is."""

COSTLY = ("the largest size", "too large a size", "pieces without end", "noise without end")
LOOKUPS = 25
"""In which peers say of how much metadata they give the first piece."""

_SECONDS = 4


def large() -> Sample:
    """Return a sample whose metadata has several pieces: libtorrent puts those of several peers together."""
    return make_sample("true", files=[("f", 16_384 * 2_500)], piece_length=16_384)


async def _costs() -> dict[str, int]:
    async with AsyncExitStack() as stack:
        swarm = await stack.enter_async_context(Swarm(dht=False))
        resolver = await stack.enter_async_context(opened(swarm))
        before = _most_held()
        samples = {kind: swarm.unseeded(large()) for kind in COSTLY}
        liars = [
            await swarm.place(LIARS[kind](f"127.0.2.{number}", sample), sample)
            for kind, sample in samples.items()
            for number in (20, 21)
        ]
        for number in range(LOOKUPS):
            samples[str(number)] = sample = swarm.unseeded(large())
            for place, size in enumerate(SIZES):
                host = f"127.0.3.{20 + place}"
                for way in ({}, {"utp": True}, {"encrypted_for": sample.wire_hashes[0]}):
                    liar = Giver(host, sample.info, claims=size - 1, lie=first_alone, **way)
                    liars.append(await swarm.place(liar, sample))
        lookups = [
            await stack.enter_async_context(Running(resolver, torrent_id(sample), trackers_of(sample)))
            for sample in samples.values()
        ]
        ended, _ = await asyncio.wait([lookup.task for lookup in lookups], timeout=_SECONDS)
        return {
            "before": before,
            "most": _most_held(),
            "sent": sum(liar.sent for liar in liars),
            "ended": len(ended),
        }


def _most_held() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1_024


if __name__ == "__main__":
    print(json.dumps(asyncio.run(_costs())))  # noqa: T201 - what it is for
