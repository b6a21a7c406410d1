"""What only a request over HTTP can be refused for."""

from services.errors import CalibotError


class NoSuchAddress(CalibotError):
    """No route has this path."""

    code = "no_such_address"


class MethodNotTaken(CalibotError):
    """The route does not take this method."""

    code = "method_not_taken"


class BadRequest(CalibotError):
    """The request is not as its route says, first at *where*."""

    code = "bad_request"


class NothingToKeep(CalibotError):
    """The text to keep is blank."""

    code = "nothing_to_keep"


class NothingChosen(CalibotError):
    """No note was chosen."""

    code = "nothing_chosen"


class NoMagnets(CalibotError):
    """No note of the notebook has a magnet link."""

    code = "no_magnets"


class TextTooLong(CalibotError):
    """The text to keep has more than the *most* characters."""

    code = "text_too_long"


class TooLarge(CalibotError):
    """The body has more than the *most* bytes that are read."""

    code = "too_large"


class TooSlow(CalibotError):
    """The body has not come in time."""

    code = "too_slow"


class NotJson(CalibotError):
    """The body is not said to be JSON."""

    code = "not_json"


class TokenNeeded(CalibotError):
    """There is no token, or it is nobody's."""

    code = "token_needed"


class NotLetIn(CalibotError):
    """Whoever the token is of is served no more."""

    code = "not_let_in"


class NotebookNotFound(CalibotError):
    """No notebook of this number is open to whom the token is of; another's is answered exactly like this."""

    code = "notebook_not_found"


class TorrentNotFound(CalibotError):
    """No notebook that is open to whom the token is of has the torrent, known or not."""

    code = "torrent_not_found"


class NotInTime(CalibotError):
    """A lookup that was waited for has not ended in time; it goes on as task *task_id*."""

    code = "not_in_time"


class AsyncDisabled(CalibotError):
    """What goes on while nobody waits for it is switched off."""

    code = "async_disabled"


class FromAnotherSite(CalibotError):
    """A page of another site has sent it."""

    code = "from_another_site"


class OutcomeUnknown(CalibotError):
    """The program stops while this was done: it may have been, or not."""

    code = "outcome_unknown"


class TooManyListeners(CalibotError):
    """This person listens in as many places as one may, *most*."""

    code = "too_many_listeners"


class TooManyRequests(CalibotError):
    """This client has asked too often, or has been wrong too often about who it is; it may again in *seconds*."""

    code = "too_many_requests"
