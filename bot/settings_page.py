"""The settings as people read them: the example file, and the table of the operator's page. Made of the model alone.

``python -m bot.settings_page`` writes both; a test holds them to the model.
"""

import json
import textwrap
from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel, SecretStr

from bot.config import Sections

ROOT = Path(__file__).parents[1]
EXAMPLE = ROOT / "config.example.toml"
PAGE = ROOT / "docs" / "operate.md"
BEGIN, END = "<!-- settings: made by `make settings` -->\n", "<!-- end of settings -->\n"
_WIDTH = 120
_HEAD = """# calibot's settings. Every key stands here with its default; an environment variable such as
# CALIBOT_TELEGRAM__TOKEN goes before this file.
"""


def example() -> str:
    """Return a TOML file with every key, what it does, and its default."""
    lines = [_HEAD]
    before = ""
    for section, key, default, does in _keys(Sections, ""):
        if section != before:
            lines += [f"[{section}]" if not before else f"\n[{section}]"]
            before = section
        lines += [*(f"# {line}" for line in textwrap.wrap(does, _WIDTH - 2)), f"{key} = {default}"]
    return "\n".join(lines) + "\n"


def table() -> str:
    """Return a Markdown table of every key, with its variable, what it does, and its default."""
    rows = ["| key | default | what it does |", "|---|---|---|"]
    for section, key, default, does in _keys(Sections, ""):
        rows.append(f"| `{section}.{key}` | `{default}` | {does} |")
    return "\n".join(rows) + "\n"


def page(text: str) -> str:
    """Return the operator's page *text* with the table of now in it."""
    before, begin, rest = text.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError("the page has no place for the settings")
    return f"{before}{BEGIN}{table()}{END}{after}"


def _keys(model: type[BaseModel], section: str) -> Iterator[tuple[str, str, str, str]]:
    """Yield each key with its section, its default as TOML, and what it does."""
    for name, field in model.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, BaseModel):
            yield from _keys(kind, f"{section}.{name}" if section else name)
            continue
        assert field.description, f"{section}.{name} says nothing of itself"  # noqa: S101 - a test reads them all
        yield section, name, _toml(field.default), " ".join(field.description.split())


def _toml(value: object) -> str:
    match value:
        case SecretStr():
            return '""'
        case Path():
            return json.dumps(str(value))
        case _:
            return json.dumps(value)


def main() -> None:
    """Bring both to the model."""
    EXAMPLE.write_text(example(), encoding="utf-8")
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")


if __name__ == "__main__":
    main()
