"""Who is in the demo, what was said before it begins, and what there is to try."""

from collections.abc import Mapping
from dataclasses import dataclass

from sandbox.botapi import BotApi, Chat, Person
from sandbox.page import Cast, Offer
from sandbox.swarm import TORRENTS

_FILM = "A film that is called “18”"
_ALBUM = "An album without a name"
_ADVERT = "A film under an advert"
_GBK = "Chinese in GBK bytes"
_BIG5 = "Chinese in Big5 bytes"
_DEAD = "Dead: nobody has it"
_SLOW = "Slow: a peer comes after 6 s"
_AT_ONCE = (
    _DEAD,
    "Dead: its peers say nothing",
    "Slow: silent peers, a good one after 15 s",
    _SLOW,
    "Found by the DHT alone",
    "Emoji",
    _FILM,
    _ALBUM,
)
"""What a list of many is tried with: for a while some of them are under way."""


@dataclass(frozen=True, slots=True)
class Scene:
    """Alice owns the bot, Bob is let in, Mallory is not; Alice and Bob have a group."""

    alice: Person
    bob: Person
    mallory: Person
    group: Chat
    cast: Cast
    notes: tuple[str, ...]

    def say_notes(self) -> None:
        """Let Alice have sent a few notes."""
        for note in self.notes:
            self.alice.say(self.cast.chats[0], note)


def scene(api: BotApi, magnets: Mapping[str, str]) -> Scene:
    """Return the people in *api*, with the *magnets* of the collection by their labels."""
    alice = api.person("Alice", username="alice", language="en")
    bob = api.person("Bob", username="bob", language="zh-hans")
    mallory = api.person("Mallory", username="mallory", language="en")
    group = api.group("Film club", alice, bob)
    group.set_status(alice, "creator")
    cast = Cast(
        people=[
            (alice, ("owner, English", "所有者，英文")),
            (bob, ("let in, Chinese", "已获准，中文")),
            (mallory, ("a stranger", "陌生人")),
        ],
        chats=[*map(api.private, (alice, bob, mallory)), group],
        chips=_chips(magnets),
        torrents=[Offer(one.sort, one.label, magnets[one.label[0]]) for one in TORRENTS],
    )
    return Scene(alice, bob, mallory, group, cast, _notes(magnets))


def _notes(magnets: Mapping[str, str]) -> tuple[str, ...]:
    return (
        f"周末一起看：{magnets[_FILM]}，记得带爆米花",
        f"For the long drive:\n{magnets[_ALBUM]}",
        f"{magnets[_ADVERT]} <- somebody says it is in 4K",
        f"From an old disc:\n{magnets[_GBK]}\n{magnets[_BIG5]}",
        f"Has anybody still got this one? {magnets[_DEAD]}",
    )


def _chips(magnets: Mapping[str, str]) -> list[Offer]:
    commands = ["/calibrate 1", "/calibrate all", "/notes", "/note 1", "/history 1", "/undo 1", "/search goddess"]
    commands += ["/find " + magnets[_ALBUM].partition("btih:")[2][:40], "/queue", "/export", "/language", "/help"]
    at_once = "\n".join(f"/calibrate_hash {magnets[one]}" for one in _AT_ONCE)
    several = "\n".join(magnets[one.label[0]] for one in TORRENTS if one.sort == "hostile")
    return [
        *(Offer("command", (text[:20], text[:20]), text) for text in commands),
        Offer("command", ("/login – the web page", "/login – 网页"), "/login"),
        Offer("text", ("Look up, keep no note", "只查，不存笔记"), f"/calibrate_hash {magnets[_SLOW]}"),
        Offer("several", ("Eight at once", "一次八个"), at_once),
        Offer("text", ("A list of magnets", "一串磁力链接"), several),
        Offer("text", ("Save words alone", "只存文字"), "/save Ask Bob for the name of that film"),
    ]
