"""What a linter says of policies that load: each rule on what it is for, and silence where nothing is wrong."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.effort import some
from tests.fixtures.policy_text import policy, policy_set, policy_text

from fiscus.guardrails.lint.find_faults import load_or_faults
from fiscus.guardrails.lint.lint_policies import lint_policies
from fiscus.guardrails.lint.sarif import sarif
from fiscus.guardrails.lint.settled import settled
from fiscus.guardrails.lint.types import RULES, Known, LintFinding
from fiscus.guardrails.policies.check_condition import check_condition
from fiscus.guardrails.policies.compile_closure import compile_closure
from fiscus.guardrails.types import PolicyTarget

TEST = [
    {"given": {"charge": {"team": "web"}}, "expect": "match"},
    {"given": {"charge": {"team": "ml"}}, "expect": "no_match"},
]


def _node(text: str, target: PolicyTarget = "ai.request"):
    return check_condition(text, target, lambda message, remedy: ValueError(f"{message} {remedy}"))


def _rules(found: tuple[LintFinding, ...]) -> list[str]:
    return [one.rule for one in found]


NEVER = [
    'intent.environment == "dev" && intent.environment == "prod"',
    'intent.environment in ["dev", "test"] && intent.environment == "prod"',
    'intent.environment == "dev" && intent.environment != "dev"',
    'intent.environment == "dev" && !(intent.environment in ["dev", "staging"])',
    'intent.amount > money("10.00 USD") && intent.amount < money("5.00 USD")',
    'intent.amount > money("10.00 USD") && intent.amount < money("50.00 EUR")',
    "intent.amount < 0",
    "now.hour == 24",
    "now.weekday > 7 || now.hour < 0",
    "has(intent.model) && !has(intent.model)",
    "intent.stream && !intent.stream",
    'false && intent.team == "web"',
    "intent.team in []",
]
ALWAYS = [
    "true",
    "1 < 2",
    'true || intent.team == "web"',
    "intent.amount >= 0",
    "has(intent.model) || !has(intent.model)",
]
DEPENDS = [
    'intent.environment == "dev" || intent.environment == "prod"',
    'intent.amount > money("5.00 USD") && intent.amount < money("10.00 USD")',
    'intent.team != "web" && intent.team != "ml"',
    "intent.max_tokens >= 0",  # where it is not given, it has no answer
    'intent.team == "web" ? intent.stream : intent.environment == "dev"',
]


@pytest.mark.parametrize("text", NEVER)
def test_a_condition_that_nothing_can_match_is_an_error(text: str) -> None:
    assert settled(_node(text)) is False


@pytest.mark.parametrize("text", ALWAYS)
def test_a_condition_that_everything_matches_is_a_warning(text: str) -> None:
    assert settled(_node(text)) is True


@pytest.mark.parametrize("text", DEPENDS)
def test_a_condition_that_depends_is_left_alone(text: str) -> None:
    assert settled(_node(text)) is None


_ATOMS = st.sampled_from([
    'intent.environment == "dev"', 'intent.environment != "dev"', 'intent.environment in ["dev", "prod"]',
    'intent.amount > money("5.00 USD")', 'intent.amount <= money("5.00 USD")', "intent.amount >= 0", "now.hour < 7",
    "has(intent.model)", "intent.stream", "true", "now.hour >= 7", 'intent.amount > money("9.00 EUR")',
])  # fmt: skip
_TEXTS = st.recursive(
    _ATOMS,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(["&&", "||"]), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})"),
        inner.map(lambda text: f"!({text})"),
    ),
    max_leaves=6,
)
_FACTS = st.fixed_dictionaries(
    {"intent.amount": st.integers(0, 20).map(lambda n: n * 10**9), "now.hour": st.integers(0, 23)},
    optional={
        "intent.environment": st.sampled_from(["dev", "prod", "qa"]), "intent.currency": st.sampled_from(["USD", "EUR"]),
        "intent.model": st.just("m"), "intent.stream": st.booleans(),
    },
)  # fmt: skip


@settings(max_examples=some(300), deadline=None)
@given(_TEXTS, st.lists(_FACTS, min_size=1, max_size=8))
def test_what_is_called_settled_is_settled_whatever_the_facts(text: str, several: list[dict[str, Any]]) -> None:
    node = _node(text)
    answer = settled(node)
    results = {compile_closure(node)(facts)[0] for facts in several}
    if answer is False:
        assert "match" not in results
    elif answer:
        assert "no_match" not in results


def test_a_policy_that_never_matches_is_named_with_its_line() -> None:
    found = lint_policies(
        policy_set(policy("a", when='charge.team == "a" && charge.team == "b"', tests=TEST[:0])), Known()
    )
    assert _rules(found) == ["never-matches", "no-tests"]
    assert (found[0].file, found[0].line, found[0].policy_id) == ("policies/test.yaml", 2, "a")


def test_a_policy_is_shadowed_by_a_stronger_one_that_matches_whatever_it_matches() -> None:
    weak = policy("weak", on=["ai.request"], when='intent.team == "web" && intent.stream', effect="warn")
    strong = policy("strong", on=["ai.request"], when='intent.team == "web"', effect="deny", level="hard")
    (found,) = [one for one in lint_policies(policy_set(weak, strong), Known()) if one.rule == "shadowed"]
    assert found.policy_id == "weak"
    assert "strong" in found.message


def test_of_two_equal_policies_the_second_is_shadowed() -> None:
    found = lint_policies(policy_set(policy("a"), policy("b")), Known())
    assert [one.policy_id for one in found if one.rule == "shadowed"] == ["b"]


MORE = [
    {"level": "soft"}, {"min_amount": 5}, {"window_days": 30}, {"finding": "other"}, {"on": ["charge", "budget"], "when": "true"},
]  # fmt: skip


@pytest.mark.parametrize("changes", MORE)
def test_a_policy_that_says_more_is_not_shadowed(changes: dict[str, Any]) -> None:
    first = policy("a", **({"min_amount": 9} if "min_amount" in changes else {}))
    found = lint_policies(policy_set(first, policy("b", **changes)), Known())
    assert "b" not in [one.policy_id for one in found if one.rule == "shadowed"]


SEEN = Known(values={"x_Team": frozenset({"web", "ml"}), "x_Environment": frozenset({"prod", "staging"})})


def test_a_value_that_no_charge_ever_had_is_named_with_the_nearest() -> None:
    (found,) = lint_policies(policy_set(policy("a", when='charge.environment == "stagging"', tests=TEST)), SEEN)
    assert found.rule == "value-never-seen"
    assert found.remedy == "Did you mean 'staging' for 'stagging'?"


def test_a_general_list_with_a_value_that_was_seen_is_left_alone() -> None:
    condition = 'charge.environment in ["dev", "staging", "sandbox"]'
    assert lint_policies(policy_set(policy("a", when=condition, tests=TEST)), SEEN) == ()


def test_a_value_of_an_intent_is_held_against_what_charges_had() -> None:
    of_intents = policy("a", on=["ai.request"], when='intent.team == "webb"', effect="warn")
    found = lint_policies(policy_set(of_intents), SEEN)
    assert "value-never-seen" in _rules(found)


def test_nothing_is_said_of_values_while_the_lake_is_empty() -> None:
    assert lint_policies(policy_set(policy("a", when='charge.environment == "stagging"', tests=TEST)), Known()) == ()


def test_a_hard_policy_that_was_not_tried_is_an_error_with_the_command_that_mends_it() -> None:
    policies = policy_set(policy("a", level="hard", tests=TEST))
    version = next(iter(policies)).policy.version
    (found,) = lint_policies(policies, Known(proven=frozenset()))
    assert (found.rule, found.severity) == ("hard-unproven", "error")
    assert "fiscus policy backtest a" in found.remedy
    assert lint_policies(policies, Known(proven=frozenset({("a", version)}))) == ()


def test_an_owner_who_is_nobody_or_has_left_is_an_error() -> None:
    known = Known(today=date(2026, 11, 20), live=frozenset({"web", "ana"}))
    assert _rules(lint_policies(policy_set(policy("a", tests=TEST)), known)) == ["owner-left"]
    assert lint_policies(policy_set(policy("a", owner="ana", tests=TEST)), known) == ()


def test_an_exception_that_has_ended_is_named_at_its_own_line() -> None:
    over = {
        "match": {"team": "web"},
        "owner": "ana",
        "reason": "A launch.",
        "until": "2026-10-31",
        "effect": "warn",
        "level": "observe",
    }
    asked = policy("a", on=["ai.request"], when="intent.stream", effect="deny", level="soft", exceptions=[over])
    known = Known(today=date(2026, 11, 20), live=frozenset({"finops"}))
    found = [one for one in lint_policies(policy_set(asked), known) if one.rule != "no-tests"]
    assert [(one.rule, one.line > 2) for one in found] == [("exception-expired", True), ("owner-left", True)]
    assert lint_policies(policy_set(asked), Known(today=date(2026, 10, 31)))[0].rule == "no-tests"


def test_an_approval_that_nobody_here_may_give_is_an_error() -> None:
    bands = [{"up_to": 100, "roles": ["finance"]}, {"roles": ["cfo"], "approvers": 2}]
    approval = {"currency": "USD", "bands": bands}
    asked = policy(
        "a", on=["ai.request"], when="intent.stream", effect="require_approval", level="soft", approval=approval
    )
    known = Known(roles={"finance": {"ana"}, "cfo": {"cem"}})
    (found,) = [one for one in lint_policies(policy_set(asked), known) if one.rule == "nobody-approves"]
    assert found.message == "It asks for two different people's yes by cfo, and one person here has such a role"
    enough = Known(roles={"finance": {"ana"}, "cfo": {"cem", "pia"}})
    assert "nobody-approves" not in _rules(lint_policies(policy_set(asked), enough))


def test_a_policy_whose_days_are_over_is_named() -> None:
    known = Known(today=date(2026, 11, 20))
    assert _rules(lint_policies(policy_set(policy("a", effective={"until": "2026-11-19"}, tests=TEST)), known)) == [
        "not-in-effect"
    ]
    assert lint_policies(policy_set(policy("a", effective={"until": "2026-11-20"}, tests=TEST)), known) == ()


def test_a_policy_is_not_shadowed_by_one_that_does_not_always_hold() -> None:
    found = lint_policies(policy_set(policy("a", effective={"from": "2026-12-01"}), policy("b")), Known())
    assert "shadowed" not in _rules(found) or [one.policy_id for one in found if one.rule == "shadowed"] == ["a"]


def test_files_that_do_not_load_are_findings_each_with_its_first_fault() -> None:
    good, bad = policy_text(policy("a", tests=TEST)), policy_text(policy("b", when="charge.nothing == 1"))
    policies, faults = load_or_faults(
        {"policies/good.yaml": good, "policies/bad.yaml": bad, "policies/no.yaml": "policies: [}"}
    )
    assert [compiled.policy.id for compiled in policies] == ["a"]
    assert [(one.file, one.rule) for one in faults] == [
        ("policies/bad.yaml", "does-not-load"),
        ("policies/no.yaml", "does-not-load"),
    ]
    assert "charge.nothing" in faults[0].message


def test_an_id_that_stands_in_two_files_is_one_fault() -> None:
    text = policy_text(policy("a", tests=TEST))
    policies, faults = load_or_faults({"policies/one.yaml": text, "policies/two.yaml": text})
    assert len(policies) == 0
    assert [(one.file, one.rule) for one in faults] == [("policies/two.yaml", "does-not-load")]


def test_findings_are_sarif_with_rule_place_and_remedy() -> None:
    found = lint_policies(policy_set(policy("a")), Known())
    document: Any = sarif(found, "1.0")
    (run,) = document["runs"]
    assert {rule["id"] for rule in run["tool"]["driver"]["rules"]} == set(RULES)
    (result,) = run["results"]
    place = result["locations"][0]["physicalLocation"]
    assert (result["ruleId"], result["level"]) == ("no-tests", "warning")
    assert place == {"artifactLocation": {"uri": "policies/test.yaml"}, "region": {"startLine": 2}}
