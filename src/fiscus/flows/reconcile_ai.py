"""The gateway held against the vendors' bills: matched, estimated, missing here, missing there, each with its money."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, cast

from fiscus.cost.ai.reconciliation import DayCost, ReconciledLine, ReconciledTotal, reconciled, totals
from fiscus.flows.sync_ledger import billed_until
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.types import Finding
from fiscus.kernel.ids import content_id
from fiscus.kernel.money import EXACT, display, total
from fiscus.kernel.periods import Month, midnight
from fiscus.kernel.sql_text import sql_text

DAYS: Final = 35
KIND: Final = "ai_reconciliation"


@dataclass(frozen=True, slots=True)
class AiReconciliation:
    """Totals by provider and currency, and the lines behind them, newest day first; of [first, until)."""

    first: date
    until: date
    totals: tuple[ReconciledTotal, ...]
    lines: tuple[ReconciledLine, ...]
    lake_version: str
    query: str

    def sentences(self) -> Sequence[str]:
        """One line a provider and currency."""
        return [_sentence(one) for one in self.totals] or [
            "Nothing went through the gateway on the days before today, so nothing is to be compared yet."
        ]


def reconcile_ai(ws: Workspace, days: int = DAYS) -> AiReconciliation:
    """The last `days` days before the as-of day, from the first on which the gateway led to the provider.

    Reads the lake alone: what `write_ai_charges` wrote, and the vendors' bills however they came. Today is still running.
    """
    first, until = ws.as_of - timedelta(days=days), ws.as_of
    text = sql_text("fiscus.flows", "ai_reconciliation")
    rows = ws.lake.query(text, {"since": midnight(first), "until": midnight(until)}).rows
    billed = billed_until(ws)
    lines = reconciled([DayCost(*row) for row in cast("Sequence[tuple[Any, ...]]", rows)], billed)
    return AiReconciliation(
        first=first,
        until=until,
        totals=tuple(totals(lines, billed)),
        lines=tuple(sorted(lines, key=lambda one: (-one.day.toordinal(), one.provider, one.model))),
        lake_version=str(ws.lake.version()),
        query=text,
    )


def reconciliation_findings(ws: Workspace) -> list[Finding]:
    """One a provider, currency and month whose bill says something else than the gateway counted."""
    if not len(ws.lake.query("SELECT 1 FROM charges WHERE x_SourceId LIKE 'gateway-%' LIMIT 1")):
        return []
    found = reconcile_ai(ws)
    groups: dict[tuple[str, str, str], list[ReconciledLine]] = {}
    for line in found.lines:
        if line.state == "differs":
            groups.setdefault((line.provider, line.currency, str(Month.of(line.day))), []).append(line)
    return [_finding(ws, found, key, lines) for key, lines in sorted(groups.items())]


def _finding(
    ws: Workspace, found: AiReconciliation, key: tuple[str, str, str], lines: Sequence[ReconciledLine]
) -> Finding:
    provider, currency, month = key
    more, less = (total([getattr(line, name) for line in lines]) for name in ("missing_here", "missing_there"))
    title = f"{provider}'s bill of {month} differs from what went through the gateway by {_money(more, less, currency)}"
    detail = (
        f"Billed and not through the gateway: {display(more)} {currency}: somebody calls {provider} without it, or a price is "
        f"too low in ours. Through the gateway and not billed: {display(less)} {currency}: a price is too high, or the bill is "
        "late. "
        f"Days: {', '.join(sorted({str(line.day) for line in lines})[:10])}."
    )
    detail += _billed_to(ws, provider, currency, lines)
    team = ws.config.directory.default_pool
    return Finding(
        id=content_id("fnd", KIND, *key),
        kind=KIND,
        policy_id="ai-reconciliation",
        policy_version="1",
        level="warn",
        title=title,
        detail=detail,
        amount=EXACT.add(more, less),
        currency=currency,
        owner=team,
        team=team,
        environment="",
        period_label=month,
        first_seen=min(line.day for line in lines),
        last_seen=max(line.day for line in lines),
        rows=len(lines),
        query=found.query,
        params={"since": midnight(found.first), "until": midnight(found.until)},
        lake_version=found.lake_version,
    )


def _billed_to(ws: Workspace, provider: str, currency: str, lines: Sequence[ReconciledLine]) -> str:
    """The vendor's own keys or projects that the days were billed to, where the bill names them: where to look."""
    days = sorted({line.day for line in lines})
    params = {"provider": provider, "currency": currency, "days": days, "since": midnight(days[0])}
    rows = ws.lake.query(sql_text("fiscus.flows", "ai_billed_to"), params).rows
    told = [f"{name} {display(cast('Decimal', cost))}" for name, cost in rows]
    return f" Billed to: {', '.join(told)}." if told else ""


def _money(more: Decimal, less: Decimal, currency: str) -> str:
    parts = [f"{display(more)} more" if more else "", f"{display(less)} less" if less else ""]
    return f"{' and '.join(part for part in parts if part)} {currency}"


def _sentence(one: ReconciledTotal) -> str:
    until = f"billed before {one.billed_until}" if one.billed_until else "never billed"
    return (
        f"{one.provider} ({until}): {display(one.matched)} {one.currency} matched, {display(one.estimated)} estimated and on no "
        f"bill yet, {display(one.missing_here)} billed and not through the gateway, {display(one.missing_there)} through it and "
        "not billed."
    )
