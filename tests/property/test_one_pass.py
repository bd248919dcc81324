"""Promise: policies asked together, tuple by tuple, find to the last digit what each finds alone, charge by charge."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import duckdb
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.fixtures.effort import some
from tests.fixtures.judging import policy_of
from tests.property.drawn_conditions import CHARGES, NUMBERS, Drawn, conditions, facts_given, literal

from fiscus.cost.marketplaces.views import once_views_sql
from fiscus.cost.views import OWNER_DEFAULTS, bare_charges_sql, charges_sql, stored_columns
from fiscus.guardrails.findings.find_charges import matches_query, rows_by_place
from fiscus.guardrails.findings.one_pass import one_pass_query
from fiscus.guardrails.policies.check_condition import check_condition
from fiscus.guardrails.policies.compile_closure import compile_closure
from fiscus.guardrails.policies.compile_sql import compile_sql
from fiscus.guardrails.policies.facts import facts_of
from fiscus.guardrails.policies.policy_set import CompiledException, CompiledPolicy
from fiscus.guardrails.types import PolicyException
from fiscus.kernel.rows import Query, Rows

AS_OF = date(2026, 11, 20)
PROMOTED = ("team", "x'y")
Draw = Callable[[st.SearchStrategy[Any]], Any]
COLUMN = {name: fact.column for name, fact in facts_of("charge").items()}
# What a policy may ask beside the texts that it names: a tag that is not there, a text named twice, an amount, another currency.
ELSE = (
    'charge.tags["team"] == "a"', '!("team" in charge.tags)', 'charge.team == ""', 'charge.team != "a"',
    '(charge.ServiceName == "" || charge.team == "a")', 'charge.EffectiveCost > money("1 USD")',
    "charge.BilledCost <= charge.EffectiveCost", 'charge.team.startsWith("a")',
)  # fmt: skip
STORED = {"charge.ServiceName", "charge.ResourceId", "charge.HostProviderName", "charge.PricingCurrency", *NUMBERS}


@pytest.fixture(scope="module")
def db() -> Iterator[duckdb.DuckDBPyConnection]:
    connection = duckdb.connect()
    connection.execute("SET threads=1; SET TimeZone='UTC'")
    typed = ", ".join(f'"{name}" {kind}' for name, kind in stored_columns())
    connection.execute(f"CREATE TABLE lake_charges ({typed})")
    owners = ", ".join(f"{name} VARCHAR" for name in OWNER_DEFAULTS)
    connection.execute(f"CREATE TABLE assignments (x_AssignmentKey BIGINT, {owners})")
    connection.execute(bare_charges_sql([name for name, _ in stored_columns()], PROMOTED))
    connection.execute(charges_sql())
    for view in once_views_sql(()):
        connection.execute(view)
    yield connection
    connection.close()


@st.composite
def _bill(draw: Draw) -> list[Mapping[str, Any]]:
    """Charges of a few resources: what the assignment key is made of repeats, and so do days; amounts are each their own."""
    resources = draw(st.lists(CHARGES, min_size=1, max_size=3))
    rows = []
    for _ in range(draw(st.integers(1, 8))):
        same, own = draw(st.sampled_from(resources)), draw(CHARGES)
        kept = ("charge.ServiceName", "charge.ResourceId", "charge.tags", "charge.team")
        rows.append({**own, **{name: same[name] for name in kept}, "age": draw(st.sampled_from([1, 2, 3, 9, 40, 200]))})
    return rows


@st.composite
def _policies(draw: Draw) -> list[CompiledPolicy]:
    drawn = draw(st.lists(st.tuples(conditions(), conditions(), st.integers(0, 99)), min_size=1, max_size=5))
    return [_policy(number, *one) for number, one in enumerate(drawn)]


def _policy(number: int, condition: Drawn, excepted: Drawn, choice: int) -> CompiledPolicy:
    """Every other one has an exception; windows and the least number of days differ."""
    compiled = policy_of(
        f"p{number}", condition.policy, window_days=(0, 7, 30, 30)[choice % 4], days_min=1 + (choice % 3 == 0)
    )
    if choice % 2:
        return compiled
    node = check_condition(excepted.policy, "charge", lambda message, remedy: AssertionError(f"{message} {remedy}"))
    exception = PolicyException(
        {"charge": excepted.policy}, "finops", "Because.", AS_OF + timedelta(days=choice - 20), ("allow", "act")[choice % 4 // 2],
        "warn", 3,
    )  # fmt: skip
    one = CompiledException(exception, 1, node, compile_closure(node), compile_sql(node))
    policy = replace(compiled.policy, exceptions=(exception,))
    return replace(compiled, policy=policy, exceptions={"charge": (one,)})


def _key_of(charge: Mapping[str, Any]) -> str:
    """What the assignment key is a hash of."""
    return json.dumps([charge["charge.ServiceName"] or "", charge["charge.ResourceId"] or "", charge["charge.tags"]])


def _fill(db: duckdb.DuckDBPyConnection, charges: Sequence[Mapping[str, Any]]) -> None:
    db.execute("DELETE FROM lake_charges; DELETE FROM assignments")
    keys: dict[str, int] = {}
    for charge in charges:
        known = _key_of(charge)
        if known not in keys:
            keys[known] = len(keys)
            owners = [charge["charge.team"] if name == "x_Team" else "someone" for name in OWNER_DEFAULTS]
            db.execute(f"INSERT INTO assignments VALUES ({', '.join('?' * (1 + len(owners)))})", [keys[known], *owners])
        day = datetime(2026, 11, 20, 5, tzinfo=UTC) - timedelta(days=charge["age"])
        row = {COLUMN[name]: charge[name] for name in STORED} | {
            "BillingCurrency": charge["charge.currency"], "ChargePeriodStart": day, "Tags": charge["charge.tags"],
            "SkuPriceDetails": json.dumps(charge["charge.details"]) if charge["charge.details"] else None,
            "ChargeCategory": ("Usage", "Purchase", None)[charge["age"] % 3], "SubAccountId": known[:6],
            "x_BillingMonth": f"{day:%Y-%m}", "x_AssignmentKey": keys[known],
        }  # fmt: skip
        names = ", ".join(f'"{name}"' for name in row)
        db.execute(f"INSERT INTO lake_charges ({names}) VALUES ({', '.join('?' * len(row))})", list(row.values()))


def _asked(db: duckdb.DuckDBPyConnection, query: Query) -> Rows:
    cursor = db.execute(query.sql, dict(query.params))
    return Rows(tuple(column[0] for column in cursor.description or ()), tuple(cursor.fetchall()))


@settings(max_examples=some(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(policies=_policies(), charges=_bill())
def test_asked_together_each_policy_finds_what_it_finds_alone(
    db: duckdb.DuckDBPyConnection, policies: list[CompiledPolicy], charges: list[Mapping[str, Any]]
) -> None:
    _fill(db, charges)
    together = rows_by_place(_asked(db, one_pass_query(policies, AS_OF, PROMOTED)), len(policies))
    for compiled, found in zip(policies, together, strict=True):
        assert found == _asked(db, matches_query(compiled, AS_OF))


@settings(max_examples=some(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(condition=conditions(), other=conditions(), charges=_bill())
def test_asked_together_charges_match_as_the_closure_says(
    db: duckdb.DuckDBPyConnection, condition: Drawn, other: Drawn, charges: list[Mapping[str, Any]]
) -> None:
    policies = [policy_of("a", condition.policy, window_days=300), policy_of("b", other.policy, window_days=300)]
    _fill(db, charges)
    teams = {_key_of(charge): charge["charge.team"] for charge in reversed(charges)}
    together = rows_by_place(_asked(db, one_pass_query(policies, AS_OF, PROMOTED)), len(policies))
    for compiled, found in zip(policies, together, strict=True):
        said = []
        for charge in charges:
            owned = {**charge, "charge.team": teams[_key_of(charge)]}
            said.append(compiled.closures["charge"](facts_given({k: v for k, v in owned.items() if k != "age"}))[0])
        charges_at = found.columns.index("charges")
        assert sum(int(str(row[charges_at])) for row in found.rows if not row[0]) == said.count("match")
        assert sum(int(str(row[charges_at])) for row in found.rows if row[0]) == said.count("error")


@st.composite
def _named_together(draw: Draw) -> tuple[list[CompiledPolicy], list[Mapping[str, Any]]]:
    """Policies that name texts of the same columns, mostly some that the charges have, and ask something else or nothing."""
    charges = draw(_bill())
    facts = ("charge.team", "charge.ServiceName", "charge.HostProviderName", "charge.currency")
    policies = []
    for number in range(draw(st.integers(2, 6))):
        one = draw(st.sampled_from(charges))
        names = draw(st.lists(st.sampled_from(facts), min_size=1, max_size=3))
        terms = [f"{name} == {literal(one[name] or '')}" for name in names]
        terms += draw(st.lists(st.sampled_from(ELSE), max_size=2))
        policies.append(policy_of(f"p{number}", " && ".join(draw(st.permutations(terms))), window_days=300))
    return policies, charges


@settings(max_examples=some(60), deadline=None, suppress_health_check=list(HealthCheck))
@given(drawn=_named_together())
def test_policies_that_name_texts_of_the_same_columns_find_what_each_finds_alone(
    db: duckdb.DuckDBPyConnection, drawn: tuple[list[CompiledPolicy], list[Mapping[str, Any]]]
) -> None:
    policies, charges = drawn
    _fill(db, charges)
    together = rows_by_place(_asked(db, one_pass_query(policies, AS_OF, PROMOTED)), len(policies))
    for compiled, found in zip(policies, together, strict=True):
        assert found == _asked(db, matches_query(compiled, AS_OF))


def test_many_policies_are_as_many_looks_at_the_tuples_as_they_name_columns_differently(
    db: duckdb.DuckDBPyConnection,
) -> None:
    named = [f'charge.team == "team-{n}" && charge.ServiceName == "service-{n % 7}"' for n in range(100)]
    dear = [f'charge.ServiceName == "service-{n}" && charge.EffectiveCost > money("{n}.00 USD")' for n in range(50)]
    policies = [policy_of(f"p{n}", text, window_days=30) for n, text in enumerate([*named, *dear])]
    query = one_pass_query(policies, AS_OF, PROMOTED)
    assert query.sql.count("UNION ALL") < 10
    _fill(db, [])
    assert _asked(db, query).rows == ()


def test_a_text_that_looks_like_a_place_of_the_query_stays_a_text(db: duckdb.DuckDBPyConnection) -> None:
    conditions_ = (
        'charge.ServiceName == "{{tuple}}"',
        'charge.tags["{{charges}}"] == "$until" || charge.team == "{{judged}}"',
    )
    policies = [policy_of(f"p{n}", text, window_days=30) for n, text in enumerate(conditions_)]
    query = one_pass_query(policies, AS_OF, PROMOTED)
    _fill(db, [])
    assert _asked(db, query).rows == ()
    assert "'{{tuple}}'" in query.sql
