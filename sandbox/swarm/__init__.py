"""A BitTorrent swarm on loopback: trackers, a DHT, peers that give metadata, that lie, that never speak."""

from sandbox.swarm.collection import TORRENTS, Collection, Torrent
from sandbox.swarm.samples import HOSTILE_NAMES, Kind, Sample, make_sample
from sandbox.swarm.swarm import Swarm, Way

__all__ = ["HOSTILE_NAMES", "TORRENTS", "Collection", "Kind", "Sample", "Swarm", "Torrent", "Way", "make_sample"]
