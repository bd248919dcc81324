"""Why a policy says what it says: every term with its answer and the values that it saw, for an intent and for a charge."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.fixtures.judging import AS_OF, charge, company_with_bills, tags
from tests.fixtures.policy_text import policy, policy_set

from fiscus.flows.explain_policy import explain_charge, explain_intent, explain_policy
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.explanations.say_condition import say
from fiscus.guardrails.explanations.say_demand import say_demand
from fiscus.guardrails.policies.check_condition import check_condition
from fiscus.guardrails.types import Intent
from fiscus.kernel.errors import BadInput, BadQuery, NotFound

AI = policy(
    "ai-dear", on=["ai.request"], effect="deny", level="soft", on_error="hold",
    when='intent.amount > money("5.00 USD") && (intent.environment == "staging" || intent.max_tokens > 100)',
)  # fmt: skip
CHARGES = policy("dear", when='charge.EffectiveCost > money("20.00 USD") && !has(charge.tags.po)', finding="dear_thing")


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    day = AS_OF.replace(day=2)
    bills = [
        charge(day, "30", Tags=tags("ml", "staging"), ResourceId="i-1"),
        charge(day, "10", Tags=tags("web"), ResourceId="i-2"),
    ]
    ws = company_with_bills(tmp_path_factory.mktemp("company"), {"usd": bills})
    return replace(ws, config=replace(ws.config, policies=policy_set(AI, CHARGES)))


def _intent(amount: str = "9.00", environment: str = "prod", currency: str = "USD", **attributes: object) -> Intent:
    return Intent("ai.request", "lea", "ml", environment, Decimal(amount), currency, attributes=attributes)


def test_a_policy_alone_says_what_it_demands(lake: Workspace) -> None:
    shown = explain_policy(lake, "dear")
    assert shown.says == {"charge": "charge.EffectiveCost is more than 20 USD and charge.tags has no po"}


def test_a_policy_alone_says_what_it_does_who_says_yes_and_what_is_excepted() -> None:
    exception = {
        "owner": "ml",
        "reason": "A pilot.",
        "until": "2026-12-31",
        "effect": "warn",
        "when": 'intent.team == "ml"',
    }
    bands = [{"up_to": 10_000}, {"roles": ["finance", "cfo"], "approvers": 2}]
    asks = policy(
        "asks", on=["ai.request"], when='intent.amount > money("5.00 USD")', effect="require_approval", level="hard",
        approval={"currency": "USD", "bands": bands, "expires_hours": 24}, exceptions=[exception],
    )  # fmt: skip
    (compiled,) = policy_set(asks)
    assert say_demand(compiled) == (
        "Where it matches, somebody has to say yes.",
        "Up to 10,000.00 USD: 1 of those who answer for the team that pays within 24 hours.",
        "Above 10,000.00 USD: 2 of finance or cfo within 24 hours.",
        "Excepted until 2026-12-31 by ml, where intent.team is 'ml': then it goes through with a warning at the most. A pilot.",
    )


@pytest.mark.parametrize(
    ("made", "said"),
    [
        (AI, "Where it matches, somebody has to say yes: it would be deny, which the level soft weakens."),
        (CHARGES, "Where it matches, a finding is opened."),
    ],
)
def test_what_it_does_is_what_its_level_and_its_targets_let_it_do(made: dict[str, object], said: str) -> None:
    (compiled,) = policy_set(made)
    assert say_demand(compiled)[0] == said


def test_an_intent_is_explained_term_by_term_with_its_values(lake: Workspace) -> None:
    shown = explain_intent(lake, "ai-dear", _intent(max_tokens=50))
    assert (shown.result, shown.verdict) == ("no_match", "allow")
    amount, where = shown.terms
    assert (amount.answer, amount.says) == ("true", "intent.amount is more than 5 USD")
    assert amount.values == {"intent.amount": "9 USD", "intent.currency": "'USD'"}
    assert (where.answer, where.joined) == ("false", "any")
    assert [(term.says, term.answer) for term in where.terms] == [
        ("intent.environment is 'staging'", "false"),
        ("intent.max_tokens is more than 100", "false"),
    ]


def test_a_match_says_what_its_level_makes_of_its_effect(lake: Workspace) -> None:
    shown = explain_intent(lake, "ai-dear", _intent(environment="staging"))
    assert (shown.result, shown.verdict) == ("match", "require_approval")
    assert shown.sentence == "ai-dear matches and asks for deny, which its level soft makes require_approval."


def test_an_error_says_what_is_missing_and_what_on_error_makes_of_it(lake: Workspace) -> None:
    shown = explain_intent(lake, "ai-dear", _intent())
    assert (shown.result, shown.verdict) == ("error", "require_approval")
    assert "intent.max_tokens is not given" in shown.sentence
    assert [term.answer for term in shown.terms] == ["true", "error"]


def test_a_charge_is_explained_by_the_sql_that_judges_it(lake: Workspace) -> None:
    shown = explain_charge(lake, "dear", "ServiceCategory = 'Compute'")
    assert shown.result == "match"
    assert "30.00 USD (the dearest of 2 that meet the filter)" in shown.about
    assert shown.sentence == "dear matches: it counts towards a finding of kind dear_thing."
    assert shown.terms[0].values == {"charge.EffectiveCost": "30 USD", "charge.currency": "'USD'"}
    assert [term.answer for term in explain_charge(lake, "dear", "ResourceId = 'i-2'").terms] == ["false", "true"]


def test_what_cannot_be_explained_is_refused_with_a_remedy(lake: Workspace) -> None:
    with pytest.raises(NotFound, match="Did you mean ai-dear"):
        explain_policy(lake, "ai-deer")
    with pytest.raises(BadInput, match="does not judge charge"):
        explain_charge(lake, "ai-dear", "true")
    with pytest.raises(BadInput, match="does not judge"):
        explain_intent(lake, "dear", _intent())
    with pytest.raises(NotFound, match="No charge meets"):
        explain_charge(lake, "dear", "ResourceId = 'nothing'")
    for hostile in (
        "true); DROP TABLE x; SELECT (1",
        "x FROM read_csv('/etc/passwd')",
        "true) FROM read_text('/etc/passwd') --",
    ):
        with pytest.raises(BadQuery):
            explain_charge(lake, "dear", hostile)


SAID = [
    ('!(intent.environment in ["dev", "prod"])', "intent.environment is none of 'dev', 'prod'"),
    ("!has(intent.model) || intent.stream", "intent.model is not given or intent.stream"),
    ('intent.model.startsWith("gpt-")', "intent.model begins with 'gpt-'"),
    ("size(intent.model) > 3", "the length of intent.model is more than 3"),
    ('"finops" in requester.roles', "requester.roles has 'finops'"),
    ('intent.team == "a" || intent.team == "b" && intent.stream', "intent.team is 'a' or (intent.team is 'b' and intent.stream)"),
    ('money("0.50 USD") < intent.amount', "0.5 USD is less than intent.amount"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "words"), SAID)
def test_a_condition_reads_as_words(text: str, words: str) -> None:
    assert say(check_condition(text, "ai.request", lambda message, remedy: ValueError(f"{message} {remedy}"))) == words
