"""Who may do what. People and places are the front end's own opaque words (``tg:4711``)."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Self

from services.torrents import PersonId


class Role(StrEnum):
    """As what somebody, or a chat, is let in."""

    OWNER = "owner"
    USER = "user"
    CHAT = "chat"


@dataclass(frozen=True, slots=True, kw_only=True)
class LetIn:
    """Somebody, or a chat, that is let in.

    *added_at* (seconds since 1970) is None for those of the settings; *added_by* is None for those, and for an owner
    who was made by a start's code.
    """

    who: str
    role: Role
    added_at: float | None = None
    added_by: PersonId | None = None


@dataclass(frozen=True, slots=True)
class Access:
    """Everybody who is let in. Nobody else is served.

    *owners* may do all, everywhere; *users* are served in their private chats; whoever may write in one of *chats* is
    a member there, and nowhere else by that. *moved* says what chats have become: what they were called is worth
    nothing by itself, and what was still written there is judged by what they are called now.
    """

    owners: frozenset[PersonId] = field(default_factory=frozenset)
    users: frozenset[PersonId] = field(default_factory=frozenset)
    chats: frozenset[str] = field(default_factory=frozenset)
    moved: Mapping[str, str] = field(default_factory=dict)

    def now(self, who: str) -> str:
        """Return what *who*, if it is a chat that has become another, is called now."""
        return self.moved.get(who, who)

    def serves(self, person: PersonId, chat: str, *, private: bool) -> bool:
        """Whether *person* is served in *chat*."""
        return person in self.owners or self.now(chat) in self.chats or (private and person in self.users)

    def may_any(self, person: PersonId, *, administrator: bool) -> bool:
        """Whether *person*, perhaps an administrator of the chat, may cancel and retry everyone's tasks there."""
        return administrator or person in self.owners

    def lets_in(self, who: str) -> bool:
        """Whether *who* is let in as anything."""
        return who in self.owners or who in self.users or who in self.chats

    def joined(self, more: Iterable[LetIn]) -> Self:
        """Return this access with those *more*."""
        of_role: dict[Role, set[str]] = {role: set() for role in Role}
        for one in more:
            of_role[one.role].add(one.who)
        return replace(
            self,
            owners=self.owners.union(map(PersonId, of_role[Role.OWNER])),
            users=self.users.union(map(PersonId, of_role[Role.USER])),
            chats=self.chats.union(of_role[Role.CHAT]),
        )

    def after(self, moved: Mapping[str, str]) -> Self:
        """Return this access where chats have become others."""
        return replace(self, moved=moved)

    def listed(self) -> tuple[LetIn, ...]:
        """Return everybody of it, as those whom the settings let in."""
        named = ((Role.OWNER, self.owners), (Role.USER, self.users), (Role.CHAT, self.chats))
        return tuple(LetIn(who=who, role=role) for role, some in named for who in sorted(some))
