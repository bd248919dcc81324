"""A pack as a workbook by XlsxWriter: the same exhibits as real numbers with their units, and a sheet of definitions."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import xlsxwriter
from xlsxwriter.format import Format
from xlsxwriter.worksheet import Worksheet

from fiscus.board.types import ESTIMATE, Exhibit, Pack
from fiscus.kernel.canonical import canonical_bytes
from fiscus.stores.render.figures import places_of

SHEET_NAME_CHARS: Final = 31
CELL_CHARS_MAX: Final = 32_767
_NOT_IN_NAMES: Final = re.compile(r"[\[\]:*?/\\']")


class _Book:
    """A workbook under way: its formats and the names that are taken."""

    def __init__(self, book: xlsxwriter.Workbook) -> None:
        self.book = book
        self.head = book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"})
        self.title = book.add_format({"bold": True, "font_size": 13})
        self.quiet = book.add_format({"font_color": "#5b6270"})
        self.wrap = book.add_format({"text_wrap": True, "valign": "top"})
        self.day = book.add_format({"num_format": "d mmm yyyy", "align": "left"})
        self._numbers: dict[str, Format] = {}
        self._names: set[str] = set()

    def number(self, unit: str) -> Format:
        """Thousands separated, negatives in parentheses, ≈ before an estimate: as on paper."""
        if unit not in self._numbers:
            mark = '"≈ "' if unit.startswith(ESTIMATE) else ""
            places = max(places_of(unit), 2 if unit.removeprefix(ESTIMATE) not in {"count", "%", "millions"} else 0)
            shape = "#,##0" + ("." + "0" * places if places else "")
            self._numbers[unit] = self.book.add_format({"num_format": f"{mark}{shape};{mark}({shape})"})
        return self._numbers[unit]

    def sheet(self, name: str) -> Worksheet:
        """A sheet whose name Excel accepts and nobody has yet."""
        plain = _NOT_IN_NAMES.sub(" ", name)[:SHEET_NAME_CHARS] or "sheet"
        number = 2
        while plain.lower() in self._names:
            plain = f"{plain[: SHEET_NAME_CHARS - 4]} {number}"
            number += 1
        self._names.add(plain.lower())
        return self.book.add_worksheet(plain)


def render_xlsx(pack: Pack, path: Path) -> None:
    """Write `pack` to `path`. Same pack, same bytes: the date of creation is the as-of day. Text is never a formula or a link."""
    book = xlsxwriter.Workbook(
        str(path), {"strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    made = datetime(pack.as_of.year, pack.as_of.month, pack.as_of.day, tzinfo=UTC).replace(tzinfo=None)
    book.set_properties({"title": f"{pack.company} {pack.period}", "author": "Fiscus", "created": made})
    made_of = _Book(book)
    _summary(made_of, pack)
    _decisions(made_of, pack)
    for exhibit in pack.exhibits:
        _exhibit(made_of, exhibit, pack)
    _definitions(made_of, pack)
    _queries(made_of, pack)
    book.close()


def _summary(made: _Book, pack: Pack) -> None:
    sheet = made.sheet("Summary")
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 3, 18)
    sheet.set_column(4, 6, 26)
    sheet.set_column(7, 7, 90)
    judged = f", budgets as judged on {pack.judged_as_of}" if pack.judged_as_of else ""
    sheet.write_string(0, 0, f"{pack.company}, {pack.period}, as of {pack.as_of}{judged}", made.title)
    sheet.write_string(1, 0, pack.sentence)
    basis = f"lake {pack.lake_version}; evidence {pack.evidence_head}; configuration {pack.config_digest}"
    sheet.write_string(2, 0, basis + ("; the month is not over" if pack.partial else ""), made.quiet)
    sheet.write_string(3, 0, "; ".join(pack.simulated), made.quiet)
    for column, name in enumerate(("number", "value", "low (P10)", "high (P90)", "unit", "kind", "basis", "finding")):
        sheet.write_string(5, column, name, made.head)
    for row, kpi in enumerate(pack.kpis, start=6):
        unit = ESTIMATE + kpi.unit if kpi.kind in {"estimate", "forecast"} else kpi.unit
        sheet.write_string(row, 0, kpi.title)
        for column, value in enumerate((kpi.value, kpi.low, kpi.high), start=1):
            _cell(made, sheet, (row, column), value, unit)
        for column, text in enumerate((kpi.unit, kpi.kind, kpi.basis, kpi.finding), start=4):
            sheet.write_string(row, column, text)
    sheet.freeze_panes(6, 1)


def _decisions(made: _Book, pack: Pack) -> None:
    sheet = made.sheet("Decisions")
    sheet.set_column(0, 0, 90)
    sheet.set_column(1, 4, 18)
    for column, name in enumerate(("decide", "money", "currency", "owner", "by")):
        sheet.write_string(0, column, name, made.head)
    for row, asked in enumerate(pack.decisions, start=1):
        values = (
            (asked.text, "text"),
            (asked.amount, (ESTIMATE if asked.estimate else "") + asked.currency),
            (asked.currency, "text"),
            (asked.owner, "text"),
            (asked.by, "date"),
        )
        for column, (value, unit) in enumerate(values):
            _cell(made, sheet, (row, column), value, unit)


def _exhibit(made: _Book, exhibit: Exhibit, pack: Pack) -> None:
    sheet = made.sheet(exhibit.id)
    sheet.set_column(0, 0, 32)
    sheet.set_column(1, max(len(exhibit.columns) - 1, 1), 18)
    sheet.write_string(0, 0, exhibit.title, made.title)
    basis = f"lake {pack.lake_version}" if exhibit.basis == "lake" else f"evidence {pack.evidence_head}"
    sheet.write_string(1, 0, f"{basis}; {len(exhibit.rows)} rows; SHA-256 {exhibit.content_digest}", made.quiet)
    sheet.write_string(2, 0, exhibit.note, made.quiet)
    for column, (name, unit) in enumerate(exhibit.columns):
        sheet.write_string(4, column, name, made.head)
        sheet.write_string(5, column, unit, made.quiet)
    for row, values in enumerate(exhibit.rows, start=6):
        for column, value in enumerate(values):
            _cell(made, sheet, (row, column), value, exhibit.columns[column][1])
    sheet.freeze_panes(6, 1)


def _cell(made: _Book, sheet: Worksheet, at: tuple[int, int], value: object, unit: str) -> None:
    """A number as a number, a day as a day, everything else as a string that nothing evaluates; None stays empty."""
    if value is None:
        return
    if isinstance(value, int | Decimal) and not isinstance(value, bool):
        sheet.write_number(*at, float(value), made.number(unit))
    elif isinstance(value, date):
        day = datetime(value.year, value.month, value.day, tzinfo=UTC).replace(tzinfo=None)
        sheet.write_datetime(*at, day, made.day)
    else:
        sheet.write_string(*at, str(value)[:CELL_CHARS_MAX])


def _definitions(made: _Book, pack: Pack) -> None:
    sheet = made.sheet("Definitions")
    sheet.set_column(0, 0, 30)
    sheet.set_column(1, 1, 120)
    for row, (word, meaning) in enumerate(pack.definitions):
        sheet.write_string(row, 0, word, made.head)
        sheet.write_string(row, 1, meaning, made.wrap)


def _queries(made: _Book, pack: Pack) -> None:
    sheet = made.sheet("Queries")
    sheet.set_column(0, 1, 26)
    sheet.set_column(2, 3, 100)
    for column, name in enumerate(("exhibit or number", "basis", "SQL", "parameters")):
        sheet.write_string(0, column, name, made.head)
    row = 1
    for one in (*pack.exhibits, *pack.kpis):
        params = canonical_bytes(one.query.params).decode("utf-8")
        for column, text in enumerate((one.id, one.basis, one.query.sql, params)):
            sheet.write_string(row, column, text[:CELL_CHARS_MAX])
        row += 1
