"""A key goes with one value: what is asked in steps, the first key first, is what counting every combination gives."""

from __future__ import annotations

import re

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.fixtures.effort import some

from fiscus.cost.conformance.ask_one_each import NAMED_MAX, OneEach, tearings
from fiscus.cost.conformance.readings import SPELLED_MAX, among
from fiscus.kernel.rows import Rows

KEYS = st.sampled_from([None, "a", "b's", "c"])
ROWS = st.lists(st.tuples(KEYS, KEYS, st.sampled_from([None, 1, 2])), max_size=14)


def laid_out(rows: list[tuple[object, ...]], key: str = "VARCHAR") -> duckdb.DuckDBPyConnection:
    db = duckdb.connect()
    db.execute(
        f"CREATE TABLE delivery (x__row BIGINT, K {key}, L VARCHAR, V INTEGER, BilledCost INT, BillingCurrency VARCHAR,"
        " EffectiveCost INT DEFAULT 0)"
    )
    if rows:
        db.executemany(
            "INSERT INTO delivery VALUES (?, ?, ?, ?, 1, 'USD', 0)", [(n, *row) for n, row in enumerate(rows)]
        )
    return db


def broken(db: duckdb.DuckDBPyConnection, one: OneEach) -> list[tuple[object, ...]]:
    """Rows and first place of every broken combination, as a check asks for them."""
    (asked,) = tearings([one])
    for torn in asked.torn(Rows((), tuple(db.execute(asked.sql).fetchall()))):
        sql = re.sub(r"amount\((\w+)\)", r"\1", torn.sql)
        return db.execute(f"SELECT place, number_of_rows, amount FROM ({sql}) ORDER BY ALL").fetchall()
    return []


def counted(db: duckdb.DuckDBPyConnection, one: OneEach) -> list[tuple[object, ...]]:
    keys = ", ".join(one.keys)
    there = " AND ".join(f"{key} IS NOT NULL" for key in (*one.keys, one.column))
    return db.execute(
        f"SELECT min(x__row), count(*), sum(BilledCost) FROM delivery WHERE {there} GROUP BY {keys}"
        " HAVING count(DISTINCT V) > 1 ORDER BY ALL"
    ).fetchall()


@settings(max_examples=some(60), deadline=None)
@given(rows=ROWS, keys=st.sampled_from([("K",), ("K", "L")]))
def test_steps_find_what_counting_finds(rows: list[tuple[object, ...]], keys: tuple[str, ...]) -> None:
    db = laid_out(rows)
    assert broken(db, OneEach(keys, "V")) == counted(db, OneEach(keys, "V"))


@pytest.mark.parametrize(("key", "keys"), [("VARCHAR", NAMED_MAX), ("VARCHAR", NAMED_MAX + 1), ("INTEGER", 3)])
def test_many_keys_and_keys_that_are_no_text_are_found_again(key: str, keys: int) -> None:
    rows: list[tuple[object, ...]] = [(n, str(n % 2), value) for n in range(keys) for value in (1, 2)]
    db = laid_out(rows, key)
    found = broken(db, OneEach(("K", "L"), "V"))
    assert len(found) == keys
    assert found == counted(db, OneEach(("K", "L"), "V"))


WORDS = st.text(alphabet="ab'|(~ é", max_size=3)


@settings(max_examples=some(60), deadline=None)
@given(words=st.sets(WORDS, min_size=1), said=WORDS | st.none(), many=st.booleans())
def test_one_of_many_words_is_one_of_a_list(words: set[str], said: str | None, many: bool) -> None:
    listed = sorted(words | {f"w{n}" for n in range(SPELLED_MAX)} if many else words)
    spelt = ", ".join("'" + word.replace("'", "''") + "'" for word in listed)
    (row,) = duckdb.execute(f"SELECT {among('$1', listed)}, $1 IN ({spelt})", [said]).fetchall()
    assert row[0] is row[1]
