"""Shapes of the Bot API that are long and say little."""

from sandbox.botapi.chats import Account, Chat, Status

_ADMINISTRATOR = (
    "can_be_edited", "is_anonymous", "can_manage_chat", "can_delete_messages", "can_manage_video_chats",
    "can_restrict_members", "can_promote_members", "can_change_info", "can_invite_users", "can_post_stories",
    "can_edit_stories", "can_delete_stories", "can_pin_messages", "can_manage_topics",
)  # fmt: skip
_RESTRICTED = (
    "is_member", "can_send_messages", "can_send_audios", "can_send_documents", "can_send_photos", "can_send_videos",
    "can_send_video_notes", "can_send_voice_notes", "can_send_polls", "can_send_other_messages",
    "can_add_web_page_previews", "can_change_info", "can_invite_users", "can_pin_messages", "can_manage_topics",
    "can_edit_tag", "can_react_to_messages",
)  # fmt: skip
_GIFTS = (
    "unlimited_gifts", "limited_gifts", "unique_gifts", "premium_subscription", "gifts_from_channels",
)  # fmt: skip
_MAY_DELETE = {"can_manage_chat", "can_delete_messages"}


def member_json(account: Account, status: Status) -> dict[str, object]:
    """Return a ChatMember. An administrator may delete messages and is not anonymous; nobody is banned for a time."""
    shape: dict[str, object] = {"user": account.as_json(), "status": status}
    match status:
        case "creator":
            return shape | {"is_anonymous": False}
        case "administrator":
            return shape | {name: name in _MAY_DELETE for name in _ADMINISTRATOR}
        case "restricted":
            return shape | {name: name == "is_member" for name in _RESTRICTED} | {"until_date": 0}
        case "kicked":
            return shape | {"until_date": 0}
        case _:
            return shape


def full_chat_json(chat: Chat) -> dict[str, object]:
    """Return a ChatFullInfo with the fields that it always has."""
    gifts = dict.fromkeys(_GIFTS, False)
    return chat.as_json() | {"accent_color_id": 0, "max_reaction_count": 11, "accepted_gift_types": gifts}


def me_json(bot: Account, *, reads_all: bool) -> dict[str, object]:
    """Return the User that getMe gives, with the fields that it gives alone."""
    return bot.as_json() | {
        "can_join_groups": True,
        "can_read_all_group_messages": reads_all,
        "supports_inline_queries": False,
        "can_connect_to_business": False,
        "has_main_web_app": False,
    }
