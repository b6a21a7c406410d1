"""The command line: ``python -m bot run|check|resolve|backup|restore|demo|demo-terminal``."""

import argparse
import asyncio
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NoReturn

from bot import signals
from bot.config import BadSettings, Settings, is_token, load
from bot.listening import Interface
from bot.terminal import (
    BAD_INPUT,
    OutputLost,
    complain,
    end_without_output,
    lose_what_is_left,
    open_what_is_closed,
    print_whatever_comes,
    say,
    why,
)
from services.errors import CalibotError, StoreUnavailable, WebUnavailable
from services.store.health import remedy

_REVOKED = 3  # to start it again with the same token is pointless

_HOW_TO_BEGIN = """{why}
  1. In Telegram, talk to @BotFather, send /newbot, and copy the token that it gives you.
  2. Put it into {config}, as token under [telegram] (or into CALIBOT_TELEGRAM__TOKEN).
Or do without Telegram: token = "" under [telegram], and enabled = true under [web].
Or see it work without any account: make demo"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that *arguments* name; return the exit code."""
    open_what_is_closed()
    print_whatever_comes()
    try:
        return _command(_parser().parse_args(arguments))
    except BadSettings as error:
        return complain(*error.lines, code=BAD_INPUT)
    except OutputLost as error:
        return end_without_output(error)
    except signals.Told as told:
        return 128 + told.number
    except KeyboardInterrupt:
        return 130
    finally:
        lose_what_is_left()


class _Parser(argparse.ArgumentParser):
    """Says what is wrong with a command line, which may have the token in the wrong place."""

    def error(self, message: str) -> NoReturn:
        sys.exit(complain(self.format_usage().rstrip(), f"{self.prog}: error: {message}", code=BAD_INPUT))

    def print_help(self, file: object = None) -> None:  # noqa: ARG002 - argparse itself names none
        say(self.format_help().rstrip())


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="python -m bot", description="Finds the true names of your magnet links.")
    commands = parser.add_subparsers(dest="command", required=True)

    def command(name: str, does: str, config: Path | None = Path("config.toml")) -> argparse.ArgumentParser:
        made = commands.add_parser(name, help=does, description=does)
        made.add_argument("--config", type=Path, default=config, help="the settings (config.toml)")
        return made

    run = command("run", "run the bot")
    run.add_argument("--log-format", choices=["text", "json"], default="text", help="a line of text or a JSON object")
    check = command("check", "look whether all that the bot needs is there, and say what to do where it is not")
    check.add_argument("--live", metavar="CHAT", help="send and edit one real message in this chat, too")
    resolve = command("resolve", "find names here in the terminal; needs no token", None)
    resolve.add_argument("what", nargs="*", help="magnet links and info-hashes; - reads lines from standard input")
    resolve.add_argument("--json", action="store_true", help="a JSON object a line")
    resolve.add_argument("--timeout", type=float, metavar="S", help="seconds that one lookup may take")
    backup = command("backup", "write the database into one file, while the bot runs or not")
    backup.add_argument("file", type=Path, help="the file to write")
    backup.add_argument("--force", action="store_true", help="replace the file if it is there")
    restore = command("restore", "put a backup in the place of the database; the bot must not run")
    restore.add_argument("file", type=Path, help="a file that backup has written")
    demo = commands.add_parser("demo", help="try it in a browser: no account, no network")
    demo.add_argument("--port", type=int, default=0, help="where the page is, on 127.0.0.1; a free port when missing")
    demo.add_argument("--no-browser", action="store_true", help="open none, print the address alone")
    demo.add_argument("--keep", type=Path, metavar="DIR", help="keep calibot's notes and settings there")
    commands.add_parser("demo-terminal", help="see it work: a conversation that plays by itself in the terminal")
    return parser


def _command(options: argparse.Namespace) -> int:
    # Each is imported when it is asked for: running the bot needs no sandbox, a lookup no bot.
    match options.command:
        case "demo" | "demo-terminal":
            return _demo(options)
        case "check":
            from bot import doctor  # noqa: PLC0415

            signals.heed()
            return _end(doctor.main(options.config, options.live))
        case "resolve":
            from bot import resolve  # noqa: PLC0415

            signals.heed()
            return _end(resolve.main(options.what, options.config, json=options.json, seconds=options.timeout))
        case "backup":
            from bot import backup  # noqa: PLC0415

            signals.heed()
            return _end(backup.main(options.file, options.config, force=options.force))
        case "restore":
            from bot import restore  # noqa: PLC0415

            signals.heed()
            return _end(restore.main(options.file, options.config))
        case _:
            return _run(options.config, json=options.log_format == "json")


def _demo(options: argparse.Namespace) -> int:
    from bot import demo, demo_play  # noqa: PLC0415 - as above

    if options.command == "demo-terminal":
        return demo_play.main()
    return demo.main(port=options.port, keep=options.keep, browser=not options.no_browser)


def _run(config: Path, *, json: bool) -> NoReturn:
    from bot import app, chats, logs  # noqa: PLC0415 - as above

    settings = _checked(load(config), config)
    logs.configure(settings.telegram.token.get_secret_value(), json=json)
    code = 0
    runner = asyncio.Runner()
    try:
        runner.run(app.run(settings))
    except chats.TokenRefused as error:
        more = " any more" if error.while_running else ""
        how = _how_to_begin(f"Telegram does not accept the bot's token{more}. How to get one that it accepts:", config)
        code = complain(how, code=_REVOKED if error.while_running else BAD_INPUT)
    except CalibotError as error:
        code = complain(_why(error, settings), code=1)
    _end(code)


def _end(code: int) -> NoReturn:
    """End the process here, where all of ours has ended.

    Closing the loop, and then the interpreter, would wait for each thread that asks a name server: half a minute where
    none answers. A signal that comes meanwhile would make a failure of what was told as done.
    """
    lose_what_is_left()
    os._exit(code)


def _checked(settings: Settings, config: Path) -> Settings:
    """Return *settings*, with what may be a token, or with none and a page that runs alone. Raises BadSettings."""
    token = settings.telegram.token.get_secret_value()
    if not token and settings.web.enabled:
        return settings
    if not token:
        raise BadSettings(_how_to_begin("calibot needs a bot's token to run, since the page is switched off:", config))
    if not is_token(token):
        why = "The bot's token is not one that @BotFather gave: those are a number, a colon, letters. How to get one:"
        raise BadSettings(_how_to_begin(why, config))
    return settings


def _how_to_begin(why: str, config: Path) -> str:
    return _HOW_TO_BEGIN.format(why=why, config=config)


def _why(error: CalibotError, settings: Settings) -> str:
    """Return why the program cannot run, and what can be done."""
    if "reason" not in error.parameters:
        return why(error)
    if isinstance(error, WebUnavailable):
        where = f"{Interface(settings.web.host, settings.web.port)} ([web] in the settings)"
        alone = not settings.telegram.token.get_secret_value()
        how = "Choose another port there" if alone else "Choose another port there, or do without: enabled = false"
        return f"calibot cannot listen at {where}: {why(error)}. {how}"
    if isinstance(error, StoreUnavailable):
        what = remedy(why(error))
        where = f"{settings.database.path} ([database] path in the settings)"
        return f"calibot cannot use {where}: {why(error)}. {what[0].upper()}{what[1:]}, then start it again."
    return f"calibot cannot run with resolvers.libtorrent as it is in the settings: {why(error)}"
