"""Numbers as people read them, in any language."""

from datetime import UTC, datetime

_UNITS = ("kB", "MB", "GB", "TB")


def size(count: int) -> str:
    """Return *count* bytes in the unit that people expect: ``1.4 GB`` (powers of 1,000)."""
    if count < 1000:  # noqa: PLR2004 - below it there is nothing to divide
        return f"{count} B"
    amount, unit = float(count), ""
    for unit in _UNITS:
        amount /= 1000
        if amount < 999.5:  # noqa: PLR2004 - three digits would round it to a thousand
            return f"{amount:.3g} {unit}"
    return f"{amount:,.0f} {unit}"


def minute(at: float) -> str:
    """Return *at* (seconds since 1970) as ``2026-01-31 23:59 UTC``."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M UTC")


def date(at: float) -> str:
    """Return the day of *at* (seconds since 1970) in UTC as ``2026-01-31``."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d")
