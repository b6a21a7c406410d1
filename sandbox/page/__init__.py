"""A page that looks and behaves like a client of the sandbox's Telegram; several people share it."""

from sandbox.page.server import ChatPage
from sandbox.page.shapes import Cast, Offer

__all__ = ["Cast", "ChatPage", "Offer"]
