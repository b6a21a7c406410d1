"""Who may do what. People and places are the front end's own opaque words (``tg:4711``)."""

from dataclasses import dataclass, field, replace

from services.torrents import PersonId


@dataclass(frozen=True, slots=True)
class Access:
    """Everybody who is let in. Nobody else is served.

    *owners* may do all, everywhere; *users* are served in their private chats; whoever may write in one of *chats* is
    a member there, and nowhere else by that.
    """

    owners: frozenset[PersonId] = field(default_factory=frozenset)
    users: frozenset[PersonId] = field(default_factory=frozenset)
    chats: frozenset[str] = field(default_factory=frozenset)

    def serves(self, person: PersonId, chat: str, *, private: bool) -> bool:
        """Whether *person* is served in *chat*."""
        return person in self.owners or chat in self.chats or (private and person in self.users)

    def may_any(self, person: PersonId, *, administrator: bool) -> bool:
        """Whether *person*, perhaps an administrator of the chat, may cancel and retry everyone's tasks there."""
        return administrator or person in self.owners

    def with_owners(self, *people: PersonId) -> "Access":
        return replace(self, owners=self.owners.union(people))
