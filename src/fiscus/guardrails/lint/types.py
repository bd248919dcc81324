"""What a linter says, and what it must be told to say it."""

from __future__ import annotations

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import date
from typing import Final, Literal

Severity = Literal["error", "warning"]
RULES: Final[Mapping[str, str]] = {
    "does-not-load": "A file of policies that cannot be loaded",
    "never-matches": "A condition that nothing can match",
    "always-matches": "A condition that everything matches",
    "shadowed": "A policy that a stronger one makes pointless",
    "value-never-seen": "A value that no charge ever had",
    "hard-unproven": "A policy at level hard without a recorded backtest",
    "owner-left": "A policy whose owner has left, or is nobody",
    "nobody-approves": "An approval that nobody here may give",
    "exception-expired": "An exception that has expired",
    "not-in-effect": "A policy whose effective dates are over",
    "no-tests": "A policy without tests beside it",
}


@dataclass(frozen=True, slots=True)
class LintFinding:
    """One thing that is wrong, where, and the remedy. `rule` is a key of RULES."""

    rule: str
    severity: Severity
    policy_id: str
    file: str
    line: int
    message: str
    remedy: str


@dataclass(frozen=True, slots=True)
class Known:
    """What the workspace knows beside the policies. Everything left out is not asked about.

    `values`: column of the `charges` view -> the texts that it ever held. `live`: ids of people who are here and of teams.
    `roles`: role -> ids of the people who are here and have it. `proven`: (id, version) of policies that may be enforced at hard.
    """

    today: date | None = None
    values: Mapping[str, AbstractSet[str]] = field(default_factory=dict)
    live: AbstractSet[str] | None = None
    roles: Mapping[str, AbstractSet[str]] | None = None
    proven: AbstractSet[tuple[str, str]] | None = None
