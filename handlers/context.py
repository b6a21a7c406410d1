"""What every handler is handed: the services by name, and what an update says of who asks, where, in which language."""

from dataclasses import dataclass

from telegram import Chat, ChatMember, Message, Update
from telegram.constants import ChatMemberStatus, ChatType
from telegram.error import TelegramError
from telegram.ext import CallbackContext, ExtBot

from handlers.files import Files
from handlers.gathering import Gathering
from handlers.live_status import LiveStatus
from handlers.outbox import Outbox
from handlers.outgoing import Address
from handlers.receipts import Receipts
from handlers.strangers import Strangers
from services.calibration.follower import NewFollower
from services.calibration.followers import Followership
from services.calibration.manager import AsyncCalibrationManager
from services.i18n import Translation
from services.metrics import Metrics
from services.notebook.edits import Edits
from services.notebook.export import Export
from services.notebook.history import History
from services.notebook.languages import Languages
from services.notebook.notebook import Notebook
from services.notebook.people import People
from services.notebook.search import Search
from services.notebook.sessions import Sessions
from services.notebook.tokens import Tokens
from services.torrents import NotebookId, PersonId

ALONE_IN_PRIVATE = 5
ALONE_IN_GROUP = 3
"""Live tasks that have a message each; a board shows more."""


@dataclass(frozen=True, slots=True)
class Site:
    """Where the page is: *address* without a slash at its end; *public*: where others reach it, too."""

    address: str
    public: bool


@dataclass(frozen=True, slots=True)
class Services:
    """What handlers call; built by the composition root."""

    manager: AsyncCalibrationManager
    followers: Followership
    notebook: Notebook
    history: History
    search: Search
    export: Export
    people: People
    live: LiveStatus
    outbox: Outbox
    strangers: Strangers
    metrics: Metrics
    edits: Edits
    gathering: Gathering
    files: Files
    receipts: Receipts
    languages: Languages
    tokens: Tokens
    sessions: Sessions
    site: Site | None = None


class CalibotContext(CallbackContext[ExtBot[None], dict[object, object], dict[object, object], Services]):
    """PTB's context, its ``bot_data`` being the services."""

    @property
    def services(self) -> Services:
        return self.bot_data


def chat_of(update: Update) -> Chat:
    chat = update.effective_chat
    assert chat is not None  # noqa: S101 - the gate lets nothing else through
    return chat


def message_of(update: Update) -> Message:
    message = update.effective_message
    assert isinstance(message, Message)  # noqa: S101 - the gate lets nothing else through
    return message


def incoming_of(update: Update) -> Message | None:
    """Return what a person wrote, new or edited; None where the update is something else."""
    return update.message or update.edited_message


def is_private(chat: Chat) -> bool:
    return chat.type == ChatType.PRIVATE


def person_of(update: Update) -> PersonId:
    """Return who asks: the chat itself for its anonymous administrators, and for those who speak as a channel."""
    message = incoming_of(update)
    if message is not None and message.sender_chat is not None:
        return PersonId(f"tg:{message.sender_chat.id}")
    assert update.effective_user is not None  # noqa: S101 - the gate lets nothing else through
    return PersonId(f"tg:{update.effective_user.id}")


def door_of(chat: Chat) -> str:
    """Return the chat's address as the notebook's door: one for all topics of a forum."""
    return Address(chat.id).door


def address_of(message: Message) -> Address:
    return Address(message.chat.id, message.message_thread_id if message.is_topic_message else None)


def key_of(update: Update, context: CalibotContext) -> str:
    """Return the key under which this update is done once."""
    return f"tg:{context.bot.id}:{update.update_id}"


def language_of(update: Update) -> str:
    """Return the language of the app of whoever asks, an IETF tag."""
    user = update.effective_user
    return (user.language_code if user else None) or "en"


def words_of(update: Update, context: CalibotContext) -> Translation:
    """Return the words for the answer: in the language that was chosen for the chat, else in the person's own."""
    return context.services.languages.words(door_of(chat_of(update)), language_of(update))


async def notebook_of(update: Update, context: CalibotContext) -> NotebookId:
    return await context.services.notebook.behind(door_of(chat_of(update)))


def follower_of(update: Update, *, becomes: bool = False) -> NewFollower:
    """Return the follower that answers this update's message, or that its own message *becomes*.

    What it becomes answers the message with which whoever asks now had asked before, if it was theirs.
    """
    message = message_of(update)
    asked: Message | None = message
    if becomes:
        before = message.reply_to_message
        asked = before if before is not None and before.from_user == update.effective_user else None
    return NewFollower(
        address=str(address_of(message)),
        reply_to=asked.message_id if asked else None,
        message_id=message.message_id if becomes else None,
        language=language_of(update),
        alone=ALONE_IN_PRIVATE if is_private(message.chat) else ALONE_IN_GROUP,
    )


async def member_status(update: Update, context: CalibotContext) -> str:
    """Return the presser's status in the chat (Bot API, getChatMember)."""
    assert update.effective_user is not None  # noqa: S101 - the gate lets nothing else through
    try:
        member = await context.bot.get_chat_member(chat_of(update).id, update.effective_user.id)
    except TelegramError:  # nobody is let in on a guess
        return ChatMemberStatus.LEFT
    return status_of(member)


def status_of(member: ChatMember) -> str:
    """Return a member's status; of one who is restricted and has left, that they have left."""
    if member.status == ChatMemberStatus.RESTRICTED and not getattr(member, "is_member", False):
        return ChatMemberStatus.LEFT
    return member.status


async def may_any(update: Update, context: CalibotContext) -> bool:
    """Whether the person may do in this chat what is its administrators' alone, such as to cancel everyone's tasks."""
    chat = chat_of(update)
    person = person_of(update)
    if context.services.people.access.may_any(person, administrator=False):
        return True
    if is_private(chat):
        return False
    written = update.message
    if written is not None and written.sender_chat is not None:
        return written.sender_chat.id == chat.id  # an anonymous administrator writes as the group; a channel is none
    status = await member_status(update, context)
    return status in {ChatMemberStatus.ADMINISTRATOR, ChatMemberStatus.OWNER}
