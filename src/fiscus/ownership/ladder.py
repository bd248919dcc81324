"""How long a case waits on each rung: defaults by severity, overridden by `escalation` in fiscus.yaml."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final, cast

from fiscus.ownership.types import EscalationLadder, Severity

# The worse, the sooner: a runaway AI workload costs more in two hours than an idle disk in a week.
TO_MANAGER_HOURS: Final[Mapping[str, float]] = {"low": 72, "medium": 24, "high": 8, "critical": 2}
TO_FINANCE_HOURS: Final[Mapping[str, float]] = {"low": 168, "medium": 72, "high": 24, "critical": 6}


def ladder_from(hours: Mapping[str, Mapping[str, float]]) -> EscalationLadder:
    """`hours` as fiscus.yaml states them: to_manager_hours and to_finance_hours, severity -> hours; the rest are defaults."""
    return EscalationLadder(
        _spans({**TO_MANAGER_HOURS, **hours.get("to_manager_hours", {})}),
        _spans({**TO_FINANCE_HOURS, **hours.get("to_finance_hours", {})}),
    )


def _spans(hours: Mapping[str, float]) -> Mapping[Severity, timedelta]:
    return {cast("Severity", severity): timedelta(hours=count) for severity, count in hours.items()}
