"""What the command line says of what it is given."""

import pytest

from bot import cli

_TOKEN = "987654321:AAbbCCddEEffGGhhIIjjKKllMMnnOOppQQr"  # noqa: S105 - opens nothing


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
