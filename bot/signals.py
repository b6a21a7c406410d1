"""Commands that are told to end, by Ctrl-C, SIGTERM or the end of their terminal (SIGHUP), end in order."""

import asyncio
import signal
from collections.abc import Coroutine
from typing import Any

_ALL = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


async def until_signalled(running: Coroutine[Any, Any, int]) -> int:
    """Return what *running* does; a signal ends it in order, with the exit code of a shell.

    At once it would leave the programs behind that lookups have begun, and so would a second one: what comes after the
    first changes nothing. What whoever began this had ignored (nohup) stays ignored.
    """
    loop, task = asyncio.get_running_loop(), asyncio.current_task()
    heard: list[int] = []

    def hear(number: int) -> None:
        heard.append(number)
        if task is not None and len(heard) == 1:
            task.cancel()

    for number in _ALL:
        if signal.getsignal(number) is not signal.SIG_IGN:
            loop.add_signal_handler(number, hear, number)
    try:
        return await running
    except (asyncio.CancelledError, OSError):  # OSError: the terminal that is written to has gone, too
        if not heard:
            raise
        return 128 + heard[0]


class Told(KeyboardInterrupt):
    """A signal that ends a command as Ctrl-C does."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number


def heed() -> None:
    """Let each signal that is not ignored be raised where it comes, as `Told`, so that what is half made is removed."""

    def hear(number: int, _: object) -> None:
        raise Told(number)

    for number in _ALL:
        if signal.getsignal(number) is not signal.SIG_IGN:
            signal.signal(number, hear)
