"""The pages for those who use the bot leave out no command, no button and no picture."""

import re
from pathlib import Path

import pytest

from handlers import routes
from services.i18n import Catalogues

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
PAGES = {"en": "user.md", "zh": "user.zh-CN.md"}
IMAGE = re.compile(r"!\[([^\]]*)\]\(([^)]+)\)")
LABEL = re.compile(r"button\(\s*t\.gettext\(\"([^\"{]+)\"\)")
each_page = pytest.mark.parametrize("language", PAGES)


def text_of(language: str) -> str:
    return (DOCS / PAGES[language]).read_text(encoding="utf-8")


def test_every_picture_is_shown_somewhere_and_every_one_shown_is_there() -> None:
    shown = {path for language in PAGES for _, path in IMAGE.findall(text_of(language))}
    assert shown == {str(path.relative_to(DOCS)) for path in DOCS.glob("pictures/*/*")}


@each_page
def test_every_picture_is_told_in_words_too(language: str) -> None:
    assert [path for words, path in IMAGE.findall(text_of(language)) if not words.strip()] == []


@each_page
def test_every_command_is_there_and_none_that_is_not(language: str) -> None:
    assert set(re.findall(r"`/([a-z_]+)", text_of(language))) == set(routes.COMMANDS)


@each_page
def test_every_button_is_called_by_its_name(language: str) -> None:
    code = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "handlers").glob("*.py"))
    t = Catalogues.load().of(language)
    named_apart = {"Retry", "Retry failed", "Keep old"}
    labels = {t.gettext(label) for label in named_apart.union(LABEL.findall(code))}
    assert [label for label in sorted(labels) if f"**{label}**" not in text_of(language)] == []
