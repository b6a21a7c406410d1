"""What is asked of Telegram to send or edit a message. Each call returns the message's id, or raises TelegramError."""

from telegram import Bot, InputFile, LinkPreviewOptions, ReplyParameters
from telegram.constants import ParseMode
from telegram.error import BadRequest

from handlers.outgoing import Address, Card, Document, Message

_UPLOAD_SECONDS = 120.0  # for Telegram to take a file in, after its last byte


class Wire:
    """The bot, as the outbox uses it."""

    def __init__(self, bot: Bot) -> None:
        self._bot = bot

    async def put_up(self, card: Card) -> int:
        """Send *card*, or edit its message."""
        if card.message_id is None:
            return await self.send(card.to, card.message, card.reply_to)
        return await self.edit(card.to, card.message_id, card.message)

    async def send(self, to: Address, message: Message, reply_to: int | None) -> int:
        reply = ReplyParameters(reply_to, allow_sending_without_reply=True) if reply_to is not None else None
        if message.document is not None:
            return await self._send_document(to, message, message.document, reply)
        sent = await self._bot.send_message(
            to.chat_id,
            message.html,
            message_thread_id=to.thread_id,
            parse_mode=ParseMode.HTML,
            link_preview_options=LinkPreviewOptions(is_disabled=True),
            reply_parameters=reply,
            reply_markup=message.keyboard,
        )
        return sent.message_id

    async def _send_document(
        self, to: Address, message: Message, document: Document, reply: ReplyParameters | None
    ) -> int:
        sent = await self._bot.send_document(
            to.chat_id,
            _file(document),
            caption=message.html or None,
            message_thread_id=to.thread_id,
            parse_mode=ParseMode.HTML,
            reply_parameters=reply,
            reply_markup=message.keyboard,
            read_timeout=_UPLOAD_SECONDS,
            write_timeout=_UPLOAD_SECONDS,
        )
        return sent.message_id

    async def edit(self, to: Address, message_id: int, message: Message) -> int:
        """Edit a message of text; one that shows the same already is as good."""
        try:
            await self._bot.edit_message_text(
                message.html,
                chat_id=to.chat_id,
                message_id=message_id,
                parse_mode=ParseMode.HTML,
                link_preview_options=LinkPreviewOptions(is_disabled=True),
                reply_markup=message.keyboard,
            )
        except BadRequest as error:
            if "message is not modified" not in error.message.lower():
                raise
        return message_id


def _file(document: Document) -> InputFile:
    """Return the file; its kind is said by us, since the library would read the system's tables to guess it.

    An open one is read as it goes out, 64 KB at a time, and in the loop: a file just written comes from memory, and as
    a whole it would be 50 MB for each chat that is sent one.
    """
    file = InputFile(document.content, read_file_handle=False)
    file.filename, file.mimetype = document.name, document.kind
    return file
