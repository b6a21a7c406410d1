"""The smallest bot that python-telegram-bot makes: it answers each text with the text."""

import os
import sys

from telegram import Update
from telegram.ext import ApplicationBuilder, ContextTypes, MessageHandler, filters


async def _echo(update: Update, _: ContextTypes.DEFAULT_TYPE) -> None:
    message = update.effective_message
    if message is not None and message.text is not None:
        await message.reply_text(message.text, do_quote=True)


def _main(token: str, base_url: str, base_file_url: str) -> None:
    application = ApplicationBuilder().token(token).base_url(base_url).base_file_url(base_file_url).build()
    application.add_handler(MessageHandler(filters.TEXT, _echo))
    application.run_polling()


if __name__ == "__main__":
    os.environ.setdefault("PTB_TIMEDELTA", "true")  # else each 429 warns inside the library
    _main(*sys.argv[1:])
