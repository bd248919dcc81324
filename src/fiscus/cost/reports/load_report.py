"""A report's SQL file: YAML in a comment at its top, then one SELECT. Read whole or refused with file and line."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from datetime import date
from functools import cache
from importlib.resources import files
from pathlib import PurePath
from typing import Any, Final, cast

from fiscus.cost.reports.parameter_values import bound_value
from fiscus.cost.reports.types import Parameter, Report, ReportChart
from fiscus.kernel.documents import Document, did_you_mean, load_document
from fiscus.kernel.errors import BadConfig, BadInput, Where

NAME: Final = re.compile(r"[a-z0-9][a-z0-9-]{0,79}")
FRONT: Final = re.compile(r"\s*/\*(.*?)\*/", re.DOTALL)
QUIET: Final = re.compile(
    r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.DOTALL
)  # texts and comments: no $name of ours in them
BOUND: Final = re.compile(r"\$([A-Za-z_]\w*)")
DRAWN: Final = ("money", "number", "count", "percent", "price")
ANY_DAY: Final = date(2026, 1, 31)  # that a default can be read does not depend on the day


def load_report(text: str, file: str, *, own: bool = False) -> Report:
    """The report in `text`; its name is the file's. Raises BadConfig with the line at fault, counted in the file."""
    name = PurePath(file).stem
    if not NAME.fullmatch(name):
        raise BadConfig(
            f"{name!r} is no name of a report",
            remedy="Use a-z, 0-9 and -, such as spend-by-product.sql.",
            where=Where(file),
        )
    front = FRONT.match(text)
    if front is None:
        raise BadConfig(
            "The file does not start with what the report is",
            remedy="Start it with /* title: ..., persona: ..., question: ..., columns: ... */, as YAML.",
            where=Where(file, line=1),
        )
    document = load_document("\n" * text.count("\n", 0, front.start(1)) + front[1], file, _schema())
    told = cast("dict[str, Any]", document.data)
    report = Report(
        name=name,
        title=told["title"],
        persona=told["persona"],
        question=" ".join(told["question"].split()),
        parameters=tuple(_parameter(document, key, given) for key, given in (told.get("parameters") or {}).items()),
        columns=told["columns"],
        sql=text.rstrip().rstrip(";"),
        file=file,
        use_case=told.get("use_case", ""),
        beside=tuple(told.get("reads", ())),
        chart=_chart(document, told),
        own=own,
    )
    _check_money(document, report)
    _check_bound(document, report, text)
    return report


@cache
def shipped_reports() -> Mapping[str, Report]:
    """The reports of the product, by name."""
    folder = files("fiscus.cost").joinpath("reports", "library")
    found = sorted((one for one in folder.iterdir() if one.name.endswith(".sql")), key=lambda one: one.name)
    loaded = [load_report(one.read_text(encoding="utf-8"), f"fiscus/cost/reports/library/{one.name}") for one in found]
    return {report.name: report for report in loaded}


@cache
def _schema() -> Mapping[str, object]:
    text = files("fiscus.cost").joinpath("schema", "report.schema.json").read_text(encoding="utf-8")
    return cast("Mapping[str, object]", json.loads(text))


def _parameter(document: Document, name: str, given: Mapping[str, Any]) -> Parameter:
    choices = tuple(given.get("choices", ()))
    parameter = Parameter(name, given["type"], str(given["default"]), given["about"], choices)
    if (parameter.type == "choice") != bool(choices):
        raise document.error(
            ["parameters", name], f"{name} is a choice of nothing", "Give a choice its choices, and no other type any."
        )
    try:
        bound_value(parameter, parameter.default, ANY_DAY)
    except BadInput as wrong:
        raise document.error(["parameters", name, "default"], wrong.message, wrong.remedy) from None
    return parameter


def _chart(document: Document, told: Mapping[str, Any]) -> ReportChart | None:
    if "chart" not in told:
        return None
    chart, columns = told["chart"], told["columns"]
    for key, column in chart.items():
        if column not in columns:
            raise document.error(["chart", key], f"{column!r} is no column", did_you_mean(column, list(columns)))
    if columns[chart["value"]] not in DRAWN:
        raise document.error(["chart", "value"], f"{chart['value']} is no number", "Draw a column that is one.")
    return ReportChart(chart["label"], chart["value"], chart.get("series", ""))


def _check_money(document: Document, report: Report) -> None:
    """Money without its currency is a number that somebody will add to another currency's."""
    kinds = set(report.columns.values())
    if kinds & {"money", "price"} and "currency" not in kinds:
        raise document.error(
            ["columns"], "There is money and no currency beside it", "Group by BillingCurrency and give it as a column."
        )


def _check_bound(document: Document, report: Report, text: str) -> None:
    known = {parameter.name for parameter in report.parameters}
    spoken = QUIET.sub(lambda quiet: "\n" * quiet[0].count("\n"), text)
    used = {match[1]: spoken.count("\n", 0, match.start()) + 1 for match in BOUND.finditer(spoken)}
    for name, line in used.items():
        if name not in known:
            where = Where(document.file, line=line, key=name)
            raise BadConfig(
                f"${name} is no parameter of this report", remedy=did_you_mean(name, sorted(known)) if known
                else "Declare it under parameters.", where=where,
            )  # fmt: skip
    for name in sorted(known - used.keys()):
        raise document.error(["parameters", name], f"${name} is never used", "Use it in the SQL, or take it out.")
