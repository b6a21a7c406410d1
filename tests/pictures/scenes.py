"""What is done before the camera: all that the pictures show was brought about here, and nothing of it is staged."""

import hashlib

from tests.pictures.camera import Camera, Kept

_GONE = 5
"""The number of the demo's note whose torrent nobody has."""
_IN_THE_BROWSER = (
    "A film that is called “18”",
    "Slow: silent peers, a good one after 15 s",
    "Dead: its peers say nothing",
    "Chinese",
    "A hybrid, v1 and v2",
    "Emoji",
    "v2 alone",
    "Found by the DHT alone",
    "Slow: a peer comes after 6 s",
)
_FOR_LATER = {"en": "For the long evenings:", "zh": "留到冬天晚上看："}
_COUNTED = "{found} of {total} found, {lost} not, {left} left"
_BOARD = "<b>{state}</b> · {tasks}: {found} found, {lost} not, {left} left"


def _of_nobody(number: int, name: str | None = None) -> str:
    """Return a magnet of a torrent that nobody in the swarm has."""
    digits = hashlib.sha1(bytes([number]), usedforsecurity=False).hexdigest()
    return f"magnet:?xt=urn:btih:{digits}&dn={name or f'old%20tape%20{number}'}"


async def play(camera: Camera) -> None:
    """Play all but what needs other settings."""
    await camera.there(_GONE)
    await camera.speak()
    await one_torrent(camera)
    await many_tasks(camera)
    await tried_again(camera)
    await a_batch(camera)
    await the_notebook(camera)
    await a_group(camera)


async def one_torrent(camera: Camera) -> None:
    """A note is kept, and what may come of a torrent."""
    dead = await camera.ask(f"/calibrate {_GONE}")
    slow = await camera.keep(await camera.torrent("Dead: its peers say nothing"))
    await camera.press(slow.answer, "Calibrate")
    await _found(camera)
    await _claimed(camera)
    await _guessed(camera)
    stopped = await camera.keep(_of_nobody(0, "18"))
    await camera.press(stopped.answer, "Calibrate")
    await camera.until(stopped.answer, "running")
    await camera.press(stopped.answer, "Cancel")
    await camera.until(stopped.answer, "cancelled")
    await camera.take("cancelled", stopped.answer)
    await _undone(camera)
    for name, card in (("failed-dead", dead), ("failed-slow", slow.answer)):
        await camera.until(card, "failed")
        await camera.take(name, card)


async def _found(camera: Camera) -> None:
    film = await camera.keep(f"周末 / weekend: {await camera.torrent('Slow: a peer comes after 6 s')}")
    await camera.take("saved", film.sent, film.answer)
    await camera.press(film.answer, "Calibrate")
    await camera.until(film.answer, "asking {trackers} and the DHT")
    await camera.take("running", film.answer)
    await camera.until(film.answer, "completed")
    await camera.take("completed", film.answer)


async def _claimed(camera: Camera) -> None:
    film = await camera.keep(f"{await camera.torrent('v2 alone')}&dn=Sintel.2010.1080p.mkv")
    await camera.press(film.answer, "Calibrate")
    await camera.until(film.answer, "was: {old} → now: {new}")
    await camera.take("old-name", film.answer)


async def _guessed(camera: Camera) -> None:
    film = await camera.keep(await camera.torrent("Chinese in GBK bytes"))
    await camera.press(film.answer, "Calibrate")
    await camera.until(film.answer, "Which of these is its name? Nothing is written before somebody presses it.")
    await camera.take("readings", film.answer)
    await camera.press(film.answer, "小城之春.1948.国语中字")
    await camera.until(film.answer, "Chosen by hand: {encoding}")
    await camera.take("chosen", film.answer)


async def _undone(camera: Camera) -> None:
    card = await camera.ask("/calibrate 1")
    await camera.until(card, "completed")
    await camera.press(card, "Undo")
    await camera.until(card, "Write again")
    await camera.take("undone", card)
    await camera.take("history", await camera.ask("/history 1"))
    await camera.press(card, "Write again")


async def many_tasks(camera: Camera) -> None:
    """More tasks than may stand alone become a list."""
    sample = ("Slow: silent peers, a good one after 15 s", "Dead: nobody has it")
    found = ("Found by the DHT alone", "Chinese", "A hybrid, v1 and v2")
    magnets = [await camera.torrent(one) for one in sample]
    magnets += [_of_nobody(number) for number in range(1, 5)]
    magnets += [await camera.torrent(one) for one in found]
    kept: list[Kept] = [await camera.keep(magnet) for magnet in magnets]
    for one in kept:
        await camera.say(f"/calibrate {one.number}")
    board = await camera.newest(_BOARD, found=len(found))
    await camera.take("board", board)
    await camera.take("queue", await camera.ask("/queue"))
    await camera.press(board, "Cancel all")
    await camera.until(board, "Yes, cancel {count}")
    await camera.take("board-asks", board)
    await camera.press(board, "No")
    await camera.until(board, _BOARD, left=0)
    await camera.take("board-ended", board)


async def tried_again(camera: Camera) -> None:
    """A list of which nothing was found, and all is looked up once more."""
    first = await camera.ask(f"/calibrate_hash {_of_nobody(11)}")
    for number in range(12, 17):
        await camera.say(f"/calibrate_hash {_of_nobody(number)}")
    await camera.until(first, "{task} is shown in another message now.")
    await camera.take("moved", first)
    board = await camera.newest(_BOARD, found=0, lost=6, left=0)
    await camera.press(board, "Retry failed")
    await camera.until(board, "What was listed here goes on below.")
    below = await camera.newest(_BOARD, found=0, lost=0, left=6)
    await camera.take("board-goes-on", board, below)
    await camera.press(below, "Cancel all")
    await camera.press(below, "Yes, cancel {count}")
    await camera.until(below, _BOARD, left=0)


async def a_batch(camera: Camera) -> None:
    """One task of many torrents."""
    labels = (
        "2,000 files",
        "Folders in folders",
        "A film under an advert",
        "A name that is right already",
        "Emoji",
        "An album without a name",
    )
    magnets = [await camera.torrent(one) for one in labels]
    magnets += [_of_nobody(number) for number in range(5, 9)]
    card = await camera.ask("/calibrate_hash " + "\n".join(magnets))
    await camera.until(card, _COUNTED, found=len(labels), left=4)
    await camera.take("batch-running", card)
    await camera.until(card, "completed")
    await camera.take("batch-completed", card)
    await camera.press(card, "Show failed")
    await camera.until(card, "Not found: {first}–{last} of {total}")
    await camera.take("batch-not-found", card)


async def the_notebook(camera: Camera) -> None:
    """Commands that are answered at once."""
    for name, asked in (
        ("note", "/note 2"),
        ("notes", "/notes"),
        ("search", "/search goddess"),
        ("find", "/find " + await camera.torrent("A film that is called “18”")),
        ("delete", "/delete 3"),
        ("stats", "/stats"),
    ):
        await camera.take(name, await camera.ask(asked))
    await camera.ask("/allow 4711")
    await camera.take("people", await camera.ask("/people"))
    await camera.take("export", *await camera.answers(await camera.say("/export"), 2))
    await camera.take("language", await camera.ask("/language"))


async def a_group(camera: Camera) -> None:
    """What is forwarded together."""
    await camera.go(1)
    await camera.speak()
    await camera.go(0)
    for label in ("HTML tags", "Very long", "A path"):
        message = await camera.keep(await camera.torrent(label))
        await camera.forward(message.sent, "Film club")
        await camera.go(0)
    await camera.go(1)
    await camera.take("saved-together", await camera.newest("{notes} saved, {magnets}{known}."))


async def a_busy_bot(camera: Camera) -> None:
    """Whose lookups are one at a time."""
    await camera.ask(f"/calibrate_hash {_of_nobody(9)}")
    card = await camera.ask(f"/calibrate_hash {_of_nobody(10)}")
    await camera.until(card, "waiting for its turn")
    await camera.take("pending", card)
    await camera.go(1)
    magnets = [_of_nobody(17)]
    magnets += [await camera.torrent(one) for one in ("A path", "HTML tags", "A family of emoji", "Several lines")]
    for magnet in magnets:
        await camera.say(f"/calibrate_hash {magnet}")
    await camera.take("ends", await camera.newest("These have ended:"))


async def the_web_page(camera: Camera) -> None:
    """The same notes in a browser, opened by /login; nothing of what follows is asked for in the chat."""
    await camera.there(_GONE)
    film, slow, dead, *several = [await camera.torrent(one) for one in _IN_THE_BROWSER]
    web = await camera.web_page()
    await web.keep(f"{_FOR_LATER[camera.language]} {film}")
    await web.until("#what-is-known .verified", "verified")
    await web.until("#what-is-known .steps", "calibrated")
    await web.open_files()
    await web.take("web-note")
    await web.to_notes()
    await web.find(_GONE)
    await web.find(3)
    await web.until(web.lookup(3), "completed")
    await web.until(web.lookup(_GONE), "failed")
    await web.keep(slow)
    await web.to_notes()
    await web.until(web.lookup(_GONE + 2), "asking {trackers} and the DHT")
    await web.choose(2, 4)
    await web.take("web-notes")
    await web.press("Find names of those chosen")
    await web.until_all_ended()
    await web.keep("\n".join([*several, dead, *map(_of_nobody, range(4))]))
    await web.to_notes()
    await web.until(web.lookup(_GONE + 3), _COUNTED, found=len(several))
    await web.take_on_a_phone_at_night("web-phone")
    await web.until_all_ended()
    await web.to_figures()
    await web.take("web-figures")
