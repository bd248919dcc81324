"""A query's answer as a table, CSV, JSON or Parquet. Formula injection is defused in CSV (OWASP, CSV injection)."""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator, Mapping
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
OTHER_KINDS: Final = (
    ".xlsx",
    ".xls",
    ".ods",
    ".pdf",
    ".html",
    ".tsv",
    ".gz",
    ".zip",
    ".zst",
    ".orc",
    ".avro",
    ".arrow",
)
"""Endings by which other programs know what a file is."""
BY_SUFFIX: Final[dict[str, FileForm]] = {".csv": "csv", ".json": "json", ".parquet": "parquet"}


def write_rows(
    rows: Rows,
    form: Form,
    out: Path | None,
    common: Common,
    *,
    raw: bool = False,
    kinds: Mapping[str, str] | None = None,
) -> None:
    """Print `rows`, or write them to `out` and say so; with --json both are JSON.

    `raw`: a table shows all digits. `kinds`: what is known of columns, as a report declares them, where the rows do not tell.
    """
    rows.refuse_same_names()
    if out is not None:
        written = file_form(out, None if form == "table" else form)
        _write(rows, written, out, kinds or {})
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


def file_form(path: Path, named: FileForm | None, *, packs: bool = False) -> FileForm:
    """As it is named, else as the file's name ends, CSV where that tells nothing. `packs`: .csv.gz is written too.

    Raises BadInput where the two contradict each other, or the name promises what is not written.
    """
    ending = path.suffix.lower()
    told = "csv" if packs and path.name.lower().endswith(".csv.gz") else BY_SUFFIX.get(ending)
    if told is None and ending in OTHER_KINDS:
        raise BadInput(
            f"A file that ends in {ending} is none that is written here",
            remedy=f"Name one that ends in {', '.join(BY_SUFFIX)}.",
            where=Where(file=str(path)),
        )
    if named and told and named != told:
        raise BadInput(
            f"The name says {told} and --format {named}",
            remedy=f"Leave --format out, or name a file that ends in .{named}.",
            where=Where(file=str(path)),
        )
    return named or told or "csv"


def _write(rows: Rows, form: FileForm, out: Path, kinds: Mapping[str, str]) -> None:
    from fiscus.app.whole_file import whole_file

    with whole_file(out) as path:
        if form == "parquet":
            _write_parquet(rows, path, kinds)
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


def _write_parquet(rows: Rows, out: Path, kinds: Mapping[str, str]) -> None:
    """Types that do not hang on the values of the day: next month's file is of the same ones."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    unseen = {
        **dict.fromkeys(("text", "currency", "month"), pa.string()), "percent": pa.decimal128(38, 2), "count": pa.int64(),
        **dict.fromkeys(("money", "price", "number"), pa.decimal128(38, 12)), "day": pa.date32(), "truth": pa.bool_(),
        "list": pa.list_(pa.string()),
    }  # fmt: skip

    def column(name: str, values: list[object]) -> pa.Array:
        made = pa.array(values)
        if pa.types.is_null(made.type) and name in kinds:
            return made.cast(unseen[kinds[name]])
        return made.cast(pa.decimal128(38, made.type.scale)) if pa.types.is_decimal128(made.type) else made

    try:
        made = pa.table({name: column(name, [row[n] for row in rows.rows]) for n, name in enumerate(rows.columns)})
    except (pa.ArrowException, OverflowError) as refused:
        raise BadInput(
            f"Parquet has no type for the answer: {str(refused).splitlines()[0][:200]}",
            remedy="CAST its numbers to BIGINT or DECIMAL(38, 12) and what is mixed to VARCHAR.",
        ) from None
    pq.write_table(made, out)
