"""Rows that look alike are judged once: what is counted so is what counting every row gives."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from fiscus.cost.conformance.patterns import WEIGHT, Patterns

LEAVES = (
    "ChargeCategory = 'Tax AND OR'", "ChargeCategory IS NULL", "ResourceId IS NOT NULL", "ResourceId <> ChargeCategory",
    "number__BilledCost BETWEEN 0 AND 2", "CASE WHEN ResourceId IS NULL OR false THEN NULL ELSE ResourceId = 'a''(' END",
    "len(list_filter([1, 2], lambda n: n > BilledCost AND n < 3)) > 0", '"x_Odd" IN (\'a\', \'b\')',
)  # fmt: skip
READINGS = {"number__BilledCost": 'CAST("BilledCost" AS DOUBLE)'}
CELLS = st.tuples(
    st.sampled_from([None, "Tax AND OR", "a"]),
    st.sampled_from([None, "a'(", "a"]),
    st.sampled_from([None, 0, 1, 3]),
    st.sampled_from([None, "b"]),
)


def joined(parts: st.SearchStrategy[str]) -> st.SearchStrategy[str]:
    pairs = st.tuples(parts, st.sampled_from([" AND ", " OR "]), parts).map("".join)
    return (
        pairs
        | parts.map(lambda p: f"NOT ({p})")
        | parts.map(lambda p: f"coalesce({p}, false)")
        | pairs.map(lambda p: f"({p})")
    )


CONDITIONS = st.recursive(st.sampled_from(LEAVES), joined, max_leaves=6)


@settings(max_examples=40, deadline=None)
@given(
    rows=st.lists(CELLS, max_size=12),
    conditions=st.lists(CONDITIONS, min_size=1, max_size=3),
    few=st.sets(st.sampled_from(["ChargeCategory", "x_Odd"])),
)
def test_groups_give_the_counts_that_the_rows_give(
    rows: list[tuple[object, ...]], conditions: list[str], few: set[str]
) -> None:
    db = duckdb.connect()
    db.execute("CREATE TABLE delivery (ChargeCategory VARCHAR, ResourceId VARCHAR, BilledCost INTEGER, x_Odd VARCHAR)")
    for row in rows:
        db.execute("INSERT INTO delivery VALUES (?, ?, ?, ?)", row)
    patterns = Patterns(sorted(few))
    asked = ", ".join(
        f"coalesce(sum(CASE WHEN {patterns.over_groups(c)} THEN {WEIGHT} END), 0)::INTEGER" for c in conditions
    )
    grouped = db.execute(f"SELECT {asked} FROM ({patterns.grouped(READINGS)})").fetchone()
    read = ", ".join(f"{sql} AS {name}" for name, sql in READINGS.items())
    direct = ", ".join(f"coalesce(count_if({c}), 0)::INTEGER" for c in conditions)
    assert grouped == db.execute(f"SELECT {direct} FROM (SELECT *, {read} FROM delivery)").fetchone()


@pytest.mark.parametrize(
    ("condition", "asked", "leaves"),
    [
        ("ResourceId IS NOT NULL AND ChargeCategory = 'Tax'", "NOT x__0 AND ChargeCategory = 'Tax'", ["ResourceId IS NULL"]),
        ("(number__BilledCost < 0 OR NOT coalesce(ResourceId = 'a', false))", "(x__0 OR NOT coalesce(x__1, false))",
         ["number__BilledCost < 0", "ResourceId = 'a'"]),
        ("x BETWEEN 0 AND 1 AND ResourceId IS NULL", "x BETWEEN 0 AND 1 AND x__0", ["ResourceId IS NULL"]),
    ],
)  # fmt: skip
def test_a_condition_keeps_its_shape_and_names_what_a_group_does_not_show(
    condition: str, asked: str, leaves: list[str]
) -> None:
    patterns = Patterns(["ChargeCategory"])
    assert patterns.over_groups(condition) == asked
    assert list(patterns.leaves) == leaves
