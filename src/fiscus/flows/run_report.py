"""Reports: what there is to ask, the product's and the workspace's own, and the answer of one, asked like any SQL from people."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from pathlib import Path
from typing import Final

from fiscus.cost.reports.load_report import load_report, shipped_reports
from fiscus.cost.reports.parameter_values import bound_values
from fiscus.cost.reports.types import PERSONAS, Persona, Report, ReportChart
from fiscus.flows.report_tables import report_tables
from fiscus.flows.workspace import Workspace
from fiscus.kernel.charts import ChartSeries, ChartSpec
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import BadConfig, BadQuery, NotFound, Where
from fiscus.kernel.limits import DOCUMENT_BYTES_MAX, REPORTS_MAX
from fiscus.kernel.money import display, total
from fiscus.kernel.rows import Rows

FOLDER: Final = "reports"
BARS_SHOWN: Final = 12
SERIES_SHOWN: Final = 6
OTHER: Final = "other"


@dataclass(frozen=True, slots=True)
class ReportLine:
    """One report in the list of them."""

    name: str
    title: str
    persona: Persona
    question: str
    use_case: str
    own: bool


@dataclass(frozen=True, slots=True)
class ReportAnswer:
    """What one report said. `bound` is what its parameters were; `more`: there are more rows than were asked for.

    `totals`: money column -> currency -> exact sum over the rows that are here, where the column is in BillingCurrency.
    """

    report: Report
    bound: Mapping[str, object]
    rows: Rows
    more: bool
    totals: Mapping[str, Mapping[str, Decimal]]
    chart: ChartSpec | None
    lake_version: str
    sentence: str


def all_reports(ws: Workspace) -> Mapping[str, Report]:
    """Every report by name, the workspace's own last. Raises BadConfig: one that does not load, with file, line and remedy."""
    shipped = shipped_reports()
    own: dict[str, Report] = {}
    for path in _own_files(ws.home):
        file = f"{FOLDER}/{path.name}"
        report = load_report(_text(path, file), file, own=True)
        if report.name in shipped:
            raise BadConfig(
                f"{report.name} is the name of a report that is there", remedy="Rename the file.", where=Where(file)
            )
        _prove(ws, report)
        own[report.name] = report
    return {**shipped, **own}


def listed_reports(ws: Workspace) -> Sequence[ReportLine]:
    """Every report, by persona and title. Raises BadConfig as `all_reports` does."""
    found = sorted(all_reports(ws).values(), key=lambda one: (PERSONAS.index(one.persona), one.title))
    return [ReportLine(one.name, one.title, one.persona, one.question, one.use_case, one.own) for one in found]


def find_report(ws: Workspace, name: str) -> Report:
    """The report of that name. Raises NotFound."""
    reports = all_reports(ws)
    if name not in reports:
        raise NotFound(
            f"There is no report {name!r}", remedy=f"{did_you_mean(name, list(reports))} See fiscus report list."
        )
    return reports[name]


def run_report(ws: Workspace, name: str, given: Mapping[str, str], rows_max: int | None = None) -> ReportAnswer:
    """The answer of one report, at most `rows_max` rows. Raises BadInput that names a parameter, BadQuery, LimitExceeded."""
    report = find_report(ws, name)
    bound = bound_values(report, given, ws.as_of)
    asked = None if rows_max is None else rows_max + 1
    try:
        rows = ws.lake.ask(report.sql, bound, rows_max=asked, beside=report_tables(ws, report.beside))
    except BadQuery as refused:
        raise _in_file(refused, report) from None
    more = rows_max is not None and len(rows) > rows_max
    if more:
        rows = Rows(rows.columns, rows.rows[:rows_max])
    chart = _chart(report, rows, ws.config.company.currency)
    totals = _totals(report, rows)
    sentence = _sentence(report, rows, totals, chart)
    return ReportAnswer(report, bound, rows, more, totals, chart, str(ws.lake.version()), sentence)


def _own_files(home: Path) -> Sequence[Path]:
    files = sorted((home / FOLDER).glob("*.sql"))
    if len(files) > REPORTS_MAX:
        raise BadConfig(
            f"{FOLDER}/ holds more than {REPORTS_MAX} reports", remedy="Keep those that are asked.", where=Where(FOLDER)
        )
    return files


def _text(path: Path, file: str) -> str:
    try:
        if path.stat().st_size > DOCUMENT_BYTES_MAX:
            raise BadConfig(
                f"The file is larger than {DOCUMENT_BYTES_MAX:,} bytes", remedy="Split it.", where=Where(file)
            )
        return path.read_text(encoding="utf-8")
    except (UnicodeDecodeError, OSError) as broken:
        raise BadConfig(
            f"The file cannot be read: {broken}", remedy="Save it as UTF-8 text.", where=Where(file)
        ) from None


def _prove(ws: Workspace, report: Report) -> None:
    """That the SQL is one SELECT that the engine understands, and that it gives the columns that its comment promises."""
    bound = bound_values(report, {}, ws.as_of)
    tables = {name: replace(table, rows=()) for name, table in report_tables(ws, report.beside).items()}
    try:
        rows = ws.lake.ask(f"SELECT * FROM ({report.sql}\n) LIMIT 0", bound, beside=tables)
    except BadQuery as refused:
        raise _in_file(refused, report) from None
    _check_columns(report, rows)


def _in_file(refused: BadQuery, report: Report) -> BadConfig:
    line = refused.where.line if refused.where else None
    return BadConfig(refused.message, remedy=refused.remedy, where=Where(report.file, line=line))


def _check_columns(report: Report, rows: Rows) -> None:
    if rows.columns != tuple(report.columns):
        raise BadConfig(
            f"The SQL gives the columns {', '.join(rows.columns)}",
            remedy=f"Name the same under columns, in this order; there stand {', '.join(report.columns)}.",
            where=Where(report.file, line=1, key="columns"),
        )


def _totals(report: Report, rows: Rows) -> Mapping[str, Mapping[str, Decimal]]:
    if "BillingCurrency" not in rows.columns:
        return {}
    currency = rows.columns.index("BillingCurrency")
    sums: dict[str, Mapping[str, Decimal]] = {}
    for name, kind in report.columns.items():
        if kind != "money":
            continue
        at, parts = rows.columns.index(name), defaultdict[str, list[Decimal]](list)
        for row in rows.rows:
            if isinstance(value := row[at], Decimal):
                parts[str(row[currency])].append(value)
        sums[name] = {code: total(values) for code, values in sorted(parts.items())}
    return sums


def _sentence(report: Report, rows: Rows, totals: Mapping[str, Mapping[str, Decimal]], chart: ChartSpec | None) -> str:
    """The money and where to look first: the largest of what is drawn, whose currency is said first."""
    if not rows.rows:
        return "Nothing of the kind in this period. Widen it or clear a filter."
    value = report.chart.value if report.chart else next(iter(totals), "")
    if chart is None or value not in totals:
        return f"{len(rows):,} rows: {report.question}"
    sums = sorted(totals[value].items(), key=lambda one: one[0] != chart.unit)
    said = " and ".join(f"{display(amount, 0)} {code}" for code, amount in sums)
    first = chart.series[0].name if chart.kind == "stacked_bars" else chart.labels[0]
    return f"{said} of {value} in {len(rows):,} rows: start with {first}."


def _chart(report: Report, rows: Rows, home: str) -> ChartSpec | None:
    """What the report says that it draws, of one currency: the company's where it is there, else the first."""
    drawn = report.chart
    if drawn is None or not rows.rows:
        return None
    unit, chosen = _of_one_currency(report, rows, home)
    at = {name: n for n, name in enumerate(rows.columns)}
    cells: dict[tuple[str, str], list[Decimal]] = defaultdict(list)
    for row in chosen:
        if isinstance(value := row[at[drawn.value]], Decimal | int):
            series = str(row[at[drawn.series]]) if drawn.series else drawn.value
            cells[_label(row[at[drawn.label]]), series].append(Decimal(value))
    sums = {key: total(values) for key, values in cells.items()}
    if not sums:
        return None
    return _over_time(report, drawn, unit, sums) if drawn.series else _ranked(report, drawn, unit, sums)


def _of_one_currency(report: Report, rows: Rows, home: str) -> tuple[str, Sequence[tuple[object, ...]]]:
    column = next((n for n, kind in enumerate(report.columns.values()) if kind == "currency"), None)
    if column is None:
        return "", rows.rows
    there = [str(row[column]) for row in rows.rows]
    unit = home if home in there else there[0]
    return unit, [row for row in rows.rows if row[column] == unit]


def _label(value: object) -> str:
    return "(none)" if value is None else str(value)


def _ranked(report: Report, drawn: ReportChart, unit: str, sums: Mapping[tuple[str, str], Decimal]) -> ChartSpec:
    top = sorted(((label, value) for (label, _), value in sums.items()), key=lambda one: (-abs(one[1]), one[0]))[
        :BARS_SHOWN
    ]
    series = (ChartSeries(drawn.value, tuple(value for _, value in top)),)
    title = f"{top[0][0]} leads {drawn.value}"
    note = f"The largest {BARS_SHOWN} of {len(sums)}." if len(sums) > BARS_SHOWN else ""
    return ChartSpec(report.name, "contribution", title, unit, tuple(label for label, _ in top), series, note)


def _over_time(report: Report, drawn: ReportChart, unit: str, sums: Mapping[tuple[str, str], Decimal]) -> ChartSpec:
    labels = sorted({label for label, _ in sums})
    whole = {name: total([v for (_, s), v in sums.items() if s == name]) for name in {s for _, s in sums}}
    names = sorted(whole, key=lambda name: (-abs(whole[name]), name))
    top, rest = names[:SERIES_SHOWN], names[SERIES_SHOWN:]
    series = [ChartSeries(name, tuple(sums.get((label, name)) for label in labels)) for name in top]
    if rest:
        others = tuple(total([sums[label, name] for name in rest if (label, name) in sums]) for label in labels)
        series.append(ChartSeries(OTHER, others))
    return ChartSpec(report.name, "stacked_bars", f"{names[0]} leads {drawn.value}", unit, tuple(labels), tuple(series))
