"""SQL from people reads the lake and nothing else, and ends."""

from __future__ import annotations

import resource
from pathlib import Path

import pytest
from tests.bills import deliver, write_csv

from fiscus.kernel.errors import BadQuery, LimitExceeded
from fiscus.stores.lake import people_sql
from fiscus.stores.lake.memory_bound import MemoryBound


@pytest.mark.parametrize(
    "sql",
    ["COPY (SELECT 1) TO '{out}'", "ATTACH '{out}'", "INSTALL httpfs", "LOAD httpfs", "PRAGMA database_list", "SET threads=1",
     "RESET threads", "CREATE TABLE t(a int)", "INSERT INTO charges SELECT 1", "DELETE FROM charges", "DROP VIEW charges",
     "SELECT 1; SELECT 2", "EXPLAIN ANALYZE SELECT 1", "CALL pragma_version()", "PREPARE x AS SELECT 1", "VACUUM", "BEGIN",
     "EXPORT DATABASE '{out}'", "", "SELECT", "SELECT nope FROM charges", "SELECT getenv('PATH')",
     "WITH x AS (INSERT INTO t VALUES (1) RETURNING *) SELECT * FROM x", "SELECT * FROM query('CREATE TABLE x(a int)')",
     "FROM read_csv('/etc/passwd')", "FROM read_text('/etc/passwd')", "FROM read_blob('/etc/passwd')", "FROM '/etc/passwd'",
     "FROM read_parquet('https://example.invalid/x')", "FROM glob('/etc/*')", "FROM glob('*')", "FROM sniff_csv('/etc/passwd')",
     "FROM parquet_schema('/etc/passwd')", "FROM parquet_metadata('/etc/*')", "FROM duckdb_secrets()", "FROM duckdb_extensions()",
     "FROM enable_logging()", "FROM read_duckdb('/etc/passwd')", "FROM sql", "FROM views"],
)  # fmt: skip
def test_whatever_is_not_a_question_to_the_lake_is_refused(ws, tmp_path: Path, sql: str) -> None:
    out = tmp_path / "out"
    with pytest.raises(BadQuery) as refused:
        ws.lake.ask(sql.format(out=out))
    assert refused.value.remedy
    assert not out.exists()


@pytest.mark.parametrize(
    "sql",
    ["WITH RECURSIVE r AS (SELECT 1 AS n UNION ALL SELECT n + 1 FROM r) SELECT count(*) FROM r",
     "SELECT count(*) FROM range(1000000000) a, range(1000000000) b",
     "SELECT list(range) FROM range(100000000000)"],
)  # fmt: skip
def test_a_question_without_end_is_ended(ws, monkeypatch: pytest.MonkeyPatch, sql: str) -> None:
    monkeypatch.setattr(people_sql, "QUERY_SECONDS_MAX", 0.5)
    with pytest.raises(LimitExceeded):
        ws.lake.ask(sql)
    assert ws.lake.ask("SELECT 1").rows == ((1,),), "the next question is answered"


def test_a_question_that_needs_too_much_memory_is_refused(ws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_sql, "QUERY_MEMORY_MB_MAX", 50)
    with pytest.raises(LimitExceeded, match="50 MB"):
        ws.lake.ask("SELECT len(list(range)) FROM range(20000000)")  # one value of 160 MB


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells and limits what a process maps")
@pytest.mark.parametrize(
    "sql",
    ["SELECT repeat('x', 30000000) FROM range(1000)",  # texts in the engine's vectors
     "SELECT max(strlen(repeat('x', 20000000 + range::int))) FROM range(1000)",
     "SELECT repeat('x', 100000) || range FROM range(10000)"],  # rows that Python fetched
)  # fmt: skip
def test_texts_that_the_engine_does_not_count_are_bounded_too(ws, monkeypatch: pytest.MonkeyPatch, sql: str) -> None:
    monkeypatch.setattr(people_sql, "QUERY_MEMORY_MB_MAX", 200)
    monkeypatch.setattr(people_sql, "QUERY_MARGIN_MB", 100)
    before = resource.getrlimit(resource.RLIMIT_AS)
    with pytest.raises(LimitExceeded, match="200 MB"):
        ws.lake.ask(sql)
    assert resource.getrlimit(resource.RLIMIT_AS) == before
    assert ws.lake.ask("SELECT count(*) FROM charges").rows == ((0,),), "the process lives on"


@pytest.mark.skipif(not Path("/proc/self/statm").exists(), reason="only Linux tells and limits what a process maps")
def test_the_bound_of_memory_stands_while_any_question_runs() -> None:
    bound, (before, _) = MemoryBound(), resource.getrlimit(resource.RLIMIT_AS)

    def soft() -> int:
        return resource.getrlimit(resource.RLIMIT_AS)[0]

    first, second = bound.held(200, 100), bound.held(200, 100)
    first.__enter__()
    of_one = soft()
    second.__enter__()
    assert soft() == of_one + 200 * 2**20, "questions at once have as much each"
    first.__exit__(None, None, None)
    assert soft() == of_one + 200 * 2**20, "what the other was given stands"
    second.__exit__(None, None, None)
    assert soft() == before


def test_no_question_loads_an_extension(ws) -> None:
    with pytest.raises(
        BadQuery, match="`sqlite_scan` is of the DuckDB extension sqlite_scanner, which no query can load"
    ):
        ws.lake.ask("SELECT * FROM sqlite_scan('/x', 'y')")
    with pytest.raises(BadQuery, match="no query can load"):
        ws.lake.ask("SELECT ST_Point(1, 2)")
    values = dict(ws.lake.ask("SELECT name, value FROM duckdb_settings() WHERE name LIKE 'auto%known%'").rows)
    assert set(values.values()) == {"false"}


def test_an_answer_without_end_is_refused(ws, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(people_sql, "QUERY_CELLS_MAX", 50_000)
    with pytest.raises(LimitExceeded, match="50,000 cells"):
        ws.lake.ask("SELECT * FROM range(1000000)")
    assert len(ws.lake.ask("SELECT * FROM range(1000000)", rows_max=12).rows) == 12


def test_a_kept_connection_sees_the_newest_bills_and_parameters(ws, tmp_path: Path) -> None:
    count = "SELECT count(*) FROM charges WHERE BilledCost > CAST($least AS DECIMAL(28,12))"
    assert ws.lake.ask(count, {"least": "0"}).rows == ((0,),)
    deliver(ws, write_csv(tmp_path / "a.csv", [{}, {"BilledCost": "9"}]))
    assert ws.lake.ask(count, {"least": "0"}).rows == ((2,),)
    assert ws.lake.ask(count, {"least": "5"}).rows == ((1,),)
    with pytest.raises(BadQuery):
        ws.lake.ask("SELECT * FROM nowhere")
    assert ws.lake.ask(count, {"least": "5"}).rows == ((1,),)
