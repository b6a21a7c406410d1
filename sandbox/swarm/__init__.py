"""A BitTorrent swarm on loopback: a tracker, a DHT, peers that give metadata and peers that never do."""

from sandbox.swarm.samples import HOSTILE_NAMES, Kind, Sample, make_sample
from sandbox.swarm.swarm import Swarm, Way

__all__ = ["HOSTILE_NAMES", "Kind", "Sample", "Swarm", "Way", "make_sample"]
