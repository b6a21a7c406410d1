"""The tables of ``docs/rights.md``, as data."""

import re
from dataclasses import dataclass
from pathlib import Path

_TEXT = (Path(__file__).parents[1] / "docs" / "rights.md").read_text(encoding="utf-8")
_ROW = re.compile(r"\| `([^`]+)`([^|]*)\|(.+)\|")


@dataclass(frozen=True, slots=True)
class Cell:
    """What *who* gets for *what*; *more* is what the line says of it beside."""

    what: str
    more: str
    who: str
    gets: str

    @property
    def name(self) -> str:
        return f"{self.what[:30]} {self.more} {self.who}"


def _cells(heading: str) -> tuple[Cell, ...]:
    """Return the cells of the table under *heading*, line by line."""
    lines = _TEXT.partition(f"\n## {heading}\n")[2].partition("\n## ")[0].splitlines()
    table = [line for line in lines if line.startswith("|")]
    people = _split(table[0])[1:]
    cells = []
    for line in table[2:]:
        row = _ROW.fullmatch(line)
        assert row is not None, line
        gets = _split(f"|{row[3]}|")
        assert len(gets) == len(people), line
        cells += [Cell(row[1], row[2].strip(), who, word) for who, word in zip(people, gets, strict=True)]
    return tuple(cells)


def _split(line: str) -> list[str]:
    return [cell.strip() for cell in line.strip("|").split("|")]


COMMANDS = _cells("Commands")
BUTTONS = _cells("Buttons")
