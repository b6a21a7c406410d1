"""What is different between two texts, word by word of their links."""

import difflib
import re
from dataclasses import dataclass

_WORDS = re.compile(r"[^\s&=?]+|.", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Change:
    """The range *begin* to *end* of the new text says *after*, where the old one said *before*."""

    begin: int
    end: int
    before: str
    after: str


def changes(old: str, new: str) -> list[Change]:
    """Return what must be replaced in *old* to get *new*, in order; a link's parameters are changed as wholes."""
    before, after = _WORDS.findall(old), _WORDS.findall(new)
    found = []
    for kind, a, b, c, d in difflib.SequenceMatcher(None, before, after, autojunk=False).get_opcodes():
        if kind != "equal":
            begin, said = len("".join(after[:c])), "".join(after[c:d])
            found.append(Change(begin, begin + len(said), "".join(before[a:b]), said))
    return found
