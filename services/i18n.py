"""The one place that makes sentences of codes, and the languages that they are said in. All goes through gettext."""

import gettext
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Self

from services.catalogue import Catalogue, entries

Parameters = Mapping[str, int | float | str]
Translation = gettext.NullTranslations
_Say = Callable[[Translation, Parameters], str]

ENGLISH = Translation()
"""The language that the sentences are written in."""
_FOLDER = Path(__file__).parent / "locale"
_PRECISE = 10.0  # seconds below which tenths are told


class Catalogues:
    """The translations that there are, by the first part of a language's IETF tag."""

    def __init__(self, translations: Mapping[str, Translation]) -> None:
        self._translations = {"en": ENGLISH, **translations}

    @classmethod
    def load(cls) -> Self:
        """Read ``locale/*.po``. Blocks: not for the event loop."""
        files = sorted(_FOLDER.glob("*.po"))
        return cls({file.stem: Catalogue(entries(file.read_text(encoding="utf-8"))) for file in files})

    @property
    def languages(self) -> tuple[str, ...]:
        return tuple(self._translations)

    def known(self, language: str) -> str | None:
        """Return the language by which *language*, an IETF tag, is served: ``zh`` for ``zh-hans``; None for none."""
        first = language.lower().replace("_", "-").partition("-")[0]
        return first if first in self._translations else None

    def of(self, language: str) -> Translation:
        """Return the translation for *language*, an IETF tag; English where there is none."""
        return self._translations[self.known(language) or "en"]


def sentence(code: str, parameters: Parameters, t: Translation) -> str:
    """Return the sentence of *code* with its *parameters*: plain text, not escaped for any markup.

    Raises:
        KeyError: nobody has written a sentence for this code.
    """
    return "".join([_SENTENCES[code](t, parameters), *_of_the_others(t, parameters)])


def _of_the_others(t: Translation, parameters: Parameters) -> Iterator[str]:
    """Yield what a chain of sources adds to the words of one of them (`services.resolvers.chain`)."""
    if beside := str(parameters.get("beside", "")):
        yield t.gettext("; {sources} too").format(sources=_sources(t, beside))
    if waiting := str(parameters.get("waiting", "")):
        yield t.gettext("; in line for {sources}").format(sources=_sources(t, waiting))
    if down := str(parameters.get("down", "")):
        yield t.gettext("; {sources} cannot be asked now").format(sources=_sources(t, down))
    if turnless := str(parameters.get("turnless", "")):
        yield t.gettext(" Had no turn: {sources}.").format(sources=_sources(t, turnless))
    if unasked := str(parameters.get("unasked", "")):
        yield t.gettext(" Could not be asked: {sources}.").format(sources=_sources(t, unasked))
    if failed := str(parameters.get("failed", "")):
        yield t.gettext(" Ended with an error: {sources}.").format(sources=_sources(t, failed))


def _sources(t: Translation, labels: str) -> str:
    return ", ".join(source_word(t, one) or one for one in labels.split(","))


def codes() -> frozenset[str]:
    """Return every code that has a sentence."""
    return frozenset(_SENTENCES)


def _say(message: str) -> _Say:
    return lambda t, parameters: t.gettext(message).format_map(_Given(parameters))


class _Given(dict[str, int | float | str]):
    """Parameters, of which one may be missing: what an older or newer calibot stored must still be told."""

    def __missing__(self, key: str) -> str:
        return "?"


def _(message: str) -> str:
    """Mark *message* for the catalogues; it is translated when it is said."""
    return message


def _trackers(t: Translation, count: int) -> str:
    return t.ngettext("{count} tracker", "{count} trackers", count).format(count=count)


def _number(parameters: Parameters, key: str) -> int:
    return int(parameters.get(key, 0))


def _asking(t: Translation, parameters: Parameters) -> str:
    trackers, dht = _number(parameters, "trackers"), _number(parameters, "dht")
    if trackers and dht:
        return t.gettext("asking {trackers} and the DHT").format(trackers=_trackers(t, trackers))
    if trackers:
        return t.gettext("asking {trackers}").format(trackers=_trackers(t, trackers))
    return t.gettext("asking the DHT") if dht else t.gettext("looking for peers")  # the link may have named some


def _asking_others(t: Translation, parameters: Parameters) -> str:
    if sources := str(parameters.get("sources", "")):
        return t.gettext("asking {sources}").format(sources=_sources(t, sources))
    if "waiting" in parameters or "down" in parameters:
        return t.gettext("asking nobody now")
    return t.gettext("asking other sources")


def _source_failed(t: Translation, parameters: Parameters) -> str:
    source, reason = (str(parameters.get(key, "?")) for key in ("source", "reason"))
    return t.gettext("No name from {source}: {reason}.").format(source=_sources(t, source), reason=reason.rstrip(".。"))


def _no_turn(t: Translation, parameters: Parameters) -> str:
    sources = _sources(t, str(parameters.get("sources", "?")))
    return t.gettext("No name in time, and {sources} had no turn. Try again.").format(sources=sources)


def _connecting(t: Translation, parameters: Parameters) -> str:
    count = _number(parameters, "peers")
    if _number(parameters, "ever_connected"):
        return t.ngettext(
            "{count} peer, it has not given the name yet", "{count} peers, none has given the name yet", count
        ).format(count=count)
    return t.ngettext("{count} peer, it has not answered yet", "{count} peers, none has answered yet", count).format(
        count=count
    )


def _dead(t: Translation, parameters: Parameters) -> str:
    trackers = _number(parameters, "trackers")
    who = _trackers(t, trackers) if trackers else t.gettext("the DHT")
    return t.gettext(
        "Dead, as it seems: {who} answered, and nobody has this torrent now. Try again later, "
        "or add a tracker to the link."
    ).format(who=who)


def _slow(t: Translation, parameters: Parameters) -> str:
    count = _number(parameters, "peers")
    if "met" in parameters and not _number(parameters, "met"):
        return t.ngettext(
            "Slow: {count} peer is named, but could not be reached. Trying again helps, "
            "and so does an open port of the bot's computer.",
            "Slow: {count} peers are named, but none could be reached. Trying again helps, "
            "and so does an open port of the bot's computer.",
            count,
        ).format(count=count)
    if seconds := _number(parameters, "gone_for"):
        return t.ngettext(
            "Slow: {count} peer seen, but it left more than {seconds} s ago without giving the name. "
            "Trying again later may help.",
            "Slow: {count} peers seen, but the last left more than {seconds} s ago, and none gave the name. "
            "Trying again later may help.",
            count,
        ).format(count=count, seconds=seconds)
    return t.ngettext(
        "Slow: {count} peer seen, but it did not give the name in time. Trying again often helps.",
        "Slow: {count} peers seen, but none gave the name in time. Trying again often helps.",
        count,
    ).format(count=count)


def _cut_off(t: Translation, parameters: Parameters) -> str:
    if parameters and not _number(parameters, "trackers") and not _number(parameters, "dht"):
        return t.gettext(
            "Nobody who has it was found: no tracker is known, and the DHT is off. Add a tracker to the link."
        )
    return t.gettext(
        "Cut off: no tracker and no DHT node answered. Look at the network and firewall of the bot's computer, "
        "then try again."
    )


_TORRENT_UNUSABLE = _say(_("The torrent file that was found cannot be read. Tell the bot's owner."))
_KNOWN_TO_NONE = _say(_("No source that was asked knows this torrent. Try again later."))
_NOT_FOUND: Mapping[object, _Say] = {
    "metadata_unusable": _say(
        _("The torrent's metadata is damaged, or too large to be read. Trying again will not help.")
    ),
    "torrent_unusable": _TORRENT_UNUSABLE,
    "file_too_large": _TORRENT_UNUSABLE,
    "file_unreadable": _TORRENT_UNUSABLE,
    "output_unusable": _say(_("What the owner's program printed cannot be used. Tell the bot's owner.")),
    "no_file": _KNOWN_TO_NONE,
    "nothing_said": _KNOWN_TO_NONE,
    "half_there": _say(
        _("The owner's qBittorrent adds nothing while a v2 magnet waits there for its metadata. Try again later.")
    ),
    "v2_alone": _say(
        _(
            "The owner's qBittorrent does not look for a v2 info-hash alone. "
            "Add the v1 one to the link, or tell the bot's owner."
        )
    ),
}
_UNUSABLE = _say(_("What was found is not this torrent, or could not be used. Try again later."))


def _not_found(t: Translation, parameters: Parameters) -> str:
    return _NOT_FOUND.get(parameters.get("reason"), _UNUSABLE)(t, {})  # no word of it: it may come from anywhere


def _resolver_down(t: Translation, parameters: Parameters) -> str:
    source = str(parameters.get("source", "swarm"))
    if source == "swarm":
        return t.gettext("The BitTorrent part of this bot is not working. Try again later, or tell its owner.")
    return t.gettext("It cannot be asked now: {sources}. Try again later, or tell the bot's owner.").format(
        sources=_sources(t, source)
    )


def _too_many(t: Translation, parameters: Parameters) -> str:
    return t.gettext("That is too much at once: the most is {most}.").format(most=_number(parameters, "most"))


def _too_many_listeners(t: Translation, parameters: Parameters) -> str:
    most = _number(parameters, "most")
    return t.gettext("You listen in {most} places already. Close one of them first.").format(most=most)


def _too_many_requests(t: Translation, parameters: Parameters) -> str:
    seconds = _number(parameters, "seconds")
    return t.ngettext(
        "That was too often. Try again in {seconds} second.",
        "That was too often. Try again in {seconds} seconds.",
        seconds,
    ).format(seconds=seconds)


def _search_too_long(t: Translation, parameters: Parameters) -> str:
    return t.gettext("That is too long to search for: the most is {most} characters.").format(
        most=_number(parameters, "most")
    )


def _text_too_long(t: Translation, parameters: Parameters) -> str:
    return t.gettext("That text is too long: the most is {most} characters.").format(most=_number(parameters, "most"))


def _too_many_tasks(t: Translation, parameters: Parameters) -> str:
    most = _number(parameters, "most")
    return t.ngettext(
        "You have {most} task under way, and more are not taken on. Ask again when it has ended, or cancel it.",
        "You have {most} tasks under way, and more are not taken on. Ask again when one has ended, or cancel one.",
        most,
    ).format(most=most)


def _allowance_used_up(t: Translation, parameters: Parameters) -> str:
    minutes, most = _number(parameters, "minutes"), _number(parameters, "most")
    return t.ngettext(
        "Your {most} lookups an hour are used up. Ask again in {minutes} minute.",
        "Your {most} lookups an hour are used up. Ask again in {minutes} minutes.",
        minutes,
    ).format(most=most, minutes=minutes)


def _file_too_large(t: Translation, parameters: Parameters) -> str:
    megabytes = f"{_number(parameters, 'most') / 1_000_000:.3g}"
    return t.gettext("That file is too large: the most is {megabytes} MB.").format(megabytes=megabytes)


def _too_large(t: Translation, parameters: Parameters) -> str:
    megabytes = f"{_number(parameters, 'most') / 1_000_000:g}"
    return t.gettext("That is too large: the most is {megabytes} MB.").format(megabytes=megabytes)


def _token_name_unfit(t: Translation, parameters: Parameters) -> str:
    return t.gettext("A token needs a name of one line, at most {most} characters: /token backup").format(
        most=_number(parameters, "most")
    )


def _too_many_tokens(t: Translation, parameters: Parameters) -> str:
    return t.gettext(
        "You have {most} tokens, and there can be no more. /tokens lists them, and takes one back."
    ).format(most=_number(parameters, "most"))


_SENTENCES: Mapping[str, _Say] = {
    # progress
    "asking": _asking,
    "connecting": _connecting,
    "receiving": _say(_("receiving metadata")),
    "asking_others": _asking_others,
    # failures
    "dead": _dead,
    "slow": _slow,
    "cut_off": _cut_off,
    "timed_out": _say(_("No answer in time. Try again later.")),
    "no_turn": _no_turn,
    "not_found": _not_found,
    "resolver_down": _resolver_down,
    "source_failed": _source_failed,
    "lookup_failed": _say(_("The lookup ended without a name. Try again later.")),
    "internal": _say(_("Something went wrong inside this bot. It was written to its log; please tell its owner.")),
    # what was asked cannot be done
    "invalid_info_hash": _say(
        _("That is no info-hash and no magnet link. An info-hash has 40 or 64 hex digits, or 32 base32 digits.")
    ),
    "nothing_to_look_up": _say(_("There is no magnet link in it, so there is nothing to look up.")),
    "all_undone": _say(
        _("What was undone, or kept, stays so. A note's own number writes it again: /calibrate {number}")
    ),
    "all_calibrated": _say(_("All notes here are calibrated. This does them again: /calibrate all force")),
    "too_many": _too_many,
    "search_too_long": _search_too_long,
    "too_many_tasks": _too_many_tasks,
    "allowance_used_up": _allowance_used_up,
    "note_not_found": _say(_("There is no such note here.")),
    "kept_already": _say(_("This message is kept already: #{number}.")),
    "note_changed": _say(_("The note was changed meanwhile. Nothing was written.")),
    "not_deleted": _say(_("This note is not deleted: there is nothing to take back.")),
    "nothing_to_undo": _say(_("There is nothing to undo, or to write again.")),
    "edited_since": _say(_("It was edited since, and that edit would be lost.")),
    "written_since": _say(_("Another task has written there since, and that would be lost.")),
    "task_not_found": _say(_("This task is no longer kept.")),
    "cannot_cancel": _say(_("It has already ended.")),
    "cannot_retry": _say(_("There is nothing to try again.")),
    "cannot_choose": _say(_("There is nothing to choose here any more.")),
    "not_allowed": _say(_("Only the person who asked for it, or an administrator, may do that.")),
    "owners_only": _say(_("Only this bot's owner may do that.")),
    "administrators_only": _say(_("Only an administrator of this group may do that.")),
    "in_the_settings": _say(_("The bot's settings let this one in: that can be changed there alone.")),
    "last_owner": _say(_("This is the last owner. Without one nobody could let anybody in.")),
    "token_name_unfit": _token_name_unfit,
    "token_name_taken": _say(_("You have a token of this name. Choose another, or take that one back: /tokens")),
    "too_many_tokens": _too_many_tokens,
    "token_not_found": _say(_("You have no token of this name. /tokens lists yours.")),
    "file_too_large": _file_too_large,
    "file_unavailable": _say(_("The file could not be fetched. Please send it again.")),
    "not_a_torrent": _say(_("That torrent file cannot be read: it is damaged, or none at all.")),
    "shutting_down": _say(_("The bot is stopping. Please send it again in a minute.")),
    "store_unavailable": _say(_("Nothing was saved: the bot cannot use its database now. Its owner should look.")),
    "export_under_way": _say(_("The last export is not sent yet. Ask again when you have its files.")),
    "export_failed": _say(_("The files could not be written. The bot's owner should look at its disk.")),
    "no_such_address": _say(_("There is nothing at this address.")),
    "method_not_taken": _say(_("This address does not take such a request.")),
    "notebook_not_found": _say(_("No such notebook is open to you.")),
    "torrent_not_found": _say(_("No note and no task here has this torrent.")),
    "bad_request": _say(_("The request is not as this address takes it: look at {where}.")),
    "nothing_to_keep": _say(_("There is no text to keep. Paste a magnet link, or type something.")),
    "nothing_chosen": _say(_("Choose a note first.")),
    "no_magnets": _say(_("No note here has a magnet link.")),
    "text_too_long": _text_too_long,
    "too_large": _too_large,
    "too_slow": _say(_("The request took too long to come. Send it again.")),
    "not_json": _say(_("Send JSON, with Content-Type: application/json.")),
    "token_needed": _say(_("Send a token that is good. /token NAME gives one, in a private chat with the bot.")),
    "async_disabled": _say(_("That is switched off here; POST /api/calibrate/<note_id> calibrates a note and waits.")),
    "from_another_site": _say(_("This comes from a page of another site. Open the bot's own page.")),
    "link_used_up": _say(_("This link was used, or is too old. /login in a private chat with the bot gives another.")),
    "outcome_unknown": _say(
        _("The bot was being stopped meanwhile. Look whether it was done before you send it again.")
    ),
    "too_many_listeners": _too_many_listeners,
    "too_many_requests": _too_many_requests,
    "not_let_in": _say(_("The bot serves you no longer. Its owner can let you in again.")),
    "membership_unknown": _say(_("Telegram does not answer, and is asked who is in a group. Try again later.")),
    "not_in_time": _say(_("It is not done yet, and goes on as task {task_id}.")),
    "web_unavailable": _say(_("The web server cannot listen where it shall.")),
    "database_in_use": _say(_("{path} is in use by another calibot. Stop that one first.")),
    "database_damaged": _say(_("{path} is damaged. Put a backup in its place: python -m bot restore FILE")),
    "newer_schema": _say(_("{path} was made by a newer calibot. Use that version, or another database.")),
}


def state_word(t: Translation, state: str) -> str:
    """Return the word for a task's or an item's state, a code of `services.calibration.task.State`."""
    match state:
        case "pending":
            return t.gettext("pending")
        case "running":
            return t.gettext("running")
        case "completed":
            return t.gettext("completed")
        case "failed":
            return t.gettext("failed")
        case _:
            return t.gettext("cancelled")


def cause_word(t: Translation, cause: str) -> str:
    """Return why a note was changed, a code of `services.notebook.note.Cause` or how a task was asked for."""
    match cause:
        case "edit":
            return t.gettext("edited")
        case "undo" | "undo_task":
            return t.gettext("undone")
        case "kept" | "kept_all":
            return t.gettext("old name kept")
        case "redo":
            return t.gettext("undo taken back")
        case "chosen":
            return t.gettext("chosen by hand")
        case _:  # a task's: however it was asked for
            return t.gettext("calibrated")


def trust_word(t: Translation, *, verified: bool, certain: bool, source: str | None = None) -> str:
    """Return how sure a name is: its bytes are *verified*, and it is *certain* how they are to be read.

    Where there is room for it, also from which *source*, as people call it.
    """
    if not verified and source is not None:
        return t.gettext("claimed by {source}, not verified").format(source=source)
    if not verified:
        return t.gettext("not verified")
    if not certain:
        return t.gettext("a guess")
    return t.gettext("verified") if source is None else t.gettext("verified, from {source}").format(source=source)


def blank_word(t: Translation, *, empty: bool) -> str:
    """Return what stands for a name that cannot be seen."""
    return t.gettext("(its name is empty)") if empty else t.gettext("(its name has nothing that can be seen)")


def source_word(t: Translation, source: str) -> str | None:
    """Return what people call the *source* of a name; None where it goes by its own."""
    known = {
        "swarm": t.gettext("the swarm"),
        "command": t.gettext("the owner's program"),
        "files": t.gettext("the owner's torrent files"),
        "http": t.gettext("a web cache"),
        "qbittorrent": t.gettext("the owner's qBittorrent"),
        "file": t.gettext("a torrent file that was sent"),
    }
    return known.get(source)


def outcome_word(t: Translation, outcome: str) -> str | None:
    """Return what a lookup came to, a code of `services.metrics.Figures.outcomes`; None for one that nobody knows."""
    known = {
        "found": t.gettext("found"),
        "cancelled": t.gettext("stopped by those who asked"),
        "dead": t.gettext("nobody had it"),
        "slow": t.gettext("too slow"),
        "cut_off": t.gettext("cut off from the network"),
        "timed_out": t.gettext("no answer in time"),
        "no_turn": t.gettext("a source had no turn"),
        "not_found": t.gettext("what came was of no use"),
        "source_failed": t.gettext("a source failed"),
        "resolver_down": t.gettext("the source did not work"),
        "lookup_failed": t.gettext("no name, for another reason"),
        "internal": t.gettext("errors inside this bot"),
    }
    return known.get(outcome)


# What is left to people about names that were found.


def question_said(t: Translation, torrent: str, *, several: bool, writes: bool, one: bool) -> str:
    """Return what asks which reading is the name of *torrent*, shown among *several*; *one*: there is only one."""
    match several, writes, one:
        case True, True, True:
            words = t.gettext("Is this the name of {hash}? Nothing is written before somebody presses it.")
        case True, False, True:
            words = t.gettext("Is this the name of {hash}?")
        case True, True, _:
            words = t.gettext("Which of these is the name of {hash}? Nothing is written before somebody presses it.")
        case True, False, _:
            words = t.gettext("Which of these is the name of {hash}?")
        case False, True, True:
            words = t.gettext("Is this its name? Nothing is written before somebody presses it.")
        case False, False, True:
            words = t.gettext("Is this its name? Press it, and here is the link to copy.")
        case False, True, _:
            words = t.gettext("Which of these is its name? Nothing is written before somebody presses it.")
        case _:
            words = t.gettext("Which of these is its name? Press it, and here is the link to copy.")
    return words.format(hash=torrent)


def only_claimed_said(t: Translation, torrent: str, notes: str, *, several: bool) -> str:
    """Return what offers a name of *torrent* that is verified to *notes* that have one which never was."""
    if several:
        words = t.gettext("The name of {hash} in {notes} was never verified. Press this one to write it there.")
    else:
        words = t.gettext("The name in {notes} was never verified. Press this one to write it there.")
    return words.format(hash=torrent, notes=notes)


def replaced_said(t: Translation, old: str, new: str) -> str:
    return t.gettext("was: {old} → now: {new}").format(old=old, new=new)


def kept_said(t: Translation, old: str) -> str:
    return t.gettext("The old name was kept: {old}").format(old=old)


def not_written_said(t: Translation, why: str) -> str:
    """Return why no note was changed, a code of `services.calibration.decisions.NotWritten`."""
    match why:
        case "gone":
            return t.gettext("Its magnet was in none of these notes any more: there was nothing to correct.")
        case "pinned":
            return t.gettext("Somebody had undone it there, or kept or typed another name: no note was changed.")
        case "there":
            return t.gettext("The name stood there already: there was nothing to correct.")
        case "long":
            return t.gettext("A name so long is not written into notes: no note was changed.")
        case _:
            return t.gettext("A name like this is not written into notes by itself: no note was changed.")


# The figures.


def now_said(t: Translation, at_work: int, waiting: int) -> str:
    return t.gettext("Now: {at_work} at work, {waiting} waiting.").format(at_work=at_work, waiting=waiting)


def lookups_said(t: Translation, count: int, days: int) -> str:
    """Return how many lookups there were in so many days."""
    if not count:
        return t.ngettext("No lookup in {days} day.", "No lookup in {days} days.", days).format(days=days)
    said = t.ngettext("{count} lookup in {days} days", "{count} lookups in {days} days", count)
    return said.format(count=count, days=days)


def share_said(t: Translation, share: float) -> str:
    """Return how many found a name, of 1."""
    return t.gettext("Names found: {share} of those that nobody stopped").format(share=percent(share))


def percent(share: float) -> str:
    return f"{100 * share:.0f} %"


def waits_said(t: Translation, average: float, p95: float) -> str:
    """Return how long lookups waited, in seconds."""
    return t.gettext("Wait before its turn: {average} on average, 95 of 100 within {p95}").format(
        average=brief(t, average), p95=brief(t, p95)
    )


# Time.


def brief(t: Translation, seconds: float) -> str:
    """Return *seconds* as `duration` does, with tenths where there are few."""
    return t.gettext("{seconds} s").format(seconds=f"{seconds:.1f}") if seconds < _PRECISE else duration(t, seconds)


def duration(t: Translation, seconds: float) -> str:
    """Return *seconds* as ``7 s``, ``2 min 5 s`` or ``3 h 10 min``."""
    whole = round(seconds)
    if whole < 60:  # noqa: PLR2004 - a minute
        return t.gettext("{seconds} s").format(seconds=whole)
    minutes, rest = divmod(whole, 60)
    if minutes < 60:  # noqa: PLR2004 - an hour
        return t.gettext("{minutes} min {seconds} s").format(minutes=minutes, seconds=rest)
    return t.gettext("{hours} h {minutes} min").format(hours=minutes // 60, minutes=minutes % 60)
