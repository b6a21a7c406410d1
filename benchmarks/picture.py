"""The picture of a run: each ratio beside what was wanted of it."""

import importlib.util
from collections.abc import Sequence
from pathlib import Path

from benchmarks.figures import Figure, Section, shown

_MET, _SHORT, _NO_TARGET = "#2a7f5f", "#c4612e", "#8a94a3"


def draw(sections: Sequence[Section], path: Path) -> Path | None:
    """Draw *sections* into an SVG file at *path*, and return that; None where matplotlib is not installed."""
    if importlib.util.find_spec("matplotlib") is None:
        return None
    import matplotlib as mpl  # noqa: PLC0415 - in the benchmark's own set of packages alone
    from matplotlib.figure import Figure as Canvas  # noqa: PLC0415 - the same

    mpl.rcParams["svg.hashsalt"] = "calibot"  # the same figures give the same file
    mpl.rcParams["svg.fonttype"] = "none"  # letters as letters: a tenth of the size
    bars = [figure for section in sections for figure in section.figures if figure.ratio]
    canvas = Canvas(figsize=(11, 1.2 + 0.27 * len(bars)), layout="constrained")
    axes = canvas.subplots()
    places = range(len(bars))
    axes.barh(places, [bar.ratio for bar in bars], color=[_colour(bar) for bar in bars], height=0.7)
    for place, bar in zip(places, bars, strict=True):
        axes.annotate(
            f" {shown(bar.ratio or 0, '×')} · {shown(bar.value, bar.unit)}", (bar.ratio, place), va="center", fontsize=8
        )
        if bar.target and bar.target.of_ratio:
            axes.plot([bar.target.bound] * 2, [place - 0.45, place + 0.45], color="black", linewidth=1.5)
    axes.set_yticks(places, [f"{bar.what}  (beside {bar.beside})" for bar in bars], fontsize=8)
    axes.invert_yaxis()
    axes.set_xscale("log")
    axes.margins(x=0.25, y=0.01)
    axes.axvline(1, color="black", linewidth=0.6, linestyle=":")
    axes.set_xlabel("times what it stands beside; a black mark is the target; green is met, red is short", fontsize=8)
    axes.spines[["top", "right"]].set_visible(False)
    canvas.savefig(path, metadata={"Date": None})
    path.write_text("".join(f"{line.rstrip()}\n" for line in path.read_text("utf-8").splitlines()), "utf-8")
    return path


def _colour(figure: Figure) -> str:
    return {True: _MET, False: _SHORT, None: _NO_TARGET}[figure.met]
