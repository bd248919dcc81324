"""What counts under a budget, a cap, a purchase policy or nothing: one charge of each kind, told apart."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest
from tests.bills import deliver, write_csv
from tests.fixtures.company import open_company

from fiscus.board.types import Exhibit
from fiscus.cost.types import Source
from fiscus.flows.build_pack import build_pack
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.policies.load_policies import library_texts, load_policies
from fiscus.guardrails.policies.policy_set import PolicySet
from fiscus.guardrails.types import Budget, Level, Scope
from fiscus.kernel.periods import Month

AI = {"ServiceCategory": "AI and Machine Learning", "Tags": "{}"}
SOLD = {"PublisherName": "Vendor Inc.", "ChargeCategory": "Purchase", "ChargeFrequency": "One-Time", "Tags": "{}"}
CHARGES = (
    {"EffectiveCost": "10"},  # of the team platform
    {"EffectiveCost": "2", "ChargeCategory": "Tax"},
    {"EffectiveCost": "-1", "ChargeCategory": "Credit"},
    {"EffectiveCost": "40", "Tags": '{"team": "web"}'},
    {"EffectiveCost": "500", **AI},
    {"EffectiveCost": "-100", **AI, "ChargeCategory": "Credit"},
    {"EffectiveCost": "7000", **SOLD},
    {"EffectiveCost": "30000", **SOLD, "CommitmentDiscountId": "sp-1", "CommitmentDiscountType": "Savings Plan"},
    {"EffectiveCost": "900000", "BillingCurrency": "EUR", "Tags": "{}"},
)


def _budget(name: str, team: str, cap: Level | None = None, **more: object) -> Budget:
    budget = Budget(
        name, name, Scope({"tag:team": (team,)}), "month", "USD", Decimal(100), {}, "EffectiveCost", False, False, (), cap, "ml",
        "budgets/x.yaml", 1,
    )  # fmt: skip
    return replace(budget, **more)  # type: ignore[arg-type]


@pytest.fixture
def company(tmp_path: Path) -> Workspace:
    ws = open_company(tmp_path)
    usd = [row for row in CHARGES if "BillingCurrency" not in row]
    deliver(ws, write_csv(tmp_path / "usd.csv", usd))
    eur = [{**row, "BillingAccountId": "000999"} for row in CHARGES if "BillingCurrency" in row]
    deliver(ws, write_csv(tmp_path / "eur.csv", eur), source=Source("euro"))
    return ws


def _exhibit(ws: Workspace, name: str) -> Exhibit:
    return next(one for one in build_pack(ws, Month(2026, 10)).exhibits if one.id == name)


def _coverage(ws: Workspace, policies: PolicySet, *budgets: Budget) -> dict[object, object]:
    config = replace(ws.config, budgets=budgets, policies=policies)
    return {row[0]: row[1] for row in _exhibit(replace(ws, config=config), "control-coverage").rows}


CAP, WATCHED, POLICY, NONE = (
    "capped budget (soft or hard)", "watched budget", "purchase policy only", "no budget and no policy",
)  # fmt: skip


def test_each_charge_counts_once_under_its_strongest_control(company) -> None:
    policies = load_policies(library_texts())
    watched = _budget("platform", "platform")
    same_again = _budget("platform-too", "platform")
    found = _coverage(company, policies, watched, same_again, _budget("web", "web", "hard"))
    # Tax 2 and the credits are outside what the budgets count; a commitment is no marketplace purchase; an AI credit no AI use.
    assert found == {CAP: Decimal(40), WATCHED: Decimal(10), POLICY: Decimal(7500), NONE: Decimal(2 - 1 - 100 + 30000)}


def test_without_policies_and_budgets_everything_is_uncontrolled(company) -> None:
    found = _coverage(company, PolicySet())
    assert found == {CAP: 0, WATCHED: 0, POLICY: 0, NONE: Decimal(10 + 2 - 1 + 40 + 500 - 100 + 7000 + 30000)}


def test_a_cap_is_stronger_than_a_watched_budget_and_a_total_steers_nothing(company) -> None:
    both = (
        _budget("watch", "web"),
        _budget("cap", "web", "soft"),
        replace(_budget("all", "-", "hard"), scope=Scope({})),
    )
    assert _coverage(company, PolicySet(), *both)[CAP] == 40
    assert _coverage(company, PolicySet(), *both)[WATCHED] == 0
    assert _coverage(company, PolicySet(), _budget("warn", "web", "warn"))[CAP] == 0


def test_a_budget_of_another_currency_covers_nothing(company) -> None:
    assert _coverage(company, PolicySet(), _budget("euro", "web", currency="EUR"))[WATCHED] == 0


def test_a_budget_counts_tax_and_credits_as_it_says(company) -> None:
    budgets = (
        _budget("plain", "platform"),
        _budget("tax", "platform", include_tax=True),
        _budget("credits", "platform", include_credits=True),
        _budget("billed", "platform", metric="BilledCost"),
        _budget("nobody", "nobody"),
    )
    ws = replace(company, config=replace(company.config, budgets=budgets))
    actual = {row[0]: row[5] for row in _exhibit(ws, "budget-actuals").rows}
    assert actual == {"plain": 10, "tax": 12, "credits": 9, "billed": Decimal("1.50"), "nobody": 0}


def test_only_usage_in_tokens_has_a_price_of_tokens(tmp_path) -> None:
    ws = open_company(tmp_path)
    tokens = {**AI, "ConsumedUnit": "Tokens", "ConsumedQuantity": "2000000"}
    rows = [
        {**tokens, "EffectiveCost": "6"},
        {**tokens, "EffectiveCost": "-5", "ChargeCategory": "Credit"},
        {**AI, "EffectiveCost": "100", "ConsumedUnit": "Hours", "ConsumedQuantity": "3"},
        {**tokens, "EffectiveCost": "100", "ServiceCategory": "Compute"},
    ]
    deliver(ws, write_csv(tmp_path / "ai.csv", rows))
    pack = build_pack(ws, Month(2026, 10))
    assert next(kpi.value for kpi in pack.kpis if kpi.id == "ai-unit-cost") == 3
