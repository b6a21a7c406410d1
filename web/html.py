"""Templates and what belongs to them, read once; and the pages that only say something."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Self

import jinja2
from fastapi import Response
from fastapi.responses import HTMLResponse

_HERE = Path(__file__).parent
_KINDS = {".css": "text/css", ".js": "text/javascript", ".svg": "image/svg+xml"}


@dataclass(frozen=True, slots=True)
class Button:
    """What stands on it, where its form goes, and what it sends, so that it is known again."""

    word: str
    action: str
    press: str = ""


@dataclass(frozen=True, slots=True)
class Html:
    """The templates, and the files of the page by their names."""

    templates: jinja2.Environment
    files: Mapping[str, tuple[str, bytes]]

    @classmethod
    def load(cls) -> Self:
        """Read all of it. Blocks: not for the event loop."""
        texts = {path.name: path.read_text(encoding="utf-8") for path in sorted((_HERE / "templates").glob("*.html"))}
        templates = jinja2.Environment(
            loader=jinja2.DictLoader(texts), autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True
        )
        for name in texts:
            templates.get_template(name)
        files = {path.name: (_KINDS[path.suffix], path.read_bytes()) for path in sorted((_HERE / "static").iterdir())}
        # It stands in the addresses of the files, so that a browser has those of this version.
        content = b"".join(content for _, content in files.values())
        templates.globals["version"] = hashlib.sha256(content).hexdigest()[:12]
        return cls(templates, files)

    def page(self, template: str, status: int = HTTPStatus.OK, /, **given: object) -> Response:
        return HTMLResponse(self.templates.get_template(template).render(given), status)

    def plain(
        self,
        say: Mapping[str, str],
        heading: str,
        paragraphs: Sequence[str],
        status: int = HTTPStatus.OK,
        *,
        button: Button | None = None,
        back: str = "",
        to: str = "/",
    ) -> Response:
        """Return a page that says something, perhaps with a *button*, or with a way *back*: to the notes, or *to*."""
        given = {"say": say, "heading": heading, "paragraphs": paragraphs, "button": button, "back": back, "to": to}
        return self.page("plain.html", status, **given)
