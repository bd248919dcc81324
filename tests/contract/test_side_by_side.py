"""Statements asked side by side answer in the order of the questions, and the first error comes through."""

from __future__ import annotations

import duckdb
import pytest

from fiscus.stores.lake.side_by_side import side_by_side


def number(connection: duckdb.DuckDBPyConnection, sql: str) -> int:
    return int(connection.execute(sql).fetchall()[0][0])


def test_answers_come_in_the_order_of_the_questions() -> None:
    db = duckdb.connect()
    db.execute("CREATE VIEW numbers AS SELECT range AS n FROM range(1000)")
    asked = [f"SELECT count(*) FROM numbers WHERE n < {n}" for n in range(40)]
    assert side_by_side(db, asked, number, "SET enable_progress_bar=false") == list(range(40))


def test_what_goes_wrong_is_raised_where_it_was_asked() -> None:
    asked = ["SELECT 1", "SELECT * FROM nowhere", "SELECT 2"]
    with pytest.raises(duckdb.CatalogException):
        side_by_side(duckdb.connect(), asked, number, "SET enable_progress_bar=false")
