"""The composition root's door: how the program is started, and how a signal stops it."""

import asyncio
import gc
import os
import resource
import signal
import socket
import threading

from bot import alone, chats
from bot.config import Settings

_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
_OPEN_FILES = 65_536


async def run(settings: Settings) -> None:
    """Run until SIGINT, SIGTERM or SIGHUP: the chats and the page, or without a token the page alone.

    Raises:
        TokenRefused: Telegram does not accept the token, or does so no more.
        StoreUnavailable, ResolverDown, WebUnavailable: the database, the swarm or the web server cannot be opened.
    """
    gc.freeze()  # to look again for garbage in all that was imported held up everybody for a tenth of a second
    _may_open_more_files()
    stop = asyncio.Event()
    _stop_at_signal(stop)
    serve = chats.serve if settings.telegram.token.get_secret_value() else alone.serve
    await serve(settings, stop)


def _may_open_more_files() -> None:
    """Take what the system allows: the 1,024 of most shells are for programs that do not know better (select)."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = _OPEN_FILES if hard == resource.RLIM_INFINITY else min(_OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))


def _stop_at_signal(stop: asyncio.Event) -> None:
    """Stop in order at the first signal; at a second one, end the process at once, as its shell would say it.

    Nothing less ends it whatever it waits for: an exception out of the loop had cancelled the store's writer, for whom
    the rest then waited without an end. What is lost is what a power cut loses. The numbers come as bytes, which a
    thread reads until the process ends: Python loses a signal that arrives while a handler is replaced. SIGHUP is never
    the second one, since a terminal that closes sends several, and stays ignored where it was (nohup).
    """
    loop = asyncio.get_running_loop()
    numbers, written = socket.socketpair()
    written.settimeout(0)

    def hear() -> None:
        numbers.recv(1)
        loop.call_soon_threadsafe(stop.set)
        while (number := numbers.recv(1)[0]) == signal.SIGHUP:
            pass
        os._exit(128 + number)

    threading.Thread(target=hear, name="signals", daemon=True).start()
    signal.set_wakeup_fd(written.detach())
    for number in _SIGNALS:
        if number != signal.SIGHUP or signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, lambda *_: None)
