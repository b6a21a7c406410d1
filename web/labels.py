"""The words of the page."""

from collections.abc import Mapping

from services.i18n import ENGLISH, Translation


def labels(t: Translation) -> Mapping[str, str]:
    """Return the words that stand on pages whatever they show."""
    return {
        "language": "en" if t is ENGLISH else "zh-CN",
        "skip": t.gettext("To the notes"),
        "notebooks": t.gettext("Notebooks"),
        "figures": t.gettext("Figures"),
        "log_out": t.gettext("Log out"),
        "notes": t.gettext("Notes"),
        "search": t.gettext("Search"),
        "search_label": t.gettext("Words, names, file names"),
        "lookups": t.gettext("Lookups"),
        "lookup": t.gettext("Lookup"),
        "keep_old": t.gettext("Keep old"),
        "nothing_looked_up": t.gettext("Nothing is being looked up. What ended lately stands here, too."),
        "cancel": t.gettext("Cancel"),
        "retry": t.gettext("Retry"),
        "add": t.gettext("Add a note"),
        "add_label": t.gettext("Magnet links, or any text"),
        "keep": t.gettext("Only keep"),
        "keep_and_find": t.gettext("Keep and find names"),
        "find": t.gettext("Find names"),
        "find_chosen": t.gettext("Find names of those chosen"),
        "find_all": t.gettext("Find names of all not calibrated"),
        "choose": t.gettext("Choose"),
        "undo": t.gettext("Undo"),
        "delete": t.gettext("Delete this note"),
        "copy_it": t.gettext("Copy"),
        "copied": t.gettext("Copied"),
        "link": t.gettext("The magnet with its true name"),
        "asking": t.gettext("The connection was cut. This page looks for news every second."),
        "lost": t.gettext("calibot cannot be reached. What you see may be old."),
        "slow": t.gettext("That was too often. This page looks for news again in a while."),
        "gone": t.gettext("This is not here any more. What you see is how it was last."),
        "waiting": t.gettext("Looking up … this page goes on when it is done."),
        "goes_on": t.gettext("What is not done yet goes on. Load this page again to see what became of it."),
        "junk": t.gettext("junk name"),
        "open": t.gettext("not calibrated"),
        "undecided": t.gettext("name to choose"),
        "pages": t.gettext("Pages"),
        "previous": t.gettext("Previous"),
        "next": t.gettext("Next"),
        "newer": t.gettext("Newer"),
        "older": t.gettext("Older"),
        "text": t.gettext("The note as it is"),
        "torrents": t.gettext("Torrents"),
        "unknown": t.gettext("Its name is not known yet."),
        "here": t.gettext("In the note:"),
        "history": t.gettext("History"),
        "unchanged": t.gettext("Nothing was changed since it was saved."),
    }


def another_link(t: Translation, *, telegram: bool) -> str:
    """Return where whoever is logged out gets in again."""
    return t.gettext("/login in the chat gives another link.") if telegram else the_terminals_link(t)


def the_terminals_link(t: Translation) -> str:
    """Return how one gets in where there is no chat to ask for a link."""
    return t.gettext(
        "calibot's terminal shows a link that opens your notes. Enter there, or a new start, gives another."
    )
