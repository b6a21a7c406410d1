"""The Bot API's methods, done to a `World`. Descriptions of refusals are Telegram's own (``Client.cpp``, TDLib)."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from sandbox.botapi.chats import Account, Chat, Message
from sandbox.botapi.errors import Refused, bad_request
from sandbox.botapi.files import MAX_DOWNLOAD, File
from sandbox.botapi.flood import FloodControl
from sandbox.botapi.keyboard import keyboard_from
from sandbox.botapi.markup import UnparsableHtml, parse_html
from sandbox.botapi.parameters import Parameters, only
from sandbox.botapi.shapes import full_chat_json, me_json, member_json
from sandbox.botapi.text import MAX_CAPTION, MAX_LENGTH, Entity, Formatted, cleaned, entity_from, utf16_length
from sandbox.botapi.world import World

_MAX_ANSWER = 200
_ACTIONS = frozenset({
    "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document",
    "choose_sticker", "find_location", "record_video_note", "upload_video_note",
})  # fmt: skip
_TEXT = frozenset({"text", "parse_mode", "entities", "link_preview_options"})
_PLACE = frozenset({"chat_id", "message_id"})
_OPTIONS = frozenset({"link_preview_options", "disable_notification", "protect_content"})
_WHERE = _OPTIONS | {"chat_id", "message_thread_id", "reply_parameters", "reply_markup"}
_CAPTION = frozenset({"caption", "parse_mode", "caption_entities"})
_PREVIEW = {"is_disabled", "url", "prefer_small_media", "prefer_large_media", "show_above_text"}
_SCOPE = frozenset({"scope", "language_code"})


@dataclass(frozen=True, slots=True)
class Method:
    """A method: its name as documented, what it does, the parameters that the sandbox knows."""

    name: str
    do: Callable[[Parameters], object]
    known: frozenset[str]


class Methods:
    """What a bot may ask of *world*, all but getUpdates."""

    def __init__(self, world: World, flood: FloodControl) -> None:
        self._world = world
        self._flood = flood
        lists = world.commands
        self._table = {
            method.name.lower(): method
            for method in (
                Method("getMe", lambda _: me_json(world.bot, reads_all=world.reads_all), frozenset()),
                Method("deleteWebhook", self._delete_webhook, frozenset({"drop_pending_updates"})),
                Method("setMyCommands", lists.set, _SCOPE | {"commands"}),
                Method("getMyCommands", lists.get, _SCOPE),
                Method("deleteMyCommands", lists.delete, _SCOPE),
                Method(
                    "sendMessage",
                    self._send,
                    _TEXT | _WHERE,
                ),
                Method("sendDocument", self._send_document, _CAPTION | _WHERE | {"document"}),
                Method("getFile", self._file, frozenset({"file_id"})),
                Method("editMessageText", self._edit_text, _TEXT | _PLACE | {"reply_markup"}),
                Method("editMessageReplyMarkup", self._edit_markup, _PLACE | {"reply_markup"}),
                Method("deleteMessage", self._delete, frozenset({"chat_id", "message_id"})),
                Method(
                    "answerCallbackQuery",
                    self._answer,
                    frozenset({"callback_query_id", "text", "show_alert", "url", "cache_time"}),
                ),
                Method("getChatMember", self._member, frozenset({"chat_id", "user_id"})),
                Method("getChat", lambda given: full_chat_json(self._chat(given)), frozenset({"chat_id"})),
                Method("sendChatAction", self._action, frozenset({"chat_id", "message_thread_id", "action"})),
            )
        }

    def documented(self, name: str) -> str:
        """Return a method's name as the documentation spells it; an unknown one as it is."""
        method = self._table.get(name.lower())
        return method.name if method else "getUpdates" if name.lower() == "getupdates" else name

    def call(self, name: str, given: Mapping[str, object]) -> object:
        """Do the method *name*, in any case, and return its result.

        Raises:
            Refused: as Telegram would.
        """
        method = self._table.get(name.lower())
        if method is None:
            raise Refused(404, "Not Found: method not found")
        return method.do(Parameters(method.name, given, method.known))

    def _delete_webhook(self, given: Parameters) -> bool:
        if given.flag("drop_pending_updates"):
            self._world.updates.drop()
        return True

    def _send(self, given: Parameters) -> object:
        return self._put(given, _formatted(given), given.text("text"), None)

    def _send_document(self, given: Parameters) -> object:
        upload = given.file("document")
        if upload is None:
            raise bad_request("there is no document in the request")
        if not upload.content:
            raise bad_request("file must be non-empty")
        return self._put(given, _caption(given), given.text("caption"), upload)

    def _file(self, given: Parameters) -> object:
        file = self._world.files.get(given.text("file_id"))
        if file is None:
            raise bad_request("wrong file_id or the file is temporarily unavailable")
        if file.size > MAX_DOWNLOAD:
            raise bad_request("file is too big")
        return file.as_json()

    def _put(self, given: Parameters, formatted: Formatted, html: str, upload: File | None) -> object:
        keyboard = keyboard_from(given.mapping("reply_markup"))
        chat = self._chat(given)
        chat.check_bot_may_write("documents" if upload else "text messages")
        topic = _topic(chat, given)
        reply_to = _replied(chat, given)
        options = _options(given)
        self._count(chat)
        message = Message(
            id=chat.next_id,
            chat=chat,
            sender=self._world.bot,
            date=self._world.now(),
            formatted=formatted,
            html=html,
            keyboard=keyboard,
            reply_to=reply_to,
            topic=topic or (reply_to.topic if reply_to else None),
            document=self._world.files.keep(upload) if upload else None,
            options=options,
        )
        chat.add(message)
        return message.as_json()

    def _edit_text(self, given: Parameters) -> object:
        formatted = _formatted(given)
        message = self._edited(given)
        if message.has_caption:
            raise bad_request("there is no text in the message to edit")
        options = _options(given)
        self._change(message, formatted, given.text("text"), given)
        message.options = {**message.options, **options}
        return message.as_json()

    def _edit_markup(self, given: Parameters) -> object:
        message = self._edited(given)
        self._change(message, message.formatted, message.html, given)
        return message.as_json()

    def _edited(self, given: Parameters) -> Message:
        chat = self._chat(given)
        message = _found(chat, given, "edit")
        if message.sender != self._world.bot:
            raise bad_request("message can't be edited")
        return message

    def _change(self, message: Message, formatted: Formatted, html: str, given: Parameters) -> None:
        keyboard = keyboard_from(given.mapping("reply_markup"))
        self._count(message.chat)
        if (formatted, keyboard) == (message.formatted, message.keyboard):
            raise bad_request(
                "message is not modified: specified new message content and reply markup are exactly the same as a "
                "current content and reply markup of the message"
            )
        message.change(formatted, html, keyboard, self._world.now())

    def _delete(self, given: Parameters) -> bool:
        chat = self._chat(given)
        message = _found(chat, given, "delete")
        may = not chat.is_group or chat.status(self._world.bot.id) in {"administrator", "creator"}
        if message.sender != self._world.bot and not may:
            raise bad_request("message can't be deleted")
        message.deleted = True
        return True

    def _answer(self, given: Parameters) -> bool:
        text = given.text("text")
        if utf16_length(text) > _MAX_ANSWER:
            raise bad_request("MESSAGE_TOO_LONG")
        if not self._world.answer(given.text("callback_query_id"), text, show_alert=given.flag("show_alert")):
            raise bad_request("query is too old and response timeout expired or query ID is invalid")
        return True

    def _member(self, given: Parameters) -> object:
        chat = self._chat(given)
        user_id = given.integer("user_id")
        if user_id <= 0:
            raise bad_request("invalid user_id specified")
        account = self._world.accounts.get(user_id, Account(user_id, "Somebody"))
        return member_json(account, chat.status(user_id))

    def _action(self, given: Parameters) -> bool:
        chat = self._chat(given)
        chat.check_bot_may_write()
        _topic(chat, given)
        if given.text("action") not in _ACTIONS:
            raise bad_request("wrong parameter action in request")
        return True

    def _chat(self, given: Parameters) -> Chat:
        if "chat_id" not in given:
            raise bad_request("chat_id is empty")
        try:
            chat = self._world.chats.get(given.integer("chat_id"))
        except Refused:  # "@name": no chat here has one
            chat = None
        if chat is None:
            raise bad_request("chat not found")
        chat.check_bot_may_see()
        return chat

    def _count(self, chat: Chat) -> None:
        wait = self._flood.admit(chat.id, group=chat.is_group)
        if wait:
            raise Refused(429, f"Too Many Requests: retry after {wait}", {"retry_after": wait}, flood=True)


def _formatted(given: Parameters) -> Formatted:
    kept = _parsed(given, "text", "entities")
    if not kept.text:
        raise bad_request("message text is empty")
    if utf16_length(kept.text) > MAX_LENGTH:
        raise bad_request("message is too long")
    return kept


def _caption(given: Parameters) -> Formatted:
    kept = _parsed(given, "caption", "caption_entities")
    if utf16_length(kept.text) > MAX_CAPTION:
        raise bad_request("message caption is too long")
    return kept


def _parsed(given: Parameters, name: str, entities: str) -> Formatted:
    text = given.text(name)
    mode = given.text("parse_mode").lower()
    if mode == "html":
        try:
            parsed = parse_html(text)
        except UnparsableHtml as error:
            raise bad_request(f"can't parse entities: {error}") from error
    elif mode:
        raise bad_request("unsupported parse_mode")
    else:
        parsed = Formatted(text, _entities(given, entities, utf16_length(text)))
    return cleaned(parsed)


def _entities(given: Parameters, name: str, length: int) -> tuple[Entity, ...]:
    try:
        entities = [entity_from(shape) for shape in given.mappings(name)]
    except ValueError as error:
        raise bad_request(f"can't parse MessageEntity: {error}") from error
    for one in entities:
        if one.offset < 0 or one.length <= 0 or one.offset + one.length > length:
            where = f"entity beginning at UTF-16 offset {one.offset}"
            raise bad_request(f"{where} ends after the end of the text at UTF-16 offset {length}")
    return tuple(sorted(entities, key=lambda one: (one.offset, -one.length)))


def _found(chat: Chat, given: Parameters, purpose: str) -> Message:
    if "message_id" not in given:
        raise bad_request("message identifier is not specified")
    message = chat.find(given.integer("message_id"))
    if message is None:
        raise bad_request(f"message to {purpose} not found")
    return message


def _replied(chat: Chat, given: Parameters) -> Message | None:
    reply = given.mapping("reply_parameters")
    if reply is None:
        return None
    only(reply, {"message_id", "allow_sending_without_reply"}, "ReplyParameters")
    message_id = reply.get("message_id")
    if not isinstance(message_id, int):
        raise bad_request("can't parse reply parameters: Can't find field \"message_id\"")
    message = chat.find(message_id)
    if message is None and reply.get("allow_sending_without_reply") is not True:
        raise bad_request("message to be replied not found")
    return message


def _topic(chat: Chat, given: Parameters) -> int | None:
    topic = given.integer("message_thread_id")
    if topic and topic not in chat.topics:
        raise bad_request("message thread not found")
    return topic or None


def _options(given: Parameters) -> dict[str, object]:
    preview = given.mapping("link_preview_options")
    only(preview or {}, _PREVIEW, "LinkPreviewOptions")
    flags = {name: given.flag(name) for name in ("disable_notification", "protect_content") if name in given}
    return flags | ({"link_preview_options": dict(preview)} if preview else {})
