"""The bot's list of commands (Bot API, setMyCommands)."""

import json
import re
from collections.abc import Mapping

from sandbox.botapi.chats import Account, Chat
from sandbox.botapi.errors import bad_request
from sandbox.botapi.parameters import Parameters, only

_NAME = re.compile(r"[a-z0-9_]{1,32}")
_LANGUAGE = re.compile(r"(?:[a-z]{2})?")
_MAX_DESCRIPTION = 256
_MAX_COMMANDS = 100
_SCOPES: dict[str, set[str]] = {
    "default": set(),
    "all_private_chats": set(),
    "all_group_chats": set(),
    "all_chat_administrators": set(),
    "chat": {"chat_id"},
    "chat_administrators": {"chat_id"},
    "chat_member": {"chat_id", "user_id"},
}


class CommandLists:
    """The lists that are set, one for each scope and language."""

    def __init__(self) -> None:
        self._lists: dict[tuple[str, str], list[dict[str, object]]] = {}

    def set(self, parameters: Parameters) -> bool:
        given = parameters.mappings("commands")
        if len(given) > _MAX_COMMANDS:
            raise bad_request("BOT_COMMANDS_TOO_MUCH")
        self._lists[_place(parameters)] = [_command(one) for one in given]
        return True

    def get(self, parameters: Parameters) -> list[dict[str, object]]:
        return self._lists.get(_place(parameters), [])

    def shown(self, chat: Chat, person: Account) -> list[tuple[str, str]]:
        """Return what the app of *person* lists in *chat*, the narrowest list there is (Bot API, BotCommandScope)."""
        for scope in _scopes(chat, person):
            for language in (person.language[:2], ""):
                if commands := self._lists.get((json.dumps(scope, sort_keys=True), language)):
                    return [(str(one["command"]), str(one["description"])) for one in commands]
        return []

    def delete(self, parameters: Parameters) -> bool:
        self._lists.pop(_place(parameters), None)
        return True


def _scopes(chat: Chat, person: Account) -> list[dict[str, object]]:
    here: dict[str, object] = {"type": "chat", "chat_id": chat.id}
    if not chat.is_group:
        return [here, {"type": "all_private_chats"}, {"type": "default"}]
    everybody: list[dict[str, object]] = [here, {"type": "all_group_chats"}, {"type": "default"}]
    if chat.status(person.id) in {"creator", "administrator"}:
        everybody.insert(1, {"type": "all_chat_administrators"})
        everybody.insert(0, here | {"type": "chat_administrators"})
    return [here | {"type": "chat_member", "user_id": person.id}, *everybody]


def _place(parameters: Parameters) -> tuple[str, str]:
    scope = parameters.mapping("scope") or {"type": "default"}
    kind = scope.get("type")
    if not isinstance(kind, str) or kind not in _SCOPES:
        raise bad_request("can't parse BotCommandScope: Unsupported type specified")
    only(scope, {"type"} | _SCOPES[kind], "BotCommandScope")
    language = parameters.text("language_code")
    if not _LANGUAGE.fullmatch(language):
        raise bad_request("invalid language code specified")
    return json.dumps(scope, sort_keys=True), language


def _command(shape: Mapping[str, object]) -> dict[str, object]:
    only(shape, {"command", "description"}, "BotCommand")
    name, description = shape.get("command"), shape.get("description")
    if not isinstance(name, str) or not _NAME.fullmatch(name.removeprefix("/")):
        raise bad_request("BOT_COMMAND_INVALID")
    if not isinstance(description, str) or not 1 <= len(description) <= _MAX_DESCRIPTION:
        raise bad_request("BOT_COMMAND_DESCRIPTION_INVALID")
    return {"command": name.removeprefix("/"), "description": description}
