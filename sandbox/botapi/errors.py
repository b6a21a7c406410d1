"""How the server says no."""

from collections.abc import Mapping


class Refused(Exception):
    """The Bot API's answer to a request it does not fulfil.

    Args:
        status: the HTTP status, which is the answer's ``error_code`` too.
        description: word for word what Telegram says (Bot API, "Making requests"; telegram-bot-api, ``Client.cpp``).
        parameters: the answer's ``parameters`` (Bot API, ``ResponseParameters``).
        flood: whether a flood limit refused it.
    """

    def __init__(
        self, status: int, description: str, parameters: Mapping[str, object] | None = None, *, flood: bool = False
    ) -> None:
        super().__init__(status, description)
        self.status = status
        self.description = description
        self.parameters = dict(parameters or {})
        self.flood = flood


def bad_request(reason: str) -> Refused:
    """Return a 400 that gives *reason* the way Telegram does: its first letter small, unless it is a code word."""
    second = reason[1:2]
    shown = reason if second == "_" or second.isupper() else reason[:1].lower() + reason[1:]
    return Refused(400, f"Bad Request: {shown}")
