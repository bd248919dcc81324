"""One commit replaces the months of a delivery, whoever else commits at that moment."""

from __future__ import annotations

import os
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
from deltalake import DeltaTable

from fiscus.kernel.errors import Conflict
from fiscus.stores.lake import tables
from fiscus.stores.lake.places import FolderTable
from fiscus.stores.lake.tables import Placed, Replacing

SCHEMA = pa.schema([("a", pa.int32())])


def _part(table: Path, source: str, month: str, name: str) -> Placed:
    folder = table / f"x_SourceId={source}" / f"x_BillingMonth={month}"
    folder.mkdir(parents=True, exist_ok=True)
    duckdb.connect().execute(f"COPY (SELECT 1 AS a) TO '{folder / name}' (FORMAT parquet)")
    return Placed(str((folder / name).relative_to(table)), 1, (folder / name).stat().st_size, 0)


def _standing(table: Path) -> list[str]:
    place = FolderTable(table)
    return sorted(uri.rsplit("/", 1)[-1] for uri in place.at(place.version()).files)


def _commit(table: Path, source: str, month: str, name: str, seen: frozenset[str] | None = None) -> int:
    replacing = Replacing(source, {month: [_part(table, source, month, name)]}, f"del-{name}", seen)
    return tables.replace_partitions(FolderTable(table), SCHEMA, replacing)


def _interrupted_by(monkeypatch: pytest.MonkeyPatch, another: list) -> None:
    """Between the look at the table and the commit, the next of `another` writers commits first."""
    look = tables._table_with

    def looked(place: FolderTable, schema: pa.Schema):
        found = look(place, schema)
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

    def beaten(place: FolderTable, schema: pa.Schema):
        found = look(place, schema)
        if winners:
            name = winners.pop()
            monkeypatch.setattr(tables, "_table_with", look)
            _commit(Path(place.uri), "gcp", "2026-09", name)
            monkeypatch.setattr(tables, "_table_with", beaten)
        return found

    monkeypatch.setattr(tables, "_table_with", beaten)
    with pytest.raises(Conflict, match="lost every race"):
        _commit(tmp_path, "aws", "2026-09", "loser")
    assert "loser" not in _standing(tmp_path)
    assert "standing" in _standing(tmp_path)


def test_a_month_that_somebody_else_replaced_meanwhile_is_not_overwritten_unseen(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    _commit(tmp_path, "aws", "2026-09", "seen")
    _interrupted_by(monkeypatch, [lambda: _commit(tmp_path, "aws", "2026-09", "theirs")])
    with pytest.raises(Conflict, match="at the same time"):
        _commit(tmp_path, "aws", "2026-09", "mine", frozenset({"seen"}))
    assert _standing(tmp_path) == ["theirs"]


def test_a_commit_whose_answer_was_lost_is_known_to_have_landed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = DeltaTable.create_write_transaction

    def lost(self: DeltaTable, *arguments, **named) -> None:
        write(self, *arguments, **named)
        raise OSError("connection reset")

    monkeypatch.setattr(DeltaTable, "create_write_transaction", lost)
    version = _commit(tmp_path, "aws", "2026-09", "once", frozenset())
    assert (_standing(tmp_path), FolderTable(tmp_path).version()) == (["once"], version)


@pytest.mark.parametrize("made_before", [False, True])
def test_a_version_of_long_ago_can_still_be_asked(tmp_path: Path, made_before: bool) -> None:
    """Closed months are read at the version that closed them, in whichever year."""
    if made_before:  # by a Fiscus that did not say so
        fields = [*SCHEMA, *(pa.field(name, pa.string()) for name in tables.PARTITIONS)]
        DeltaTable.create(str(tmp_path), pa.schema(fields), partition_by=tables.PARTITIONS)
    first = _commit(tmp_path, "aws", "2026-09", "first")
    for number in range(3):
        _commit(tmp_path, "aws", "2026-09", f"later-{number}")
    table = DeltaTable(str(tmp_path))
    table.create_checkpoint()
    for log in (tmp_path / "_delta_log").glob("*.json"):
        os.utime(log, (0, 0))
    table.cleanup_metadata()
    assert [uri.rpartition("/")[2] for uri in FolderTable(tmp_path).at(first).files] == ["first"]
