"""The search of the page head: budgets, cases, actions, policies, reports, teams and people by the words of their names."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from fiscus.edges.web.format_values import STATE_WORDS
from fiscus.flows.run_report import listed_reports
from fiscus.flows.show_actions import capitalised
from fiscus.flows.show_purchases import what_is_bought
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.approvals.notices import effect as what_is_asked

HITS_SHOWN: Final = 50


@dataclass(frozen=True, slots=True)
class Hit:
    """Something that has the words, what it is, and where it stands."""

    kind: str
    title: str
    detail: str
    url: str


def find(ws: Workspace, text: str) -> tuple[Hit, ...]:
    """Everything whose name or id holds each word of `text`, whatever the case; nothing for no words."""
    wanted = text.casefold().split()
    if not wanted:
        return ()
    hits = (hit for hit in _everything(ws) if all(word in f"{hit.title} {hit.detail}".casefold() for word in wanted))
    return tuple(hit for hit, _ in zip(hits, range(HITS_SHOWN), strict=False))


def _everything(ws: Workspace) -> Iterator[Hit]:
    with ws.state.read() as tx:
        budgets, cases, actions = tx.budget_statuses.newest(), tx.cases.all(), tx.actions.all()
        findings = tx.findings.all()
        approvals, purchases = tx.approvals.all(), tx.purchases.all()
    for status in budgets:
        yield Hit("budget", status.title, f"{status.budget_id} {status.owner}", f"/budgets#{status.budget_id}")
    for case in cases:
        yield Hit("case", case.subject.title, f"{case.id} {case.assignee} {case.state}", f"/cases/{case.id}")
    for action in actions:
        title = f"{action.plan.kind}: {action.plan.reason}"
        yield Hit("action", title, f"{action.id} {STATE_WORDS[action.state]}", f"/actions/{action.id}")
    for approval in approvals:
        detail = f"{approval.id} {approval.requested_by} {approval.state}"
        yield Hit("approval", capitalised(what_is_asked(approval)), detail, f"/approvals/{approval.id}")
    for purchase in purchases:
        detail = f"{purchase.id} {purchase.intent.requested_by} {purchase.state}"
        yield Hit("purchase", what_is_bought(purchase), detail, f"/purchases/{purchase.id}")
    for finding in findings:
        yield Hit("finding", finding.title, f"{finding.policy_id} {finding.owner}", f"/number/finding/{finding.id}")
    for policy in ws.config.policies:
        yield Hit("policy", policy.policy.title, policy.policy.id, f"/policies#{policy.policy.id}")
    yield from _written_down(ws)


def _written_down(ws: Workspace) -> Iterator[Hit]:
    """What stands in files: reports, teams, people."""
    for report in listed_reports(ws):
        yield Hit("report", report.title, f"{report.name} {report.persona}", f"/reports/{report.name}")
    for team in ws.config.directory.teams.values():
        yield Hit("team", team.name, f"{team.id} {team.cost_centre}", f"/spend?group=service&where.team={team.id}")
    for person in ws.config.directory.people.values():
        left = f" left {person.left_on}" if person.left_on else ""
        yield Hit("person", person.name, f"{person.id} {person.team or ''}{left}", f"/spend?where.owner={person.id}")
