"""Bills as files: one month of one source at a time, in the vendor's dialect, the same bytes for the same charges."""

from __future__ import annotations

import gzip
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from fiscus.twin.bill_columns import COSTS, LINE_COLUMNS, NUMBERS, TIMES, Columns, decimal_text, time_texts
from fiscus.twin.dialects import DIALECTS, Dialect
from fiscus.twin.invoices import detail_id, invoice_id, invoice_table, sends_invoices
from fiscus.twin.line import NO_PRICE, Book, Facts
from fiscus.twin.timeline import SPAN_MAX, Timeline

GZIP_LEVEL: Final = 4
TIMESTAMP: Final = pa.timestamp("us", tz="UTC")
PARQUET_NUMBER: Final = pa.decimal128(38, 18)


@dataclass(frozen=True, slots=True)
class Writer:
    """Writes books of one company under `inbox`. `closed_until`: months before that index are invoiced."""

    inbox: Path
    timeline: Timeline
    closed_until: int

    def write(self, book: Book, facts: Facts) -> list[Path]:
        """One or more files for each billing month of `facts`; returns their paths."""
        dialect = DIALECTS[book.source]
        written: list[Path] = []
        of_lines: dict[str, pa.Array] = {}
        for month in np.unique(facts.month).tolist():
            of_month = facts.take(facts.month == month)
            of_month = of_month.take(np.lexsort((of_month.line, of_month.day)))
            for part in range((len(of_month) - 1) // dialect.rows_a_file + 1):
                rows = slice(part * dialect.rows_a_file, (part + 1) * dialect.rows_a_file)
                chosen = of_month.take(np.arange(len(of_month))[rows])
                path = self.inbox / book.source / self._name(dialect, month, part)
                path.parent.mkdir(parents=True, exist_ok=True)
                self._file(
                    path, Columns(book, _as_sent(chosen, book, dialect), dialect, self.timeline, of_lines), month
                )
                written.append(path)
        return written

    def write_invoices(self, book: Book, facts: Facts) -> None:
        """One file for the invoiced months of `facts`; nothing where there is none, or the vendor sends none as data."""
        months = [month for month in np.unique(facts.month).tolist() if month < self.closed_until]
        if months and sends_invoices(book.source):
            path = self.inbox / book.source / f"invoices_{self.timeline.month(months[0])}.csv"
            path.write_text(invoice_table(book, facts, self.timeline, months), encoding="utf-8")

    def _name(self, dialect: Dialect, month: int, part: int) -> str:
        calendar = self.timeline.month(month)
        last = calendar.end - timedelta(days=1)
        return dialect.path.format(
            month=calendar, first=calendar.start.strftime("%Y%m%d"), last=last.strftime("%Y%m%d"), part=part + 1
        )

    def _file(self, path: Path, columns: Columns, month: int) -> None:
        invoice = ""
        if month < self.closed_until:
            invoice = invoice_id(columns.dialect.source, self.timeline.month(month))
        unfinished = path.with_name(f".{path.name}.part")
        if path.suffix == ".parquet":
            pq.write_table(_typed(columns), unfinished, compression="zstd")
        else:
            _write_text(unfinished, path.name, _csv(columns, invoice))
        unfinished.replace(path)


def _as_sent(facts: Facts, book: Book, dialect: Dialect) -> Facts:
    """Azure's agreement shows no contracted or list cost for reservations and marketplace purchases."""
    if not dialect.no_contracted_for_committed:
        return facts
    hidden = np.array([line.commitment is not None or bool(line.publisher) for line in book.lines])[facts.line]
    return replace(
        facts,
        list_cost=np.where(hidden, 0, facts.list_cost),
        contracted_cost=np.where(hidden, 0, facts.contracted_cost),
        list_price=np.where(hidden, NO_PRICE, facts.list_price),
        contracted_price=np.where(hidden, NO_PRICE, facts.contracted_price),
    )


def _csv(columns: Columns, invoice: str) -> bytes:
    """Header and rows. Text is quoted where it must be; numbers never are."""
    dialect = columns.dialect
    days = time_texts(columns.timeline, dialect.times)
    texts = [_text_column(columns, name, invoice, days).fill_null(_no_value(name, dialect)) for name in dialect.columns]
    rows = pc.binary_join_element_wise(pc.binary_join_element_wise(*texts, ","), "", "\n")
    rows = rows.combine_chunks() if isinstance(rows, pa.ChunkedArray) else rows
    _, offsets, values = rows.buffers()
    bounds = np.frombuffer(offsets, np.int32)
    body = memoryview(values)[int(bounds[rows.offset]) : int(bounds[rows.offset + len(rows)])]
    return ",".join(dialect.columns).encode() + b"\n" + bytes(body)


def _no_value(column: str, dialect: Dialect) -> str:
    """Oracle writes the word NULL, but leaves the columns of commitments that it never fills empty."""
    return "" if column.startswith("Commitment") else dialect.null


def _text_column(columns: Columns, name: str, invoice: str, days: pa.Array) -> pa.Array:
    if name in NUMBERS:
        amount, digits, rest, valid = columns.numbers(name)
        text = decimal_text(
            np.where(valid, amount, 0), digits, rest, fixed=columns.dialect.fixed_decimals and name in COSTS
        )
        return pc.if_else(pa.array(valid), text, pa.scalar(None, pa.string()))
    if name in TIMES:
        return days.take(pa.array(columns.times(name)))
    if name in LINE_COLUMNS:
        return columns.line_column(name, _quoted)
    if name == "InvoiceDetailId" and invoice:
        lines = columns.line_column("ChargeCategory", _quoted)
        return pc.binary_join_element_wise(detail_id(invoice, ""), lines, "")
    value = invoice or None if name == "InvoiceId" else None
    return pa.array([value] * len(columns.facts), pa.string())


def _quoted(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if any(sign in text for sign in ',"\n') else text


def _typed(columns: Columns) -> pa.Table:
    """The same columns with types, for Parquet."""
    found: dict[str, pa.Array] = {}
    midnights = pa.array(
        [columns.timeline.date(day) for day in range(columns.timeline.days + SPAN_MAX)], pa.date32()
    ).cast(TIMESTAMP)
    for name in columns.dialect.columns:
        if name in NUMBERS:
            found[name] = _text_column(columns, name, "", midnights).cast(PARQUET_NUMBER)
        elif name in TIMES:
            found[name] = midnights.take(pa.array(columns.times(name)))
        elif name in LINE_COLUMNS:
            found[name] = columns.line_column(name, lambda text: text)
        else:
            found[name] = pa.nulls(len(columns.facts), pa.string())
    return pa.table(found)


def _write_text(path: Path, name: str, content: bytes) -> None:
    if name.endswith(".gz"):
        with path.open("wb") as raw, gzip.GzipFile("", "wb", GZIP_LEVEL, raw, mtime=0) as packed:
            packed.write(content)
    elif name.endswith(".zst"):
        with pa.CompressedOutputStream(str(path), "zstd") as packed:
            packed.write(content)
    else:
        path.write_bytes(content)
