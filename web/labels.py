"""The words of the page."""

from collections.abc import Mapping

from services.i18n import ENGLISH, Translation


def labels(t: Translation) -> Mapping[str, str]:
    """Return the words that stand on pages whatever they show."""
    return {
        "language": "en" if t is ENGLISH else "zh-CN",
        "skip": t.gettext("To the notes"),
        "notebooks": t.gettext("Notebooks"),
        "log_out": t.gettext("Log out"),
        "notes": t.gettext("Notes"),
        "search": t.gettext("Search"),
        "search_label": t.gettext("Words, names, file names"),
        "under_way": t.gettext("Under way"),
        "junk": t.gettext("junk name"),
        "open": t.gettext("not calibrated"),
        "pages": t.gettext("Pages"),
        "newer": t.gettext("Newer"),
        "older": t.gettext("Older"),
        "text": t.gettext("The note as it is"),
        "torrents": t.gettext("Torrents"),
        "unknown": t.gettext("Its name is not known yet."),
        "here": t.gettext("In the note:"),
        "history": t.gettext("History"),
        "unchanged": t.gettext("Nothing was changed since it was saved."),
    }


def the_terminals_link(t: Translation) -> str:
    """Return how one gets in where there is no chat to ask for a link."""
    return t.gettext(
        "calibot's terminal shows a link that opens your notes. Enter there, or a new start, gives another."
    )
