"""The fenced blocks of a page: each opened by ``` with a language and, where it is a file, a name; closed by ``` alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Final

FENCE: Final = "```"


@dataclass(frozen=True, slots=True)
class Block:
    language: str  # "" where the page names none
    name: str  # "" where the block is no file
    text: str


def blocks(page: Path) -> Iterator[Block]:
    """Raises ValueError, with the line, for a block that is never closed: what stands behind it would be taken for its text."""
    opened: tuple[int, str] | None = None
    held: list[str] = []
    for number, line in enumerate(page.read_text("utf-8").splitlines(), start=1):
        mark = line.strip()
        if not mark.startswith(FENCE):
            held.append(line)
        elif opened is None:
            opened, held = (number, mark.removeprefix(FENCE)), []
        elif mark == FENCE:
            language, _, name = opened[1].partition(" ")
            yield Block(language, name.strip(), "".join(f"{kept}\n" for kept in held))
            opened = None
        else:
            raise ValueError(
                f"{page}, line {number}: a block opens inside the block of line {opened[0]}; close that one first"
            )
    if opened is not None:
        raise ValueError(f"{page}, line {opened[0]}: the block that opens here is never closed")
