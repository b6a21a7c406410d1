"""``/export``: a notebook as files."""

from telegram import Update

from handlers.answers import answer, errors_as_answers, say
from handlers.context import CalibotContext, notebook_of, words_of
from handlers.outgoing import Document as File
from handlers.outgoing import Message
from handlers.slots import Rank
from handlers.text import escape
from services.i18n import Translation
from services.notebook.export import Document, Kind

_MIME_TYPES = {Kind.JSON: "application/json", Kind.TEXT: "text/plain"}


@errors_as_answers
async def export(update: Update, context: CalibotContext) -> None:
    """Handle ``/export``: each file is an answer."""
    t, rank = words_of(update, context), Rank.ANSWER
    async for document in context.services.export.documents(await notebook_of(update, context)):
        file = File(document.name, document.content, _MIME_TYPES[document.kind])
        message = Message(escape(_caption(t, document)), document=file)
        answer(update, context, message, rank=rank)
        rank = Rank.END  # many files do not mute their chat
    if rank is Rank.ANSWER:
        say(update, context, t.gettext("There are no notes here yet."))


def _caption(t: Translation, document: Document) -> str:
    if document.kind is Kind.JSON:
        return t.ngettext(
            "{count} note with its earlier texts", "{count} notes with their earlier texts", document.notes
        ).format(count=document.notes)
    return t.ngettext("{count} note as it is now", "{count} notes as they are now", document.notes).format(
        count=document.notes
    )
