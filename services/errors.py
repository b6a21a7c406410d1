"""Everything that a person must hear about. An error is a code with parameters; `services.i18n` makes the sentence.

CalibotError
├── InvalidInfoHash
├── NothingToLookUp
├── AllUndone
├── AllCalibrated
├── TooMany
├── SearchTooLong
├── TooManyTasks
├── AllowanceUsedUp
├── NoteNotFound
├── NoteChanged
├── NotDeleted
├── NothingToUndo
├── EditedSince
├── TaskNotFound
├── CannotCancel
├── CannotRetry
├── CannotChoose
├── NotAllowed
├── OwnersOnly
├── AdministratorsOnly
├── InTheSettings
├── LastOwner
├── FileTooLarge
├── FileUnavailable
├── NotATorrent
├── ExportUnderWay
├── ExportFailed
├── ShuttingDown
├── StoreUnavailable
│   ├── DatabaseDamaged
│   ├── DatabaseInUse
│   └── NewerSchema
└── LookupFailed
    ├── NotFound
    ├── SourceFailed
    │   └── SourceLate
    └── ResolverDown
"""

from collections.abc import Mapping
from typing import ClassVar

Parameters = Mapping[str, int | float | str]


class CalibotError(Exception):
    """Something that a person must hear about: *code* names it, *parameters* fill its sentence."""

    code: ClassVar[str] = "internal"

    def __init__(self, **parameters: float | str) -> None:
        super().__init__(self.code, parameters)
        self.parameters: Parameters = parameters


class InvalidInfoHash(CalibotError):
    """The text is neither 40 or 64 hex digits nor 32 base32 digits (BEP 9, BEP 52)."""

    code = "invalid_info_hash"


class NothingToLookUp(CalibotError):
    """The request names no torrent: no task is made of it."""

    code = "nothing_to_look_up"


class AllUndone(CalibotError):
    """A person undid, or kept, every name that could be written; one of these notes has this *number*."""

    code = "all_undone"


class AllCalibrated(CalibotError):
    """No note is left that was not yet calibrated, or failed."""

    code = "all_calibrated"


class TooMany(CalibotError):
    """More notes or hashes than the *most* that one task may have."""

    code = "too_many"


class SearchTooLong(CalibotError):
    """More characters than the *most* that are searched for."""

    code = "search_too_long"


class TooManyTasks(CalibotError):
    """This person has *most* tasks under way; nothing new is accepted before one of them ends."""

    code = "too_many_tasks"


class AllowanceUsedUp(CalibotError):
    """This person's lookups of the hour, *most*, are used up; enough are free again in *minutes*."""

    code = "allowance_used_up"


class NoteNotFound(CalibotError):
    """No note *note_id* in this notebook; another notebook's note is answered exactly like this."""

    code = "note_not_found"


class NoteChanged(CalibotError):
    """Somebody changed note *note_id* since version *expected*; nothing was written."""

    code = "note_changed"


class KeptAlready(CalibotError):
    """The message that was to be kept is note *number*."""

    code = "kept_already"


class NotDeleted(CalibotError):
    """Note *note_id* is there: it need not be taken back."""

    code = "not_deleted"


class NothingToUndo(CalibotError):
    """Nothing was written into note *note_id* (or by the task) that could be undone."""

    code = "nothing_to_undo"


class EditedSince(CalibotError):
    """A person edited note *note_id* after the names were written: to undo would lose that."""

    code = "edited_since"


class WrittenSince(CalibotError):
    """Another task wrote into note *note_id* after the one that shall be undone there."""

    code = "written_since"


class TaskNotFound(CalibotError):
    """No task of this id is kept."""

    code = "task_not_found"


class CannotCancel(CalibotError):
    """The task has already ended, as *state*."""

    code = "cannot_cancel"


class CannotRetry(CalibotError):
    """The task is under way, or all of its names were found."""

    code = "cannot_retry"


class CannotChoose(CalibotError):
    """The name is certain, has no such reading, or there is no old one to keep."""

    code = "cannot_choose"


class NotAllowed(CalibotError):
    """This person may not do that to this task or note."""

    code = "not_allowed"


class OwnersOnly(CalibotError):
    """Only an owner may do that."""

    code = "owners_only"


class AdministratorsOnly(CalibotError):
    """Only an administrator of the group, or an owner, may do that."""

    code = "administrators_only"


class InTheSettings(CalibotError):
    """The settings let this one in: no chat can take that back."""

    code = "in_the_settings"


class LastOwner(CalibotError):
    """Without this one there would be no owner."""

    code = "last_owner"


class TokenNameUnfit(CalibotError):
    """A token's name is empty, has more than the *most* characters, or more than one line."""

    code = "token_name_unfit"


class TokenNameTaken(CalibotError):
    """This person has a token of this name."""

    code = "token_name_taken"


class TooManyTokens(CalibotError):
    """This person has as many tokens as one may have, *most*."""

    code = "too_many_tokens"


class TokenNotFound(CalibotError):
    """This person has no token of this name."""

    code = "token_not_found"


class FileTooLarge(CalibotError):
    """A file that shall be kept has more than the *most* bytes that a note may have."""

    code = "file_too_large"


class FileUnavailable(CalibotError):
    """A file that shall be kept could not be fetched."""

    code = "file_unavailable"


class NotATorrent(CalibotError):
    """A .torrent file that was sent is none, is damaged, or has more in it than is read."""

    code = "not_a_torrent"


class ExportUnderWay(CalibotError):
    """Files of this notebook's last export are still being written, or not yet sent."""

    code = "export_under_way"


class ExportFailed(CalibotError):
    """A file of the export could not be written, for the *reason* of the disk."""

    code = "export_failed"


class ShuttingDown(CalibotError):
    """The program is stopping: nothing new is accepted; what was accepted goes on at the next start."""

    code = "shutting_down"


class LinkUsedUp(CalibotError):
    """The link was used, or is too old, or never was."""

    code = "link_used_up"


class MembershipUnknown(CalibotError):
    """It cannot be found out now who is in a group."""

    code = "membership_unknown"


class StoreUnavailable(CalibotError):
    """The database could not be read or written; nothing was changed."""

    code = "store_unavailable"


class WebUnavailable(CalibotError):
    """The web server cannot listen where it shall, for the *reason* of the system."""

    code = "web_unavailable"


class DatabaseInUse(StoreUnavailable):
    """Another process writes the database at *path*."""

    code = "database_in_use"


class DatabaseDamaged(StoreUnavailable):
    """What is in the database at *path* contradicts itself."""

    code = "database_damaged"


class NewerSchema(StoreUnavailable):
    """The database at *path* was made by a newer calibot."""

    code = "newer_schema"


class LookupFailed(CalibotError):
    """A lookup ended without a name."""

    code = "lookup_failed"


class NotFound(LookupFailed):
    """The source answered that it does not know, or gave something that is not this torrent."""

    code = "not_found"


class SourceFailed(LookupFailed):
    """The source *source* could not say, for a *reason* that it gave itself, in its own words."""

    code = "source_failed"


class SourceLate(SourceFailed):
    """The source *source* ran out of its own time: nothing needs to be wrong with it."""


class ResolverDown(LookupFailed):
    """The source could not be asked."""

    code = "resolver_down"
