"""A question opens the views that it names and no others; an answer is kept as long as the version that it is of."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from tests.bills import deliver, write_csv

from fiscus.flows.workspace import Workspace
from fiscus.kernel.limits import ANSWERS_CELLS_KEPT_MAX
from fiscus.kernel.rows import Rows
from fiscus.stores.lake.answers_kept import AnswersKept
from fiscus.stores.lake.views_asked import ViewsAsked

BILLED = "SELECT sum(BilledCost) -- the bill's own sum, not 'estimated\nFROM charges"
VIEWS = [
    "CREATE OR REPLACE VIEW stored AS SELECT 1 AS a, 'it''s from charges' AS remark",
    "CREATE OR REPLACE VIEW charges AS SELECT a FROM stored",
    "CREATE OR REPLACE VIEW apart AS SELECT * FROM (VALUES (7)) t(stored_apart)",
    "CREATE OR REPLACE VIEW twice AS SELECT a * 2 AS a FROM charges",
    "CREATE OR REPLACE VIEW charges AS SELECT a + 100 AS a FROM stored",
]


@pytest.fixture
def connection():
    with duckdb.connect() as one:
        yield one


def made(connection: duckdb.DuckDBPyConnection) -> set[str]:
    return {name for (name,) in connection.sql("SELECT view_name FROM duckdb_views() WHERE NOT internal").fetchall()}


def test_only_what_a_question_names_is_opened_and_what_that_reads(connection: duckdb.DuckDBPyConnection) -> None:
    views = ViewsAsked(connection, VIEWS)
    assert views.execute("SELECT * FROM Twice").fetchall() == [(202,)], "the later one of a name counts"
    assert made(connection) == {"stored", "charges", "twice"}
    assert views.execute("SELECT 1").fetchall() == [(1,)]
    assert "apart" not in made(connection)
    views.drop()
    assert made(connection) == set()


@pytest.mark.parametrize("asked", ["SHOW TABLES", "SELECT table_name FROM information_schema.tables ORDER BY 1"])
def test_who_asks_what_there_is_is_told_of_all(connection: duckdb.DuckDBPyConnection, asked: str) -> None:
    names = [row[0] for row in ViewsAsked(connection, VIEWS).execute(asked).fetchall()]
    assert names == ["apart", "charges", "stored", "twice"]


def test_a_question_that_was_parsed_for_another_lake_is_answered_by_this_one(
    connection: duckdb.DuckDBPyConnection,
) -> None:
    asked = "SELECT a + $more FROM charges"
    here = ViewsAsked(connection, VIEWS)
    assert here.execute(asked, {"more": 1}).fetchall() == [(102,)]
    with duckdb.connect() as other:
        there = ViewsAsked(other, ["CREATE OR REPLACE VIEW charges AS SELECT 0.5 AS a"])
        assert str(there.execute(asked, {"more": 1}).fetchall()) == "[(Decimal('1.5'),)]"
    assert here.execute(asked, {"more": -1}).fetchall() == [(100,)]
    assert here.execute("SELECT 1; SELECT 2").fetchall() == [(2,)]


def test_a_name_that_is_put_together_is_found_too(connection: duckdb.DuckDBPyConnection) -> None:
    views = ViewsAsked(connection, VIEWS)
    assert views.execute("SELECT * FROM query_table('ap' || 'art')").fetchall() == [(7,)]
    with pytest.raises(duckdb.CatalogException):
        views.execute("SELECT * FROM nowhere")


def test_an_answer_is_that_of_the_version_whatever_was_asked_before(ws: Workspace, tmp_path: Path) -> None:
    assert ws.lake.query(BILLED).rows == ((None,),)
    deliver(ws, write_csv(tmp_path / "a.csv", [{}, {"ResourceId": "i-2"}]))
    first = ws.lake.query(BILLED)
    assert first.rows == ((Decimal(3),),)
    assert ws.lake.query(BILLED) is first, "nothing in a version changes"
    deliver(ws, write_csv(tmp_path / "b.csv", [{"BillingPeriodStart": "2026-09-01T00:00:00Z", "BilledCost": "9"}]))
    assert ws.lake.query(BILLED).rows == ((Decimal(12),),)
    assert ws.lake.query("SELECT count(*) FROM charges WHERE BilledCost > $over", {"over": 5}).rows == ((1,),)
    assert ws.lake.query("SELECT count(*) FROM charges WHERE BilledCost > $over", {"over": 1}).rows == ((3,),)


def test_what_is_kept_is_bounded_and_the_oldest_goes_first() -> None:
    asked: list[str] = []

    def answer(sql: str, cells: int) -> Rows:
        def now() -> Rows:
            asked.append(sql)
            return Rows(("a",), ((1,),) * (cells - 1))

        return kept.answer(sql, None, now)

    kept, large = AnswersKept(), 20_000
    for _ in range(2):
        answer("too large to keep", large + 1)
    assert len(asked) == 2
    names = [f"q{n}" for n in range(ANSWERS_CELLS_KEPT_MAX // large + 1)]
    for name in names:
        answer(name, large)
    asked.clear()
    answer(names[-1], large)
    answer(names[1], large)
    assert asked == []
    answer(names[0], large)
    answer(names[1], large)
    answer(names[2], large)
    assert asked == [names[0], names[2]], "what was asked last is kept longest"
