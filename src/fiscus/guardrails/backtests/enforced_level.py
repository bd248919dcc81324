"""How hard a policy may be: one that is written at hard is judged as soft until its version was tried on history, or forced."""

from __future__ import annotations

from collections.abc import Set as AbstractSet
from dataclasses import replace
from typing import Final

from fiscus.guardrails.policies.policy_set import CompiledPolicy, PolicySet
from fiscus.guardrails.types import Level, Policy
from fiscus.kernel.canonical import digest

UNPROVEN: Final = "It is written at hard and judged as soft until `fiscus policy backtest` has tried this version."
Proven = AbstractSet[tuple[str, str]]  # (policy id, version) of what was tried, forced, or ships with Fiscus as it is


def enforced_level(policy: Policy, proven: Proven) -> Level:
    """The level that counts: hard only where exactly this version is in `proven`, else what is written."""
    return "soft" if policy.level == "hard" and (policy.id, policy.version) not in proven else policy.level


def enforced(policies: PolicySet, proven: Proven) -> PolicySet:
    """The policies at the levels that count; one that was weakened says so in its reason. Order and ids stay."""
    judged = tuple(_enforced(compiled, proven) for compiled in policies)
    weakened = [one.policy.id for one, before in zip(judged, policies, strict=True) if one is not before]
    name = digest([policies.digest, weakened]) if weakened else policies.digest
    return replace(policies, policies=judged, digest=name)


def unproven(policies: PolicySet, proven: Proven) -> tuple[CompiledPolicy, ...]:
    """Those that are written at hard and do not count as hard."""
    return tuple(compiled for compiled in policies if enforced_level(compiled.policy, proven) != compiled.policy.level)


def _enforced(compiled: CompiledPolicy, proven: Proven) -> CompiledPolicy:
    policy = compiled.policy
    level = enforced_level(policy, proven)
    if level == policy.level:
        return compiled
    return replace(compiled, policy=replace(policy, level=level, reason=f"{policy.reason} {UNPROVEN}"))
