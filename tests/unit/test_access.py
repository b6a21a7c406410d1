"""Who is served where."""

import pytest

from services.access import Access, LetIn, Role
from services.torrents import PersonId

OWNER, USER, STRANGER = PersonId("tg:1"), PersonId("tg:2"), PersonId("tg:3")
ALLOWED, OTHER = "tg:-100", "tg:-200"

ACCESS = Access(owners=frozenset({OWNER}), users=frozenset({USER}), chats=frozenset({ALLOWED}))


@pytest.mark.parametrize(
    ("person", "chat", "private", "served"),
    [
        (OWNER, OWNER, True, True),
        (OWNER, ALLOWED, False, True),
        (OWNER, OTHER, False, True),
        (USER, USER, True, True),
        (USER, ALLOWED, False, True),
        (USER, OTHER, False, False),
        (STRANGER, STRANGER, True, False),
        (STRANGER, ALLOWED, False, True),
        (STRANGER, OTHER, False, False),
        (PersonId(ALLOWED), ALLOWED, False, True),  # an anonymous administrator acts as the chat
        (PersonId(OTHER), OTHER, False, False),
        (PersonId(ALLOWED), OTHER, False, False),
    ],
)
def test_who_is_served_where(person: PersonId, chat: str, private: bool, served: bool) -> None:
    assert ACCESS.serves(person, chat, private=private) is served


@pytest.mark.parametrize("private", [True, False])
def test_nobody_is_served_by_default(private: bool) -> None:
    assert not Access().serves(OWNER, OWNER, private=private)


@pytest.mark.parametrize(
    ("person", "administrator", "may"),
    [(OWNER, False, True), (OWNER, True, True), (USER, False, False), (USER, True, True), (STRANGER, False, False)],
)
def test_who_may_cancel_and_retry_everyones(person: PersonId, administrator: bool, may: bool) -> None:
    assert ACCESS.may_any(person, administrator=administrator) is may


def test_a_new_owner_takes_nothing_from_others_and_the_value_before_stays_as_it_was() -> None:
    more = ACCESS.joined([LetIn(who=STRANGER, role=Role.OWNER)])
    assert more == Access(owners=frozenset({OWNER, STRANGER}), users=ACCESS.users, chats=ACCESS.chats)
    assert ACCESS.owners == {OWNER}
    assert ACCESS.joined([]) == ACCESS


def test_each_is_joined_as_what_they_were_let_in_as() -> None:
    more = ACCESS.joined([LetIn(who=STRANGER, role=Role.USER), LetIn(who=OTHER, role=Role.CHAT)])
    assert more == Access(ACCESS.owners, frozenset({USER, STRANGER}), frozenset({ALLOWED, OTHER}))
    assert more.lets_in(STRANGER)
    assert more.lets_in(OTHER)
    assert not ACCESS.lets_in(STRANGER)


def test_everybody_is_listed_once_with_their_role() -> None:
    assert [(one.who, one.role) for one in ACCESS.listed()] == [
        (OWNER, Role.OWNER),
        (USER, Role.USER),
        (ALLOWED, Role.CHAT),
    ]
    assert Access().joined(ACCESS.listed()) == ACCESS
