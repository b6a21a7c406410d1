"""Either chat's word of an upgrade says the same."""

from datetime import UTC, datetime
from types import SimpleNamespace

import pytest
from telegram import Chat, Message, Update, User
from telegram.ext import ApplicationHandlerStop

from handlers.upgrades import upgraded

OLD, NEW = Chat(-500, Chat.GROUP), Chat(-100500, Chat.SUPERGROUP)
IN_THE_OLD = Message(9, datetime.now(UTC), OLD, from_user=User(1, "Bob", is_bot=False), migrate_to_chat_id=NEW.id)
IN_THE_NEW = Message(1, datetime.now(UTC), NEW, sender_chat=NEW, migrate_from_chat_id=OLD.id)


class Box:
    """The outbox, as far as it hears of upgrades."""

    def __init__(self) -> None:
        self.moves: list[tuple[int, int]] = []

    async def moved(self, chat_id: int, became: int) -> None:
        self.moves.append((chat_id, became))


@pytest.mark.parametrize("message", [IN_THE_OLD, IN_THE_NEW], ids=["in the old chat", "in the new one"])
async def test_what_was_is_told_from_what_is_and_nobody_else_gets_the_update(message: Message) -> None:
    box = Box()
    context = SimpleNamespace(services=SimpleNamespace(outbox=box))
    with pytest.raises(ApplicationHandlerStop):
        await upgraded(Update(1, message=message), context)  # type: ignore[arg-type] # what a handler uses
    assert box.moves == [(OLD.id, NEW.id)]
