"""Asked together or one by one: the same policies match, and the same have no answer."""

from __future__ import annotations

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.effort import some
from tests.fixtures.judging import policy_of

from fiscus.guardrails.policies.joint_conditions import JointConditions

TERMS = (
    'intent.environment == "staging"', 'intent.team == "ml"', "intent.max_tokens > 100", 'intent.provider in ["OpenAI", "AWS"]',
    'intent.model.startsWith("gpt-")', '(intent.team == "web" || intent.max_tokens > 5)', "!(intent.stream)", "true", "false",
    'intent.amount > money("1.00 USD")', "(has(intent.max_tokens) && intent.max_tokens > 50)", '"finops" in requester.roles',
)  # fmt: skip
conditions = st.lists(
    st.lists(st.sampled_from(TERMS), min_size=1, max_size=5).map(" && ".join), min_size=1, max_size=12
)
facts = st.fixed_dictionaries(
    {},
    optional={
        "intent.environment": st.sampled_from(("staging", "prod")),
        "intent.team": st.sampled_from(("ml", "web")),
        "intent.max_tokens": st.integers(0, 200),
        "intent.provider": st.sampled_from(("OpenAI", "Mistral")),
        "intent.model": st.sampled_from(("gpt-5", "claude")),
        "intent.stream": st.booleans(),
        "intent.amount": st.integers(0, 3 * 10**9),
        "intent.currency": st.sampled_from(("USD", "EUR")),
        "requester.roles": st.sampled_from(((), ("finops",))),
    },
)


@settings(max_examples=some(400), deadline=None)
@given(conditions, st.lists(facts, min_size=1, max_size=8))
def test_whoever_has_something_to_say_is_found(texts: list[str], asked: list[dict[str, object]]) -> None:
    policies = [policy_of(f"p-{n}", text, "ai.request") for n, text in enumerate(texts)]
    joint = JointConditions([one.conditions["ai.request"] for one in policies])
    for one in asked:
        alone = [policy.closures["ai.request"](one)[0] for policy in policies]
        matched, unsure = joint.ask(one)
        assert len({*matched, *unsure}) == len(matched) + len(unsure)
        assert all(alone[n] == "match" for n in matched)
        assert {n for n, said in enumerate(alone) if said != "no_match"} <= {*matched, *unsure}
        if len(one) == 9 and one["intent.currency"] == "USD":  # everything is given: everything has an answer
            assert not unsure
