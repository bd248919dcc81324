"""Opening a number: its query, what it binds, the lake version, what had landed, and the charges behind it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from typing import cast

from fiscus.flows.show_cases import show_case
from fiscus.flows.show_policies import show_finding
from fiscus.flows.show_spend import ROWS_SHOWN, show_spend_rows, windows
from fiscus.flows.show_trust import DataTrust, data_trust
from fiscus.flows.spend_dimensions import SpendAsked
from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import NotFound
from fiscus.kernel.rows import Query, Rows


@dataclass(frozen=True, slots=True)
class NumberShown:
    """A number taken apart. `matching` counts all rows behind it (None: not counted), `rows` are the first of them."""

    trust: DataTrust
    title: str
    value: Decimal
    unit: str
    kind: str
    query: Query
    lake_version: str
    rows: Rows
    matching: int | None
    note: str = ""


def show_spend_number(ws: Workspace, asked: SpendAsked, rows_max: int = ROWS_SHOWN) -> NumberShown:
    """The number that `asked` names, with its largest charges."""
    found = show_spend_rows(ws, asked, rows_max)
    window, _ = windows(ws, asked)
    last = max(window.end - timedelta(days=1), window.start)
    where = " and ".join(f"{name.replace('_', ' ')} = {value}" for name, value in asked.filters)
    title = (
        f"{asked.metric} from {window.start.day} {window.start:%b %Y} to {last.day} {last:%b %Y}, "
        f"{f'where {where}' if where else 'everything'}: check the {found.matching:,} charges behind it."
    )
    figure = found.cost
    return NumberShown(
        data_trust(ws), title, figure.value, figure.unit, figure.kind, figure.query, figure.lake_version, found.rows,
        found.matching,
    )  # fmt: skip


def show_finding_number(ws: Workspace, finding_id: str, rows_max: int = ROWS_SHOWN) -> NumberShown:
    """The money of a finding, with what its own query gives now. Raises NotFound, BadQuery."""
    finding = show_finding(ws, finding_id)
    query = Query(finding.query, finding.params)
    moved = finding.lake_version and finding.lake_version != str(ws.lake.version())
    note = f"Found in lake {finding.lake_version}; the rows are of the newest one." if moved else ""
    return _stored(ws, (finding.title, finding.amount, finding.currency, note), query, rows_max)


def show_case_number(ws: Workspace, case_id: str, rows_max: int = ROWS_SHOWN) -> NumberShown:
    """The money of a case, with what its evidence's query gives now. Raises NotFound, BadQuery."""
    subject = show_case(ws, case_id).subject
    params = subject.evidence.get("params")
    query = Query(
        str(subject.evidence.get("query", "")),
        cast("Mapping[str, object]", params) if isinstance(params, Mapping) else {},
    )
    return _stored(ws, (subject.title, subject.amount, subject.currency, ""), query, rows_max)


def _stored(ws: Workspace, said: tuple[str, Decimal, str, str], query: Query, rows_max: int) -> NumberShown:
    title, amount, currency, note = said
    if not query.sql.strip():
        raise NotFound("This number was stored without a query", remedy="Run `fiscus run` to judge it anew.")
    # The text comes back from a store, so it runs under the same lock and bounds as SQL from a person.
    rows = ws.lake.ask(query.sql, query.params, rows_max=rows_max)
    version = str(ws.lake.version())
    return NumberShown(data_trust(ws), title, amount, currency, "actual", query, version, rows, None, note)
