"""What is enforced, and what it found or stopped: policies with their findings, and the stream of verdicts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import cast

from fiscus.flows.show_actions import capitalised
from fiscus.flows.show_trust import DataTrust, data_trust
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.types import Decision, Finding
from fiscus.kernel.errors import NotFound
from fiscus.kernel.money import display, total

FACT = "policy."
BUILT_IN = {
    "budget_forecast": "Budgets that will be exceeded",
    "budget_breach": "Budgets that are exceeded",
    "budget_overallocated": "Budgets whose parts add up to more than they have",
    "budget_outside_parent": "Budgets that are not inside their parent",
}


@dataclass(frozen=True, slots=True)
class PolicyLine:
    """One policy: its open findings, their money (company's currency), and what its newest run noted of it."""

    policy_id: str
    title: str
    owner: str
    when: str  # its condition; of a detector, its name
    remedy: str
    version: str
    level: str
    findings: tuple[Finding, ...]
    amount: Decimal
    matched: int  # decisions among the newest that it matched
    facts: Mapping[str, object]


@dataclass(frozen=True, slots=True)
class PoliciesShown:
    """Policies, most money first; decisions, newest first."""

    trust: DataTrust
    sentence: str
    lines: tuple[PolicyLine, ...]
    decisions: tuple[Decision, ...]
    currency: str


def show_policies(ws: Workspace, trust: DataTrust | None = None) -> PoliciesShown:
    """Every policy that is loaded, and those before them that left a fact, a finding or a verdict."""
    with ws.state.read() as tx:
        findings, facts = tx.findings.all(), tx.facts.matching(FACT)
    decisions = tuple(ws.ledger.store.decisions())
    home = ws.config.company.currency
    lines = tuple(sorted(_lines(ws, findings, decisions, facts), key=lambda line: (-line.amount, line.policy_id)))
    return PoliciesShown(trust or data_trust(ws), _sentence(lines, decisions, home), lines, decisions, home)


def show_finding(ws: Workspace, finding_id: str) -> Finding:
    """One finding, open or resolved. NotFound when there is none."""
    with ws.state.read() as tx:
        finding = tx.findings.get(finding_id)
    if finding is None:
        raise NotFound(f"There is no finding {finding_id!r}", remedy="`fiscus findings` lists them.")
    return finding


def show_decision(ws: Workspace, decision_id: str) -> Decision:
    """One verdict with its reasons. NotFound when there is none."""
    decision = ws.ledger.store.decision(decision_id)
    if decision is None:
        raise NotFound(f"There is no decision {decision_id!r}", remedy="The page of policies lists the newest.")
    return decision


def _lines(
    ws: Workspace, findings: Sequence[Finding], decisions: Sequence[Decision], facts: Mapping[str, object]
) -> list[PolicyLine]:
    loaded = {compiled.policy.id: compiled.policy for compiled in ws.config.policies}
    results = [result for decision in decisions for result in decision.policies]
    versions = {result.policy_id: (result.version, str(result.level)) for result in reversed(results)}
    versions |= {finding.policy_id: (finding.policy_version, str(finding.level)) for finding in findings}
    versions |= {name: (policy.version, str(policy.level)) for name, policy in loaded.items()}
    matched = Counter(result.policy_id for result in results if result.result == "match")
    noted = {name.removeprefix(FACT): fact for name, fact in facts.items()}
    lines = []
    for name in sorted({*versions, *noted}):
        policy = loaded.get(name)
        mine = sorted((one for one in findings if one.policy_id == name), key=lambda one: (-one.amount, one.id))
        version, level = versions.get(name, ("", ""))
        fact = noted.get(name)
        lines.append(
            PolicyLine(
                policy_id=name,
                title=capitalised(policy.title) if policy else BUILT_IN.get(name, name),
                owner=policy.owner if policy else "",
                when=(policy.when or policy.detector or "") if policy else "",
                remedy=policy.remedy if policy else "",
                version=version,
                level=level,
                findings=tuple(mine),
                amount=total([one.amount for one in mine if one.currency == ws.config.company.currency]),
                matched=matched[name],
                facts=cast("Mapping[str, object]", fact) if isinstance(fact, Mapping) else {},
            )
        )
    return lines


def _sentence(lines: Sequence[PolicyLine], decisions: Sequence[Decision], home: str) -> str:
    denied = [decision for decision in decisions if decision.verdict in {"deny", "require_approval"}]
    stopped = total([decision.intent.amount for decision in denied if decision.intent.currency == home])
    found = sum(len(line.findings) for line in lines)
    if not lines and not decisions:
        return "No policy has been judged yet. Write one in policies/ and run the loop."
    saved = f"{display(stopped, 0)} {home} was stopped or held before it was spent." if denied else ""
    if found:
        first = lines[0]
        whole = display(total([line.amount for line in lines]), 0)
        return (
            f"{found} findings over {whole} {home}: start with “{first.title}” ({display(first.amount, 0)} {home}). {saved}"
        ).strip()
    return f"No open finding. {saved}".strip()
