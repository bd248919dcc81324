"""What an approval binds: the SHA-256 of the RFC 8785 bytes of everything that decides what would be done."""

from __future__ import annotations

from dataclasses import replace

from fiscus.actions.types import Action, Plan
from fiscus.kernel.canonical import digest
from fiscus.kernel.errors import IntegrityBroken


def plan_digest(plan: Plan) -> str:
    """sha256(JCS(kind, targets with observed preconditions, params, policy and its version, expiry)) as 64 hex characters.

    Money, reason and blast radius explain the plan and are shown with it; they do not change what is done.
    """
    return digest(
        {
            "kind": plan.kind,
            "targets": [{"id": target.id, "observed": target.observed} for target in plan.targets],
            "params": plan.params,
            "policy_id": plan.policy_id,
            "policy_version": plan.policy_version,
            "expires_at": plan.expires_at,
        }
    )


def sealed(plan: Plan) -> Plan:
    """`plan` with its digest filled in."""
    return replace(plan, digest=plan_digest(plan))


def check_binding(action: Action) -> None:
    """What would run is what was approved. Raises IntegrityBroken when the stored plan or approval was changed."""
    actual = plan_digest(action.plan)
    if not action.plan.digest == action.approved_digest == actual:
        raise IntegrityBroken(
            f"The plan of action {action.id} is not the one that was approved",
            remedy="Do not run it. Run `fiscus evidence verify` to find who changed the record.",
        )
