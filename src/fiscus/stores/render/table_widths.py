"""How wide the columns of a table on paper are, told from the text before it is set."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Final

from fiscus.stores.render.figures import is_number

_WIDE: Final = frozenset("0123456789≈%ABCDEFGHKMNOPQRSTUVWXYZmw–")
_NARROW: Final = frozenset("iljtfrI.,:;'|! \u00a0()-")
WIDE_MM, NARROW_MM, PLAIN_MM, PADDING_MM = 1.72, 1.1, 1.5, 2.7  # Inter at 7.5 pt, rounded up
HEAD_SHARE: Final = 0.93  # heads are set a little smaller
_BREAKS: Final = re.compile(r"(?<=[ -])")


def text_mm(text: str) -> float:
    """About how wide `text` is, in mm, and rather more than less."""
    return sum(WIDE_MM if c in _WIDE else NARROW_MM if c in _NARROW else PLAIN_MM for c in text)


def column_widths(
    units: Sequence[str], heads: Sequence[str], rows: Sequence[Sequence[str]], room_mm: float
) -> tuple[list[float], float]:
    """Widths in mm, 0 for the first, which takes the rest; and the size that text is set in, as a share of its own.

    Numbers and days have what they need, text at least its longest word, and as much of its whole length as there is room for.
    Where not even that has room, all of it is set smaller: nothing is printed over its neighbour.
    """
    least, wanted = list[float](), list[float]()
    for at, unit in enumerate(units):
        texts = [row[at] for row in rows]
        whole = max((text_mm(text) for text in texts), default=0.0)
        word = max(text_mm(part) for text in texts or [""] for part in _BREAKS.split(text))
        head = max(text_mm(part) for part in _BREAKS.split(heads[at])) * HEAD_SHARE
        fixed = is_number(unit) or unit == "date"
        half_a_head = text_mm(heads[at]) * HEAD_SHARE / 2
        least.append(max(whole, head, half_a_head) + PADDING_MM if fixed else max(word, head) + PADDING_MM)
        wanted.append(max(whole + PADDING_MM, least[-1]))
    size = min(room_mm / sum(least), 1.0)
    more = sum(wanted) - sum(least)
    part = min(max((room_mm - sum(least)) / more, 0.0), 1.0) if more else 1.0
    widths = [(low + (high - low) * part) * size for low, high in zip(least, wanted, strict=True)]
    return [0.0, *widths[1:]], size
