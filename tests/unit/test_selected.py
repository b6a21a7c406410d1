"""Which notes the words after ``/calibrate`` mean."""

import pytest

from handlers.calibrate import selected
from services.notebook.note import Latest, Numbered, Selection, Uncalibrated


@pytest.mark.parametrize(
    ("words", "selection"),
    [
        ("12", Numbered(((12, 12),))),
        ("#12", Numbered(((12, 12),))),
        ("12 15 20-40", Numbered(((12, 12), (15, 15), (20, 40)))),
        ("#20–#40", Numbered(((20, 40),))),
        ("40-20", Numbered(((20, 40),))),
        ("all", Uncalibrated()),
        ("all force", Uncalibrated(force=True)),
        ("last 100", Latest(100)),
        ("last", None),
        ("last x", None),
        ("last 0", None),
        ("last 00", None),
        ("last -1", None),
        ("all 12", None),
        ("12 x", None),
        ("-12", None),
        ("", None),
    ],
)
def test_words_mean_notes_or_nothing(words: str, selection: Selection | None) -> None:
    assert selected(words.split()) == selection
