"""Policies are loaded as a whole or not at all; a mistake is named with its file, its line and what to write instead."""

from __future__ import annotations

import json
from dataclasses import replace
from decimal import Decimal

import pytest

from fiscus.guardrails.policies.check_condition import check_condition
from fiscus.guardrails.policies.load_policies import load_policies
from fiscus.guardrails.types import PolicyTarget
from fiscus.kernel.errors import BadConfig
from fiscus.kernel.limits import POLICIES_MAX

GOOD = """
policies:
  - id: large-purchase
    title: A large purchase is approved first
    on: [marketplace.purchase]
    when: 'intent.amount > money("500.00 USD")'
    level: soft
    on_error: hold
    effect: require_approval
    reason: It is a contract.
    remedy: Ask procurement.
    owner: procurement
    tests:
      - {given: {intent: {amount: "500.01", currency: USD}}, expect: match, verdict: require_approval}
      - {given: {intent: {amount: 500, currency: USD}}, expect: no_match}
"""
DETECTOR = """
  - {id: prices, title: Prices, detector: price_change, level: warn, on_error: allow, reason: R., remedy: M., owner: finops,
     settings: {percent_min: 2.5}, min_amount: "100.000000000001"}
"""
FILE = "policies/test.yaml"


def _with(old: str, new: str, text: str = GOOD) -> str:
    assert old in text
    return text.replace(old, new)


def _refused(text: str) -> BadConfig:
    with pytest.raises(BadConfig) as refused:
        load_policies({FILE: text})
    error = refused.value
    assert error.where is not None
    assert error.where.file == FILE
    assert error.where.line
    assert error.remedy
    return error


def test_a_policy_says_what_it_means_without_being_told() -> None:
    loaded = load_policies({FILE: GOOD + DETECTOR})
    purchase, prices = loaded.policies
    assert (purchase.policy.file, purchase.policy.line) == (FILE, 3)
    assert (purchase.policy.finding, purchase.policy.min_amount, purchase.policy.window_days) == ("policy", 0, 0)
    assert purchase.closures["marketplace.purchase"](purchase.tests[0].given) == ("match", "")
    assert purchase.tests[1].given == {"intent.amount": 500 * 10**9, "intent.currency": "USD"}
    assert prices.policy.min_amount == Decimal("100.000000000001")
    assert prices.settings["percent_min"] == Decimal("2.5")
    assert prices.settings["history_days"] == 60, "what is not set stands at its default"
    assert loaded.detectors() == [prices]
    assert loaded.on("marketplace.purchase") == [purchase]


def test_one_policy_may_judge_several_targets_each_by_its_own_facts() -> None:
    several = _with("[marketplace.purchase]", "[marketplace.purchase, ai.request, resource.provision]")
    (policy,) = load_policies({FILE: several}).policies
    assert set(policy.closures) == {"marketplace.purchase", "ai.request", "resource.provision"}
    assert policy.charge_sql == ""
    wrong = _refused(_with("[marketplace.purchase]", "[marketplace.purchase, charge]"))
    assert "intent.amount is no fact of charge" in wrong.message
    assert wrong.remedy == "A policy on charge may ask charge.*: docs/reference/policies.md lists them."


def test_the_version_names_the_meaning_and_not_the_wording() -> None:
    def version(text: str) -> str:
        return load_policies({FILE: text}).policies[0].policy.version

    assert version(GOOD) == version(_with("It is a contract.", "It binds us for a year."))
    assert version(GOOD) != version(_with("500.00 USD", "500.01 USD"))
    assert version(GOOD) != version(_with("level: soft", "level: hard"))
    assert load_policies({FILE: GOOD}).digest != load_policies({FILE: GOOD + DETECTOR}).digest
    assert load_policies({FILE: GOOD}).digest == load_policies({"other.yaml": "\n\n" + GOOD}).digest


@pytest.mark.parametrize(
    ("text", "line", "said", "remedy"),
    [
        (_with("owner: procurement", "owners: procurement"), 12, "Unknown key 'owners'", "Did you mean owner?"),
        (_with("    owner: procurement\n", ""), 3, "'owner' is a required property", "Add the missing key."),
        (_with("level: soft", "level: harsh"), 7, "'harsh' is not one of", "Did you mean hard?"),
        (_with("on_error: hold", "on_error: wait"), 8, "'wait' is not one of", "no answer"),
        (_with("effect: require_approval", "effect: refuse"), 9, "'refuse' is not one of", "asks of an intent"),
        (_with("[marketplace.purchase]", "[marketplace.purchases]"), 5, "is not one of", "Did you mean marketplace.purchase?"),
        (_with("[marketplace.purchase]", "marketplace.purchase"), 5, "is not of type 'array'", "See"),
        (_with("[marketplace.purchase]", "[]"), 5, "should be non-empty", "See"),
        (_with("id: large-purchase", "id: Large Purchase"), 3, "does not match", "a slug of small letters"),
        (_with("reason: It is a contract.", 'reason: ""'), 10, "should be non-empty", "why, in plain words"),
        (_with("    effect: require_approval\n", ""), 3, "does not say what a match asks for", "Write effect"),
        (_with("    on: [marketplace.purchase]\n", ""), 3, "has no on", "name a detector"),
        (_with("    when: 'intent.amount > money(\"500.00 USD\")'\n", ""), 3, "has no when", "name a detector"),
        (_with("level: soft", "level: soft\n    settings: {days: 3}"), 8, "Only a detector has settings", "into the condition"),
        (_with("level: soft", "level: soft\n    min_amount: some"), 8, "'some' is no decimal number", "such as 50.00"),
        (_with("level: soft", "level: soft\n    min_amount: -1"), 8, "-1 is no amount", "at least 0"),
        (_with("level: soft", "level: soft\n    min_amount: .nan"), 8, "not a value that a workspace file may hold", "number"),
        (_with("level: soft", "level: soft\n    window_days: 0"), 8, "0 is less than the minimum", "charges of the last"),
        (_with("level: soft", "level: soft\n    action: aws.ec2.halt"), 8, "is not one of", "an action to plan"),
        (_with("level: soft", "level: soft\n    level: hard"), 8, "'level' stands here twice", "Keep one"),
        (_with("expect: no_match}", "expect: nomatch}"), 15, "'nomatch' is not one of", "Did you mean no_match?"),
        (_with("amount: 500,", "amuont: 500,"), 15, "intent.amuont is no fact of marketplace.purchase", "intent.amount?"),
        (_with("amount: 500,", "amount: 0.0000000001,"), 15, "no decimal number of at most nine decimals", '"500.00"'),
        (_with("amount: 500,", "amount: lots,"), 15, "no decimal number of at most nine decimals", '"500.00"'),
        (_with("amount: 500,", "amount: true,"), 15, "intent.amount is no decimal number: True", '"500.00"'),
        (_with("amount: 500,", "amount: 9300000000,"), 15, "larger than 64 bits hold", "under 9 billion"),
        (_with("amount: 500,", "term_months: twelve,"), 15, "intent.term_months is a whole number, not 'twelve'", "quotes"),
        (_with("amount: 500,", "term_months: true,"), 15, "intent.term_months is a whole number, not True", "quotes"),
        (_with("amount: 500,", "vendor: 500,"), 15, "intent.vendor is a text, not 500", "quotes"),
        (_with("amount: 500,", "renewal: 1,"), 15, "intent.renewal is true or false, not 1", "quotes"),
        (_with("expect: no_match}", "on: charge, expect: no_match}"), 15, "does not judge charge", "Known:"),
        (_with("on: [marketplace.purchase]", "on: [marketplace.purchase"), 6, "Not valid YAML", "Mend the line shown."),
        (_with("id: large-purchase", "id: !!binary bGFyZ2U="), 3, "not a value that a workspace file may hold", "plain text"),
        ("policy: []", 1, "Unknown key 'policy'", "Did you mean policies?"),
        ("policies: {}", 1, "is not of type 'array'", "See"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_line_and_remedy(text: str, line: int, said: str, remedy: str) -> None:
    error = _refused(text)
    assert error.where is not None
    assert (error.where.line, said in error.message, remedy in error.remedy) == (line, True, True), str(error)


@pytest.mark.parametrize(
    ("text", "line", "said", "remedy"),
    [
        (_with("prices, title", "prices, when: 'true', title", DETECTOR), 17, "A detector has no when", "use a condition"),
        (_with("prices, title", "prices, tests: [], title", DETECTOR), 17, "A detector has no tests", "use a condition"),
        (_with("prices, title", "prices, effect: deny, title", DETECTOR), 17, "A detector has no effect", "use a condition"),
        (_with("percent_min", "percent_mni", DETECTOR), 18, "price_change has no setting 'percent_mni'", "percent_min?"),
        (_with("2.5", "-2.5", DETECTOR), 18, "is less than or equal to the minimum", "See"),
        (_with("2.5", "much", DETECTOR), 18, "is not of type 'number'", "See"),
        (_with("price_change", "price_changes", DETECTOR), 17, "'price_changes' is not one of", "detector"),
    ],
)  # fmt: skip
def test_a_detector_has_settings_and_no_condition(text: str, line: int, said: str, remedy: str) -> None:
    error = _refused(GOOD + text)
    assert error.where is not None
    assert (error.where.line, said in error.message, remedy in error.remedy) == (line, True, True), str(error)


REFUSED: list[tuple[PolicyTarget, str, str, str]] = [
    # Names that nobody knows.
    ("ai.request", "intent.modle == 'x'", "intent.modle is no fact of ai.request", "Did you mean intent.model?"),
    ("ai.request", "has(intent.modle)", "intent.modle is no fact", "Did you mean intent.model?"),
    ("ai.request", "intent.po == ''", "intent.po is no fact of ai.request", "docs/reference/policies.md lists them"),
    ("ai.request", "requester.shoe == ''", "requester.shoe is no fact of ai.request", "Known: requester."),
    ("ai.request", "requester.role == 'x'", "requester.role is no fact", "Did you mean requester.roles?"),
    (
        "ai.request",
        "budget.amount > 0",
        "budget.amount is no fact of ai.request",
        "may ask intent.*, requester.*, now.*",
    ),
    ("charge", "charge.ChargePeriodStart > 0", "charge.ChargePeriodStart is no fact", "charge.*"),
    ("charge", "lower(charge.team) == 'x'", "undeclared reference to 'lower'", "facts and functions"),
    ("charge", "charge == 'x'", "undeclared reference to 'charge'", "facts and functions"),
    # Types.
    ("charge", "charge.team", "The condition is no yes or no", "Compare the value"),
    ("charge", "charge.team == 1", "no matching overload for '_==_'", "Compare like with like"),
    ("charge", "charge.team == null", "no matching overload", "Compare like with like"),
    ("charge", "size(charge.team) > 1.5", "no matching overload", "without a point"),
    ("charge", "charge.team in [1]", "no matching overload", "Compare like with like"),
    ("charge", "1u == 1u", "A uint is not supported", "whole numbers"),
    ("charge", "charge.team + 'x' == 'yx'", "Texts are not added", "Compare each"),
    ("charge", "size(charge.team) / 2 > 1", "'/' is not supported", "Use == !="),
    ("charge", "dyn(1) == 1", "'dyn' is not supported", "Use == !="),
    (
        "ai.request",
        "timestamp('2026-01-01T00:00:00Z') == timestamp('2026-01-01T00:00:00Z')",
        "'timestamp' is not",
        "Use == !=",
    ),
    # Money and quantities.
    ("charge", "charge.EffectiveCost > 5", "compares an amount of money with a whole number", 'money("50.00 USD")'),
    ("charge", "5 < charge.EffectiveCost", "compares a whole number with an amount of money", 'money("50.00 USD")'),
    ("charge", "charge.EffectiveCost > 5.0", "no matching overload", 'money("50.00 USD")'),
    (
        "charge",
        "charge.EffectiveCost > charge.ConsumedQuantity",
        "an amount of money with a quantity",
        "with its currency",
    ),
    ("charge", "charge.ConsumedQuantity > 5", "a quantity with a whole number", 'quantity("23.5")'),
    ("charge", "money('5 USD') < money('5 EUR')", "USD and EUR are compared", "in one currency"),
    ("charge", "charge.EffectiveCost > money('5 USD') + money('5 EUR')", "USD and EUR are compared", "in one currency"),
    (
        "charge",
        "(charge.team == '' ? money('5 USD') : money('5 EUR')) > 0",
        "USD and EUR are compared",
        "in one currency",
    ),
    (
        "charge",
        "charge.EffectiveCost * charge.BilledCost > 0",
        "multiplies an amount of money by an amount",
        "whole number",
    ),
    ("charge", "charge.EffectiveCost + 1 > 0", "adds an amount of money and a whole number", "with its currency"),
    ("charge", "charge.EffectiveCost > money('5')", "money('5') cannot be read", 'money("50.00 USD")'),
    ("charge", "charge.EffectiveCost > money('5 usd')", "cannot be read", 'money("50.00 USD")'),
    ("charge", "charge.EffectiveCost > money('1e3 USD')", "cannot be read", 'money("50.00 USD")'),
    ("charge", "charge.EffectiveCost > money(charge.team)", "cannot be read", 'money("50.00 USD")'),
    ("charge", "charge.EffectiveCost > money('0.0000000001 USD')", "finer than a billionth", "money("),
    ("charge", "charge.EffectiveCost > money('9,300,000,000 USD')", "larger than 64 bits", "9 billion"),
    (
        "charge",
        "charge.EffectiveCost in [money('5 USD')]",
        "A list after `in` holds texts or whole numbers",
        "Compare amounts",
    ),
    # Maps, lists and has().
    ("charge", "charge.tags == charge.tags", "charge.tags holds several values", "Write charge.tags["),
    ("charge", "charge.tags[charge.team] == 'x'", "A key must be a text that is written out", 'charge.tags["team"]'),
    ("charge", "charge.team in charge.tags", "A key must be a text that is written out", '"team" in charge.tags'),
    ("charge", "charge.tags['a\"b'] == 'x'", "holds a quote", "plain key"),
    ("charge", "charge.tags['a\\\\b'] == 'x'", "a backslash", "plain key"),
    ("charge", "charge.team == 'a\\x00'", "a NUL character", "Take it out"),
    ("charge", "has(charge.tags)", "charge.tags holds several values", "has(charge.tags.key)"),
    ("charge", "has(charge.tags['team'])", "has() argument must be a field selection", "policy-semantics.md"),
    ("charge", "has('x')", "has() argument must be a field selection", "policy-semantics.md"),
    ("ai.request", "has( intent . stream )", "has() stands where it cannot be understood", "has(intent.name)"),
    ("ai.request", "has (intent . stream)", "has() stands where it cannot be understood", "has(intent.name)"),
    ("ai.request", "has(.intent.stream)", "has() stands where it cannot be understood", "has(intent.name)"),
    ("charge", "present(charge.team)", "'present' is no function", "has("),
    ("charge", "['a'] == ['a']", "A list stands alone", "after `in`"),
    ("charge", "{'a': 'b'}.a == 'b'", "Only tags and details are read by key", "charge.tags"),
    ("ai.request", "size(requester.roles) > 1", "requester.roles holds several values", '"value" in requester.roles'),
    # Loops, patterns, sizes and what else text can hold.
    ("ai.request", "requester.roles.exists(r, r == 'cfo')", "a loop (all, exists, map, filter)", "looks at one thing"),
    ("charge", "charge.tags.all(k, k != '')", "a loop", "looks at one thing"),
    ("charge", "charge.team.matches('(')", "The pattern is not valid RE2", "re2/wiki/Syntax"),
    ("charge", "charge.team.matches('(?=x)')", "The pattern is not valid RE2", "re2/wiki/Syntax"),
    ("charge", "charge.team.matches('(a)\\\\1')", "The pattern is not valid RE2", "re2/wiki/Syntax"),
    ("charge", "charge.team.matches(charge.owner)", "A pattern must be written out", "matches("),
    ("charge", "charge.team == '" + "x" * 4000 + "'", "longer than 4,000 characters", "Split the policy"),
    ("charge", "||".join(["1==1"] * 170), "more than 500 parts", "a list with `in`"),
    ("charge", "(" * 50 + "true" + ")" * 50, "nested too deeply", "flatter"),
    ("charge", "true ? true : " * 41 + "true", "nested too deeply", "split the policy"),
    ("charge", "charge.team in [" + ", ".join(["'a'"] * 401) + "]", "more than 400 items", "matches()"),
    ("charge", "charge.team == 'x' // y", "'//' is not supported", "YAML's #"),
    ("charge", "charge.team == r'x'", "is not supported", "plain quotes"),
    ("charge", "charge.team == '''x'''", "triple quotes", "plain quotes"),
    ("charge", "charge.team ==", "Syntax error", "Mend the expression"),
    ("charge", "charge.team = 'x'", "Syntax error", "Mend the expression"),
    ("charge", " ", "Syntax error", "Mend the expression"),
]


@pytest.mark.parametrize(("target", "when", "said", "remedy"), REFUSED, ids=[when[:50] for _, when, _, _ in REFUSED])
def test_a_condition_that_could_be_misunderstood_is_refused(
    target: PolicyTarget, when: str, said: str, remedy: str
) -> None:
    text = _with("'intent.amount > money(\"500.00 USD\")'", json.dumps(when)).split("    tests:")[0]
    if target == "charge":
        text = text.replace("    effect: require_approval\n", "")
    error = _refused(text.replace("marketplace.purchase", target))
    assert error.where is not None
    assert error.where.line == 6
    assert said in error.message
    assert "policy large-purchase" in error.message
    assert remedy in error.remedy, error.remedy


@pytest.mark.parametrize(
    "when",
    [
        "charge.team == 'has(charge.nobody)' && has(charge.tags.team)",
        'charge.team == "charge.amont // no"',
        'charge.team == \'it\\\'s\' || charge.team == "say \\"x\\""',
        "has( charge.team ) && has (charge.tags.team) && !has(charge.details.GpuCount)",
        "charge.tags.`cost-centre` == 'a' || charge.tags['cost-centre'] == 'a' || 'cost-centre' in charge.tags",
        "charge.EffectiveCost > 0 && charge.EffectiveCost - charge.BilledCost * 2 < 0",
        "charge.PricingCurrencyEffectiveCost > money('5 EUR') && charge.EffectiveCost > money('5 USD')",
        "charge.ConsumedQuantity >= quantity('1_000.5')",
        "charge.team.matches('(?i)^(web|ml)$')",
        "charge.team in []",
    ],
)
def test_what_is_clear_is_accepted(when: str) -> None:
    check_condition(when, "charge", lambda message, remedy: AssertionError(f"{message} {remedy}"))


def test_an_id_is_unique_over_all_files() -> None:
    with pytest.raises(BadConfig) as refused:
        load_policies({"policies/a.yaml": GOOD, "policies/b.yaml": GOOD + DETECTOR})
    assert "'large-purchase' stands twice: also in policies/a.yaml, line 3" in refused.value.message
    assert (refused.value.where, refused.value.remedy) == (
        replace(refused.value.where, file="policies/b.yaml", line=3),
        "Rename one of them.",
    )


def test_one_bad_policy_is_enough_to_load_none() -> None:
    bad = _with("intent.amount", "intent.amuont")
    with pytest.raises(BadConfig, match=r"intent\.amuont"):
        load_policies({"policies/a.yaml": "policies:" + DETECTOR, "policies/b.yaml": bad})


def test_no_file_and_an_empty_list_are_no_policies() -> None:
    assert len(load_policies({})) == 0
    assert len(load_policies({FILE: "policies: []"})) == 0


@pytest.mark.thorough
def test_there_is_a_limit_to_how_many() -> None:
    one = DETECTOR.replace("id: prices", "id: prices-{}").replace("{id", "{{id").replace("{percent", "{{percent")
    one = one.replace("2.5}", "2.5}}").replace('001"}', '001"}}')
    text = "policies:" + "".join(one.format(number) for number in range(POLICIES_MAX + 1))
    assert f"More than {POLICIES_MAX:,} policies" in _refused(text).message
