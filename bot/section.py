"""What the sections of the settings have in common."""

from pathlib import Path
from typing import Annotated

from pydantic import ConfigDict, Field

# The values stay out of errors: one of them may be the token in the wrong place.
FROZEN = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True, use_attribute_docstrings=True)

Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


def at_home(path: Path) -> Path:
    """Return *path*, with a home in the place of a ~ that it begins with."""
    try:
        return path.expanduser()
    except RuntimeError:
        raise ValueError("must not begin with the ~ of somebody who has no home here") from None
