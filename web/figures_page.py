"""The page of figures: how lookups go, of the whole bot for its owners, of their own notebooks for everybody else."""

from collections.abc import Collection, Mapping, Sequence

from fastapi import APIRouter, Request, Response

from services.i18n import (
    Translation,
    brief,
    lookups_said,
    now_said,
    outcome_word,
    percent,
    share_said,
    source_word,
    waits_said,
)
from services.metrics import Day, Figures
from services.notebook.excerpts import one_line
from services.torrents import NotebookId
from services.units import date
from web.charts import columns, lengths
from web.context import Asker, WhoAsks
from web.given import FrontEnd, services_of
from web.labels import labels
from web.pages import notebooks_of, page_of
from web.words import words_of

router = APIRouter(include_in_schema=False)
_MOST_ROWS = 20
_LONGEST = 60  # characters of a code or a source that nobody knows
_DAY = 86400
_KINDS = {"found": "good", "cancelled": "left"}


@router.get("/figures")
async def figures(request: Request, asker: WhoAsks) -> Response:
    """Show what waits and is at work, how long lookups waited and took, and what they came to."""
    t, services = words_of(request), services_of(request)
    of, about = await _whose(asker, t)
    shown = await services.metrics.figures(notebooks=of)
    # No event tells of a number; who asks each second has them as they were counted a few seconds ago at most.
    watched_by = FrontEnd.SYNC if services.watched_by is FrontEnd.SYNC else FrontEnd.POLL
    everyones = t.gettext("The whole bot's figures") if services.telegram else t.gettext("Figures")
    return await page_of(
        request,
        "figures.html",
        say={**labels(t), "skip": t.gettext("To the figures"), **_labels(t, telegram=services.telegram)},
        front_end=watched_by,
        notebooks=await notebooks_of(asker, t),
        notebook=None,
        heading=everyones if of is None else t.gettext("Your notebooks' figures"),
        about=about,
        told=_told(t, shown),
        share=None if shown.success_share is None else lengths([shown.success_share], 1.0)[0],
        queue=_queue(t, shown),
        sources=_sources(t, shown),
        outcomes=_outcomes(t, shown.outcomes),
        days=_days(t, shown.by_day) if shown.waits.lookups else None,
    )


async def _whose(asker: Asker, t: Translation) -> tuple[Collection[NotebookId] | None, Sequence[str]]:
    """Return the notebooks whose figures they may see, None for all; and what is to be said of that."""
    if asker.person in asker.services.people.access.owners:
        return None, []
    shared = await asker.shared()
    if not shared.all_known:
        return [asker.notebook], [t.gettext("Telegram does not answer now: the figures of groups are left out.")]
    return [asker.notebook, *shared.notebooks], [
        t.gettext("What was asked for in your own notebook, and in your groups'.")
    ]


def _labels(t: Translation, *, telegram: bool) -> Mapping[str, str]:
    return {
        "queue": t.gettext("Queue"),
        "times": t.gettext("Success and time by source"),
        "share": t.gettext("success"),
        "within_50": t.gettext("half within"),
        "within_95": t.gettext("95 of 100 within"),
        "ends": t.gettext("How they ended"),
        "by_day": t.gettext("Day by day"),
        "by_day_said": t.gettext("Days of UTC; the last one is today. What was stopped is left out."),
        "numbers": t.gettext("The same in numbers"),
        "day": t.gettext("Day"),
        "found": t.gettext("found"),
        "missed": t.gettext("not found"),
        "nothing": (
            t.gettext("Send the bot a message with a magnet link: it becomes a note, which it can calibrate.")
            if telegram
            else t.gettext("Add a magnet link to your notes: it becomes a note, whose names can be found.")
        ),
    }


def _told(t: Translation, figures: Figures) -> Sequence[str]:
    waits = figures.waits
    told = [
        now_said(t, figures.at_work, figures.waiting),
        lookups_said(t, waits.lookups, round(figures.seconds / _DAY)),
    ]
    if waits.average is not None and waits.p95 is not None:
        told.append(waits_said(t, waits.average, waits.p95))
    if figures.success_share is not None:
        told.append(share_said(t, figures.success_share))  # the last: its bar stands below
    return told


def _queue(t: Translation, figures: Figures) -> Sequence[Mapping[str, object]]:
    """Return what is in the line now, then how long lookups were in it; nothing where there is none of it."""
    waits, now = figures.waits, (figures.at_work, figures.waiting)
    rows = []
    if waits.lookups or any(now):
        words = t.gettext("at work now"), t.gettext("waiting now")
        rows += [(word, bar, str(many)) for word, bar, many in zip(words, lengths(now), now, strict=True)]
    if waits.average is not None and waits.p95 is not None:
        words = t.gettext("wait, on average"), t.gettext("wait, 95 of 100 within")
        times = waits.average, waits.p95
        rows += [(word, bar, brief(t, took)) for word, bar, took in zip(words, _lengths(times), times, strict=True)]
    return [{"word": word, "bar": bar, "said": said} for word, bar, said in rows]


def _sources(t: Translation, figures: Figures) -> Sequence[Mapping[str, object]]:
    sources = figures.by_source[:_MOST_ROWS]
    longest = max((one.p95 for one in sources), default=0.0)
    return [
        {
            "name": source_word(t, one.source) or _short(one.source),
            "names": t.ngettext("{count} name", "{count} names", one.found).format(count=one.found),
            "share": percent(figures.share(one.found) or 0.0),
            "share_bar": lengths([figures.share(one.found) or 0.0], 1.0)[0],
            "p50": brief(t, one.p50),
            "p95": brief(t, one.p95),
            "bars": _lengths([one.p50, one.p95], longest),
        }
        for one in sources
    ]


def _lengths(times: Sequence[float], longest: float | None = None) -> Sequence[int]:
    """Return how long the bars of *times* are, which are seconds: none has one that is said to be ``0.0 s``."""
    return lengths([round(one, 1) for one in times], None if longest is None else round(longest, 1))


def _outcomes(t: Translation, outcomes: Mapping[str, int]) -> Sequence[Mapping[str, object]]:
    first = list(outcomes.items())[:_MOST_ROWS]
    return [
        {
            "word": outcome_word(t, outcome) or _short(outcome),
            "many": many,
            "bar": bar,
            "kind": _KINDS.get(outcome, "bad"),
        }
        for (outcome, many), bar in zip(first, lengths([many for _, many in first]), strict=True)
    ]


def _days(t: Translation, days: Sequence[Day]) -> Mapping[str, object]:
    found, missed = [one.ends.found for one in days], [one.ends.missed for one in days]
    lines = [
        {
            "date": date(one.start),
            "found": one.ends.found,
            "missed": one.ends.missed,
            "said": _day_said(t, one),
        }
        for one in days
    ]
    return {
        "said": t.gettext(
            "Upwards what was found each day: {found}, at most {most_found} on one. Downwards what was not: "
            "{missed}, at most {most_missed}."
        ).format(found=sum(found), most_found=max(found), missed=sum(missed), most_missed=max(missed)),
        "first": lines[0]["date"],
        "last": lines[-1]["date"],
        "chart": columns(list(zip(found, missed, strict=True))),
        "lines": lines,
    }


def _day_said(t: Translation, day: Day) -> str:
    said = t.gettext("{date}: {found} found, {missed} not found")
    return said.format(date=date(day.start), found=day.ends.found, missed=day.ends.missed)


def _short(text: str) -> str:
    return one_line(text if len(text) <= _LONGEST else f"{text[:_LONGEST]}…")
