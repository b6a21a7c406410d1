"""``/queue`` and ``/stats``: what is under way, and what the lookups came to."""

from collections.abc import Mapping

from telegram import Update

from handlers.answers import answer, answer_at_length, errors_as_answers
from handlers.cards import duration, source_name, subject
from handlers.context import CalibotContext, chat_of, is_private, notebook_of, person_of, words_of
from handlers.outgoing import Message
from handlers.text import escape, shown_name
from services.calibration.task import Snapshot, State
from services.i18n import Translation
from services.metrics import Figures, Queue, SourceTimes

_LINES = 20
_NOTES = 3  # of a task, in its line
_PRECISE = 10.0  # seconds below which tenths are told


@errors_as_answers
async def show_queue(update: Update, context: CalibotContext) -> None:
    """Handle ``/queue``: in a group what is under way there; in private one's own, and everybody's for an owner."""
    metrics, person, t = context.services.metrics, person_of(update), words_of(update, context)
    if not is_private(chat_of(update)):
        queue = await metrics.queue(notebook=await notebook_of(update, context), most=_LINES)
    elif person in context.services.people.access.owners:
        answer(update, context, Message(queue_text(t, await metrics.queue(most=_LINES), with_people=True)))
        return
    else:
        queue = await metrics.queue(asked_by=person, most=_LINES)
    answer(update, context, Message(queue_text(t, queue)))


@errors_as_answers
async def show_stats(update: Update, context: CalibotContext) -> None:
    """Handle ``/stats``."""
    context.services.people.check_owner(person_of(update))
    answer_at_length(update, context, stats_text(words_of(update, context), await context.services.metrics.figures()))


def queue_text(t: Translation, queue: Queue, *, with_people: bool = False) -> str:
    """Return the queue as HTML, a line a task."""
    if not queue.tasks:
        return t.gettext("Nothing is being looked up.")
    lines = [_queued(t, one, queue.at, with_people=with_people) for one in queue.tasks]
    more = queue.many - len(queue.tasks)
    if more > 0:
        lines.append(t.ngettext("and {more} more", "and {more} more", more).format(more=more))
    return "\n".join(lines)


def _queued(t: Translation, one: Snapshot, now: float, *, with_people: bool) -> str:
    task = one.task
    words = [
        t.gettext("at work") if task.state is State.RUNNING else t.gettext("waits"),
        subject(t, one, _NOTES),
        t.gettext("asked {elapsed} ago").format(elapsed=duration(t, max(0.0, now - task.created_at))),
    ]
    if one.total > 1:
        left = one.counts.get(State.PENDING, 0) + one.counts.get(State.RUNNING, 0)
        words.insert(2, t.gettext("{left} of {total} left").format(left=left, total=one.total))
    if with_people:
        words.append(t.gettext("by {person}").format(person=escape(shown_name(task.asked_by.removeprefix("tg:")))))
    return " · ".join(words)


def stats_text(t: Translation, figures: Figures) -> str:
    """Return the figures as plain text."""
    now = t.gettext("Now: {at_work} at work, {waiting} waiting.").format(
        at_work=figures.at_work, waiting=figures.waiting
    )
    days = round(figures.seconds / 86400)
    count = figures.waits.lookups
    if not count:
        none = t.ngettext("No lookup in {days} day.", "No lookup in {days} days.", days).format(days=days)
        return f"{now}\n\n{none}"
    of_time = t.ngettext("{count} lookup in {days} days", "{count} lookups in {days} days", count)
    lines = [now, "", of_time.format(count=count, days=days)]
    lines += [*_success(t, figures), *_waits(t, figures), *(_source(t, one) for one in figures.by_source)]
    lines += ["", t.gettext("How they ended:"), *_outcomes(t, figures.outcomes)]
    return "\n".join(lines)


def _success(t: Translation, figures: Figures) -> list[str]:
    if figures.success_share is None:
        return []
    return [
        t.gettext("Names found: {share} of those that nobody stopped").format(
            share=f"{100 * figures.success_share:.0f} %"
        )
    ]


def _waits(t: Translation, figures: Figures) -> list[str]:
    waits = figures.waits
    if waits.average is None or waits.p95 is None:
        return []
    return [
        t.gettext("Wait before its turn: {average} on average, 95 of 100 within {p95}").format(
            average=_seconds(t, waits.average), p95=_seconds(t, waits.p95)
        )
    ]


def _source(t: Translation, one: SourceTimes) -> str:
    names = t.ngettext("{count} name", "{count} names", one.found).format(count=one.found)
    return t.gettext("From {source}: {names}; half within {p50}, 95 of 100 within {p95}").format(
        source=source_name(t, one.source), names=names, p50=_seconds(t, one.p50), p95=_seconds(t, one.p95)
    )


def _outcomes(t: Translation, outcomes: Mapping[str, int]) -> list[str]:
    known = {
        "found": t.gettext("found"),
        "cancelled": t.gettext("stopped by those who asked"),
        "dead": t.gettext("nobody had it"),
        "slow": t.gettext("too slow"),
        "cut_off": t.gettext("cut off from the network"),
        "timed_out": t.gettext("no answer in time"),
        "not_found": t.gettext("what came was of no use"),
        "resolver_down": t.gettext("the source did not work"),
        "lookup_failed": t.gettext("no name, for another reason"),
        "internal": t.gettext("errors inside this bot"),
    }
    shown = list(outcomes.items())[:_LINES]
    return [f"{many} - {known.get(outcome) or shown_name(outcome)}" for outcome, many in shown]


def _seconds(t: Translation, seconds: float) -> str:
    return t.gettext("{seconds} s").format(seconds=f"{seconds:.1f}") if seconds < _PRECISE else duration(t, seconds)
