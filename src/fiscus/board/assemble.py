"""A pack from answers: the same frame, setting, state and lake give the same pack. Asks the lake only through `ask`."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Final, TypeAlias

from fiscus.actions.types import Action
from fiscus.board import (
    acting,
    assurance,
    books,
    budgets,
    data_trust,
    judgement,
    ownership,
    scope_spend,
    shared_money,
    spend,
    unit_costs,
)
from fiscus.board.definitions import DEFINITIONS
from fiscus.board.frame import Frame
from fiscus.board.types import Exhibit, Kpi, Outcome, Pack
from fiscus.cost.books.types import CorrectionLine, PeriodClose, ReconciledInvoice
from fiscus.cost.types import Delivery
from fiscus.guardrails.policies.policy_set import PolicySet
from fiscus.guardrails.types import Budget, BudgetStatus, Finding
from fiscus.kernel.money import ZERO
from fiscus.kernel.rows import Query, Rows
from fiscus.ownership.types import UNOWNED, Case
from fiscus.signals.types import Anomaly

Ask: TypeAlias = Callable[[Query], Rows]
ORDER: Final = (
    "spend", "forecast", "budget-used", "p-breach", "budgets-at-risk", "money-at-risk", "uncontrolled-share", "owned-share",
    "ai-unit-cost", "outcome", "commitments-unused", "anomalies", "verified-savings", "actions-waiting", "controls-failed",
    "feeds-fresh",
)  # fmt: skip
_Part: TypeAlias = tuple[list[Kpi], list[Exhibit]]


@dataclass(frozen=True, slots=True)
class Setting:
    """What the workspace's files say. `default_pool` answers for unowned money."""

    budgets: tuple[Budget, ...]
    policies: PolicySet
    outcomes: tuple[Outcome, ...]
    promoted: tuple[str, ...]
    sources: tuple[str, ...]
    default_pool: str
    simulated: tuple[str, ...]
    digest: str
    shares_cost: bool = False  # rules of allocations/ hand shared cost on


@dataclass(frozen=True, slots=True)
class Recorded:
    """What the state store holds, read in one snapshot."""

    statuses: Sequence[BudgetStatus]
    findings: Sequence[Finding]
    anomalies: Sequence[Anomaly]
    actions: Sequence[Action]
    deliveries: Sequence[Delivery]
    cases: Sequence[Case]
    controls: Mapping[str, object]
    evidence_head: str
    invoices: Sequence[ReconciledInvoice] = ()  # of the month; none where nobody holds an invoice
    corrected: Sequence[CorrectionLine] = ()
    close: PeriodClose | None = None
    books: Mapping[str, Query] = field(default_factory=dict)  # what `invoices` and `corrected` rest on


def assemble(frame: Frame, setting: Setting, recorded: Recorded, lake_version: str, ask: Ask) -> Pack:
    """Every KPI, exhibit and request of the month. Order is the order of the pages."""
    company, budget_part, board_part = _budgets(frame, setting, recorded, ask)
    cost_kpis, cost = _cost(frame, recorded, setting, company, ask)
    owner_kpis, owners = _owners(frame, recorded, ask)
    guard_kpis, guards = _assurance(frame, setting, recorded, ask)
    funnel, waiting = acting.funnel_exhibit(recorded.actions, frame)
    savings, saved = acting.savings_exhibit(recorded.actions, frame)
    outcome_kpis, outcomes = _outcomes(frame, setting, ask)
    kpis = _ordered([*cost_kpis, *budget_part[0], *owner_kpis, *guard_kpis, waiting, saved, *outcome_kpis])
    unowned = next((row[2] for row in owners[0].rows if row[0] == UNOWNED), ZERO)
    decisions = judgement.decisions_requested(recorded.statuses, recorded.findings, recorded.actions, frame)
    decisions += judgement.unowned_decision(unowned, setting.default_pool, frame)  # type: ignore[arg-type]
    return Pack(
        company=frame.company,
        period=str(frame.period),
        as_of=frame.as_of,
        judged_as_of=_judged_as_of(recorded, frame),
        currency=frame.currency,
        sentence=judgement.sentence(kpis, company, recorded.statuses, decisions, frame),
        kpis=kpis,
        exhibits=(
            *board_part,
            *outcomes,
            *cost,
            *_reported(frame, ask),
            *_books(recorded, frame),
            *owners,
            *_shared(frame, setting, ask),
            *budget_part[1],
            *guards,
            funnel,
            savings,
        ),
        decisions=decisions,
        lake_version=lake_version,
        evidence_head=recorded.evidence_head,
        definitions=DEFINITIONS,
        partial=frame.partial,
        simulated=setting.simulated,
        config_digest=setting.digest,
    )


def _ordered(kpis: Sequence[Kpi]) -> tuple[Kpi, ...]:
    """As the page reads: money, risk, control, what it buys, what was done, whether to believe it."""
    place = {name: number for number, name in enumerate(ORDER)}
    return tuple(sorted(kpis, key=lambda kpi: place.get(kpi.id, place["outcome"])))


def _budgets(
    frame: Frame, setting: Setting, recorded: Recorded, ask: Ask
) -> tuple[budgets.BudgetActual | None, _Part, list[Exhibit]]:
    query = scope_spend.budget_actuals_query(setting.budgets, frame, setting.promoted)
    lines = budgets.budget_actuals(ask(query), setting.budgets, frame)
    company = budgets.company_budget(lines, frame)
    kpis = budgets.budget_kpis(company, query, recorded.statuses, frame)
    tables = [budgets.actuals_exhibit(lines, query, frame), budgets.forecasts_exhibit(recorded.statuses)]
    return company, (list(kpis), tables), [budgets.risks_exhibit(recorded.statuses)]


def _cost(frame: Frame, recorded: Recorded, setting: Setting, company: budgets.BudgetActual | None, ask: Ask) -> _Part:
    provider, month, currency = (
        spend.by_provider_query(frame),
        spend.by_month_query(frame),
        spend.by_currency_query(frame),
    )
    daily, committed, model = spend.daily_query(frame), spend.commitments_query(frame), unit_costs.ai_query(frame)
    by_currency = ask(currency)
    forecast = spend.total_forecast(ask(daily), frame)
    spent, ahead = spend.spend_kpis(by_currency, currency, frame, forecast, daily)
    commitments = spend.commitment_exhibit(ask(committed), committed, frame)
    models, price = unit_costs.ai_exhibit(ask(model), model, frame)
    trust, fresh = data_trust.trust_exhibit(ask(data_trust.totals_query()), recorded.deliveries, setting.sources, frame)
    kpis = [
        spent,
        budgets.forecast_kpi(company, recorded.statuses, frame) or ahead,
        price,
        spend.commitment_kpi(commitments, frame),
        fresh,
    ]
    return kpis, [
        spend.month_exhibit(ask(month), month, frame, company.amount if company else None),
        spend.provider_exhibit(ask(provider), provider, frame),
        spend.currency_exhibit(by_currency, currency, frame),
        models,
        commitments,
        trust,
    ]


def _reported(frame: Frame, ask: Ask) -> list[Exhibit]:
    if frame.reporting is None:
        return []
    query = shared_money.reported_query(frame)
    return [shared_money.reported_exhibit(ask(query), query, frame, frame.reporting)]


def _shared(frame: Frame, setting: Setting, ask: Ask) -> list[Exhibit]:
    if not setting.shares_cost:
        return []
    query = shared_money.payers_query(frame)
    return [shared_money.payers_exhibit(ask(query), query, frame)]


def _books(recorded: Recorded, frame: Frame) -> list[Exhibit]:
    """Only what there is to say: a company that holds no invoice and closed no month has no such pages."""
    tables = []
    if recorded.invoices:
        tables.append(books.invoices_exhibit(recorded.invoices, recorded.close, recorded.books["invoices"], frame))
    if recorded.corrected:
        tables.append(books.corrections_exhibit(recorded.corrected, recorded.books["corrections"]))
    return tables


def _owners(frame: Frame, recorded: Recorded, ask: Ask) -> _Part:
    query = ownership.teams_query(frame)
    teams, owned = ownership.coverage_exhibit(ask(query), query, frame)
    odd, count = ownership.anomalies_exhibit(recorded.anomalies, frame)
    return [owned, count], [teams, odd, ownership.cases_exhibit(recorded.cases, frame)]


def _assurance(frame: Frame, setting: Setting, recorded: Recorded, ask: Ask) -> _Part:
    query = scope_spend.control_coverage_query(setting.budgets, setting.policies, frame, setting.promoted)
    coverage, uncontrolled = budgets.coverage_exhibit(ask(query), query, frame)
    causes, at_risk = assurance.causes_exhibit(recorded.findings, ownership.in_month(recorded.anomalies, frame), frame)
    controls, failed = assurance.controls_exhibit(recorded.controls, setting.policies)
    return [uncontrolled, at_risk, failed], [coverage, causes, controls]


def _outcomes(frame: Frame, setting: Setting, ask: Ask) -> _Part:
    kpis, tables = list[Kpi](), list[Exhibit]()
    for outcome in setting.outcomes:
        query = unit_costs.outcome_query(outcome, frame, setting.promoted)
        table, kpi = unit_costs.outcome_exhibit(
            outcome, unit_costs.outcome_costs(outcome, ask(query), frame), query, frame
        )
        kpis.append(kpi)
        tables.append(table)
    return kpis or [unit_costs.no_outcomes_kpi()], tables


def _judged_as_of(recorded: Recorded, frame: Frame) -> date | None:
    """A pack counts spend up to its own day, and tells of budgets what the last run said: of another day, it says so."""
    days = {status.as_of for status in recorded.statuses} - {frame.as_of}
    return min(days, default=None)
