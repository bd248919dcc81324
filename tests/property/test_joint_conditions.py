"""Asked together or one by one: the same policies match, and the same have no answer. So by one function, or branch by branch."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.effort import some
from tests.fixtures.judging import policy_of

from fiscus.guardrails.policies.compile_closure import NO_ANSWER, TooLong
from fiscus.guardrails.policies.joint_conditions import JointConditions
from fiscus.guardrails.policies.joint_function import DEPTH_MAX

TERMS = (
    'intent.environment == "staging"', 'intent.team == "ml"', "intent.max_tokens > 100", 'intent.provider in ["OpenAI", "AWS"]',
    'intent.model.startsWith("gpt-")', '(intent.team == "web" || intent.max_tokens > 5)', "!(intent.stream)", "true", "false",
    'intent.amount > money("1.00 USD")', "(has(intent.max_tokens) && intent.max_tokens > 50)", '"finops" in requester.roles',
    'intent.model == "gpt-5"', 'intent.model == "claude"', 'intent.model == "o3"', 'intent.model == "grok"',
    "intent.max_tokens > 150", '!(intent.team == "ml")', 'intent.model.endsWith("5")', 'intent.model.contains("lau")',
    "size(intent.model) < 6",
    "intent.team != intent.provider", 'intent.amount < money("2.00 EUR")', "intent.amount > 0", 'intent.model.matches("^gpt")',
    '(intent.stream ? intent.team == "ml" : intent.max_tokens * 2 > 90)', 'intent.provider > "B"', "intent.max_tokens in [1, 2]",
    "intent.max_tokens >= 100", "intent.max_tokens < 150", "intent.max_tokens <= 150", 'intent.amount >= money("1.00 USD")',
    'intent.amount > money("1.50 USD")', "50 < intent.max_tokens",
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
        "intent.model": st.sampled_from(("gpt-5", "claude", "o3")) | st.builds(TooLong, st.just("a text")),
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
        walked = JointConditions([one.conditions["ai.request"] for one in policies])
        walked.__dict__["_step"] = _without_answer
        assert [sorted(places) for places in walked.ask(one)] == [sorted(places) for places in (matched, unsure)]


@pytest.mark.thorough
def test_conditions_deeper_than_python_indents_are_asked_together_too() -> None:
    terms = [f"intent.max_tokens > {n}" for n in range(3 * DEPTH_MAX)]
    policies = [policy_of(f"p-{n}", " && ".join(terms[: n + 1]), "ai.request") for n in range(len(terms))]
    joint = JointConditions([one.conditions["ai.request"] for one in policies])
    for tokens in (0, 1, DEPTH_MAX - 1, DEPTH_MAX, DEPTH_MAX + 1, 2 * DEPTH_MAX, 3 * DEPTH_MAX):
        matched, unsure = joint.ask({"intent.max_tokens": tokens})
        assert (sorted(matched), list(unsure)) == (list(range(tokens)), [])


def test_who_asks_for_more_is_asked_where_less_held() -> None:
    """Each bound is its own rung, whatever its side and whether it holds at the bound itself."""
    texts = [f"intent.max_tokens {op} {bound}" for bound in (5, 7, -3) for op in (">", ">=", "<", "<=")]
    policies = [policy_of(f"p-{n}", text, "ai.request") for n, text in enumerate(texts)]
    joint = JointConditions([one.conditions["ai.request"] for one in policies])
    for tokens in range(-5, 10):
        one = {"intent.max_tokens": tokens}
        alone = [n for n, policy in enumerate(policies) if policy.closures["ai.request"](one)[0] == "match"]
        assert sorted(joint.ask(one)[0]) == alone


def test_a_text_of_a_policy_never_becomes_a_line_of_the_function() -> None:
    written = "\"') or matched.append(0) #\\"
    said = written.replace("\\", "\\\\").replace('"', '\\"')
    policies = [
        policy_of(f"p-{n}", f'intent.model == "{text}"', "ai.request") for n, text in enumerate(("gpt-5", said))
    ]
    joint = JointConditions([one.conditions["ai.request"] for one in policies])
    assert joint.ask({"intent.model": "gpt-4"}) == ([], ())
    assert joint.ask({"intent.model": written}) == ([1], ())


def _without_answer(facts: object) -> None:
    raise NO_ANSWER[0]
