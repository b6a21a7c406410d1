"""The example file and the operator's page say what the settings are."""

import tomllib

from bot.config import Sections
from bot.settings_page import EXAMPLE, PAGE, example, page, table


def test_the_example_file_is_that_of_the_model() -> None:
    assert EXAMPLE.read_text(encoding="utf-8") == example(), "make settings"


def test_the_operators_page_has_the_table_of_the_model() -> None:
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "make settings"


def test_the_example_file_changes_nothing() -> None:
    assert Sections.model_validate(tomllib.loads(example())) == Sections()


def test_each_key_stands_in_the_table_with_its_default() -> None:
    rows = table().splitlines()[2:]
    assert len(rows) == example().count(" = ")
    assert "| `calibration.timeout` | `60.0` | Seconds that one lookup may take. |" in rows
    assert all(row.count("|") == 4 for row in rows)
