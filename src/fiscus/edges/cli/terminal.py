"""What the terminal shows: tables aligned on the decimal point, three-line errors, progress, stable JSON.

This is the only place in the product that prints.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from decimal import Decimal
from errno import ENOSPC
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

from cyclopts import Parameter

from fiscus.kernel.canonical import to_json
from fiscus.kernel.errors import EXIT_CODE, BadInput, FiscusError, Unavailable
from fiscus.kernel.money import display


@Parameter(name="*")
@dataclass(frozen=True)
class Common:
    """Options that every command has."""

    home: Annotated[str | None, Parameter(help="The workspace; else FISCUS_HOME, else this folder.")] = None
    json: Annotated[bool, Parameter(help="Print stable JSON instead of text.", negative=())] = False


NO_OPTIONS = Common()


def open_home(common: Common, as_of: str | None = None) -> Any:
    """The workspace that the options name."""
    from fiscus.app.workspace import find_home, open_workspace
    from fiscus.kernel.periods import day_named

    return open_workspace(find_home(common.home), None if as_of is None else day_named(as_of))


def say(text: str = "") -> None:
    """One line to standard output."""
    print(text)


def note(text: str) -> None:
    """One line to standard error: what is for the person, not for the pipe."""
    print(text, file=sys.stderr)


def say_json(value: object) -> None:
    """The stable JSON form: Decimals as text with all their digits, dates ISO 8601."""
    print(json.dumps(to_json(value), indent=2, ensure_ascii=False))


def show(common: Common, value: Any, text: Callable[[Any], None]) -> None:
    """`value` as JSON or as text, as the options ask."""
    if common.json:
        say_json(value)
    else:
        text(value)


def table(headers: Sequence[str], rows: Sequence[Sequence[object]], empty: str, *, raw: bool = False) -> None:
    """Text left, numbers right. `empty` says what would stand here and what makes it so.

    `raw`: the answer of someone's own SQL, so decimals have all their digits; else they are money as the pages show it.
    """
    if not rows:
        say(empty)
        return
    width = _width()
    places = [_places([row[n] for row in rows]) if raw else None for n in range(len(headers))]
    texts = [[_cell(value, places[n]) for n, value in enumerate(row)] for row in rows]
    right = [all(isinstance(row[n], Decimal | int | None) for row in rows) for n in range(len(headers))]
    sizes = [max(len(headers[n]), *(len(row[n]) for row in texts)) for n in range(len(headers))]
    over = sum(sizes) + 2 * (len(sizes) - 1) - width
    if over > 0 and not all(right):  # the widest text column gives way; a number never loses a digit
        widest = max((n for n in range(len(sizes)) if not right[n]), key=lambda n: sizes[n])
        sizes[widest] = max(12, sizes[widest] - over)
    for line in [list(headers), ["─" * size for size in sizes], *texts]:
        cells = [
            _fit(text, size).rjust(size) if right[n] and line is not headers else _fit(text, size).ljust(size)
            for n, (text, size) in enumerate(zip(line, sizes, strict=True))
        ]
        say("  ".join(cells).rstrip())


def _width() -> int:
    import shutil

    return shutil.get_terminal_size((100, 24)).columns if sys.stdout.isatty() else 160


def _cell(value: object, places: int | None) -> str:
    """`places`: of the decimals of a raw column; None where amounts are shown as the pages show them."""
    if value is None:
        return "-"
    if places is not None and isinstance(value, dict | list):
        return json.dumps(to_json(value), ensure_ascii=False)
    if not isinstance(value, Decimal):
        return str(value)
    return display(value) if places is None else f"{value:.{places}f}"


def _places(column: Sequence[object]) -> int:
    """Digits after the point that a column needs: its type's zeros at the end say nothing, and the points stand in line."""
    finite = [value for value in column if isinstance(value, Decimal) and value.is_finite()]
    return max((len(f"{value:f}".partition(".")[2].rstrip("0")) for value in finite), default=0)


def _fit(text: str, size: int) -> str:
    return text if len(text) <= size else text[: size - 1] + "…"


def show_error(error: FiscusError, *, as_json: bool) -> int:
    """Three lines: what, where, what to do. Returns the exit code."""
    if as_json:
        say_json({"error": error.as_dict()})
    else:
        note(f"error: {error.message}")
        if error.where and str(error.where):
            note(f"where: {error.where}")
        note(f"do:    {error.remedy}")
    return EXIT_CODE.get(error.code, 2)


def guarded(command: Callable[..., int | None]) -> Callable[..., int]:
    """A command whose FiscusErrors become three lines and an exit code."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> int:
        common = next((value for value in (*args, *kwargs.values()) if isinstance(value, Common)), NO_OPTIONS)
        try:
            return command(*args, **kwargs) or 0
        except FiscusError as error:
            return show_error(error, as_json=common.json)
        except BrokenPipeError:
            _say_no_more()
            return 0
        except OSError as refused:
            if refused.errno != ENOSPC:
                raise
            _say_no_more()
            full = Unavailable("The disk is full", remedy="Make room, then ask again: what was printed is not whole.")
            return show_error(full, as_json=False)

    return run


def _say_no_more() -> None:
    os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


class TerminalProgress:
    """kernel.progress.Progress drawn by rich on standard error."""

    def __init__(self, bar: Any) -> None:
        self._bar = bar
        self._task: Any = None

    def stage(self, title: str) -> None:
        if self._task is not None:
            self._bar.update(self._task, total=1, completed=1)
        self._task = self._bar.add_task(title, total=None)

    def step(self, done: int, total: int) -> None:
        if self._task is not None:
            self._bar.update(self._task, completed=done, total=total or None)


@contextmanager
def progress(common: Common) -> Iterator[Any]:
    """Progress for a person at a terminal; silent in a pipe and with --json."""
    from fiscus.kernel.progress import Silent

    if common.json or not sys.stderr.isatty():
        yield Silent()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=Console(stderr=True), transient=True) as bar:
        yield TerminalProgress(bar)


def read_request(path: Path | None, what: str, shown_in: str) -> object:
    """The JSON of a file, or of standard input when there is none, as the API would read it. Raises BadInput.

    `what`: how the error calls it; `shown_in`: the page that shows its shape.
    """
    from fiscus.kernel.strict_json import read_json

    try:
        return read_json(path.read_text(encoding="utf-8") if path else sys.stdin.read())
    except (ValueError, RecursionError, OSError) as broken:  # not JSON, not text, too deep, too many digits, no file
        raise BadInput(f"The {what} is not JSON: {broken}", remedy=f"{shown_in} shows its shape.") from None
