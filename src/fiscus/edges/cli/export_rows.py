"""A query's answer as a table, CSV, JSON lines or Parquet. Formula injection is defused in CSV (OWASP, CSV injection)."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Literal

from fiscus.edges.cli.terminal import note, say, table
from fiscus.kernel.canonical import to_json
from fiscus.kernel.errors import BadInput
from fiscus.kernel.rows import Rows

FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")


def write_rows(rows: Rows, form: Literal["table", "csv", "json", "parquet"], out: Path | None) -> None:
    """Print `rows`, or write them to `out`."""
    if form == "parquet":
        _write_parquet(rows, out)
    elif form == "table" and out is None:
        table(rows.columns, rows.rows, "No rows.")
    else:
        text = _csv(rows) if form in {"csv", "table"} else json.dumps([to_json(row) for row in rows.dicts()], indent=2)
        if out is None:
            say(text.rstrip("\n"))
        else:
            out.write_text(text, encoding="utf-8")
            note(f"{len(rows):,} rows written to {out}")


def _csv(rows: Rows) -> str:
    buffer = io.StringIO()
    writer = csv.writer(buffer, lineterminator="\n")
    writer.writerow(rows.columns)
    writer.writerows([_safe(value) for value in row] for row in rows.rows)
    return buffer.getvalue()


def _safe(value: object) -> object:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA_STARTS) else value
    if isinstance(value, dict | list):
        return json.dumps(to_json(value), ensure_ascii=False)
    plain = to_json(value)
    return "" if plain is None else plain


def _write_parquet(rows: Rows, out: Path | None) -> None:
    if out is None:
        raise BadInput("Parquet is not text", remedy="Name a file with --out answer.parquet.")
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: [row[n] for row in rows.rows] for n, name in enumerate(rows.columns)}
    pq.write_table(pa.table(columns), out)
    note(f"{len(rows):,} rows written to {out}")
