"""YAML as a person would write it, with comments above each item that say what was left out."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from decimal import Decimal
from typing import Final

import yaml

from fiscus.guardrails.importers.types import LeftOut

WIDTH: Final = 120


class _Dumper(yaml.SafeDumper):
    """Text in plain style where it can be, decimals as they are."""

    def ignore_aliases(self, data: object) -> bool:
        """A value that stands twice is written twice: people read it."""
        del data
        return True


def _decimal(dumper: yaml.SafeDumper, value: Decimal) -> yaml.ScalarNode:
    return dumper.represent_scalar(
        "tag:yaml.org,2002:float" if "." in f"{value:f}" else "tag:yaml.org,2002:int", f"{value:f}"
    )


_Dumper.add_representer(Decimal, _decimal)


def write_items(kind: str, head: Iterable[str], items: Sequence[tuple[Mapping[str, object], Sequence[LeftOut]]]) -> str:
    """A file `kind:` (policies or budgets) of `items`, each with what was left out of it; `head` are lines of comment."""
    lines = [comment(line) for line in head]
    lines.append(f"{kind}:" if items else f"{kind}: []")
    for item, left_out in items:
        lines += [f"  {comment(f'Not translated: {one.what} ({one.why})')}" for one in left_out]
        dumped = yaml.dump([dict(item)], Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=WIDTH)
        lines += [f"  {line}" if line else line for line in dumped.rstrip("\n").split("\n")]
    return "\n".join(lines) + "\n"


def comment(text: str) -> str:
    """One line of comment, whatever the text holds."""
    return f"# {' '.join(''.join(c if c.isprintable() else ' ' for c in text).split())}"


def slug(name: str, taken: Iterable[str], fallback: str) -> str:
    """An id of `name` that is not taken: small letters, digits and dashes, at most 80."""
    plain = re.sub(r"[^a-z0-9]+", "-", name.casefold()).strip("-")[:70].rstrip("-") or fallback
    known, found, number = set(taken), plain, 2
    while found in known:
        found, number = f"{plain}-{number}", number + 1
    return found


def sentence(text: object, otherwise: str, chars_max: int) -> str:
    """One line of text, at most so long; `otherwise` where there is none."""
    plain = " ".join(str(text or "").split())
    return (plain if len(plain) <= chars_max else plain[: chars_max - 1] + "…") or otherwise
