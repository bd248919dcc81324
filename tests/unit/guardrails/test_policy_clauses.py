"""What a policy asks for beside its condition: cheaper ways with their price, approvals by amount, exceptions, and its days."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from itertools import permutations
from typing import Any

import pytest
import yaml

from fiscus.guardrails.decisions.decide import Asked, Judgement, decide
from fiscus.guardrails.decisions.policy_words import NO_QUOTES
from fiscus.guardrails.decisions.rules import Rules
from fiscus.guardrails.policies.load_policies import load_policies
from fiscus.guardrails.policies.policy_set import PolicySet
from fiscus.guardrails.policies.probe_policies import closure_failures
from fiscus.guardrails.ports import Quotes
from fiscus.guardrails.types import ApprovalNeeded, Intent, Quote
from fiscus.kernel.errors import BadConfig
from fiscus.kernel.periods import FiscalCalendar

FRIDAY = datetime(2026, 11, 20, 14, tzinfo=UTC)
SMALL = {"title": "the small model", "change": {"model": "small-1"}, "price_share": "0.2"}
BATCH = {"title": "the batch tier", "change": {"service_tier": "batch"}, "price_share": "0.5"}
BANDS = {
    "currency": "USD",
    "expires_hours": 48,
    "bands": [
        {"up_to": "10.00", "roles": ["lead"]},
        {"up_to": "100.00", "roles": ["finance"]},
        {"roles": ["cfo"], "approvers": 2},
    ],
}


def _policies(*changes: Mapping[str, Any]) -> PolicySet:
    policies = [
        {
            "id": f"p{number}", "title": f"Rule {number}", "on": ["ai.request"], "when": 'intent.environment != "prod"',
            "level": "hard", "on_error": "hold", "effect": "deny", "reason": "Because.", "remedy": "Mend it.", "owner": "finops",
            **change,
        }
        for number, change in enumerate(changes)
    ]  # fmt: skip
    return load_policies({"policies/test.yaml": yaml.safe_dump({"policies": policies}, sort_keys=False)})


def _ask(amount: str = "8.00", **changes: Any) -> Intent:
    attributes = changes.pop("attributes", {"model": "large-1"})
    intent = Intent("ai.request", "max", "ml", "staging", Decimal(amount), "USD", "Anthropic", "assistant")
    return replace(intent, attributes=attributes, **changes)


def _judged(
    policies: PolicySet, intent: Intent | None = None, at: datetime = FRIDAY, quotes: Quotes = NO_QUOTES
) -> Judgement:
    return decide(
        Asked(intent or _ask(), ("engineer",), "ml", "CC-ML", at), Rules(policies, (), FiscalCalendar(2)), {}, quotes
    )


class TestCheaperWays:
    def test_the_one_that_saves_most_comes_first_and_is_the_next_step(self) -> None:
        judged = _judged(_policies({"effect": "degrade", "options": [BATCH, SMALL]}))
        assert judged.verdict == "degrade"
        assert [(option.title, option.amount, option.saving) for option in judged.options] == [
            ("the small model", Decimal("1.60"), Decimal("6.40")),
            ("the batch tier", Decimal("4.00"), Decimal("4.00")),
        ]
        assert judged.options[0].priced_by == "policy"
        assert judged.next_step == "Ask for the small model instead: 1.60 USD, 6.40 less. Mend it."

    def test_a_share_of_a_price_is_rounded_up_at_the_billionth(self) -> None:
        (option,) = _judged(_policies({"effect": "degrade", "options": [SMALL]}), _ask("0.000000001")).options or (
            None,
        )
        assert option is None  # rounded up it is no cheaper
        (option,) = _judged(_policies({"effect": "degrade", "options": [SMALL]}), _ask("0.000000007")).options
        assert (option.amount, option.saving) == (Decimal("0.000000002"), Decimal("0.000000005"))

    def test_what_was_asked_for_already_or_would_be_denied_is_not_offered(self) -> None:
        no_batch = {"when": 'intent.service_tier == "batch"', "effect": "deny", "level": "hard"}
        policies = _policies({"effect": "degrade", "options": [BATCH, SMALL]}, no_batch)
        assert [option.title for option in _judged(policies).options] == ["the small model"]
        assert _judged(policies, _ask(attributes={"model": "small-1"})).options == ()

    def test_a_way_without_a_price_is_offered_once_somebody_quotes_it(self) -> None:
        policies = _policies({"effect": "degrade", "options": [{"change": {"model": "small-1", "provider": "Acme"}}]})
        assert _judged(policies).options == ()

        class History:
            def quote(self, intent: Intent, change: Mapping[str, object]) -> Quote | None:
                return Quote(intent.amount / 4, "history") if change["model"] == "small-1" else None

        (option,) = _judged(policies, quotes=History()).options
        assert (option.title, option.amount, option.priced_by) == ("model small-1, provider Acme", 2, "history")

    def test_the_same_change_is_offered_once_at_its_best_price(self) -> None:
        dearer = {**SMALL, "price_share": "0.9"}
        judged = _judged(_policies(*({"effect": "degrade", "options": [way]} for way in (dearer, SMALL))))
        assert [(option.amount, option.policy_id) for option in judged.options] == [(Decimal("1.60"), "p1")]

    def test_of_very_many_the_best_twenty_are_looked_at(self) -> None:
        ways = [{"change": {"model": f"m-{n}"}, "price_share": f"0.{n:03d}"} for n in range(1, 61)]
        policies = _policies(*({"effect": "degrade", "options": ways[n : n + 20]} for n in (0, 20, 40)))
        offered = _judged(policies).options
        assert [option.change["model"] for option in offered] == [f"m-{n}" for n in range(1, 21)]

    @pytest.mark.parametrize(
        ("level", "verdict", "offered"), [("warn", "warn", 1), ("observe", "allow", 0), ("soft", "degrade", 1)]
    )
    def test_a_weaker_level_still_tells_of_them(self, level: str, verdict: str, offered: int) -> None:
        judged = _judged(_policies({"effect": "degrade", "options": [SMALL], "level": level}))
        assert (judged.verdict, len(judged.options)) == (verdict, offered)

    def test_a_denial_may_say_what_is_cheaper(self) -> None:
        judged = _judged(_policies({"when": 'intent.model == "large-1"', "effect": "deny", "options": [SMALL]}))
        assert (judged.verdict, [option.title for option in judged.options]) == ("deny", ["the small model"])


class TestApprovals:
    @pytest.mark.parametrize(
        ("amount", "currency", "roles", "approvers"),
        [
            ("10.00", "USD", ("lead",), 1),
            ("10.000000001", "USD", ("finance",), 1),
            ("100.00", "USD", ("finance",), 1),
            ("100.01", "USD", ("cfo",), 2),
            ("1.00", "EUR", ("cfo",), 2),  # not converted silently: the strictest
        ],
    )
    def test_the_amount_says_who_approves(
        self, amount: str, currency: str, roles: tuple[str, ...], approvers: int
    ) -> None:
        policies = _policies({"effect": "require_approval", "level": "soft", "approval": BANDS})
        needed = _judged(policies, _ask(amount, currency=currency)).approval
        assert needed is not None
        assert (needed.roles, needed.approvers, needed.expires_hours) == (roles, approvers, 48)

    def test_a_policy_that_says_nothing_of_it_asks_whoever_answers(self) -> None:
        needed = _judged(_policies({"effect": "require_approval"})).approval
        assert needed == ApprovalNeeded((), 1, 72, "Rule 0")

    @pytest.mark.parametrize("order", list(permutations(range(3))))
    def test_of_several_the_strictest_counts_in_any_order(self, order: tuple[int, ...]) -> None:
        wanted = [
            {"approval": BANDS},
            {"approval": {"roles": ["security"], "approvers": 2, "expires_hours": 24}},
            {},
        ]
        policies = _policies(*({"id": f"q{n}", "effect": "require_approval", **wanted[n]} for n in order))
        needed = _judged(policies, _ask("50.00")).approval
        assert needed == ApprovalNeeded(
            ("finance",), 2, 24, "Rule 0 (above 10.00 USD)".replace("0 (", f"{order.index(0)} (")
        )

    def test_an_error_that_holds_and_a_denial_that_is_soft_want_it_too(self) -> None:
        unknown = {"when": "intent.max_tokens > 5", "on_error": "hold", "approval": {"roles": ["finops"]}}
        for change in (unknown, {"level": "soft", "approval": {"roles": ["finops"]}}):
            judged = _judged(_policies(change))
            assert judged.verdict == "require_approval"
            assert judged.approval is not None
            assert judged.approval.roles == ("finops",)

    def test_nobody_approves_what_is_denied(self) -> None:
        policies = _policies({"effect": "require_approval", "approval": BANDS}, {"effect": "deny"})
        assert (_judged(policies).verdict, _judged(policies).approval) == ("deny", None)


EXCEPTION = {"match": {"team": "ml"}, "owner": "finops", "reason": "A trial.", "until": "2026-11-20"}


class TestExceptions:
    def test_one_that_applies_weakens_the_policy_and_says_so(self) -> None:
        policies = _policies({"exceptions": [EXCEPTION]})
        judged = _judged(policies)
        assert judged.verdict == "allow"
        (result,) = judged.policies
        assert result.result == "match"
        assert "Excepted until 2026-11-20 by finops: A trial." in result.reason
        assert _judged(policies, _ask(team="web")).verdict == "deny"

    def test_it_ends_with_its_last_day(self) -> None:
        policies = _policies({"exceptions": [EXCEPTION]})
        assert _judged(policies, at=datetime(2026, 11, 20, 23, 59, tzinfo=UTC)).verdict == "allow"
        assert _judged(policies, at=datetime(2026, 11, 21, tzinfo=UTC)).verdict == "deny"

    @pytest.mark.parametrize(
        ("change", "verdict"),
        [
            ({"effect": "warn"}, "warn"),
            ({"level": "soft"}, "require_approval"),
            ({"effect": "require_approval"}, "require_approval"),
        ],
    )
    def test_it_may_ask_for_less_instead_of_nothing(self, change: Mapping[str, str], verdict: str) -> None:
        judged = _judged(_policies({"exceptions": [{**EXCEPTION, **change}]}))
        assert judged.verdict == verdict
        assert "Excepted until" in judged.reasons[0]

    def test_it_excuses_an_error_as_it_excuses_a_match(self) -> None:
        unknown = {"when": "intent.max_tokens > 5", "on_error": "deny", "exceptions": [{**EXCEPTION, "effect": "warn"}]}
        assert _judged(_policies(unknown)).verdict == "warn"

    def test_one_that_cannot_be_judged_does_not_apply_and_says_so(self) -> None:
        broken = {**EXCEPTION, "when": "intent.max_tokens < 100"}
        del broken["match"]
        judged = _judged(_policies({"exceptions": [broken]}))
        assert judged.verdict == "deny"
        assert (
            "An exception could not be judged and does not apply (intent.max_tokens is not given)" in judged.reasons[0]
        )

    @pytest.mark.parametrize("order", list(permutations(range(4))))
    def test_the_most_specific_applies_and_of_equals_the_one_that_weakens_least(self, order: tuple[int, ...]) -> None:
        """Two facts before one; an `or` pins down only what both its sides do; equals: require_approval before warn."""
        exceptions: list[Mapping[str, object]] = [
            {"match": {"team": "ml"}},
            {"match": {"team": ["ml", "web"], "environment": "staging"}, "effect": "warn"},
            {"when": 'intent.team == "ml" && intent.model == "large-1"', "effect": "require_approval"},
            {
                "when": '(intent.team == "ml" && intent.model == "large-1" && intent.provider == "x") || intent.team == "ml"'
            },
        ]
        common = {"owner": "finops", "reason": "A trial.", "until": "2026-12-31"}
        policies = _policies({"exceptions": [{**common, **exceptions[n]} for n in order]})
        assert _judged(policies).verdict == "require_approval"
        assert _judged(policies, _ask(attributes={})).verdict == "warn"
        assert _judged(policies, _ask(environment="dev", attributes={})).verdict == "allow"

    def test_who_asks_may_be_excepted_by_role(self) -> None:
        policies = _policies({"exceptions": [{**EXCEPTION, "match": {"requester.roles": ["engineer", "cto"]}}]})
        assert _judged(policies).verdict == "allow"

    def test_a_tag_may_be_the_exception(self) -> None:
        tagged = {**EXCEPTION, "match": {"tag:tier": ["gold", "silver"]}}
        policies = _policies({"on": ["resource.provision"], "exceptions": [tagged]})

        def verdict(**attributes: object) -> str:
            return _judged(policies, _ask(kind="resource.provision", attributes=attributes)).verdict

        assert verdict(tags={"tier": "gold"}) == "allow"
        assert verdict(tags={"tier": "lead"}) == verdict() == "deny"

    def test_tests_beside_the_policy_see_exceptions_and_the_day_on_which_they_are_asked(self) -> None:
        given = {"intent": {"environment": "dev", "team": "ml"}}
        tests = [
            {"given": given, "expect": "match", "verdict": "allow"},
            {"given": {**given, "now": {"date": "2026-11-21"}}, "expect": "match", "verdict": "deny"},
        ]
        (compiled,) = _policies({"exceptions": [EXCEPTION], "tests": tests})
        assert closure_failures(compiled) == ()


class TestItsDays:
    @pytest.mark.parametrize(
        ("day", "verdict"),
        [
            (date(2026, 11, 19), "allow"),
            (date(2026, 11, 20), "deny"),
            (date(2026, 11, 30), "deny"),
            (date(2026, 12, 1), "allow"),
        ],
    )
    def test_a_policy_is_in_force_from_its_first_day_to_its_last(self, day: date, verdict: str) -> None:
        policies = _policies({"effective": {"from": "2026-11-20", "until": "2026-11-30"}})
        judged = _judged(policies, at=datetime(day.year, day.month, day.day, 12, tzinfo=UTC))
        assert (judged.verdict, len(judged.policies)) == (verdict, int(verdict == "deny"))

    def test_one_condition_a_kind_of_spend(self) -> None:
        whens = {"ai.request": "intent.max_tokens > 5", "saas.seat": "intent.seats > 5"}
        policies = _policies({"on": ["ai.request", "saas.seat"], "when": whens})
        assert _judged(policies, _ask(attributes={"max_tokens": 6})).verdict == "deny"
        assert _judged(policies, _ask(kind="saas.seat", attributes={"seats": 5})).verdict == "allow"
        assert policies.policies[0].policy.when == "ai.request: intent.max_tokens > 5; saas.seat: intent.seats > 5"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"effect": "degrade"}, "effect: degrade offers nothing"),
        ({"options": [{**SMALL, "price_share": "1"}]}, "1 of the price is not cheaper"),
        ({"options": [{**SMALL, "price_share": "NaN"}]}, "NaN is no number"),
        ({"options": [{"change": {"modle": "x"}}]}, "'modle' is nothing that a ai.request can change"),
        ({"options": [{"change": {"amount": "1"}}]}, "'amount' is nothing that a ai.request can change"),
        ({"options": [{"change": {"max_tokens": "few"}}]}, "intent.max_tokens is a whole number"),
        ({"options": []}, "should be non-empty"),
        ({"approval": {"bands": [{"up_to": 5}, {}]}}, "The bands have no currency"),
        ({"approval": {"currency": "USD", "bands": [{"up_to": 5}]}}, "The last band has no up_to"),
        ({"approval": {"currency": "USD", "bands": [{}, {}]}}, "A band has no up_to and is not the last"),
        ({"approval": {"currency": "USD", "bands": [{"up_to": 5}, {"up_to": 5}, {}]}}, "5 is not above 5"),
        ({"approval": {"currency": "USD", "bands": [{}], "roles": ["cfo"]}}, "roles stands beside bands"),
        ({"approval": {"approvers": 3}}, "3 is not one of"),
        ({"exceptions": [{**EXCEPTION, "until": "soon"}]}, "'soon' is no date"),
        ({"exceptions": [{**EXCEPTION, "when": "true"}]}, "either when or match"),
        ({"exceptions": [{**EXCEPTION, "effect": "deny"}]}, "no weaker than the policy itself"),
        ({"level": "soft", "exceptions": [{**EXCEPTION, "level": "hard"}]}, "no weaker than the policy itself"),
        ({"exceptions": [{**EXCEPTION, "match": {"tem": "ml"}}]}, "Did you mean intent.team? Anything else"),
        ({"exceptions": [{**EXCEPTION, "match": {"amount": "5"}}]}, "intent.amount is no text"),
        ({"exceptions": [{**EXCEPTION, "match": {"tag:a": "b"}}]}, "ai.request has no tags"),
        ({"exceptions": [{"owner": "x", "reason": "y"}]}, "'until' is a required property"),
        ({"effective": {"from": "2026-12-01", "until": "2026-11-01"}}, "ends before it begins"),
        ({"effect": "act", "action": "aws.ec2.stop"}, "nothing to act on before ai.request is there"),
        ({"action": "aws.ec2.stop"}, "An action goes with effect: act"),
        ({"on": ["charge"], "when": "true", "effect": "deny"}, "What is spent cannot be asked to deny"),
        ({"on": ["charge"], "when": "true", "effect": "act"}, "effect: act names no action"),
        ({"on": ["charge"], "when": "true", "effect": "warn", "approval": {}}, "approval are of intents"),
        ({"when": {"saas.seat": "true"}}, "The policy does not judge saas.seat"),
        ({"on": ["ai.request", "saas.seat"], "when": {"saas.seat": "true"}}, "There is no condition for ai.request"),
        ({"when": {"ai.request": "intent.po == ''"}}, "intent.po is no fact of ai.request"),
    ],
)  # fmt: skip
def test_a_clause_that_makes_no_sense_is_refused_with_its_line(change: Mapping[str, Any], said: str) -> None:
    with pytest.raises(BadConfig) as refused:
        _policies(change)
    assert said in str(refused.value)
    assert refused.value.where is not None
    assert refused.value.where.line
