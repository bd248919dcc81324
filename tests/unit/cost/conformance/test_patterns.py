"""Rows that look alike are judged once: what is counted so is what counting every row gives."""

from __future__ import annotations

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.effort import some

from fiscus.cost.conformance.ask_groups import group_sql, query_named, slices
from fiscus.cost.conformance.conditions import leaves_of, spelt, taken_apart
from fiscus.cost.conformance.load_rules import executions, focus_columns
from fiscus.cost.conformance.patterns import Patterns
from fiscus.kernel.rows import Rows

LEAVES = (
    "ChargeCategory = 'Tax AND OR'", "ChargeCategory IS NULL", "ResourceId IS NOT NULL", "ResourceId <> ChargeCategory",
    "number__BilledCost BETWEEN 0 AND 2", "number__BilledCost < 0", "BilledCost IS NULL", "length(ResourceId) >= 8",
    "CASE WHEN ResourceId IS NULL OR false THEN NULL ELSE ResourceId = 'a''(' END",
    "len(list_filter([1, 2], lambda n: n > BilledCost AND n < 3)) > 0", '"x_Odd" IN (\'a\', \'b\')',
)  # fmt: skip
ALL_QUERIES = sorted({how.holds for how in executions().values() if how.method == "group"})
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


@settings(max_examples=some(100), deadline=None)
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
    patterns = Patterns(conditions, sorted(few), READINGS)
    alike = patterns.alike(Rows((), tuple(db.execute(patterns.groups()).fetchall())))
    asked = db.execute(patterns.counts()).fetchall()[0]
    read = ", ".join(f"{sql} AS {name}" for name, sql in READINGS.items())
    direct = ", ".join(f"coalesce(count_if({c}), 0)::INTEGER" for c in conditions)
    wanted = db.execute(f"SELECT {direct} FROM (SELECT *, {read} FROM delivery)").fetchall()[0]
    assert tuple(alike.count(condition) for condition in conditions) == wanted
    assert [int(number or 0) for number in asked] == [alike.count(condition) for condition in patterns.conditions]


@pytest.mark.parametrize(
    ("sql", "leaves", "again"),
    [
        ("ResourceId IS NOT NULL AND ChargeCategory = 'Tax'", ["ResourceId IS NULL", "ChargeCategory = 'Tax'"],
         "((NOT <0>) AND <1>)"),
        ("(x < 0 OR NOT coalesce(y = 'a', false))", ["x < 0", "y = 'a'"], "(<0> OR (NOT coalesce(<1>, false)))"),
        ("x BETWEEN 0 AND 1 AND y IS NULL", ["x BETWEEN 0 AND 1", "y IS NULL"], "(<0> AND <1>)"),
    ],
)  # fmt: skip
def test_a_condition_is_taken_apart_at_and_or_not_and_put_together_again(
    sql: str, leaves: list[str], again: str
) -> None:
    condition = taken_apart(sql)
    assert list(leaves_of(condition)) == leaves
    assert spelt(condition, lambda leaf: f"<{leaves.index(leaf)}>") == again


def test_queries_of_the_same_few_rows_read_them_once() -> None:
    names = ("tax_list", "tax_contracted", "amortisation", "third_party")
    texts = {name: query_named(name).text for name in names}
    few = dict.fromkeys(texts.values(), 5)
    (tax,) = slices(few, 1_000)  # of the rows of commitments only one query speaks
    assert set(tax.texts) == {texts["tax_list"], texts["tax_contracted"]}
    assert tax.sql.endswith("FROM delivery WHERE ChargeCategory = 'Tax'")
    assert f"FROM {tax.name} WHERE" in tax.told(texts["tax_list"])
    assert not slices(dict.fromkeys(texts.values(), 500), 1_000)


def test_a_slice_answers_as_the_delivery_does() -> None:
    db = duckdb.connect()
    cells = ", ".join(f"'1' AS {name}" for name in focus_columns("1.3", "cost_and_usage") if name != "ChargeCategory")
    db.execute(
        f"CREATE OR REPLACE TABLE delivery AS SELECT range AS x__row, {cells},"
        " CASE WHEN range % 10 = 0 THEN 'Tax' ELSE 'Usage' END AS ChargeCategory FROM range(100)"
    )
    for one in slices({query_named(name).text: 10 for name in ALL_QUERIES}, 100):
        db.execute(one.sql)
        for text in one.texts:
            whole = db.execute(group_sql(text, lambda _: "text")).fetchall()
            assert db.execute(group_sql(one.told(text), lambda _: "text")).fetchall() == whole
