"""A Bot API server on loopback and the people who talk to its bot: what tests and the demo run against."""

from sandbox.botapi.api import BotApi
from sandbox.botapi.chats import Account, Chat, Message
from sandbox.botapi.events import Call, Event, Phase
from sandbox.botapi.faults import Fault
from sandbox.botapi.files import File
from sandbox.botapi.flood import Limits
from sandbox.botapi.people import Person
from sandbox.botapi.world import PressAnswer

__all__ = [
    "Account",
    "BotApi",
    "Call",
    "Chat",
    "Event",
    "Fault",
    "File",
    "Limits",
    "Message",
    "Person",
    "Phase",
    "PressAnswer",
]
