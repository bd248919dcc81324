"""What is kept elsewhere becomes policies and budgets that load; what has no equivalent is named, never dropped in silence."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import yaml
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.effort import some

from fiscus.guardrails.budgets.load_budgets import load_budgets
from fiscus.guardrails.importers.import_aws_budgets import import_aws_budgets
from fiscus.guardrails.importers.import_budget_csv import import_budget_csv
from fiscus.guardrails.importers.import_c7n import import_c7n
from fiscus.guardrails.importers.types import Imported
from fiscus.guardrails.policies.given_facts import given_facts
from fiscus.guardrails.policies.load_policies import load_policies
from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.guardrails.types import Budget
from fiscus.kernel.errors import BadConfig, BadInput
from fiscus.kernel.periods import FiscalCalendar

TODAY = date(2026, 11, 20)
CALENDAR = FiscalCalendar()
EC2 = {
    "ChargeCategory": "Usage", "ServiceName": "Amazon Elastic Compute Cloud", "ServiceProviderName": "AWS",
    "ResourceId": "arn:aws:ec2:us-east-1:1:instance/i-0abc", "ConsumedUnit": "Hours", "ConsumedQuantity": "24",
}  # fmt: skip


def _c7n(**policy: Any) -> Imported:
    text = yaml.safe_dump({"policies": [{"name": "one", "resource": "ec2", **policy}]}, sort_keys=False)
    return import_c7n(text, "c7n.yaml", "finops")


def _loaded(imported: Imported) -> CompiledPolicy:
    (compiled,) = load_policies({"policies/imported.yaml": imported.text})
    return compiled


def _answer(imported: Imported, **charge: Any) -> str:
    facts = given_facts({"charge": {**EC2, **charge}}, "charge", lambda key, message, remedy: ValueError(message))
    return _loaded(imported).closures["charge"](facts)[0]


NAME = {"type": "value", "key": "tag:Name"}
SIZED = {"details": {"InstanceType": "m5.large"}}
MARKED = {"type": "marked-for-op", "tag": "c7n", "op": "stop"}
MATCHES: list[tuple[Any, dict[str, Any], dict[str, Any]]] = [
    ({"tag:Owner": "absent"}, {}, {"tags": {"Owner": "x"}}),
    ({"tag:Owner": "present"}, {"tags": {"Owner": ""}}, {}),
    ({"tag:Env": "dev"}, {"tags": {"Env": "dev"}}, {"tags": {"Env": "prod"}}),
    ({"type": "value", "key": "tag:Env", "op": "ne", "value": "prod"}, {}, {"tags": {"Env": "prod"}}),
    ({"type": "value", "key": "tag:Env", "op": "in", "value": ["dev", "qa"]}, {"tags": {"Env": "qa"}}, {}),
    ({"type": "value", "key": "tag:Env", "op": "not-in", "value": ["prod"]}, {}, {"tags": {"Env": "prod"}}),
    ({**NAME, "op": "regex", "value": "web-.*"}, {"tags": {"Name": "WEB-1"}}, {"tags": {"Name": "a-web-1"}}),
    ({**NAME, "op": "glob", "value": "web?"}, {"tags": {"Name": "web1"}}, {"tags": {"Name": "web10"}}),
    ({**NAME, "op": "glob", "value": "a[!b]*"}, {"tags": {"Name": "ac\nd"}}, {"tags": {"Name": "ab"}}),
    ({"type": "value", "key": "tag:Env", "value": "empty"}, {}, {"tags": {"Env": "x"}}),
    ({"InstanceType": "m5.large"}, SIZED, {}),
    ({"type": "value", "key": "InstanceType", "op": "not-in", "value": ["m5.large"]}, {}, SIZED),
    ({"type": "value", "key": "Placement.AvailabilityZone", "value": "us-east-1a"}, {"AvailabilityZone": "us-east-1a"}, {}),
    ({"State.Name": "running"}, {}, {"ConsumedUnit": "GB"}),
    ({"or": [{"tag:a": "present"}, {"tag:b": "present"}]}, {"tags": {"b": "1"}}, {}),
    ({"not": [{"tag:a": "present"}, {"tag:b": "present"}]}, {"tags": {"b": "1"}}, {"tags": {"a": "1", "b": "1"}}),
    ({"and": [{"tag:a": "absent"}, {"State.Name": "running"}]}, {}, {"tags": {"a": "1"}}),
    ({"type": "offhour", "opt-out": True, "default_tz": "et"}, {}, {"ConsumedQuantity": "10"}),
    ("offhour", {"tags": {"maid_offhours": "on"}}, {}),
    (MARKED, {"tags": {"c7n": "Resource: stop@2026/12/01"}}, {"tags": {"c7n": "x"}}),
]  # fmt: skip


@pytest.mark.parametrize(("filters", "match", "other"), MATCHES, ids=lambda value: str(value)[:60])
def test_a_filter_with_an_equivalent_matches_what_it_matched(filters: Any, match: dict, other: dict) -> None:
    imported = _c7n(filters=[filters])
    assert _answer(imported, **match) == "match"
    assert _answer(imported, **other) == "no_match"


@pytest.mark.parametrize(
    ("filters", "name"),
    [
        ({"type": "metrics", "name": "CPUUtilization", "value": 5}, "filter metrics"),
        ({"State.Name": "stopped"}, "filter on State.Name"),
        ({"type": "value", "key": "Monitoring.State", "value": "disabled"}, "filter on Monitoring.State"),
        ({"type": "value", "key": "tag:x", "op": "regex", "value": "(?=a)b"}, "filter on tag:x"),
        ({"type": "value", "key": "tag:x", "op": "gt", "value": 4}, "filter on tag:x"),
        ({"type": "value", "key": "tag:x", "value_from": {"url": "s3://b/x.csv"}}, "filter on tag:x"),
        ({"or": [{"tag:a": "present"}, "ephemeral"]}, "filter ephemeral"),
        ({"not": [{"type": "instance-age", "days": 30}]}, "filter instance-age of 30 days"),
        ({"not": [{"State.Name": "running"}]}, "filter not"),
        ({"not": [{"tag:a": "present"}, "offhour"]}, "filter not"),
        ({"tag:Owner": ["a", {}]}, "filter on tag:Owner"),
        ({"type": "value", "key": "tag:x", "op": ["in"], "value": "a"}, "filter on tag:x"),
        ({"type": "value", "key": "region", "value_type": {}, "value": "a"}, "filter on region"),
        (42, "filter 42"),
    ],
    ids=lambda value: str(value)[:50],
)
def test_a_policy_that_lost_a_filter_is_only_counted_and_the_filter_is_named(filters: Any, name: str) -> None:
    imported = _c7n(filters=[filters, {"tag:Owner": "absent"}], actions=["stop", {"type": "notify", "to": ["a@x"]}])
    policy = _loaded(imported).policy
    assert (policy.level, policy.action) == ("observe", None)
    assert name in {one.what for one in imported.left_out}
    assert "matches more than it did" in imported.text
    assert f"# Not translated: {name}" in imported.text


def test_an_age_is_so_many_days_on_the_bill() -> None:
    imported = _c7n(filters=[{"type": "instance-age", "op": "ge", "days": 30}])
    policy = _loaded(imported).policy
    assert (policy.days_min, policy.window_days) == (30, 35)
    assert [one.what for one in imported.left_out] == ["the age of 30 days"]


ACTIONS: list[tuple[list[Any], str, str | None, list[str]]] = [
    ([], "observe", None, []),
    (["notify"], "warn", None, []),
    (["stop"], "soft", "aws.ec2.stop", []),
    (
        [{"type": "mark-for-op", "op": "stop", "days": 3}, "notify"],
        "warn",
        None,
        ["action mark-for-op (op: stop, days: 3)"],
    ),
    ([{"type": "tag", "key": "x"}], "warn", None, ["action tag (key: x)"]),
    (["terminate", "stop"], "soft", "aws.ec2.stop", ["action terminate"]),
]


@pytest.mark.parametrize(("actions", "level", "planned", "left"), ACTIONS, ids=str)
def test_actions_become_a_level_and_what_fiscus_can_do(
    actions: list, level: str, planned: str | None, left: list[str]
) -> None:
    imported = _c7n(filters=[{"tag:Owner": "absent"}], actions=actions)
    policy = _loaded(imported).policy
    assert (policy.level, policy.action) == (level, planned)
    assert [one.what for one in imported.left_out] == left


def test_what_cannot_be_translated_at_all_stands_in_the_head_with_its_line() -> None:
    text = yaml.safe_dump(
        {
            "policies": [
                {"name": "users", "resource": "iam-user"},
                {"resource": "ec2"},
                {"name": "ok", "resource": "aws.ec2"},
            ]
        }
    )
    imported = import_c7n(text, "c7n.yaml", "finops")
    assert imported.made == ("ok",)
    assert "# Not translated at all: users (line 2): resource iam-user: no bill tells it apart" in imported.text
    assert {one.what for one in imported.left_out} == {"resource iam-user", "a policy"}


def test_what_is_beside_filters_and_actions_is_named_too() -> None:
    mode = {"type": "cloudtrail", "events": ["RunInstances"]}
    imported = _c7n(mode=mode, **{"max-resources": 5}, query=[{"instance-state-name": "running"}])
    assert [one.what for one in imported.left_out] == [
        "max-resources: 5",
        "query: [{'instance-state-name': 'running'}]",
        "mode cloudtrail",
    ]


@pytest.mark.parametrize("text", ["", "policies: []", "vars: {}", "policies: 5", "[1]"])
def test_a_file_without_such_policies_is_refused(text: str) -> None:
    with pytest.raises(BadInput, match="holds no Cloud Custodian policies"):
        import_c7n(text, "c7n.yaml", "finops")


def test_broken_yaml_is_refused_with_its_line() -> None:
    with pytest.raises(BadConfig, match="Not valid YAML"):
        import_c7n("policies: [}", "c7n.yaml", "finops")


_SCALAR = st.one_of(st.text(max_size=12), st.integers(-5, 500), st.booleans(), st.none())
_KEY = st.sampled_from(
    ["tag:Owner", 'tag:a"b', "InstanceType", "State.Name", "region", "Foo", "type", "LaunchTime", ""]
)
_FILTER = st.recursive(
    st.one_of(
        st.dictionaries(_KEY, _SCALAR, max_size=2),
        st.fixed_dictionaries(
            {"type": st.sampled_from(["value", "metrics", "offhour", "instance-age", "marked-for-op"])},
            optional={
                "key": _KEY, "value": st.one_of(_SCALAR, st.lists(_SCALAR, max_size=3)), "days": _SCALAR,
                "op": st.sampled_from(["eq", "ne", "in", "ni", "regex", "glob", "gt", "absent", "contains"]),
                "value_type": st.sampled_from(["age", "size", "normalize"]),
            },
        ),
        _SCALAR,
    ),
    lambda inner: st.dictionaries(st.sampled_from(["or", "and", "not"]), st.lists(inner, max_size=3), min_size=1, max_size=1),
    max_leaves=5,
)  # fmt: skip


@settings(max_examples=some(300), deadline=None)
@given(st.lists(_FILTER, max_size=3), st.lists(st.one_of(_SCALAR, st.just("stop")), max_size=2))
def test_whatever_stands_in_a_policy_the_result_loads(filters: list[Any], actions: list[Any]) -> None:
    imported = _c7n(filters=filters, actions=actions)
    load_policies({"policies/imported.yaml": imported.text})
    assert bool(imported.made) or bool(imported.left_out)


AWS: dict[str, Any] = {
    "BudgetName": "Data: EC2", "BudgetLimit": {"Amount": "1200.5", "Unit": "USD"}, "TimeUnit": "MONTHLY", "BudgetType": "COST",
    "CostFilters": {"Service": ["Amazon Elastic Compute Cloud - Compute"], "TagKeyValue": ["user:team$web", "user:team$ml"]},
    "CostTypes": {"IncludeTax": False, "IncludeCredit": True, "UseAmortized": True, "UseBlended": False},
}  # fmt: skip


def _aws(
    *budgets: dict[str, Any], alerts: Any = None, calendar: FiscalCalendar = CALENDAR
) -> tuple[Imported, list[Budget]]:
    texts = {"budgets.json": json.dumps({"Budgets": list(budgets)})}
    if alerts is not None:
        texts["alerts.json"] = json.dumps({"BudgetNotificationsForAccount": alerts})
    imported = import_aws_budgets(texts, "finops", calendar, TODAY)
    return imported, list(load_budgets({"budgets/imported.yaml": imported.text}, calendar))


def test_an_aws_budget_keeps_amount_scope_metric_and_what_it_counts() -> None:
    imported, (budget,) = _aws(AWS)
    assert (budget.id, budget.title, budget.period, budget.currency) == ("data-ec2", "Data: EC2", "month", "USD")
    assert budget.amount == Decimal("1200.5")
    assert dict(budget.scope.filters) == {
        "provider": ("AWS",), "service": ("Amazon Elastic Compute Cloud",), "tag:team": ("web", "ml"),
    }  # fmt: skip
    assert (budget.metric, budget.include_tax, budget.include_credits) == ("EffectiveCost", False, True)
    assert [one.what for one in imported.left_out] == [
        "the part after the dash of Amazon Elastic Compute Cloud - Compute"
    ]


def test_alerts_become_thresholds() -> None:
    alerts = [
        {
            "NotificationType": "ACTUAL",
            "ComparisonOperator": "GREATER_THAN",
            "Threshold": 80.0,
            "ThresholdType": "PERCENTAGE",
        },
        {
            "NotificationType": "FORECASTED",
            "ComparisonOperator": "GREATER_THAN",
            "Threshold": 600.25,
            "ThresholdType": "ABSOLUTE_VALUE",
        },
        {"NotificationType": "ACTUAL", "ComparisonOperator": "LESS_THAN", "Threshold": 10.0},
    ]
    imported, (budget,) = _aws(AWS, alerts=[{"BudgetName": "Data: EC2", "Notifications": alerts}])
    assert [(one.on, one.share) for one in budget.thresholds] == [
        ("actual", Decimal("0.8")),
        ("forecast", Decimal("0.5")),
    ]
    assert sum(one.what.startswith("notification") for one in imported.left_out) == 1
    inside = {**AWS, "NotificationsWithSubscribers": [{"Notification": alerts[0], "Subscribers": []}]}
    assert [one.share for one in _aws(inside)[1][0].thresholds] == [Decimal("0.8")]


def test_planned_limits_become_amounts_by_period() -> None:
    planned = {"1793491200": {"Amount": "100", "Unit": "USD"}, "1796083200": {"Amount": "150", "Unit": "USD"}}
    budget = {**AWS, "BudgetLimit": None, "PlannedBudgetLimits": planned}
    imported, (loaded,) = _aws(budget)
    assert dict(loaded.amounts) == {"2026-11": 100, "2026-12": 150}
    assert loaded.amount == 150
    assert "the amount of later periods" in {one.what for one in imported.left_out}


def test_a_filter_expression_is_read_where_a_scope_has_it() -> None:
    both = {
        "And": [
            {"Dimensions": {"Key": "LINKED_ACCOUNT", "Values": ["111122223333"]}},
            {"Tags": {"Key": "team", "Values": ["web"], "MatchOptions": ["EQUALS"]}},
            {"Not": {"Dimensions": {"Key": "REGION", "Values": ["us-east-1"]}}},
        ]
    }
    imported, (budget,) = _aws({**AWS, "CostFilters": {}, "FilterExpression": both})
    assert dict(budget.scope.filters) == {"provider": ("AWS",), "sub_account": ("111122223333",), "tag:team": ("web",)}
    (left,) = imported.left_out
    assert "Not" in left.what
    assert "wider" in left.why


@pytest.mark.parametrize(
    ("changes", "why"),
    [
        ({"BudgetType": "RI_UTILIZATION"}, "none of money"),
        ({"TimeUnit": "DAILY"}, "by DAILY"),
        ({"TimePeriod": {"Start": 1.7e9, "End": 1.75e9}}, "it ended on 2025-06-15"),
        ({"BudgetLimit": {"Amount": "much", "Unit": "USD"}}, "is no number"),
        ({"BudgetLimit": {"Amount": "5", "Unit": "GB"}}, "is no amount of money"),
        ({"BudgetLimit": None}, "neither BudgetLimit"),
        ({"CostTypes": ["UseAmortized"]}, "its CostTypes is no object"),
        ({"FilterExpression": "team"}, "its FilterExpression is no object"),
        ({"PlannedBudgetLimits": {"1e30": {"Amount": "1", "Unit": "USD"}}}, "a start that is no time"),
    ],
)
def test_a_budget_that_cannot_be_one_is_named_in_the_head(changes: dict[str, Any], why: str) -> None:
    imported, budgets = _aws({**AWS, **changes}, {**AWS, "BudgetName": "fine"})
    assert [budget.id for budget in budgets] == ["fine"]
    assert why in imported.text.splitlines()[1]
    assert why in next(one.why for one in imported.left_out if one.what == "the budget")


REGION = {"Dimensions": {"Key": "REGION", "Values": ["a"], "MatchOptions": ["EQUALS"]}}
FULL: dict[str, Any] = {
    **AWS, "TimePeriod": {"Start": 1, "End": 3_706_473_600}, "Metrics": ["UnblendedCost"],
    "PlannedBudgetLimits": {"1793491200": {"Amount": "100", "Unit": "USD"}},
    "FilterExpression": {"And": [REGION, {"Tags": {"Key": "k", "Values": ["v"]}}]},
    "AutoAdjustData": {"AutoAdjustType": "HISTORICAL"},
    "Notifications": [{"NotificationType": "ACTUAL", "Threshold": 80}],
    "NotificationsWithSubscribers": [{"Notification": {"NotificationType": "ACTUAL", "Threshold": 80}}],
}  # fmt: skip


def _spoilt(whole: Any) -> Iterator[Any]:
    """`whole` with one part of it, at any depth, replaced by what does not belong there."""
    places = [whole] if not isinstance(whole, dict | list) else []
    if isinstance(whole, dict | list):
        for key in list(whole) if isinstance(whole, dict) else range(len(whole)):
            for part in (None, 1, "x", [[1]], [{}], {"a": []}, *_spoilt(whole[key])):
                changed = copy.copy(whole)
                changed[key] = part
                places.append(changed)
    yield from places


def test_whatever_stands_in_an_aws_budget_it_is_read_or_named() -> None:
    for spoilt in _spoilt(FULL):
        imported, budgets = _aws(spoilt)
        assert len(budgets) == 1 or [one.what for one in imported.left_out] == ["the budget"]


def test_an_empty_filter_filters_nothing() -> None:
    imported, (budget,) = _aws(
        {**AWS, "CostFilters": {"Service": [], "AZ": [], "TagKeyValue": [], "Region": ["", "eu-west-1"]}}
    )
    assert dict(budget.scope.filters) == {"provider": ("AWS",), "region": ("eu-west-1",)}
    assert not [one.what for one in imported.left_out if one.what.startswith("filter")]


def test_a_budget_that_does_not_load_here_stops_no_other() -> None:
    huge = {**AWS, "BudgetName": "huge", "BudgetLimit": {"Amount": "1" + "0" * 15, "Unit": "USD"}}
    imported, budgets = _aws(huge, {**AWS, "BudgetName": "fine"})
    assert [budget.id for budget in budgets] == ["fine"]
    assert "Not translated at all: huge: 1000000000000000 is no amount of a budget" in imported.text


def test_quarters_of_another_fiscal_year_are_named() -> None:
    imported, (budget,) = _aws({**AWS, "TimeUnit": "QUARTERLY"}, calendar=FiscalCalendar(2))
    assert budget.period == "quarter"
    assert "calendar quarters" in {one.what for one in imported.left_out}


@pytest.mark.parametrize("text", ["{", "[]", "{}", '{"Budgets": 5}', "7"])
def test_what_is_no_such_json_is_refused(text: str) -> None:
    with pytest.raises(BadInput):
        import_aws_budgets({"x.json": text}, "finops", CALENDAR, TODAY)


CSV = """budget,title,period,amount,currency,team,environment,tag:cost-centre,owner,cap,metric
web,Web in production,2026-11,1000.50,USD,web,prod|staging,CC-1,ana,hard,BilledCost
web,,2026-12,1100,USD,web,,,,,
all,,every quarter,9000,EUR,,,,,,
all,,FY2026-Q4,9500,EUR,,,,,,
"""


def _csv(text: str, calendar: FiscalCalendar = CALENDAR) -> dict[str, Budget]:
    imported = import_budget_csv(text, "plan.csv", "finops", calendar)
    return {budget.id: budget for budget in load_budgets({"budgets/imported.yaml": imported.text}, calendar)}


def test_a_spreadsheet_has_one_line_a_budget_and_period() -> None:
    budgets = _csv(CSV)
    web, everything = budgets["web"], budgets["all"]
    assert (web.title, web.owner, web.cap, web.metric, web.period) == (
        "Web in production",
        "ana",
        "hard",
        "BilledCost",
        "month",
    )
    assert dict(web.amounts) == {"2026-11": Decimal("1000.50"), "2026-12": 1100}
    assert dict(web.scope.filters) == {
        "team": ("web",),
        "environment": ("prod", "staging"),
        "tag:cost-centre": ("CC-1",),
    }
    assert web.amount == 1100, "the last period's amount goes on"
    assert (everything.amount, dict(everything.amounts), everything.owner) == (9000, {"FY2026-Q4": 9500}, "finops")


@pytest.mark.parametrize(
    ("old", "new", "message", "place"),
    [
        ("amount,currency", "money,currency", "no column amount", "line 1"),
        (",cap,metric", ",kap,metric", "'kap' is no column", None),
        ("1000.50", "1,000.50", "cells, the header", "row 1"),
        ("1000.50", "-5", "is no amount", "row 1, column amount"),
        ("1000.50", "NaN", "is no plain decimal number", "row 1, column amount"),
        ("1000.50", "1e3", "is no plain decimal number", "row 1, column amount"),
        ("1000.50", "1_000", "is no plain decimal number", "row 1, column amount"),
        ("1100", "1" + "0" * 15, "is no amount of a budget", "row 2, column amount"),
        ("1100", "0.1234567890123", "more than 12 decimals", "row 2, column amount"),
        ("USD", "usd", "does not match", "row 1, column currency"),
        ("EUR", "euro", "does not match", "row 3, column currency"),
        ("prod|staging", "prod||staging", "a bar with no value beside it", "row 1, column environment"),
        ("CC-1", "CC-1|", "a bar with no value beside it", "row 1, column tag:cost-centre"),
        ("Web in production", "W" * 121, "is too long", "row 1, column title"),
        ("all,,every", f"{'a' * 121},,every", "is too long", "row 3, column budget"),
        ("BilledCost", "ListCost", "'ListCost' is not one of", "row 1, column metric"),
        ("2026-11", "Nov 2026", "is no period", "row 1, column period"),
        ("2026-11", "2027-W53", "names no week: that year has 52", "row 1, column period"),
        ("2026-12", "2026-11", "2026-11 twice", "row 2, column period"),
        ("2026-12", "FY2026-Q4", "is by month and this is a quarter", "row 2, column period"),
        ("1100,USD", "1100,EUR", "is not what row 1 says of web", "row 2, column currency"),
        ("web,,2026-12", ",,2026-12", "names no budget", "row 2, column budget"),
        ("hard", "brutal", "'brutal' is not one of", "row 1, column cap"),
    ],
)  # fmt: skip
def test_a_mistake_in_a_spreadsheet_is_named_with_row_and_column(
    old: str, new: str, message: str, place: str | None
) -> None:
    with pytest.raises(BadInput, match="(?s)" + message.replace("(", r"\(")) as refused:
        _csv(CSV.replace(old, new))
    assert place is None or place in str(refused.value.where)


def test_a_parent_that_is_none_is_named_with_its_row() -> None:
    text = "budget,period,amount,currency,parent\nall,2026-11,9,USD,\n\nweb,2026-11,1,USD,al\n"
    with pytest.raises(BadInput) as refused:
        _csv(text)
    assert str(refused.value.where) == "plan.csv, row 3, column parent"


def test_an_empty_spreadsheet_is_refused() -> None:
    for text in ("", CSV.splitlines()[0] + "\n", "\n"):
        with pytest.raises(BadInput):
            _csv(text)


@pytest.mark.parametrize("mark", [";", "\t"])
def test_a_csv_of_another_separator_is_told_so(mark: str) -> None:
    """As a spreadsheet saves it where the comma is the decimal mark."""
    with pytest.raises(BadInput, match="not by commas") as refused:
        _csv(f"\ufeffbudget{mark}period{mark}amount{mark}currency\r\nb1{mark}2026-11{mark}10,50{mark}EUR\r\n")
    assert "commas" in refused.value.remedy
