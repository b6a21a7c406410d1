"""How the demo looks: a chat that is drawn in a terminal, or told line by line where there is none."""

import textwrap
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

from rich.cells import cell_len
from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.padding import Padding
from rich.panel import Panel
from rich.rule import Rule
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from bot.demo_diff import Change
from bot.terminal import say

_WIDEST = 100
_BORDER = 4
_COLOURS = {"pending": "yellow", "running": "blue", "completed": "green", "failed": "red", "cancelled": "magenta"}
_CHANGED = "bold black on green"
_WITHOUT_COLOUR = "bold reverse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Bubble:
    """A message as people see it now.

    Args:
        key: the same for all versions of one message.
        mine: a person's, not the bot's.
        marked: ranges of *text* and what they are: ``bold`` or ``code``.
        buttons: rows of what stands on them.
        versions: the texts over its life, the present one last.
    """

    key: int
    sender: str
    mine: bool
    text: str
    marked: tuple[tuple[int, int, str], ...] = ()
    buttons: tuple[tuple[str, ...], ...] = ()
    versions: tuple[str, ...] = ()

    @property
    def states(self) -> list[str]:
        """The states that it has shown one after another; none where it is no card."""
        words = [text.partition(" ")[0] for text in self.versions]
        states = [word for word in words if word in _COLOURS]
        return [state for before, state in zip(["", *states], states, strict=False) if before != state]


class Screen(AbstractContextManager["Screen"], Protocol):
    """Where the demo is seen. *paced*: somebody watches, who wants time to read."""

    paced: bool

    def scene(self, title: str, text: str) -> None:
        """Begin a new scene."""

    def caption(self, text: str) -> None:
        """Say what happens now."""

    def show(self, bubble: Bubble) -> None:
        """Show a message that is new, or was edited."""

    def press(self, who: str, button: str) -> None:
        """Show that *who* presses *button* on the message that was shown last."""

    def highlight(self, changes: Sequence[Change]) -> None:
        """Show what is different in the message that was shown last."""

    def end(self, title: str, lines: Sequence[str]) -> None:
        """Say the last words; also when it was left."""


class Transcript:
    """One line after another, each version of each message, for pipes and files."""

    paced = False

    def __init__(self) -> None:
        self._shown: set[int] = set()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def scene(self, title: str, text: str) -> None:
        say(f"\n== {title}\n{text}")

    def caption(self, text: str) -> None:
        say(f"-- {text}")

    def show(self, bubble: Bubble) -> None:
        verb = "edits its message" if bubble.key in self._shown else "writes"
        self._shown.add(bubble.key)
        say(f"{bubble.sender} {verb}:\n{textwrap.indent(bubble.text, '    ')}")
        for row in bubble.buttons:
            say("    " + " ".join(f"[{label}]" for label in row))

    def press(self, who: str, button: str) -> None:
        say(f"{who} presses [{button}]")

    def highlight(self, changes: Sequence[Change]) -> None:
        for change in changes:
            say(f"    changed: {change.before} -> {change.after}")

    def end(self, title: str, lines: Sequence[str]) -> None:
        say("\n".join([f"\n== {title}", *lines]))


class Terminal:
    """A chat: people on the right, the bot on the left, its latest message redrawn in place at each edit.

    What is over scrolls away as ordinary output; the latest message and the caption are the live part below it.
    """

    def __init__(self, console: Console, *, paced: bool) -> None:
        self.paced = paced
        self._console = console
        self._latest: Bubble | None = None
        self._pressed = ""
        self._changes: Sequence[Change] = ()
        self._spinner = Spinner("dots", style="cyan")
        self._caption = ""
        # It is given each picture anew: its thread, which turns the spinner, must not look at what changes here.
        self._live = Live(console=console, transient=True, refresh_per_second=10)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._settle(self._caption)
        self._caption = ""
        self._redraw()
        self._live.stop()

    @property
    def _width(self) -> int:
        return min(self._console.width, _WIDEST)

    def scene(self, title: str, text: str) -> None:
        self._settle(self._caption)
        self._caption = ""
        self._redraw()
        heading = Table.grid()
        heading.add_column(width=self._width)
        heading.add_row(Rule(Text(title, style="bold cyan"), style="cyan", align="left"))
        heading.add_row(Text(text, style="italic"))
        self._console.print(Padding(heading, (1, 0, 0, 0)))

    def caption(self, text: str) -> None:
        self._caption = text
        self._redraw()

    def show(self, bubble: Bubble) -> None:
        if bubble.mine or self._latest is None or bubble.key != self._latest.key:
            self._settle()
        if bubble.mine:
            self._console.print(self._drawn(bubble))
            return
        self._latest, self._pressed = bubble, ""
        self._redraw()

    def press(self, who: str, button: str) -> None:
        self._pressed = button
        self.caption(f"{who} presses [{button}].")

    def highlight(self, changes: Sequence[Change]) -> None:
        self._changes = changes
        self._redraw()

    def end(self, title: str, lines: Sequence[str]) -> None:
        text = Text("\n".join(lines))
        text.highlight_regex(r"@BotFather|/newbot|/start CODE|make run|config\.toml", "bold cyan")
        panel = Panel(text, title=f"[bold]{title}[/]", border_style="cyan", width=self._width, padding=(1, 2))
        self._console.print(Padding(panel, (1, 0)))

    def _settle(self, caption: str = "") -> None:
        """Let the latest message scroll away, with *caption* below it."""
        drawn = None if self._latest is None else self._drawn(self._latest)
        self._latest, self._pressed, self._changes = None, "", ()
        self._redraw()
        if drawn is not None:
            self._console.print(drawn)
        if caption:
            self._console.print(Padding(Text(caption, style="italic cyan"), (0, 2)), width=self._width)

    def _redraw(self) -> None:
        parts: list[RenderableType] = [] if self._latest is None else [self._drawn(self._latest)]
        if self._caption:
            line = Table.grid(padding=(0, 1))
            line.add_row(self._spinner, Text(self._caption, style="cyan"))
            grid = Table.grid()
            grid.add_column(width=self._width)
            grid.add_row(line)
            parts.append(Padding(grid, (1, 0, 0, 0)))
        self._live.update(Group(*parts), refresh=True)

    def _drawn(self, bubble: Bubble) -> RenderableType:
        widest = self._width * 4 // 5
        if not bubble.mine:
            return self._card(bubble, widest)
        width = min(widest, _BORDER + max(cell_len(line) for line in [*bubble.text.splitlines(), bubble.sender]))
        panel = Panel(
            Text(bubble.text), title=bubble.sender, title_align="right", border_style="cyan", width=max(width, 16)
        )
        return Padding(panel, (1, 0, 0, self._width - max(width, 16)))

    def _card(self, bubble: Bubble, width: int) -> RenderableType:
        states = bubble.states
        colour = _COLOURS[states[-1]] if states else "white"
        edits = len(bubble.versions) - 1
        title = f"{bubble.sender} · edited {edits}×" if edits > 0 else bubble.sender
        return Panel(
            Group(self._text(bubble, colour), *(self._row(row) for row in bubble.buttons)),
            title=title,
            title_align="left",
            subtitle=" → ".join(states),
            subtitle_align="left",
            border_style=colour,
            width=width,
        )

    def _text(self, bubble: Bubble, colour: str) -> Text:
        text = Text(bubble.text)
        for begin, end, mark in bubble.marked:
            text.stylize("cyan" if mark == "code" else "bold", begin, end)
        if states := bubble.states:
            text.stylize(f"bold {colour}", 0, len(states[-1]))
        for change in self._changes:
            text.stylize(_WITHOUT_COLOUR if self._console.no_color else _CHANGED, change.begin, change.end)
        return text

    def _row(self, labels: Sequence[str]) -> Text:
        buttons = [Text(f"[ {label} ]", "bold reverse" if label == self._pressed else "bold cyan") for label in labels]
        return Text("  ").join(buttons)
