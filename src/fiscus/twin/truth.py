"""What was planted, as data: kind, subject, dates and money, so that what Fiscus finds can be scored."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal

import numpy as np

from fiscus.kernel.canonical import to_json
from fiscus.ownership.types import UNOWNED
from fiscus.twin.accounts import account
from fiscus.twin.ai_vendors import DEVELOPER, RUNAWAY_DAYS, RUNAWAY_MODEL, ai_account, ai_keys
from fiscus.twin.budgets import PlannedBudget
from fiscus.twin.commitments import EXPIRED, TERMS
from fiscus.twin.company import PRICE_CHANGE_DAYS, PRICE_CHANGE_PERCENT, PRICE_CHANGE_SKU, SANDBOX_DAYS, Simulated
from fiscus.twin.fleet import LEFT_ON_DAYS
from fiscus.twin.line import MONEY, Book, Facts, Line, total_of
from fiscus.twin.prepaid import SOURCE as PREPAID
from fiscus.twin.prepaid import prepaid_truth
from fiscus.twin.quiet_truths import nearly_spent, quiet_truths
from fiscus.twin.resold import resold_truth
from fiscus.twin.spend import is_runaway, is_sandbox
from fiscus.twin.subscriptions import UNAPPROVED, UNAPPROVED_DAYS
from fiscus.twin.tagging import ENVIRONMENT_TAGS, TEAM_TAGS

RUNAWAY_BASE_DAYS = 28


@dataclass(frozen=True, slots=True)
class Planted:
    """One trouble. `subject` holds accepted values by key; `by` the kinds of finding that count as having found it ('*': any).

    `needs` are alternatives, each a set of subject keys that a finding must share; `explains` the weaker ones by which an
    anomaly is a consequence of this trouble and no false alarm.
    """

    id: str
    kind: str
    title: str
    subject: Mapping[str, Sequence[str]]
    start: date
    amount: Decimal
    currency: str
    by: Sequence[str]
    needs: Sequence[Sequence[str]]
    explains: Sequence[Sequence[str]] = field(default_factory=tuple)
    end: date | None = None


def planted(simulated: Simulated, budgets: Sequence[PlannedBudget]) -> list[Planted]:
    """Everything planted, in the order of issue's list; the budgets as the simulation says they stand and will end."""
    troubles = [
        _runaway(simulated), _left_on(simulated), _sandbox(simulated), _unapproved(simulated), _price_change(simulated),
        _expired(simulated),
    ]  # fmt: skip
    return [trouble for trouble in troubles if trouble is not None] + _budgets(simulated, budgets)


def background(simulated: Simulated, budgets: Sequence[PlannedBudget]) -> list[Mapping[str, object]]:
    """True things that are neither planted nor false alarms: missing tags, waste of every day, budgets too close to call."""
    missing: dict[str, set[str]] = {"sub_account": set(), "team": set(), "service": set(), "provider": set()}
    for book in simulated.books.values():
        for line in book.lines:
            held = set(line.tags or {})
            if not held & set(TEAM_TAGS) or not held & set(ENVIRONMENT_TAGS):
                missing["sub_account"] |= {line.account.id, line.account.name}
                missing["team"].add(line.seen[0])
                missing["service"].add(line.sku.service)
    subjects: list[Mapping[str, object]] = [
        {"kind": "missing_tags", "subject": {key: sorted(values) for key, values in missing.items() if values}}
    ]
    nobody = [
        line
        for book in simulated.books.values()
        for line in book.lines
        if line.seen[0] == UNOWNED and line.sku.category == "AI and Machine Learning"
    ]
    if nobody:
        accounts = sorted({text for line in nobody for text in (line.account.id, line.account.name)})
        subjects.append({"kind": "unlabelled_ai", "subject": {"sub_account": accounts}})
    close = sorted(budget.id for budget in budgets if budget.fate == "close")
    subjects += [*quiet_truths(simulated), nearly_spent(budgets)]
    subjects += [
        {"kind": "credits_running_out", "subject": {"team": [key.place[0] for key in ai_keys(PREPAID)]}},
        {"kind": "seen_twice", "subject": {"team": [simulated.world.directory.default_pool]}},
    ]
    return [*subjects, {"kind": "budget", "subject": {"budget_id": close}}]


def truth_document(
    simulated: Simulated, budgets: Sequence[PlannedBudget], totals: Mapping[str, Mapping[str, object]]
) -> Mapping[str, object]:
    """The content of truth.json, plain JSON."""
    world = simulated.world
    machines = [
        {
            "name": m.name, "instance_id": m.instance_id, "instance_type": m.instance_type, "team": m.team,
            "environment": m.environment, "left_on": m.left_on,
        }
        for m in simulated.machines
    ]  # fmt: skip
    body = {
        "version": 1,
        "seed": world.seed,
        "scale": str(world.scale),
        "months": world.timeline.months,
        "as_of": world.timeline.as_of,
        "fleet": machines,
        "totals": totals,
        "planted": planted(simulated, budgets),
        "background": background(simulated, budgets),
        "prepaid": prepaid_truth(simulated.books[PREPAID], world.timeline),
        "seen_twice": resold_truth(simulated.books, world.timeline.today),
        "budgets": [
            {"id": b.id, "fate": b.fate, "amount": b.amount, "spent": b.spent, "final": b.final} for b in budgets
        ],
    }
    document = to_json(body)
    assert isinstance(document, dict)
    return document


def _money(facts: Facts, lines: Sequence[int], first: int, last: int) -> Decimal:
    chosen = np.isin(facts.line, np.array(lines, np.int64)) & (facts.day >= first) & (facts.day < last)
    return Decimal(total_of(facts.effective[chosen])) / MONEY


def _lines(book: Book, test: object) -> list[int]:
    assert callable(test)
    return [number for number, line in enumerate(book.lines) if test(line)]


def _runaway(simulated: Simulated) -> Planted:
    timeline, book = simulated.world.timeline, simulated.books["anthropic"]
    today = timeline.today
    first = max(0, today - RUNAWAY_DAYS)
    lines = _lines(book, is_runaway)
    usual = _money(book.facts, lines, first - RUNAWAY_BASE_DAYS, first) / RUNAWAY_BASE_DAYS
    excess = _money(book.facts, lines, first, today) - usual * (today - first)
    workspace = next(key.workspace for key in ai_keys("anthropic") if key.place[:2] == ("support-assistant", "staging"))
    home = ai_account("anthropic", workspace)
    subject = {
        "provider": ["Anthropic"], "service": [DEVELOPER["anthropic"][1]], "team": ["support-assistant"], "environment": ["staging"],
        "sub_account": [home.id, home.name], "resources": [book.lines[lines[0]].resource_id],
        "sku": sorted({book.lines[n].sku.id for n in lines}), "product": ["support-assistant"],
    }  # fmt: skip
    return Planted(
        "runaway-agent", "runaway_ai", f"An AI agent in staging runs away on {RUNAWAY_MODEL}", subject, timeline.date(first),
        excess, "USD", ["*"], [["provider", "team"], ["provider", "environment"], ["sub_account"]],
        [["provider"], ["team"]], timeline.as_of,
    )  # fmt: skip


def _left_on(simulated: Simulated) -> Planted:
    timeline, book = simulated.world.timeline, simulated.books["aws"]
    machines = [machine for machine in simulated.machines if machine.left_on]
    names = {machine.name for machine in machines}
    lines = _lines(book, lambda line: line.machine in names)
    first = max(0, timeline.today - LEFT_ON_DAYS)
    subject = {
        "resources": [machine.instance_id for machine in machines], "provider": ["AWS"],
        "service": sorted({book.lines[n].sku.service for n in lines}), "team": sorted({machine.team for machine in machines}),
        "environment": sorted({machine.environment for machine in machines}),
    }  # fmt: skip
    return Planted(
        "gpu-left-on", "gpu_left_on", "Two GPU machines outside production run day and night for nobody", subject,
        timeline.date(first), _money(book.facts, lines, first, timeline.today), "USD", ["*"], [["resources"]],
        [["team", "service"]], timeline.as_of,
    )  # fmt: skip


def _sandbox(simulated: Simulated) -> Planted:
    timeline, book = simulated.world.timeline, simulated.books["aws"]
    home = account("aws", "sandbox")
    lines = _lines(book, is_sandbox)
    first = max(0, timeline.today - SANDBOX_DAYS)
    subject = {
        "sub_account": [home.id, home.name], "team": [UNOWNED], "provider": ["AWS"],
        "resources": [book.lines[n].resource_id for n in lines if book.lines[n].resource_id],
        "service": sorted({book.lines[n].sku.service for n in lines}),
    }  # fmt: skip
    return Planted(
        "untagged-sandbox", "untagged_sandbox", f"Sub-account {home.name} has no owner tags at all", subject, timeline.date(first),
        _money(book.facts, lines, first, timeline.today), "USD", ["*"], [["sub_account"], ["resources"]],
        [["team", "provider"]], timeline.as_of,
    )  # fmt: skip


def _unapproved(simulated: Simulated) -> Planted | None:
    timeline, book = simulated.world.timeline, simulated.books["aws"]
    first = timeline.today - UNAPPROVED_DAYS
    line = next(number for number, line in enumerate(book.lines) if line.publisher == UNAPPROVED[1])
    if first < 0:
        return None
    bought: Line = book.lines[line]
    subject = {
        "resources": [bought.resource_id], "provider": [UNAPPROVED[1]], "service": [UNAPPROVED[2]], "team": [bought.seen[0]],
        "sub_account": [bought.account.id, bought.account.name],
    }  # fmt: skip
    return Planted(
        "marketplace-unapproved", "marketplace_unapproved", f"{UNAPPROVED[2]} was bought on AWS Marketplace without approval", subject,
        timeline.date(first), _money(book.facts, [line], first, timeline.today), "USD", ["*"],
        [["resources"], ["provider"], ["service"]], [["provider"], ["service"], ["team", "service"]], timeline.date(first + 1),
    )  # fmt: skip


def _price_change(simulated: Simulated) -> Planted:
    timeline, book = simulated.world.timeline, simulated.books["dogwatch"]
    first = max(0, timeline.today - PRICE_CHANGE_DAYS)
    lines = _lines(book, lambda line: line.sku.id.endswith(PRICE_CHANGE_SKU))
    sku = book.lines[lines[0]].sku
    paid = _money(book.facts, lines, first, timeline.today)
    more = paid * PRICE_CHANGE_PERCENT / (100 + PRICE_CHANGE_PERCENT)
    subject = {"sku": [sku.id, sku.price_id], "provider": ["Dogwatch"], "service": [sku.service]}
    return Planted(
        "price-change", "price_change", f"Dogwatch raised the price of {sku.meter} by {PRICE_CHANGE_PERCENT} %", subject,
        timeline.date(first), more, "USD", ["price_change"], [["sku"], ["provider"], ["service"]], [["provider"], ["service"]],
        timeline.as_of,
    )  # fmt: skip


def _expired(simulated: Simulated) -> Planted | None:
    """Amount: what on-demand costs more than the commitment did, since it ended."""
    timeline, book = simulated.world.timeline, simulated.books["aws"]
    term = next(term for term in TERMS["aws"] if term.key == EXPIRED)
    first = timeline.today + term.ends
    covered = {
        line.resource_id: line
        for line in book.lines
        if line.commitment and line.commitment.id == term.id and line.status == "Used"
    }
    lines = _lines(book, lambda line: line.resource_id in covered and line.commitment is None)
    if first <= 0 or not lines:
        return None
    paid = _money(book.facts, lines, first, timeline.today)
    sku = book.lines[lines[0]].sku
    more = paid - paid * (sku.list_price * term.percent // 100) / sku.contracted_price
    subject = {
        "commitment": [term.id, term.name], "provider": ["AWS"], "service": sorted({book.lines[n].sku.service for n in lines}),
        "team": sorted({book.lines[n].seen[0] for n in lines}), "resources": [term.id],
        "sku": sorted({book.lines[n].sku.id for n in lines}),
    }  # fmt: skip
    return Planted(
        "commitment-expired", "commitment_expired", f"{term.name} ended; what it covered runs on demand since", subject,
        timeline.date(first), more, "USD", ["commitment_expired"], [["commitment"], ["resources"], ["provider"]],
        [["team", "service"], ["team", "provider"], ["sku"]], timeline.as_of,
    )  # fmt: skip


def _budgets(simulated: Simulated, budgets: Sequence[PlannedBudget]) -> list[Planted]:
    timeline = simulated.world.timeline
    kinds = {"breached": "budget_breach", "at_risk": "budget_forecast"}
    return [
        Planted(
            f"budget-{budget.id}", kinds[budget.fate], f"Budget {budget.title!r} {'is breached' if budget.fate == 'breached' else 'is on its way to breach'}",
            {"budget_id": [budget.id]}, timeline.as_of, (budget.spent if budget.fate == "breached" else budget.final) - budget.amount,
            budget.currency, ["budget_breach", "budget_forecast"], [["budget_id"]],
        )
        for budget in budgets
        if budget.fate in kinds
    ]  # fmt: skip
