"""The verdict: what each level makes of a match, an error and a cap; the strongest word wins, in any order."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.effort import some
from tests.fixtures.judging import budgets_of, policy_of
from tests.fixtures.ledgers import opened

from fiscus.guardrails.decisions.decide import Asked, Judgement, decide
from fiscus.guardrails.decisions.rules import Rules
from fiscus.guardrails.ledger.types import Account
from fiscus.guardrails.policies.policy_set import CompiledPolicy, PolicySet
from fiscus.guardrails.types import VERDICTS, Budget, Intent
from fiscus.kernel.periods import FiscalCalendar

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
ASKED = Asked(
    Intent("ai.request", "max", "ml", "staging", Decimal("5.00"), "USD", provider="Anthropic"), (), "ml", "CC-2", NOON
)
MATCH, NO_MATCH, ERROR = "intent.team == 'ml'", "intent.team == 'web'", "intent.max_tokens > 0"
LEVELS = ("observe", "warn", "soft", "hard")


def _policy(name: str, when: str, level: str, **changes: str) -> CompiledPolicy:
    return policy_of(name, when, "ai.request", level=level, **changes)


def _decide(policies: list[CompiledPolicy], *budgets: tuple[Budget, Account | None]) -> Judgement:
    rules = Rules(PolicySet(tuple(policies)), [budget for budget, _ in budgets], FiscalCalendar(2))
    return decide(ASKED, rules, {account.key: account for _, account in budgets if account})


def _budget(
    name: str = "ai", cap: str = "hard", left: str = "4.00", currency: str = "USD", scope: str = "team: [ml]"
) -> tuple[Budget, Account]:
    """A budget of 10 of which `left` is left this month. `cap` empty: watched only."""
    enforced = f"cap: {cap}, " if cap else ""
    (budget,) = budgets_of(
        f"budgets: [{{id: {name}, title: {name.upper()}, scope: {{{scope}}}, period: month, currency: {currency}, "
        f"amount: 10, {enforced}thresholds: [], owner: ml}}]"
    )
    return budget, opened(budget, left)


@pytest.mark.parametrize(
    ("effect", "verdicts"),
    [
        ("warn", ("allow", "warn", "warn", "warn")),
        ("require_approval", ("allow", "warn", "require_approval", "require_approval")),
        ("deny", ("allow", "warn", "require_approval", "deny")),
    ],
)
def test_a_level_weakens_what_a_match_asks_for(effect: str, verdicts: tuple[str, ...]) -> None:
    assert tuple(_decide([_policy("p", MATCH, level, effect=effect)]).verdict for level in LEVELS) == verdicts


@pytest.mark.parametrize(
    ("on_error", "verdicts"),
    [
        ("allow", ("allow", "allow", "allow", "allow")),
        ("hold", ("allow", "warn", "require_approval", "require_approval")),
        ("deny", ("allow", "warn", "require_approval", "deny")),
    ],
)
def test_an_error_is_what_its_policy_says_and_never_a_no(on_error: str, verdicts: tuple[str, ...]) -> None:
    judged = [_decide([_policy("p", ERROR, level, on_error=on_error)]) for level in LEVELS]
    assert tuple(one.verdict for one in judged) == verdicts
    assert {one.policies[0].result for one in judged} == {"error"}
    assert all("intent.max_tokens is not given" in one.policies[0].reason for one in judged)


def test_what_does_not_match_says_nothing() -> None:
    judged = _decide([_policy("p", NO_MATCH, "hard", effect="deny")])
    assert (judged.verdict, judged.policies[0].result, judged.policies[0].reason) == ("allow", "no_match", "")


@pytest.mark.parametrize(
    ("cap", "verdict"),
    [("", "allow"), ("observe", "allow"), ("warn", "warn"), ("soft", "require_approval"), ("hard", "deny")],
)
def test_a_cap_that_would_be_broken_speaks_at_its_level(cap: str, verdict: str) -> None:
    judged = _decide([], _budget(cap=cap))
    assert judged.verdict == verdict
    assert judged.headroom[0].after == Decimal("-1.00")
    if verdict != "allow":
        (reason,) = judged.reasons
        assert all(said in reason for said in ("Budget AI", "4.00", "10.00", "USD", "2026-11", "5.00", "1.00 over"))


def test_the_last_cent_may_be_spent() -> None:
    assert _decide([], _budget(left="5.00")).verdict == "allow"
    assert _decide([], _budget(left="4.999999999")).verdict == "deny"


def test_another_currency_is_an_error_and_never_converted() -> None:
    judged = _decide([], _budget(currency="EUR", left="9.00"))
    assert (judged.verdict, judged.policies[0].result, judged.headroom) == ("require_approval", "error", ())
    assert "EUR" in judged.reasons[0]


def test_a_cap_that_nobody_knows_the_standing_of_holds() -> None:
    budget, status = _budget(left="9.00")
    unknown, stale = (
        _decide([], (budget, None)),
        replace(status, period=FiscalCalendar(2).period("month", date(2026, 10, 1))),
    )
    assert unknown.verdict == "require_approval"
    assert _decide([], (budget, stale)).verdict == "require_approval"
    assert _decide([], (replace(budget, cap=None), None)).verdict == "allow"


def test_an_intent_that_no_budget_covers_says_so() -> None:
    judged = _decide([], _budget(scope="team: [web]"))
    assert (judged.verdict, judged.headroom) == ("allow", ())
    assert "No budget covers it" in judged.reasons[0]


@pytest.mark.parametrize(
    ("cap", "verdict"), [("hard", "require_approval"), ("soft", "require_approval"), ("warn", "warn")]
)
def test_a_cap_is_not_dodged_by_leaving_out_what_it_is_on(cap: str, verdict: str) -> None:
    judged = _decide([], _budget(scope="team: [ml], product: [assistant]", cap=cap))
    assert (judged.verdict, judged.unasked) == (verdict, ())
    assert "cap on product, which the intent does not state" in judged.reasons[0]
    assert _decide([], _budget(scope="team: [web], product: [assistant]", cap=cap)).verdict == "allow"


def test_a_cap_on_what_no_intent_can_state_is_named_as_not_asked() -> None:
    assert _decide([], _budget(scope="team: [ml], owner: [lea]")).unasked == ("ai",)
    assert _decide([], _budget(scope="team: [web], owner: [lea]")).unasked == ()


def test_the_next_step_is_the_remedy_of_what_decided() -> None:
    denies = _policy("a", MATCH, "hard", effect="deny", remedy="Ask less.")
    warns = _policy("b", MATCH, "warn", effect="warn", remedy="Think.")
    assert _decide([denies, warns]).next_step == "Ask less."
    assert _decide([warns]).next_step == "Go ahead, and consider: Think."
    assert _decide([]).next_step == "Go ahead."


_ONE = st.tuples(
    st.sampled_from([MATCH, NO_MATCH, ERROR]),
    st.sampled_from(LEVELS),
    st.sampled_from(["warn", "require_approval", "deny"]),
    st.sampled_from(["allow", "hold", "deny"]),
)


@settings(max_examples=some(60), deadline=None)
@given(
    drawn=st.lists(_ONE, max_size=5),
    caps=st.lists(st.tuples(st.sampled_from(["", *LEVELS]), st.sampled_from(["4", "9"])), max_size=3),
    seed=st.randoms(use_true_random=False),
)
def test_order_changes_nothing_and_one_more_voice_never_weakens(drawn, caps, seed) -> None:
    policies = [
        _policy(f"p{n}", when, level, effect=effect, on_error=on_error)
        for n, (when, level, effect, on_error) in enumerate(drawn)
    ]
    budgets = [_budget(f"b{n}", cap, left) for n, (cap, left) in enumerate(caps)]
    judged = _decide(policies, *budgets)
    alone = [_decide([policy]).verdict for policy in policies] + [_decide([], budget).verdict for budget in budgets]
    assert judged.verdict == max(alone, key=VERDICTS.index, default="allow")
    seed.shuffle(policies)
    seed.shuffle(budgets)
    assert _decide(policies, *budgets) == judged
