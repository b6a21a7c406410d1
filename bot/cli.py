"""The command line: ``python -m bot run|demo``."""

import argparse
import asyncio
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from bot import app, logs
from bot.config import BadSettings, Settings, load
from services.errors import CalibotError, StoreUnavailable
from services.i18n import sentence

BAD_SETTINGS = 2
_TOKEN = re.compile(r"[0-9]+:[A-Za-z0-9_-]+", re.ASCII)

_HOW_TO_BEGIN = """{why}
  1. In Telegram, talk to @BotFather, send /newbot, and copy the token that it gives you.
  2. Put it into {config}, as token under [telegram] (or into CALIBOT_TELEGRAM__TOKEN).
Or see it work without any account: make demo"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command that *arguments* name; return the exit code."""
    parser = argparse.ArgumentParser(prog="python -m bot", description="Finds the true names of your magnet links.")
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="run the bot")
    run.add_argument("--config", type=Path, default=Path("config.toml"), help="the settings (config.toml)")
    commands.add_parser("demo", help="see it work: no account, no network")
    options = parser.parse_args(arguments)
    if options.command == "demo":
        from bot import demo  # noqa: PLC0415 - running the bot needs no sandbox

        return demo.main()
    return _run(options.config)


def _run(config: Path) -> int:
    try:
        settings = _settings(config)
        asyncio.run(app.run(settings))
    except BadSettings as error:
        return _say(*error.lines)
    except app.TokenRefused:
        return _say(_how_to_begin("Telegram does not accept the bot's token. How to get one that it accepts:", config))
    except CalibotError as error:
        return _say(_why(error), code=1)
    except KeyboardInterrupt:
        return 130
    return 0


def _settings(config: Path) -> Settings:
    """Return the settings, with what may be a token, and logs that hide it."""
    settings = load(config)
    token = settings.telegram.token.get_secret_value()
    if not token.strip():
        raise BadSettings(_how_to_begin("calibot needs a bot's token to run:", config))
    if not _TOKEN.fullmatch(token):  # it would become part of an address, and another one than we mean
        why = "The bot's token is not one that @BotFather gave: those look like 123456:ABC-DEF. How to get one:"
        raise BadSettings(_how_to_begin(why, config))
    logs.configure(token)
    return settings


def _how_to_begin(why: str, config: Path) -> str:
    return _HOW_TO_BEGIN.format(why=why, config=config)


def _why(error: CalibotError) -> str:
    """Return why the program cannot run, for the one who can see to it: with the reason that people are not told."""
    reason = error.parameters.get("reason")
    if reason is None:
        return sentence(error.code, error.parameters, "en")
    key = "database.path" if isinstance(error, StoreUnavailable) else "resolvers.libtorrent"
    return f"calibot cannot run with {key} as it is in the settings: {reason}"


def _say(*lines: str, code: int = BAD_SETTINGS) -> int:
    for line in lines:
        print(line, file=sys.stderr)  # noqa: T201 - what a person at a terminal reads
    return code
