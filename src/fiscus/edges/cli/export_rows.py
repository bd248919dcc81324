"""A query's answer as a table, CSV, JSON or Parquet. Formula injection is defused in CSV (OWASP, CSV injection)."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from textwrap import indent
from typing import Final, Literal

from fiscus.edges.cli.terminal import Common, note, say, say_json, table
from fiscus.kernel.canonical import to_json
from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.rows import Rows

Form = Literal["table", "csv", "json", "parquet"]
FileForm = Literal["csv", "json", "parquet"]
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r")
BY_SUFFIX: Final[dict[str, FileForm]] = {".csv": "csv", ".json": "json", ".parquet": "parquet"}


def write_rows(rows: Rows, form: Form, out: Path | None, common: Common, *, raw: bool = False) -> None:
    """Print `rows`, or write them to `out` and say so; with --json both are JSON. `raw`: a table shows all digits."""
    rows.refuse_same_names()
    if out is not None:
        written = file_form(out, None if form == "table" else form)
        _write(rows, written, out)
        if common.json:
            say_json({"file": str(out), "format": written, "rows": len(rows), "columns": rows.columns})
        else:
            note(f"{len(rows):,} rows written to {out}")
    elif form == "parquet" and not common.json:
        raise BadInput("Parquet is not text", remedy="Name a file with --out answer.parquet.")
    elif form == "table" and not common.json:
        table(rows.columns, rows.rows, "No rows.", raw=raw)
    else:
        for line in _json(rows) if common.json or form == "json" else _csv(rows):
            say(line.rstrip("\n"))


def file_form(path: Path, named: FileForm | None) -> FileForm:
    """As it is named, else as the file's name ends, else CSV. Raises BadInput where the two contradict each other."""
    told = BY_SUFFIX.get(path.suffix.lower())
    if named and told and named != told:
        raise BadInput(
            f"The name says {told} and --format {named}",
            remedy=f"Leave --format out, or name a file that ends in .{named}.",
            where=Where(file=str(path)),
        )
    return named or told or "csv"


def _write(rows: Rows, form: FileForm, out: Path) -> None:
    from fiscus.app.whole_file import whole_file

    with whole_file(out) as path:
        if form == "parquet":
            _write_parquet(rows, path)
            return
        with path.open("w", encoding="utf-8", newline="") as file:
            file.writelines(_json(rows) if form == "json" else _csv(rows))


class _Line:
    """What csv.writer writes to: it hands each line back, so that a long answer is never in memory as one text."""

    def write(self, line: str) -> str:
        return line


def _csv(rows: Rows) -> Iterator[str]:
    writer = csv.writer(_Line(), lineterminator="\n")
    yield str(writer.writerow(rows.columns))
    for row in rows.rows:
        yield str(writer.writerow([_safe(value) for value in row]))


def _json(rows: Rows) -> Iterator[str]:
    """The lines of one JSON array, an object a row."""
    if not rows.rows:
        yield "[]\n"
        return
    last = len(rows) - 1
    yield "[\n"
    for n, row in enumerate(rows.dicts()):
        yield indent(json.dumps(to_json(row), indent=2, allow_nan=False), "  ") + ("\n" if n == last else ",\n")
    yield "]\n"


def _safe(value: object) -> object:
    if isinstance(value, str):
        return f"'{value}" if value.startswith(FORMULA_STARTS) else value
    if isinstance(value, dict | list):
        return json.dumps(to_json(value), ensure_ascii=False)
    plain = to_json(value)
    return "" if plain is None else plain


def _write_parquet(rows: Rows, out: Path) -> None:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = {name: [row[n] for row in rows.rows] for n, name in enumerate(rows.columns)}
    try:
        made = pa.table(columns)
    except (pa.ArrowException, OverflowError) as refused:
        raise BadInput(
            f"Parquet has no type for the answer: {str(refused).splitlines()[0][:200]}",
            remedy="CAST its numbers to BIGINT or DECIMAL(38, 12) and what is mixed to VARCHAR.",
        ) from None
    pq.write_table(made, out)
