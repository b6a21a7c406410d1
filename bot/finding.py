"""What a check has found."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Finding:
    """A line: whether it is *good*, about what, what was *said* of it, and what to do."""

    good: bool
    subject: str
    said: str
    remedy: str = ""

    def __str__(self) -> str:
        remedy = f" — {self.remedy}" if self.remedy else ""
        return " ".join(f"{'✓' if self.good else '✗'} {self.subject}: {self.said}{remedy}".split())


def good(subject: str, said: str) -> Finding:
    return Finding(good=True, subject=subject, said=said)


def bad(subject: str, said: str, remedy: str = "") -> Finding:
    return Finding(good=False, subject=subject, said=said, remedy=remedy)
