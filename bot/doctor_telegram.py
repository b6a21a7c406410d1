"""What a check can learn of Telegram: the token, privacy mode, the clock, and one real message."""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Protocol

from telegram import Bot
from telegram.constants import ChatMemberStatus
from telegram.error import BadRequest, ChatMigrated, Forbidden, InvalidToken, NetworkError, RetryAfter, TelegramError
from telegram.request import HTTPXRequest

from bot.config import Telegram, is_token
from bot.finding import Finding, bad, good
from handlers.refusals import loggable, seconds_to_wait
from handlers.text import shown_name
from services.i18n import ENGLISH, duration

_FARTHEST = 60.0
_HOW_TO_GET_ONE = "get one from @BotFather (/newbot, or /token for a bot you have), and put it into [telegram] token"
_FIRST_THE_TOKEN = "not known: see the token"  # noqa: S105 - words
_SEES_ALL = "to have it see all: @BotFather, /setprivacy, Disable, then add it to its groups anew"


class _Response(Protocol):
    """What is needed of an HTTP library's answer."""

    headers: Mapping[str, str]


@dataclass(slots=True)
class _TelegramsClock:
    """How many seconds our clock is ahead of Telegram's, as of its last answer."""

    ahead: float | None = None

    async def hear(self, response: _Response) -> None:
        self.ahead = seconds_ahead(response.headers.get("Date", ""), time.time())


def seconds_ahead(date: str, now: float) -> float | None:
    """Return how far *now* (seconds since 1970) is ahead of an HTTP *date*; None where that is none."""
    try:
        there = parsedate_to_datetime(date)
    except ValueError:
        return None
    return now - (there if there.tzinfo else there.replace(tzinfo=UTC)).timestamp()


async def look_at_telegram(settings: Telegram, live: str | None) -> Sequence[Finding]:
    """Return what is found of Telegram, with what *live*, a chat, gave where one is named. Never prints."""
    clock = _TelegramsClock()
    found = await _look_at_bot(settings, live, clock)
    return [*found[:2], _judge_clock(clock.ahead), *found[2:]]


async def _look_at_bot(settings: Telegram, live: str | None, clock: _TelegramsClock) -> list[Finding]:
    """Return the token, privacy mode, and the message."""
    token = settings.token.get_secret_value()
    if not is_token(token):
        said = "it is not one that @BotFather gave" if token else "there is none"
        return _without_bot(bad("token", said, _HOW_TO_GET_ONE), live)
    request = HTTPXRequest(httpx_kwargs={"event_hooks": {"response": [clock.hear]}})
    bot = Bot(token, base_url=settings.base_url, base_file_url=settings.base_file_url, request=request)
    try:
        async with bot:
            found = [
                good("token", f"it is @{bot.username}'s ({bot.id})"),
                await _look_at_privacy(bot, settings.allowed_chats),
            ]
            return found if live is None else [*found, await _send_and_edit(bot, live)]
    except InvalidToken:
        return _without_bot(bad("token", "Telegram does not accept it", _HOW_TO_GET_ONE), live)
    except TelegramError as error:
        return _without_bot(bad("token", *_told(error)), live)


def _without_bot(token: Finding, live: str | None) -> list[Finding]:
    others = ["privacy mode"] if live is None else ["privacy mode", "message"]
    return [token, *(bad(subject, _FIRST_THE_TOKEN) for subject in others)]


async def _look_at_privacy(bot: Bot, groups: Sequence[int]) -> Finding:
    if bot.bot.can_read_all_group_messages:
        return good("privacy mode", "off: it sees all messages of its groups")
    blind = [group for group in groups if not await _administers(bot, group)]
    said = "on: in groups it sees commands; posted magnets only where it is an administrator"
    if blind:
        return bad("privacy mode", f"{said}; it is none in {', '.join(map(str, blind))}", _SEES_ALL)
    return good("privacy mode", f"{said}; {_SEES_ALL}")


async def _administers(bot: Bot, group: int) -> bool:
    try:
        member = await bot.get_chat_member(group, bot.id)
    except ChatMigrated as error:  # the settings still have its number from before it was a supergroup
        return await _administers(bot, error.new_chat_id)
    except (BadRequest, Forbidden):  # it is not there
        return False
    return member.status in {ChatMemberStatus.ADMINISTRATOR, ChatMemberStatus.OWNER}


async def _send_and_edit(bot: Bot, chat: str) -> Finding:
    shown = shown_name(chat)
    try:
        message = await bot.send_message(chat, "calibot check: this message was sent …")
        await message.edit_text("calibot check: this message was sent and edited. All is well.")
    except (BadRequest, Forbidden) as error:
        how = "write /start to the bot from there first, or name another chat by its number"
        return bad("message", f"not sent to {shown}: {shown_name(loggable(error))}", how)
    except TelegramError as error:
        said, how = _told(error)
        return bad("message", f"{shown}: {said}", how)
    return good("message", f"sent to {shown}, and edited")


def _told(error: TelegramError) -> tuple[str, str]:
    match error:
        case RetryAfter():
            return "Telegram is busy with this bot", f"try again in {duration(ENGLISH, seconds_to_wait(error))}"
        case BadRequest() | Forbidden():
            return f"Telegram refuses: {shown_name(loggable(error))}", "see base_url in [telegram]"
        case NetworkError():
            kind = type(error.__cause__ or error).__name__  # its words may have the address, and the token in it
            return f"Telegram cannot be reached ({kind})", "see this machine's network, and base_url in [telegram]"
        case _:
            return f"Telegram does not answer as it should ({type(error).__name__})", "see base_url in [telegram]"


def _judge_clock(ahead: float | None) -> Finding:
    if ahead is None:
        return bad("clock", "not known: Telegram did not say the time", "see the token")
    if abs(ahead) <= _FARTHEST:
        return good("clock", "as Telegram's")
    way = "ahead of" if ahead > 0 else "behind"
    how = "set it, and keep it set: timedatectl set-ntp true"
    return bad("clock", f"{duration(ENGLISH, abs(ahead))} {way} Telegram's", how)
