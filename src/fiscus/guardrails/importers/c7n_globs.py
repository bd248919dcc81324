"""Custodian's globs as patterns of RE2. Custodian asks Python's fnmatch (docs.python.org/3/library/fnmatch.html)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Final

_PIECE: Final = re.compile(r"(?s)\[(!|(?!!))(\][^]]*|[^]]+)\]|.")  # a class, whose first letter may be ], or one letter
_ANY: Final = "."
_NONE: Final = r"[^\x00-\x{10FFFF}]"


def glob_pattern(glob: str) -> str:
    """The pattern that is true of exactly the texts that `glob` is: all of the text, and * and ? take a line's end too."""
    return f"(?s)^{''.join(_piece(found) for found in _PIECE.finditer(glob))}$"


def _piece(found: re.Match[str]) -> str:
    letter = found[0]
    if len(letter) == 1:  # a [ that nothing closes is itself
        return {"*": ".*", "?": _ANY}.get(letter, re.escape(letter))
    inside = "".join(_ranges(found[2]))
    if not inside:
        return _ANY if found[1] else _NONE
    return f"[{'^' if found[1] else ''}{inside}]"


def _ranges(letters: str) -> Iterator[str]:
    """The letters and ranges of a class; a range that ends before it starts holds nothing."""
    at = 0
    while at < len(letters):
        first = last = letters[at]
        if letters[at + 1 : at + 2] == "-" and at + 2 < len(letters):
            last = letters[at + 2]
            at += 2
        at += 1
        if first == last:
            yield re.escape(first)
        elif first < last:
            yield f"{re.escape(first)}-{re.escape(last)}"
