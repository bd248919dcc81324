"""What a policy did as a control: whether it ran, what it found, what it could not judge, and whether its own tests passed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from fiscus.guardrails.types import Level, PolicyTarget


@dataclass(frozen=True, slots=True)
class ControlRecord:
    """One policy in the newest evaluation.

    `ran`: it was asked and answered; `failure` says why not. `fired`: findings open because of it and, of the newest decisions
    (`asked` of them asked it), those that it matched. `matched`: charges or budgets behind findings and below its minimum;
    `errors`: charges, budgets and intents that it had no answer for. `overridden`: cases of its findings that a person closed
    though the match still stands. `passed` None: it has no tests.
    """

    policy_id: str
    version: str
    title: str
    level: Level
    targets: tuple[PolicyTarget, ...]
    owner: str
    ran: bool
    failure: str
    asked: int
    fired: int
    matched: int
    errors: int
    error_amount: Mapping[str, Decimal]
    below_minimum: int
    overridden: int
    tests: int
    passed: bool | None
    test_failures: tuple[str, ...]
    last_tested: date | None
    lake_version: str
