"""What a section has measured: values, what they stand beside, and what was wanted of them."""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """A bound on the value, or on its ratio to what it stands beside."""

    bound: float
    of_ratio: bool = False
    at_least: bool = False
    unit: str = ""

    def met_by(self, number: float) -> bool:
        return number >= self.bound if self.at_least else number <= self.bound

    def __str__(self) -> str:
        sign = "≥" if self.at_least else "≤"
        return f"{sign} {self.bound:g} ×" if self.of_ratio else f"{sign} {shown(self.bound, self.unit)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One line of the table. *other* is the value of *beside*, in the same unit; *cause* is why, if it is short."""

    what: str
    value: float
    unit: str
    beside: str = ""
    other: float | None = None
    target: Target | None = None
    cause: str = ""
    remark: str = ""

    @property
    def ratio(self) -> float | None:
        return self.value / self.other if self.other else None

    @property
    def met(self) -> bool | None:
        """Whether the target is met; None where there is none, or nothing to judge it by."""
        if self.target is None:
            return None
        judged = self.ratio if self.target.of_ratio else self.value
        return None if judged is None else self.target.met_by(judged)


@dataclass(slots=True)
class Section:
    """What one section has brought. *missing* says, for each thing that was not measured, why."""

    title: str
    figures: list[Figure] = field(default_factory=list)
    missing: dict[str, str] = field(default_factory=dict)


def shown(value: float, unit: str) -> str:
    """Return *value*, seconds or bytes where *unit* is ``s`` or ``B``, as a person reads it."""
    match unit:
        case "s" if value < 0.001:  # noqa: PLR2004 - a millisecond
            return f"{value * 1e6:.3g} µs"
        case "s" if value < 1:
            return f"{value * 1e3:.3g} ms"
        case "B" if abs(value) < 1e6:  # noqa: PLR2004 - a megabyte
            return f"{value / 1e3:.3g} KB"
        case "B":
            return f"{value / 1e6:.3g} MB"
        case "B/s":
            return f"{value / 1e6:.3g} MB/s"
        case _:
            number = f"{value:,.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004 - three digits
            return f"{number} {unit}".rstrip()
