"""What the tests talk to the sandbox's Telegram with."""

import httpx
from telegram import Bot, CallbackQuery, InlineKeyboardButton, InlineKeyboardMarkup

from sandbox.botapi import BotApi


class HandMovedTime:
    """Seconds since 1970 that move when a test says so."""

    def __init__(self) -> None:
        self.now = 1_790_000_000.0

    def __call__(self) -> float:
        return self.now


def bot_of(api: BotApi, token: str = "") -> Bot:
    return Bot(token or api.token, base_url=api.base_url, base_file_url=api.base_file_url)


def http_of(api: BotApi) -> httpx.AsyncClient:
    return httpx.AsyncClient(base_url=f"{api.base_url}{api.token}/")


def keyboard(*rows: tuple[str, ...]) -> InlineKeyboardMarkup:
    return InlineKeyboardMarkup(
        [[InlineKeyboardButton(text, callback_data=text.lower()) for text in row] for row in rows]
    )


async def refusal(http: httpx.AsyncClient, method: str, **given: object) -> tuple[int, str]:
    """Return the status and the description of a request that must be refused."""
    answer = await http.post(method, json=given)
    body = answer.json()
    assert body["ok"] is False
    assert body["error_code"] == answer.status_code
    return answer.status_code, body["description"]


async def next_press(bot: Bot) -> CallbackQuery:
    for update in await bot.get_updates(offset=-1, timeout=10):
        if update.callback_query:
            return update.callback_query
    raise AssertionError("no press came")
