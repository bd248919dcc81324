"""One verdict on a Terraform plan: priced from the company's own bills, judged by policies and budgets, kept as evidence."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from fiscus.flows.decide_intent import decide_intent
from fiscus.flows.hold_plan import hold_total, release_all
from fiscus.flows.learn_price_book import price_book
from fiscus.flows.settle_intent import settle_intent
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.decide import prepare
from fiscus.guardrails.decisions.rules import Rules
from fiscus.guardrails.doors.terraform.judge import (
    GateAsked,
    Judged,
    Settled,
    asking,
    by_vendor,
    combined,
    is_judged,
    lets_in,
    new_objections,
    not_answered,
    report_of,
    resource_intent,
    resource_verdict,
    total_intent,
    total_remedies,
    total_shown,
)
from fiscus.guardrails.doors.terraform.plan import Plan
from fiscus.guardrails.doors.terraform.plan_context import PlanContext
from fiscus.guardrails.doors.terraform.price_changes import PricedChange, price_changes
from fiscus.guardrails.doors.terraform.report import GateReport, ResourceVerdict, TotalShown, strongest
from fiscus.guardrails.types import Decision, Intent, PolicyResult, Verdict
from fiscus.kernel.actor import Actor
from fiscus.kernel.canonical import digest
from fiscus.kernel.money import ZERO

LET_IN = frozenset({"allow", "warn"})
NOTE = "Judged for a month at the most that groups may scale to; nothing is reserved until it is applied."
HELD = (
    "Its money is held until bills show it; if the plan is not applied after all, give it back with `fiscus release`."
)
DEFERRED = "Terraform put off a part of this change until later: that part is in no sum."
LOST = "The spend ledger could not be reached: what each budget says of that has answered, and where they stand is not known."


def gate_terraform(ws: Workspace, plan: Plan, asked: GateAsked, *, hold: bool = False) -> GateReport:
    """The verdict; given only once it is stored. Raises BadInput for a requester, team or environment that nobody knows.

    `hold`: the plan is applied next, so its money is held where the verdict lets it in; a yes to it is used up.
    Fails closed: a store that cannot be reached raises Unavailable, and the plan must not be applied.
    """
    settings = ws.config.gates
    context = PlanContext(plan, settings.regions)
    changes = price_changes(context, price_book(ws), settings)
    asked = replace(asked, environment=asked.environment or _stated_environment(changes))
    settled = settle_intent(ws, _nothing(ws, asked)).intent
    objections = {one.change.address: _objections(ws, one, asked) for one in changes if is_judged(one)}
    holding = hold and not _denied(objections)
    totals, decisions = _totals(ws, changes, asked, objections, holding=holding)
    words, steps = _words(ws, changes, asked, objections, decisions)
    headroom, over = combined(decisions)
    steps += [step for decision in decisions for step in total_remedies(decision, _remedies(ws))]
    judged = Judged(
        changes, words, totals, headroom, over, steps, Settled(settled.requested_by, settled.team, settled.environment),
        f"lake {ws.lake.version()}; prices of {settings.price_days} days before {ws.as_of}",
        _note(plan, decisions),
    )  # fmt: skip
    report = report_of(ws.ids.new("gate"), plan, judged, asked, settings)
    if report.verdict not in LET_IN:
        report = _without_money(report, release_all(ws, decisions))
    with ws.state.begin() as tx:
        tx.evidence.append("gate.judged", report.id, Actor(report.requested_by), _evidence(report))
    return report


def _objections(ws: Workspace, priced: PricedChange, asked: GateAsked) -> Sequence[PolicyResult]:
    """What the policies say to one resource. Budgets are asked about the whole change."""
    currency = ws.config.company.currency
    after = _said(ws, resource_intent(priced, asked, ws.config.gates, currency))
    before: Sequence[PolicyResult] = ()
    if priced.before is not None and not priced.raises and any(result.verdict != "allow" for result in after):
        before = _said(ws, resource_intent(priced, asked, ws.config.gates, currency, "before"))
    return new_objections(priced, after, before)


def _words(
    ws: Workspace, changes: Sequence[PricedChange], asked: GateAsked,
    objections: Mapping[str, Sequence[PolicyResult]], decisions: Sequence[Decision],
) -> tuple[dict[str, ResourceVerdict], list[tuple[Verdict, str]]]:  # fmt: skip
    """What is left to say to each resource. A yes to the whole change answers for it; else the resource is asked for itself.

    Nobody is asked for a yes to a plan that is denied: it has to change first.
    """
    denied = _denied(objections)
    yes = {policy for decision in decisions if lets_in(decision) for policy in asking(decision)}
    waiting = {policy for decision in decisions if not lets_in(decision) for policy in asking(decision)}
    words, steps = dict[str, ResourceVerdict](), list[tuple[Verdict, str]]()
    for one in changes:
        left = not_answered(objections.get(one.change.address, ()), yes)
        wanted = {result.policy_id for result in left if result.verdict == "require_approval"}
        if strongest([result.verdict for result in left]) == "require_approval" and not (denied or wanted <= waiting):
            intent = resource_intent(one, asked, ws.config.gates, ws.config.company.currency)
            own = decide_intent(ws, intent, hold=False)
            left = not_answered(left, asking(own) if lets_in(own) else ())
            steps += [] if lets_in(own) else [(own.verdict, own.next_step)]
        words[one.change.address] = resource_verdict(one, left, _remedies(ws))
    return words, steps


def _said(ws: Workspace, intent: Intent) -> Sequence[PolicyResult]:
    rules = Rules(ws.config.policies, (), ws.config.company.calendar)
    return prepare(settle_intent(ws, intent), rules).results


def _denied(objections: Mapping[str, Sequence[PolicyResult]]) -> bool:
    return any(result.verdict == "deny" for results in objections.values() for result in results)


def _totals(
    ws: Workspace, changes: Sequence[PricedChange], asked: GateAsked,
    objections: Mapping[str, Sequence[PolicyResult]], *, holding: bool,
) -> tuple[list[TotalShown], list[Decision]]:  # fmt: skip
    said = {result.policy_id for results in objections.values() for result in results}
    totals, decisions = list[TotalShown](), list[Decision]()
    for provider, currency, of_vendor in by_vendor(changes):
        intent = total_intent(of_vendor, asked, ws.config.gates, objections)
        decision = None
        if intent is not None:
            decision = hold_total(ws, intent) if holding else decide_intent(ws, intent, hold=False)
        totals.append(total_shown((provider, currency), of_vendor, decision, said))
        decisions += [decision] if decision else []
    return totals, decisions


def _note(plan: Plan, decisions: Sequence[Decision]) -> str:
    note = (
        LOST if any(one.ledger == "lost" for one in decisions) else HELD if any(one.hold for one in decisions) else NOTE
    )
    return note if plan.complete else f"{note} {DEFERRED}"


def _without_money(report: GateReport, stuck: tuple[str, ...]) -> GateReport:
    """A plan that may not be applied holds nothing."""
    totals = tuple(replace(one, hold_id=one.hold_id if one.hold_id in stuck else "") for one in report.totals)
    return replace(report, totals=totals, note=NOTE if report.note == HELD else report.note)


def _remedies(ws: Workspace) -> dict[str, str]:
    return {compiled.policy.id: compiled.policy.remedy for compiled in ws.config.policies}


def _nothing(ws: Workspace, asked: GateAsked) -> Intent:
    """An intent of no money: who asks and where are checked even where a plan changes nothing."""
    return Intent(
        kind="resource.provision", requested_by=asked.requested_by, team=asked.team, environment=asked.environment,
        amount=ZERO, currency=ws.config.company.currency,
    )  # fmt: skip


def _stated_environment(changes: Sequence[PricedChange]) -> str:
    """The environment that the tags of the plan state, where they all state the same."""
    stated = {one.tags[key] for one in changes for key in ("environment", "Environment", "env") if one.tags.get(key)}
    return stated.pop() if len(stated) == 1 else ""


def _evidence(report: GateReport) -> dict[str, object]:
    return {
        "report": digest(report), "verdict": report.verdict, "reasons": report.reasons, "file": report.file,
        "decisions": [one.decision_id for one in report.totals if one.decision_id],
        "resources": [
            {"address": one.address, "delta": one.delta, "currency": one.currency, "verdict": one.verdict}
            for one in report.resources
        ],
    }  # fmt: skip
