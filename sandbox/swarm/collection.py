"""Two dozen torrents to try a bot on: what they are really called, what their magnets call them, who has them."""

import asyncio
import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal, Self

from sandbox.swarm.samples import HOSTILE_NAMES, Files, Kind, Sample, make_sample
from sandbox.swarm.swarm import Swarm

Sort = Literal["plain", "script", "hostile", "slow", "dead"]

_FILM = (("The.Goddess.1934.1080p.mkv", 4_370_000_000), ("subtitles/en.srt", 48_000), ("字幕/zh.srt", 51_000))
_ALBUM = tuple((f"{number:02}. Variatio {number}.flac", 14_200_000) for number in range(1, 31))
_PHOTOS = tuple((f"{1900 + number // 20}/plate {number:04}.tif", 31_000_000 + number) for number in range(2_000))
_COURSE = tuple((f"week {week}/day {day}/lesson.mp4", 210_000_000) for week in range(1, 13) for day in range(1, 6))


@dataclass(frozen=True, slots=True, kw_only=True)
class Torrent:
    """One of the collection.

    Args:
        label: what it is, in English and in Chinese.
        name: its true one, as text or as raw bytes.
        claimed: what its magnet calls it (``dn``); None for a magnet that says nothing.
        after: seconds after it was first asked for until a peer has it; None for one that nobody will ever have.
        mute: peers are found at once that accept a connection and say nothing.
        dht_only: no tracker knows it.
    """

    sort: Sort
    label: tuple[str, str]
    name: str | bytes
    claimed: str | None = None
    kind: Kind = "v1"
    files: Files | None = None
    after: float | None = 0
    mute: bool = False
    dht_only: bool = False

    def sample(self) -> Sample:
        """Return it as a torrent, the same one in every sandbox."""
        raw = self.name.encode() if isinstance(self.name, str) else self.name
        files = self.files or (("video.mkv", 1_450_000_000),)
        return make_sample(raw_name=raw, kind=self.kind, files=files, seed=self.label[0].encode())


TORRENTS = (
    Torrent(
        sort="plain",
        label=("A film that is called “18”", "名字是“18”的电影"),
        name="神女.The.Goddess.1934.修复版",
        claimed="18",
        files=_FILM,
    ),
    Torrent(
        sort="plain",
        label=("An album without a name", "没有名字的专辑"),
        name="Bach - Goldberg Variations (Open, 2012)",
        files=_ALBUM,
    ),
    Torrent(
        sort="plain",
        label=("A film under an advert", "名字是广告的电影"),
        name="Big.Buck.Bunny.2008.2160p.mkv",
        claimed="【最新地址 www.example.net】HD1080",
    ),
    Torrent(
        sort="plain",
        label=("A name that is right already", "名字已经正确"),
        name="Sita.Sings.the.Blues.2008.1080p.mkv",
        claimed="Sita.Sings.the.Blues.2008.1080p.mkv",
    ),
    Torrent(
        sort="plain",
        label=("A hybrid, v1 and v2", "v1 与 v2 混合种子"),
        name="debian-13.2.0-amd64-netinst",
        claimed="linux",
        kind="hybrid",
        files=(("debian-13.2.0-amd64-netinst.iso", 790_000_000), ("SHA256SUMS", 302)),
    ),
    Torrent(
        sort="plain",
        label=("v2 alone", "只有 v2"),
        name="Tears of Steel (2012)",
        kind="v2",
        files=(("Tears of Steel.webm", 571_000_000), ("poster.jpg", 310_000)),
    ),
    Torrent(
        sort="plain",
        label=("2,000 files", "2,000 个文件"),
        name="Glass plates, scanned",
        claimed="photos",
        files=_PHOTOS,
    ),
    Torrent(
        sort="plain",
        label=("Folders in folders", "层层文件夹"),
        name="Physics in twelve weeks",
        claimed="course.zip",
        files=_COURSE,
    ),
    Torrent(
        sort="plain",
        label=("Found by the DHT alone", "只能通过 DHT 找到"),
        name="Nosferatu.1922.restored.mkv",
        claimed="new",
        dht_only=True,
    ),
    Torrent(sort="script", label=("Chinese", "中文"), name="大闹天宫.1961.国语.修复版", claimed="hd"),
    Torrent(
        sort="script",
        label=("Chinese in GBK bytes", "GBK 编码的中文"),
        name="小城之春.1948.国语中字".encode("gb18030"),
        claimed="xczc",
    ),
    Torrent(
        sort="script",
        label=("Chinese in Big5 bytes", "Big5 编码的繁体中文"),
        name="梁山伯與祝英台.國語發音".encode("big5"),
    ),
    Torrent(
        sort="script",
        label=("Japanese in Shift-JIS bytes", "Shift-JIS 编码的日文"),
        name=HOSTILE_NAMES["shift-jis"],
    ),
    Torrent(sort="script", label=("Emoji", "表情符号"), name="🎬🍿 Movie night 🌙✨", claimed="movie"),
    Torrent(sort="script", label=("A family of emoji", "组合表情"), name=HOSTILE_NAMES["emoji"]),
    Torrent(sort="hostile", label=("HTML tags", "HTML 标签"), name=HOSTILE_NAMES["tags"], claimed="<i>hello</i>"),
    Torrent(
        sort="hostile",
        label=("Turned round: right to left", "反向文字"),
        name=HOSTILE_NAMES["right-to-left override"],
    ),
    Torrent(sort="hostile", label=("Very long", "非常长"), name=HOSTILE_NAMES["long"], claimed="short"),
    Torrent(sort="hostile", label=("It looks empty", "看起来是空的"), name="\u200b\u3164\u2800 ", claimed="something"),
    Torrent(sort="hostile", label=("Several lines", "好几行"), name=HOSTILE_NAMES["newline"]),
    Torrent(sort="hostile", label=("A path", "一个路径"), name=HOSTILE_NAMES["path separators"]),
    Torrent(
        sort="slow",
        label=("Slow: a peer comes after 6 s", "慢：6 秒后才有节点"),
        name="Metropolis.1927.Complete.mkv",
        claimed="m",
        after=6,
    ),
    Torrent(
        sort="slow",
        label=("Slow: silent peers, a good one after 15 s", "慢：节点不响应，15 秒后才有好的"),
        name="Le.Voyage.dans.la.Lune.1902.colour.mkv",
        claimed="moon",
        after=15,
        mute=True,
    ),
    Torrent(sort="dead", label=("Dead: nobody has it", "死种：无人做种"), name="gone", claimed="lost film", after=None),
    Torrent(
        sort="dead",
        label=("Dead: its peers say nothing", "死种：节点都不响应"),
        name="silent",
        claimed="lost album",
        after=None,
        mute=True,
    ),
)
"""The collection."""


class Collection:
    """*torrents* in *swarm*, while the ``async with`` lasts."""

    def __init__(self, swarm: Swarm, torrents: Sequence[Torrent] = TORRENTS) -> None:
        self._swarm = swarm
        self._torrents = torrents
        self._late: dict[str, tuple[Sample, float]] = {}
        self._watching: asyncio.Task[None] | None = None
        self.magnets: dict[str, str] = {}
        """The magnet of each, by its English label."""

    async def __aenter__(self) -> Self:
        for one in self._torrents:
            sample = self._placed(one)
            self.magnets[one.label[0]] = sample.magnet(dn=one.claimed, trackers=not one.dht_only)
        self._watching = asyncio.create_task(self._watch())
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._watching is not None:
            self._watching.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._watching

    def _placed(self, one: Torrent) -> Sample:
        sample = one.sample()
        if one.mute:
            sample = replace(self._swarm.stall(sample), peers=())
        if one.after is None or one.after > 0:
            sample = self._swarm.unseeded(sample)
        else:
            sample = self._swarm.seed(sample, by=("dht",) if one.dht_only else ("tracker", "dht"))
        if one.after:
            self._late[sample.wire_hashes[0].hex()] = (sample, one.after)
        return sample

    async def _watch(self) -> None:
        """Let the late peers come, each so long after its torrent was first asked for."""
        asked = self._swarm.tracker.asked
        async with asyncio.TaskGroup() as coming:
            while self._late:
                for sample, seconds in self._now_asked_for():
                    coming.create_task(self._come(sample, seconds))
                await asked.wait()
                asked.clear()

    def _now_asked_for(self) -> Iterator[tuple[Sample, float]]:
        for wire_hash in self._late.keys() & set(self._swarm.announces):
            yield self._late.pop(wire_hash)

    async def _come(self, sample: Sample, seconds: float) -> None:
        await asyncio.sleep(seconds)
        await self._swarm.begin_seeding(sample)
