"""A pack as PDF by Typst: page 1 for the CFO, a page a layer, then how every number can be computed again."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.resources import files
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias

import typst

from fiscus.board.types import ESTIMATE, Basis, DecisionRequested, Exhibit, Kpi, Pack
from fiscus.kernel.canonical import canonical_bytes
from fiscus.stores.render.chart import chart_svg
from fiscus.stores.render.figures import NOTHING, cell, heading, is_number, number
from fiscus.stores.render.fonts_at import fonts_folder
from fiscus.stores.render.table_widths import column_widths

Paper: TypeAlias = Literal["a4", "us-letter"]
ROWS_SHOWN: Final = 14  # of an exhibit on paper; the workbook has them all
LONG_PARAM_CHARS: Final = 160
ROOM_MM: Final[Mapping[Paper, float]] = {"a4": 178.0, "us-letter": 183.9}  # between the margins
LAYERS: Final = (
    ("board", "Board: what the money buys"),
    ("cost", "Cost"),
    ("ownership", "Ownership and signals"),
    ("guardrails", "Guardrails"),
    ("actions", "Actions and savings"),
)
FIRST_PAGE: Final = ("top-risks",)
_MONTH: Final = "(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)"
_TIED: Final = re.compile(
    "|".join((
        r"(?<=≈) (?=\S)", r"(?<=\b[A-Z]{3}) (?=\(?[\d<])", rf"(?<=\d) (?={_MONTH}\b)", rf"(?<= {_MONTH}) (?=\d{{4}}\b)",
        r"(?<=\bP) (?=[<>=])", r"(?<=[<>=]) (?=\d)",
    ))
)  # fmt: skip


def render_pdf(pack: Pack, path: Path, paper: Paper = "a4") -> None:
    """Write `pack` to `path`. Same pack and paper, same bytes: the document's date is the as-of day.

    Raises Unavailable when the fonts are not in place.
    """
    fonts = fonts_folder()
    template = files("fiscus.stores.render").joinpath("pack.typ").read_bytes()
    made = datetime(pack.as_of.year, pack.as_of.month, pack.as_of.day, tzinfo=UTC)
    pdf = typst.compile(
        template,
        font_paths=[str(fonts)],
        ignore_system_fonts=True,
        format="pdf",
        sys_inputs={"pack": json.dumps(pack_data(pack, paper), ensure_ascii=False), "paper": paper},
        timestamp=int(made.timestamp()),
    )
    path.write_bytes(pdf)


def pack_data(pack: Pack, paper: Paper = "a4") -> dict[str, Any]:
    """What the template draws: text only, so that nothing from data is ever parsed as markup."""
    room_mm = ROOM_MM[paper]
    later = [exhibit for exhibit in pack.exhibits if exhibit.id not in FIRST_PAGE]
    layers = [
        {"name": name, "exhibits": [_exhibit(x, room_mm) for x in later if x.layer == layer]}
        for layer, name in LAYERS
        if any(x.layer == layer for x in later)
    ]
    return {
        "company": pack.company,
        "period": pack.period,
        "as_of": cell(pack.as_of, "date"),
        "judged": cell(pack.judged_as_of, "date") if pack.judged_as_of else "",
        "year": pack.as_of.year, "month": pack.as_of.month, "day": pack.as_of.day,
        "partial": pack.partial,
        "sentence": _held(pack.sentence),
        "lake": pack.lake_version,
        "evidence": pack.evidence_head,
        "simulated": list(pack.simulated),
        "kpis": [_kpi(kpi) for kpi in pack.kpis],
        "first": [_exhibit(x, room_mm) for x in pack.exhibits if x.id in FIRST_PAGE],
        "decisions": [_decision(d) for d in pack.decisions],
        "layers": layers,
        "definitions": [list(pair) for pair in pack.definitions],
        "sources": _sources(pack),
    }  # fmt: skip


def _kpi(kpi: Kpi) -> dict[str, str]:
    marked = kpi.kind in {"estimate", "forecast"} and kpi.unit != "P"
    unit = {"count": "", "P": ""}.get(kpi.unit, kpi.unit)
    if kpi.value is None:
        return {"title": kpi.title, "value": NOTHING, "unit": "", "finding": kpi.finding, "range": ""}
    shown = number(kpi.value, kpi.unit)
    span = ""
    if kpi.low is not None and kpi.high is not None:
        span = f"{number(kpi.low, kpi.unit)} to {number(kpi.high, kpi.unit)}"
    return {
        "title": kpi.title,
        "value": f"≈\u00a0{shown}" if marked else shown,
        "unit": unit,
        "finding": _held(kpi.finding),
        "range": _held(span),
    }


def _exhibit(exhibit: Exhibit, room_mm: float) -> dict[str, Any]:
    columns, shown = _on_paper(exhibit)
    rows = [
        [_held(cell(value, unit)) for value, (_, unit) in zip(row, columns, strict=True)] for row in shown[:ROWS_SHOWN]
    ]
    more = f"{len(rows)} of {len(shown)} rows; all are in the workbook. " if len(rows) < len(shown) else ""
    told, size = _columns(columns, rows, room_mm)
    return {
        "id": exhibit.id,
        "title": _held(exhibit.title),
        "columns": told,
        "size": size,
        "rows": rows,
        "note": _held(more + exhibit.note),
        "chart": chart_svg(exhibit.chart) if exhibit.chart else "",
    }


def _on_paper(exhibit: Exhibit) -> tuple[Sequence[tuple[str, str]], Sequence[Sequence[object]]]:
    """Columns and rows; a currency that is the same in all rows shown stands in the heads and needs no column."""
    at = next((n for n, (name, _) in enumerate(exhibit.columns) if name == "currency" and n > 0), None)
    values = {row[at] for row in exhibit.rows[:ROWS_SHOWN]} if at is not None else set()
    if at is None or len(values) != 1:
        return exhibit.columns, exhibit.rows
    said = str(values.pop())
    columns = [(name, unit.replace("own currency", said)) for n, (name, unit) in enumerate(exhibit.columns) if n != at]
    return columns, [[value for n, value in enumerate(row) if n != at] for row in exhibit.rows]


def _columns(
    columns: Sequence[tuple[str, str]], rows: Sequence[Sequence[str]], room_mm: float
) -> tuple[list[dict[str, Any]], float]:
    """The columns as they are set, and the size of their text."""
    heads, units = [heading(name, unit) for name, unit in columns], [unit for _, unit in columns]
    widths, size = column_widths(units, heads, rows, room_mm)
    told = [
        {"name": head, "number": is_number(unit), "width": width}
        for head, unit, width in zip(heads, units, widths, strict=True)
    ]
    return told, size


def _held(text: str) -> str:
    """A mark and its number, a currency and its amount, a day and its month stay on one line."""
    return _TIED.sub("\u00a0", text)


def _decision(decision: DecisionRequested) -> dict[str, str]:
    mark = ESTIMATE if decision.estimate else ""
    amount = f"{mark}{decision.currency} {number(decision.amount, decision.currency)}"
    return {
        "text": _held(decision.text),
        "amount": _held(amount),
        "owner": decision.owner,
        "by": cell(decision.by, "date"),
    }


def _sources(pack: Pack) -> list[dict[str, str]]:
    """The appendix: each exhibit with rows, hash, basis, query and what it binds; then each KPI that has a query of its own."""
    items = [
        {
            "id": x.id, "what": f"{len(x.rows)} rows, SHA-256 {x.content_digest}", "basis": _basis(pack, x.basis),
            "sql": x.query.sql, "params": _params(x.query.params),
        }
        for x in pack.exhibits
    ]  # fmt: skip
    shown = {x.query.sql for x in pack.exhibits}
    items += [
        {
            "id": k.id,
            "what": k.title,
            "basis": _basis(pack, k.basis),
            "sql": k.query.sql,
            "params": _params(k.query.params),
        }
        for k in pack.kpis
        if k.query.sql and k.query.sql not in shown
    ]
    return items


def _basis(pack: Pack, basis: Basis) -> str:
    return f"lake {pack.lake_version}" if basis == "lake" else f"state store at evidence {pack.evidence_head}"


def _params(params: Mapping[str, object]) -> str:
    parts = []
    for name, value in sorted(params.items()):
        text = canonical_bytes(value).decode("utf-8")
        parts.append(f"{name} = {text if len(text) <= LONG_PARAM_CHARS else text[:LONG_PARAM_CHARS] + ' …'}")
    return "; ".join(parts)
