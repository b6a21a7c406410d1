"""``docs/rights.md`` knows every command and every button, and ``/help`` every command."""

from handlers import routes
from handlers.buttons import Verb
from handlers.start import command_list, help_text
from services.i18n import ENGLISH
from tests.rights import BUTTONS, COMMANDS

WORDS = {"yes", "refused", "owners only", "administrators only", "no", "not theirs", "silence", "-"}


def test_every_command_has_a_line_and_no_line_is_of_a_command_that_is_not() -> None:
    assert {cell.what.split()[0] for cell in COMMANDS if cell.what.startswith("/")} == {
        f"/{one}" for one in routes.COMMANDS
    }


def test_every_button_has_a_line_for_ones_own_and_for_anothers() -> None:
    assert {(cell.what, cell.more) for cell in BUTTONS} == {(verb, more) for verb in Verb for more in ("", "another's")}


def test_a_cell_says_something_that_is_explained() -> None:
    assert {cell.gets for cell in (*COMMANDS, *BUTTONS)} <= WORDS


def test_help_and_the_list_of_commands_name_every_command() -> None:
    said = {word.rstrip(",") for word in help_text(ENGLISH).split() if word.startswith("/")}
    assert said == {f"/{one}" for one in set(routes.COMMANDS) - {"start"}}
    assert {name for name, _ in command_list(ENGLISH)} == set(routes.COMMANDS) - {"start"}
