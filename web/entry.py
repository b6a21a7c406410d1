"""Who is let in: by a token in a header, or by a session's cookie, which browsers send along by themselves."""

from starlette.requests import HTTPConnection
from starlette.responses import Response

from services.notebook.sessions import SESSION_SECONDS
from services.torrents import NotebookId, PersonId
from web.given import services_of
from web.rates import Limits, Rates, client_of
from web.refusals import FromAnotherSite, NotLetIn, TokenNeeded, TooManyRequests

_COOKIE = "calibot_session"
_DIGITS = 5  # of a port
_SCHEME = "bearer"
_CHANGE_NOTHING = frozenset({"GET", "HEAD", "OPTIONS"})


async def let_in(connection: HTTPConnection) -> tuple[PersonId, NotebookId]:
    """Return who asks, and the notebook that is their own. A client may be wrong so often, and then has to wait.

    Who is known does not wait for what others guessed at the same address. So every secret is looked at; with 256
    random bits that finds none.

    Raises:
        TokenNeeded: there is no token and no session, or it is nobody's.
        TooManyRequests: it is nobody's, once too often.
        NotLetIn: whose it is, is served no more.
        FromAnotherSite: it comes by cookie, from another site's page.
    """
    try:
        return await known(connection)
    except TokenNeeded:
        if _token_in(connection) is not None or session_in(connection) is not None:
            guess(connection)
        raise


def guess(connection: HTTPConnection) -> None:
    """Count what this client got wrong. Raises TooManyRequests."""
    may_guess(connection)
    _guesses(connection).take(client_of(connection))


def may_guess(connection: HTTPConnection) -> None:
    """Let on who has not been wrong too often. Raises TooManyRequests."""
    if wait := _guesses(connection).wait(client_of(connection)):
        raise TooManyRequests(seconds=int(wait) + 1)


def _guesses(connection: HTTPConnection) -> Rates:
    limits = connection.app.state.limits
    assert isinstance(limits, Limits)  # noqa: S101 - the app is made with them
    return limits.guesses


async def known(connection: HTTPConnection) -> tuple[PersonId, NotebookId]:
    """Return the same, however often it is asked."""
    services = services_of(connection)
    token = _token_in(connection)
    if token is not None:
        person = await services.tokens.whose(token)
    else:
        person = await services.sessions.whose(session_in(connection) or "")
        if person is not None:
            check_origin(connection)
    if person is None:
        raise TokenNeeded
    own = services.doors.own(person)
    if own is None:
        raise NotLetIn
    return person, await services.notebook.behind(own)


def check_origin(connection: HTTPConnection) -> None:
    """Refuse what another site's page sends, where it would change something, or listen (RFC 6454).

    Raises:
        FromAnotherSite: it does, or it cannot be told.
    """
    if connection.scope["type"] == "http" and connection.scope["method"] in _CHANGE_NOTHING:
        return
    if connection.headers.get("origin") not in origins_of(connection):
        raise FromAnotherSite


def origins_of(connection: HTTPConnection) -> frozenset[str]:
    """Return the origins by which we are reached: as this connection has it, and as the settings say."""
    scheme = "https" if is_secure(connection) else "http"
    here = f"{scheme}://{connection.headers.get('host', '')}"
    return frozenset({here, services_of(connection).public_url or here})


def is_secure(connection: HTTPConnection) -> bool:
    """Whether it came over TLS, to us or to a proxy that we trust."""
    return connection.scope["scheme"] in {"https", "wss"}


def remember(connection: HTTPConnection, answer: Response, session: str) -> None:
    """Let the browser keep the secret of a session, where no script can read it."""
    answer.set_cookie(
        _cookie_of(connection),
        session,
        max_age=int(SESSION_SECONDS),
        httponly=True,
        samesite="lax",
        secure=is_secure(connection) or services_of(connection).public_url.startswith("https:"),
    )


def forget(connection: HTTPConnection, answer: Response) -> None:
    """Let the browser keep it no longer."""
    answer.delete_cookie(_cookie_of(connection))


def session_in(connection: HTTPConnection) -> str | None:
    """Return the secret of the session that a browser has sent along; a token goes before it."""
    return connection.cookies.get(_cookie_of(connection)) if _token_in(connection) is None else None


def _cookie_of(connection: HTTPConnection) -> str:
    """Return a name with the port in it by which we are reached: cookies are a host's, and so is another calibot."""
    port = connection.headers.get("host", "").rpartition(":")[2]
    return f"{_COOKIE}_{port}" if port.isascii() and port.isdecimal() and len(port) <= _DIGITS else _COOKIE


def _token_in(connection: HTTPConnection) -> str | None:
    """Return what is in ``Authorization: Bearer`` (RFC 6750); another scheme is for a proxy before us."""
    scheme, _, secret = connection.headers.get("authorization", "").partition(" ")
    return secret.strip() if scheme.lower() == _SCHEME else None
