"""What the command line says of what it is given."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from bot import cli
from bot.config import Database, Settings, Telegram
from services.errors import DatabaseDamaged, ResolverDown, StoreUnavailable, WebUnavailable

_TOKEN = "987654321:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"  # noqa: S105 - opens nothing

AT = Settings(database=Database(path=Path("/d/calibot.db")))


@pytest.mark.parametrize(
    "arguments",
    [["run", "--token", _TOKEN], [_TOKEN], ["run", _TOKEN], ["run", "--config", _TOKEN], ["backup", _TOKEN, _TOKEN]],
    ids=str,
)
def test_a_token_on_the_command_line_is_not_printed(arguments: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    try:
        code = cli.main(arguments)
    except SystemExit as ended:
        code = int(ended.code or 0)
    output = capsys.readouterr()
    assert code == 2
    assert _TOKEN.partition(":")[2] not in output.out + output.err


@pytest.mark.parametrize(
    ("reason", "remedy"),
    [
        ("database or disk is full", "Make room on its disk"),
        ("[Errno 28] No space left on device: '/d/calibot.db.lock'", "Make room on its disk"),
        ("attempt to write a readonly database", "Make the file and its folder writable"),
        ("[Errno 13] Permission denied: '/d/calibot.db.lock'", "Make the file and its folder writable"),
        ("database disk image is malformed", "Put a backup in its place (python -m bot restore FILE)"),
        ("unable to open database file", "Look at the file and its disk"),
    ],
)
def test_why_a_start_failed_is_one_line_with_what_is_wrong_where_and_what_to_do(reason: str, remedy: str) -> None:
    said = cli._why(StoreUnavailable(reason=reason), AT)
    assert said.startswith("calibot cannot use /d/calibot.db ")
    assert f": {reason}. {remedy}" in said
    assert said.endswith(", then start it again.")
    assert "\n" not in said
    assert "by itself" not in said


def test_why_other_starts_failed_is_said() -> None:
    assert "python -m bot restore FILE" in cli._why(DatabaseDamaged(path="/d/calibot.db"), AT)
    assert cli._why(ResolverDown(reason="no port"), AT).endswith("libtorrent as it is in the settings: no port")
    said = cli._why(WebUnavailable(reason="Address already in use"), AT)
    assert "127.0.0.1:8080 ([web] in the settings): Address already in use. " in said
    assert said.endswith("Choose another port there"), "without Telegram there is nothing but the page"
    with_token = AT.model_copy(update={"telegram": Telegram(token=SecretStr(_TOKEN))})
    assert "enabled = false" in cli._why(WebUnavailable(reason="Address already in use"), with_token)
