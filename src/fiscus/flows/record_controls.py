"""What each policy did, kept as facts; with evidence when a test of it says something new."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Final

from fiscus.flows.judge_policies import Judged
from fiscus.flows.ports import StateTx
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.findings.control import ControlRecord
from fiscus.guardrails.policies.probe_policies import closure_failures
from fiscus.guardrails.types import Finding
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.canonical import to_json

FACT: Final = "policy."
CONTROL_DECISIONS: Final = 1_000  # the newest decisions that a control is looked at in


@dataclass(frozen=True, slots=True)
class _Seen:
    """What the store knows beside this evaluation: open findings, closed cases, and what policies said to intents."""

    findings: Sequence[Finding]
    closed: frozenset[str]
    results: Mapping[tuple[str, str], int]  # (policy id, match | no_match | error) -> decisions


def control_records(
    ws: Workspace, judged: Sequence[Judged], open_findings: Sequence[Finding], tx: StateTx
) -> tuple[ControlRecord, ...]:
    """One record a policy, its tests run now."""
    closed = frozenset(case.subject.key for case in tx.cases.all(["closed"]))
    decisions = ws.ledger.store.decisions(CONTROL_DECISIONS)
    results = Counter((result.policy_id, str(result.result)) for one in decisions for result in one.policies)
    seen = _Seen(open_findings, closed, results)
    return tuple(_record(ws, one, seen) for one in judged)


def store_controls(tx: StateTx, records: Sequence[ControlRecord]) -> None:
    """Put the facts. A record that equals the one before leaves no new evidence; a policy that is gone is marked so."""
    before = tx.facts.matching(FACT)
    for record in records:
        name, body = f"{FACT}{record.policy_id}", asdict(record)
        if _plain(before.get(name)) != _plain(body):
            tx.facts.put(name, body)
            tx.evidence.append("control.tested", record.policy_id, FISCUS, body)
    current = {f"{FACT}{record.policy_id}" for record in records}
    for name, known in before.items():
        if name not in current and isinstance(known, Mapping) and not known.get("retired"):
            tx.facts.put(name, {**known, "retired": True, "ran": False, "fired": 0})


def _record(ws: Workspace, judged: Judged, seen: _Seen) -> ControlRecord:
    compiled = judged.compiled
    policy = compiled.policy
    mine = [finding for finding in seen.findings if finding.policy_id == policy.id]
    said = {result: seen.results.get((policy.id, result), 0) for result in ("match", "no_match", "error")}
    failures = tuple(dict.fromkeys((*closure_failures(compiled), *judged.probe_failures)))
    tests = len(compiled.tests) + judged.probes
    return ControlRecord(
        policy_id=policy.id,
        version=policy.version,
        title=policy.title,
        level=policy.level,
        targets=policy.targets,
        owner=policy.owner,
        ran=not judged.failure,
        failure=judged.failure,
        asked=sum(said.values()),
        fired=len(mine) + said["match"],
        matched=judged.matched,
        errors=judged.errors + said["error"],
        error_amount=judged.error_amount,
        below_minimum=judged.below,
        overridden=sum(f"finding|{finding.id}" in seen.closed for finding in mine),
        tests=tests,
        passed=not failures if tests else None,
        test_failures=failures,
        last_tested=ws.as_of if tests else None,
        lake_version=str(ws.lake.version()),
    )


def _plain(value: object) -> object:
    return to_json(value)
