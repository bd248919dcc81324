"""The desk of a check: a question reads the columns that it names, of every file, and says the same as one of all columns."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import duckdb
import pytest

from fiscus.kernel.progress import Silent
from fiscus.stores.lake.check_desk import CheckDesk

TYPES = {"BilledCost": "Decimal", "ServiceName": "String", "ResourceId": "String"}


def write(path: Path, rows: Sequence[Mapping[str, object]]) -> Path:
    table = " UNION ALL BY NAME ".join(
        "SELECT " + ", ".join(f'{value!r} AS "{name}"' for name, value in row.items()) for row in rows
    )
    form = "parquet" if path.suffix == ".parquet" else "csv, header"
    duckdb.sql(f"COPY ({table}) TO '{path}' (FORMAT {form})")
    return path


@pytest.mark.parametrize("ending", ["parquet", "csv"])
def test_a_question_of_some_columns_is_answered_over_files_that_differ(tmp_path: Path, ending: str) -> None:
    one = write(
        tmp_path / f"1.{ending}", [{"billedcost": 2, "ServiceName": "A"}, {"billedcost": 3, "ServiceName": "B"}]
    )
    two = write(tmp_path / f"2.{ending}", [{"ServiceName": "C"}])
    with CheckDesk([one, two], TYPES, Silent()) as desk:
        assert desk.query("SELECT count(*) FROM delivery").rows == ((3,),)
        assert desk.query("SELECT x__row, ServiceName FROM delivery ORDER BY ALL").rows == (
            (0, "A"),
            (1, "B"),
            (2, "C"),
        )
        costs = "SELECT x__row FROM delivery WHERE CAST(BilledCost AS INTEGER) > 1 ORDER BY ALL"
        assert desk.query(costs).rows == ((0,), (1,))
        absent = "SELECT count(*), count(ResourceId) FROM delivery"
        in_it = "SELECT a.ServiceName FROM delivery a JOIN delivery b ON a.x__row = b.x__row + 2"
        assert [answer.rows for answer in desk.query_all([absent, in_it])] == [((3, 0),), (("C",),)]
        desk.query("CREATE TABLE slice_0 AS SELECT x__row, ServiceName FROM delivery WHERE ServiceName > 'A'")
        assert desk.query("SELECT count(*), max(x__row) FROM slice_0").rows == ((2, 2),)
