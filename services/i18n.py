"""The one place that makes sentences of codes. Every sentence goes through gettext, so that catalogues can follow."""

import gettext
from collections.abc import Callable, Mapping

Parameters = Mapping[str, int | float | str]
Translation = gettext.NullTranslations
_Say = Callable[[Translation, Parameters], str]


def translation(language: str) -> Translation:  # noqa: ARG001 - English is what the sentences are written in
    """Return gettext's translation for *language*, an IETF tag; English where there is no catalogue for it."""
    return gettext.NullTranslations()


def sentence(code: str, parameters: Parameters, language: str) -> str:
    """Return the sentence of *code* with its *parameters*: plain text, not escaped for any markup.

    Raises:
        KeyError: nobody has written a sentence for this code.
    """
    return _SENTENCES[code](translation(language), parameters)


def codes() -> frozenset[str]:
    """Return every code that has a sentence."""
    return frozenset(_SENTENCES)


def _say(message: str) -> _Say:
    return lambda t, parameters: t.gettext(message).format_map(parameters)


def _(message: str) -> str:
    """Mark *message* for the catalogues; it is translated when it is said."""
    return message


def _trackers(t: Translation, count: int) -> str:
    return t.ngettext("{count} tracker", "{count} trackers", count).format(count=count)


def _peers(t: Translation, count: int) -> str:
    return t.ngettext("{count} peer", "{count} peers", count).format(count=count)


def _number(parameters: Parameters, key: str) -> int:
    return int(parameters.get(key, 0))


def _asking(t: Translation, parameters: Parameters) -> str:
    trackers, dht = _number(parameters, "trackers"), _number(parameters, "dht")
    if trackers and dht:
        return t.gettext("asking {trackers} and the DHT").format(trackers=_trackers(t, trackers))
    if trackers:
        return t.gettext("asking {trackers}").format(trackers=_trackers(t, trackers))
    return t.gettext("asking the DHT") if dht else t.gettext("asking the peers in the link")


def _connecting(t: Translation, parameters: Parameters) -> str:
    count = _number(parameters, "peers")
    if count == 1:
        return t.gettext("1 peer, it has not answered yet")
    return t.gettext("{peers}, none has answered yet").format(peers=_peers(t, count))


def _dead(t: Translation, parameters: Parameters) -> str:
    trackers = _number(parameters, "trackers")
    who = _trackers(t, trackers) if trackers else t.gettext("the DHT")
    return t.gettext(
        "Dead, as it seems: {who} answered, and nobody has this torrent now. Try again later, "
        "or add a tracker to the link."
    ).format(who=who)


def _slow(t: Translation, parameters: Parameters) -> str:
    return t.gettext("Slow: {peers} seen, but none gave the name in time. Trying again often helps.").format(
        peers=_peers(t, _number(parameters, "peers"))
    )


_SENTENCES: Mapping[str, _Say] = {
    # progress
    "asking": _asking,
    "connecting": _connecting,
    "receiving": _say(_("receiving metadata")),
    # failures
    "dead": _dead,
    "slow": _slow,
    "cut_off": _say(
        _("Cut off: no tracker and no DHT node answered. Look at this computer's network and firewall, then try again.")
    ),
    "timed_out": _say(_("No answer in time. Try again later.")),
    "not_found": _say(_("What was found could not be used: {reason}.")),
    "metadata_too_large": _say(_("The torrent's metadata is larger than 16 MiB. It was refused.")),
    "resolver_down": _say(_("The BitTorrent part of this bot is not working. Try again later, or tell its owner.")),
    "lookup_failed": _say(_("The lookup failed. Try again later.")),
    "internal": _say(_("Something went wrong inside this bot. It was written to its log; please tell its owner.")),
    # what was asked cannot be done
    "invalid_info_hash": _say(
        _("That is no info-hash and no magnet link. An info-hash has 40 or 64 hex digits, or 32 base32 digits.")
    ),
    "nothing_to_look_up": _say(_("There is no magnet link in it, so there is nothing to look up.")),
    "note_not_found": _say(_("There is no such note here.")),
    "note_changed": _say(_("The note was changed meanwhile. Nothing was written.")),
    "task_not_found": _say(_("This task is no longer kept.")),
    "cannot_cancel": _say(_("It has already ended.")),
    "cannot_retry": _say(_("There is nothing to try again.")),
    "not_allowed": _say(_("Only the person who asked for it, or an administrator, may do that.")),
    "shutting_down": _say(_("The bot is stopping. Please send it again in a minute.")),
    "store_unavailable": _say(_("Nothing was saved: the bot cannot use its database now. Its owner should look.")),
    "database_in_use": _say(_("{path} is in use by another calibot. Stop that one first.")),
    "newer_schema": _say(_("{path} was made by a newer calibot. Use that version, or another database.")),
}
