"""What an importer hands back: a file that loads, and everything that it could not carry over."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LeftOut:
    """One thing of the source that is not in the result. `name`: the policy or budget; `line` 0 where the source has none."""

    name: str
    what: str
    why: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class Imported:
    """`text`: YAML of `policies/` or `budgets/`. `made`: ids in it, in their order; `left_out` stands in it as comments too."""

    text: str
    made: tuple[str, ...]
    left_out: tuple[LeftOut, ...]
