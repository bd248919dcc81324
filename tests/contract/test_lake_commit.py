"""One commit replaces the months of a delivery, whoever else commits at that moment."""

from __future__ import annotations

from pathlib import Path

import duckdb
import pyarrow as pa
import pytest

from fiscus.kernel.errors import Conflict
from fiscus.stores.lake import tables

SCHEMA = pa.schema([("a", pa.int32())])


def _part(table: Path, source: str, month: str, name: str) -> tuple[str, int]:
    folder = table / f"x_SourceId={source}" / f"x_BillingMonth={month}"
    folder.mkdir(parents=True, exist_ok=True)
    duckdb.connect().execute(f"COPY (SELECT 1 AS a) TO '{folder / name}' (FORMAT parquet)")
    return str((folder / name).relative_to(table)), 1


def _standing(table: Path) -> list[str]:
    return sorted(uri.rsplit("/", 1)[-1] for uri in tables.table_at(table, tables.table_version(table)).files)


def _commit(table: Path, source: str, month: str, name: str) -> int:
    return tables.replace_partitions(table, source, SCHEMA, {month: [_part(table, source, month, name)]}, f"del-{name}")


def _interrupted_by(monkeypatch: pytest.MonkeyPatch, another: list) -> None:
    """Between the look at the table and the commit, the next of `another` writers commits first."""
    look = tables._table_with

    def looked(path: Path, schema: pa.Schema):
        found = look(path, schema)
        if another:
            another.pop(0)()
        return found

    monkeypatch.setattr(tables, "_table_with", looked)


def test_two_writers_that_both_found_a_month_empty_leave_the_rows_of_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _commit(tmp_path, "gcp", "2026-09", "first")
    _interrupted_by(monkeypatch, [lambda: _commit(tmp_path, "aws", "2026-09", "early")])
    _commit(tmp_path, "aws", "2026-09", "late")
    assert _standing(tmp_path) == ["first", "late"]


def test_a_writer_of_another_source_costs_a_retry_and_loses_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _commit(tmp_path, "gcp", "2026-09", "old")
    _interrupted_by(monkeypatch, [lambda: _commit(tmp_path, "azure", "2026-09", "other")])
    _commit(tmp_path, "gcp", "2026-09", "new")
    assert _standing(tmp_path) == ["new", "other"]


def test_a_writer_that_loses_every_race_gives_up_and_says_that_nothing_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _commit(tmp_path, "aws", "2026-09", "standing")
    monkeypatch.setattr(tables, "COMMIT_RETRIES_MAX", 2)
    winners = [f"winner-{n}" for n in range(2)]
    _interrupted_by(monkeypatch, [])
    look = tables._table_with

    def beaten(path: Path, schema: pa.Schema):
        found = look(path, schema)
        if winners:
            name = winners.pop()
            monkeypatch.setattr(tables, "_table_with", look)
            _commit(path, "gcp", "2026-09", name)
            monkeypatch.setattr(tables, "_table_with", beaten)
        return found

    monkeypatch.setattr(tables, "_table_with", beaten)
    with pytest.raises(Conflict, match="lost every race"):
        _commit(tmp_path, "aws", "2026-09", "loser")
    assert "loser" not in _standing(tmp_path)
    assert "standing" in _standing(tmp_path)
