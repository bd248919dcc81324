"""Judging what is observed: where budgets stand, what policies match, whether the controls work. Stored as one."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Final

from fiscus.flows.find_in_books import findings_in_books
from fiscus.flows.judge_policies import Judged, judge_policies
from fiscus.flows.keep_ai_prices import ai_price_findings
from fiscus.flows.ports import StateTx
from fiscus.flows.prove_policies import unproven_findings
from fiscus.flows.reconcile_ai import reconciliation_findings
from fiscus.flows.reconcile_invoices import invoice_findings
from fiscus.flows.record_controls import control_records, store_controls
from fiscus.flows.show_completeness import partial_days
from fiscus.flows.show_corrections import restatement_findings
from fiscus.flows.sync_ledger import sync_ledger
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.budgets.budget_series import BudgetDays, budget_days, budget_days_query, open_book
from fiscus.guardrails.budgets.budget_status import budget_statuses, with_ledger
from fiscus.guardrails.budgets.find_budgets import StandingBudget, find_budgets
from fiscus.guardrails.budgets.find_tree import find_tree
from fiscus.guardrails.findings.control import ControlRecord
from fiscus.guardrails.findings.find_charges import ERROR
from fiscus.guardrails.types import AI_DIMENSIONS, BudgetStatus, Finding
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.money import display, total
from fiscus.ownership.people import resolve_person, resolve_team

UNSEEN_FACT: Final = "budgets.unseen"
METERED_DAYS: Final = 35  # what the ledger settled within this time is what it meters


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What one evaluation found. `findings` are all that are open now; `unseen`: budgets whose scope no charge ever matched."""

    run_id: str
    lake_version: str
    statuses: tuple[BudgetStatus, ...]
    findings: tuple[Finding, ...]
    opened: tuple[Finding, ...]
    resolved: tuple[Finding, ...]
    controls: tuple[ControlRecord, ...]
    unseen: tuple[str, ...]

    def sentences(self) -> Sequence[str]:
        """The evaluation in plain words: budgets, findings with their money by currency, controls that do not work."""
        states = [status.state for status in self.statuses]
        count = {state: states.count(state) for state in ("breached", "at_risk", "ok")}
        news = f"{len(self.opened)} are new, {len(self.resolved)} resolved"
        lines = [
            f"{len(states)} budgets: {count['breached']} breached, {count['at_risk']} at risk, {count['ok']} hold.",
            f"{len(self.findings)} findings are open over {_money(self.findings)}; {news}.",
        ]
        broken = [control.policy_id for control in self.controls if not control.ran or control.passed is False]
        if broken:
            lines.append(f"{len(broken)} of {len(self.controls)} controls do not work: {', '.join(broken)}.")
        elif self.controls:
            lines.append(f"{len(self.controls)} controls ran.")
        if self.unseen:
            lines.append(f"No charge matches the scope of {', '.join(self.unseen)}.")
        return lines


def evaluate(ws: Workspace, run_id: str) -> Evaluation:
    """Judge the lake as it stands and store all of it in one transaction, with evidence for what is new or gone.

    Twice over the same lake and files: the same findings, no new evidence. A policy that cannot be judged keeps the findings
    that it had, counts as an error, and is told by its `on_error`; a lake that cannot be read at all raises and stores nothing.
    """
    standing = standing_budgets(ws)
    judged = judge_policies(ws, standing)
    budgets = (*find_budgets(standing, ws.config.promoted_tags), *find_tree(standing, ws.config.company.calendar))
    found = [
        *budgets,
        *(f for one in judged for f in one.findings),
        *unproven_findings(ws),
        *reconciliation_findings(ws),
        *ai_price_findings(ws),
        *restatement_findings(ws),
        *invoice_findings(ws),
        *findings_in_books(ws),
    ]
    version = str(ws.lake.version())
    statuses = tuple(one.status for one in standing)
    unseen = tuple(
        one.budget.id for one in standing if not one.days.seen and not AI_DIMENSIONS & one.budget.scope.filters.keys()
    )  # the ledger counts those on keys and users
    with ws.state.begin() as tx:
        tx.budget_statuses.put_all(statuses, run_id)
        current = _with_kept(found, judged, tx)
        opened, resolved = tx.findings.replace_open(current)
        for finding in opened:
            tx.evidence.append("finding.opened", finding.id, FISCUS, {"finding": finding, "as_of": ws.as_of})
        for finding in resolved:
            tx.evidence.append("finding.resolved", finding.id, FISCUS, _resolution(finding, version, ws))
        findings = tuple(tx.findings.all())
        controls = control_records(ws, judged, findings, tx)
        store_controls(tx, controls)
        tx.facts.put(UNSEEN_FACT, list(unseen))
    return Evaluation(run_id, version, statuses, findings, tuple(opened), tuple(resolved), controls, unseen)


def standing_budgets(ws: Workspace) -> list[StandingBudget]:
    """Every budget with its status: one query, one call of the forecast, and one exchange with the ledger.

    A provider for whose usage the ledger settled money is metered by it: its unbilled spend is known and not estimated.
    """
    budgets, calendar = ws.config.budgets, ws.config.company.calendar
    if not budgets:
        return []
    book = open_book(budgets, calendar, ws.as_of, partial_days(ws))
    metered = ws.ledger.store.metered(ws.as_of - timedelta(days=METERED_DAYS))
    query = budget_days_query(book, ws.config.promoted_tags, metered)
    days = budget_days(ws.lake.query(query.sql, query.params), book)
    billed = budget_statuses(book, days, str(ws.lake.version()))
    shares = sync_ledger(ws, budgets, billed, days)
    return with_owners(ws, [with_ledger(status, shares[status.budget_id]) for status in billed], days)


def with_owners(
    ws: Workspace, statuses: Sequence[BudgetStatus], days: Mapping[str, BudgetDays]
) -> list[StandingBudget]:
    """The budgets of the workspace, in their order, with their statuses, their days and the team that answers for each."""
    return [
        StandingBudget(budget, status, days[budget.id], _team(ws, budget.owner))
        for budget, status in zip(ws.config.budgets, statuses, strict=True)
    ]


def _team(ws: Workspace, owner: str) -> str:
    """The team that a budget's owner is, or belongs to; empty when the directory does not know."""
    directory = ws.config.directory
    if (team := resolve_team(directory, owner)) is not None:
        return team.id
    person = resolve_person(directory, owner)
    return person.team if person is not None and person.team else ""


def _with_kept(found: Sequence[Finding], judged: Sequence[Judged], tx: StateTx) -> list[Finding]:
    """What was found, and what policies that failed had found before: nobody can say that it is gone."""
    failed = {one.compiled.policy.id for one in judged if one.failure}
    ids = {finding.id for finding in found}
    before = tx.findings.all() if failed else ()
    kept = [one for one in before if one.policy_id in failed and one.kind != ERROR and one.id not in ids]
    return [*found, *kept]


def _resolution(finding: Finding, lake_version: str, ws: Workspace) -> Mapping[str, object]:
    return {"title": finding.title, "policy": finding.policy_id, "lake": lake_version, "as_of": ws.as_of}


def _money(findings: Sequence[Finding]) -> str:
    currencies = sorted({finding.currency for finding in findings})
    sums = [(total([f.amount for f in findings if f.currency == currency]), currency) for currency in currencies]
    return " and ".join(f"{display(amount)} {currency}" for amount, currency in sums) or "no money"
