"""``/queue`` and ``/stats``: what is under way, and what the lookups came to."""

from collections.abc import Mapping

from telegram import Update

from handlers.answers import answer, answer_at_length, errors_as_answers
from handlers.cards import source_name, subject
from handlers.context import CalibotContext, chat_of, is_private, notebook_of, person_of, words_of
from handlers.outgoing import Message
from handlers.text import escape, shown_name
from services.calibration.task import Snapshot, State
from services.i18n import Translation, brief, duration, lookups_said, now_said, outcome_word, share_said, waits_said
from services.metrics import Figures, Queue, SourceTimes

_LINES = 20
_NOTES = 3  # of a task, in its line


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
    waits, days = figures.waits, round(figures.seconds / 86400)
    lines = [now_said(t, figures.at_work, figures.waiting), "", lookups_said(t, waits.lookups, days)]
    if not waits.lookups:
        return "\n".join(lines)
    if figures.success_share is not None:
        lines.append(share_said(t, figures.success_share))
    if waits.average is not None and waits.p95 is not None:
        lines.append(waits_said(t, waits.average, waits.p95))
    lines += [_source(t, one) for one in figures.by_source]
    lines += ["", t.gettext("How they ended:"), *_outcomes(t, figures.outcomes)]
    return "\n".join(lines)


def _source(t: Translation, one: SourceTimes) -> str:
    names = t.ngettext("{count} name", "{count} names", one.found).format(count=one.found)
    return t.gettext("From {source}: {names}; half within {p50}, 95 of 100 within {p95}").format(
        source=source_name(t, one.source), names=names, p50=brief(t, one.p50), p95=brief(t, one.p95)
    )


def _outcomes(t: Translation, outcomes: Mapping[str, int]) -> list[str]:
    shown = list(outcomes.items())[:_LINES]
    return [f"{many} - {outcome_word(t, outcome) or shown_name(outcome)}" for outcome, many in shown]
