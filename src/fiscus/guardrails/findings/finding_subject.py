"""What a finding is about, as plain data: the keys by which it can be held against what is known from elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Final

from fiscus.guardrails.types import BudgetStatus, Finding

KEYS: Final = ("provider", "service", "sub_account", "sku", "commitment", "budget_id", "product")


def subject_of(finding: Finding) -> Mapping[str, object]:
    """kind, owner, team, environment, resources, start and end (exclusive), amount, and those of KEYS that its query binds."""
    bound = {key: finding.params[key] for key in KEYS if finding.params.get(key)}
    return {
        **bound,
        "kind": finding.kind,
        "owner": finding.owner,
        "team": finding.team,
        "environment": finding.environment,
        "resources": finding.targets,
        "start": finding.first_seen,
        "end": finding.last_seen + timedelta(days=1),
        "amount": finding.amount,
        "currency": finding.currency,
        "policy_id": finding.policy_id,
    }


def subject_of_status(status: BudgetStatus) -> Mapping[str, object]:
    """A budget's status in the same keys."""
    return {"budget_id": status.budget_id, "state": status.state, "owner": status.owner, "amount": status.amount}
