"""Decisions end to end: no other spelling gets an intent around a cap or a policy, and what is answered is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.fixtures.company import open_company
from tests.fixtures.judging import RULES, budgets_of, policy_of
from tests.fixtures.ledgers import USD, account, ask, sync

from fiscus.cost.providers import ALIASES, canonical_name
from fiscus.flows.decide_intent import decide_intent
from fiscus.flows.settle_intent import settle_intent
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.intent import parse_intent
from fiscus.guardrails.policies.load_policies import library_texts, load_policies
from fiscus.guardrails.policies.moment import Freeze
from fiscus.guardrails.policies.policy_set import PolicySet
from fiscus.guardrails.types import Decision, Intent, IntentKind
from fiscus.kernel.errors import BadInput
from fiscus.ownership.load_rules import load_rules

BUDGETS = """
budgets:
  - {id: ai-staging, title: AI in staging, period: month, currency: USD, amount: 4, thresholds: [], cap: hard, owner: ml,
     scope: {environment: [staging], provider: [Anthropic], product: [assistant], service_category: AI and Machine Learning}}
  - {id: seats, title: Seats of Acme, period: month, currency: USD, amount: 10, thresholds: [], cap: hard, owner: ml,
     scope: {provider: [Acme Software], service: [Acme Desk]}}
"""


@pytest.fixture
def company(tmp_path: Path) -> Workspace:
    """4 USD are left for AI of the assistant in staging, 10 USD for seats of Acme."""
    ws = open_company(tmp_path)
    config = replace(
        ws.config,
        rules=load_rules(RULES, "owners/rules.yaml", ws.config.directory),
        budgets=budgets_of(BUDGETS),
        policies=load_policies(library_texts()),
    )
    ws = replace(ws, config=config)
    ask(ws.ledger, sync({"ai-staging": 4 * USD, "seats": 10 * USD}))
    return ws


def _ask(ws: Workspace, **changes: object) -> Decision:
    asked: Mapping[str, object] = {
        "kind": "ai.request", "requested_by": "max", "environment": "staging", "provider": "Anthropic",
        "product": "assistant", "amount": "4.50", "currency": "USD",
    }  # fmt: skip
    return decide_intent(ws, parse_intent({**asked, **changes}))


SPELLINGS: list[Mapping[str, object]] = [
    {},
    {"environment": "Staging"},
    {"environment": " STAGING "},
    {"provider": "anthropic"},
    {"provider": "Anthropic, PBC"},
    {"product": "Assistant"},
    {"environment": "staging", "provider": "ANTHROPIC", "product": "ASSISTANT"},
]


@pytest.mark.parametrize("spelling", SPELLINGS, ids=str)
def test_no_spelling_gets_around_a_cap(company: Workspace, spelling: Mapping[str, object]) -> None:
    decision = _ask(company, **spelling)
    assert decision.verdict == "deny"
    assert [(row.budget_id, row.after) for row in decision.headroom] == [("ai-staging", Decimal("-0.50"))]


def test_the_same_intent_spelt_otherwise_is_the_same_intent(company: Workspace) -> None:
    first, second = _ask(company), _ask(company, environment="Staging", provider="anthropic pbc")
    assert first.intent == second.intent
    assert first.intent_digest == second.intent_digest


def test_what_fits_is_allowed_and_says_what_would_be_left(company: Workspace) -> None:
    decision = _ask(company, amount="4.00")
    assert decision.verdict == "allow"
    assert decision.headroom[0].after == 0
    assert decision.money_held
    assert decision.hold is not None
    assert decision.hold.amount == Decimal("4.00")
    assert account(company.ledger, "ai-staging").headroom == 0
    assert "4.00 USD is held until 2026-11-20 12:30 UTC" in decision.note


def test_a_tag_spelling_of_an_environment_is_its_name(company: Workspace) -> None:
    assert _ask(company, environment="production").intent.environment == "prod"


@pytest.mark.parametrize(("given", "meant"), [("stagin", "staging"), ("prodd", "prod")])
def test_an_environment_that_nobody_knows_is_refused(company: Workspace, given: str, meant: str) -> None:
    """It would be covered by no budget and no policy: a slip of the finger must not open the gate."""
    with pytest.raises(BadInput, match="is no environment") as refused:
        _ask(company, environment=given)
    assert refused.value.where.key == "environment"
    assert meant in refused.value.remedy
    assert not company.ledger.store.decisions()


def test_an_environment_that_is_not_stated_is_asked_for(company: Workspace) -> None:
    with pytest.raises(BadInput, match="No environment is named") as refused:
        settle_intent(company, Intent("ai.request", "max", "", "", Decimal(1), "USD"))
    assert "prod" in refused.value.remedy


def test_a_company_that_names_no_environment_is_not_asked_to(company: Workspace) -> None:
    rules = replace(company.config.rules, environments={})
    bare = replace(company, config=replace(company.config, rules=rules, budgets=()))
    assert _ask(bare, environment="Blue").intent.environment == "blue"


def test_a_provider_that_nobody_knows_keeps_its_name(company: Workspace) -> None:
    assert _ask(company, provider="New Vendor").intent.provider == "New Vendor"


def test_a_provider_and_a_service_are_met_as_a_budget_writes_them(company: Workspace) -> None:
    seats = _ask(company, provider="acme software", service="ACME desk", environment="prod", amount="11")
    assert (seats.intent.provider, seats.intent.service) == ("Acme Software", "Acme Desk")
    assert seats.verdict == "deny"


@pytest.mark.parametrize(
    ("field", "name"), [("requested_by", "nobody"), ("requested_by", "cem"), ("team", "no-such-team")]
)
def test_a_requester_who_is_nobody_or_left_and_an_unknown_team_are_refused(
    company: Workspace, field: str, name: str
) -> None:
    with pytest.raises(BadInput) as refused:
        _ask(company, **{field: name})
    assert refused.value.where.key == field
    assert refused.value.remedy


def test_the_team_is_the_requesters_when_it_is_left_out(company: Workspace) -> None:
    assert _ask(company).intent.team == "ml"
    assert _ask(company, team="Web").intent.team == "web"


def test_a_decision_is_stored_with_its_evidence(company: Workspace) -> None:
    decision = _ask(company, environment="STAGING")
    assert company.ledger.store.decisions() == [decision]
    *_, record = company.ledger.store.evidence_records()
    assert record.body["entries"][0]["decision"]["id"] == decision.id
    assert record.body["entries"][0]["decision"]["intent"]["requested_by"] == "max"


def test_every_alias_of_a_provider_leads_to_one_name() -> None:
    for name, aliases in ALIASES.items():
        assert {canonical_name(alias.upper()) for alias in aliases} == {name}
        assert canonical_name(f" {name} ") == name


def test_a_policy_knows_the_cost_centre_the_manager_the_fiscal_period_and_what_is_frozen(company: Workspace) -> None:
    person = company.config.directory.people["max"]
    own = company.config.directory.teams[person.team or ""]
    condition = (
        f'"release" in now.freeze && has(now.freeze) && now.fiscal_year == 2027 && now.fiscal_quarter == 4 && '
        f'now.fiscal_period == 10 && now.days_left_in_period == 10 && requester.manager == "{person.manager}" && '
        f'requester.cost_centre == "{own.cost_centre}"'
    )
    stop = policy_of("frozen", condition, "ai.request", level="hard", effect="deny")
    day = datetime(2026, 11, 20, tzinfo=UTC)
    freezes = (Freeze("release", day, day + timedelta(days=1), ("staging",)),)
    ws = replace(company, config=replace(company.config, policies=PolicySet((stop,)), freezes=freezes))
    assert _ask(ws, amount="1").verdict == "deny"
    assert _ask(ws, amount="1", environment="production").verdict == "allow"


@pytest.mark.parametrize(
    ("kind", "attributes", "condition"),
    [
        (
            "saas.seat",
            {"vendor": "Figma", "seats": 3, "seat_price": "15.00", "sso": False, "seats_unused": 4, "user": "max"},
            'intent.seat_price * intent.seats > money("40.00 USD") && intent.seats_unused >= intent.seats && !intent.sso',
        ),
        (
            "commitment.purchase",
            {"commitment_kind": "cud", "hourly_commitment": "3.00", "coverage": "0.55", "break_even_months": "8.5"},
            'intent.hourly_commitment >= money("3.00 USD") && intent.break_even_months - intent.coverage > quantity("7.9")',
        ),
    ],
)
def test_seats_and_commitments_are_asked_for_like_any_spend(
    company: Workspace, kind: IntentKind, attributes: Mapping[str, object], condition: str
) -> None:
    stop = policy_of("stop", condition, kind, level="hard", effect="deny")
    ws = replace(company, config=replace(company.config, policies=PolicySet((stop,))))
    assert _ask(ws, kind=kind, attributes=attributes).verdict == "deny"
    assert _ask(ws, kind=kind, attributes={}).policies[0].result == "error"
