"""Findings and budget statuses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from sqlalchemy import Connection, func, select

from fiscus.guardrails.types import BudgetStatus, Finding
from fiscus.kernel.dataclass_json import from_text, to_text
from fiscus.stores.state.rows import document, documents, upsert
from fiscus.stores.state.schema import budget_statuses, findings


class SqlFindings:
    """Implements guardrails.ports.FindingTable."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, finding_id: str) -> Finding | None:
        """The finding, or None."""
        text = document(self._connection, findings, "id", finding_id)
        return None if text is None else from_text(Finding, text)

    def replace_open(self, found: Sequence[Finding]) -> tuple[Sequence[Finding], Sequence[Finding]]:
        """Store `found` as what is open now; the rest of what was open is resolved. The day first seen is kept."""
        before = {finding.id: finding for finding in self.all(state=None)}
        now = {finding.id: finding for finding in found}
        opened, resolved = list[Finding](), list[Finding]()
        for finding in now.values():
            known = before.get(finding.id)
            first_seen = min(known.first_seen, finding.first_seen) if known else finding.first_seen
            current = replace(finding, state="open", first_seen=first_seen)
            if known is None or known.state != "open":
                opened.append(current)
            if current != known:
                self._put(current)
        for known in before.values():
            if known.state == "open" and known.id not in now:
                resolved.append(replace(known, state="resolved"))
                self._put(resolved[-1])
        return opened, resolved

    def all(self, state: str | None = "open") -> Sequence[Finding]:
        """In a stable order (by id); `state` None: open and resolved."""
        where = [] if state is None else [findings.c.state == state]
        return [from_text(Finding, text) for text in documents(self._connection, findings, where, findings.c.id)]

    def _put(self, finding: Finding) -> None:
        names = ("kind", "policy_id", "state", "level", "owner", "team", "environment", "amount", "currency")
        values = {name: getattr(finding, name) for name in (*names, "first_seen", "last_seen")}
        upsert(self._connection, findings, {"id": finding.id}, {**values, "document": to_text(finding)})


class SqlBudgetStatuses:
    """Implements guardrails.ports.BudgetStatusTable."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put_all(self, statuses: Sequence[BudgetStatus], run_id: str) -> None:
        """The statuses of one run; the same run again replaces its own."""
        for status in statuses:
            names = ("as_of", "state", "amount", "actual", "forecast_p50", "currency")
            key = {"run_id": run_id, "budget_id": status.budget_id, "period_label": status.period.label}
            values = {name: getattr(status, name) for name in names}
            upsert(self._connection, budget_statuses, key, {**values, "document": to_text(status)})

    def newest(self) -> Sequence[BudgetStatus]:
        """What the newest run stored: a budget that was taken out of the workspace is not in it."""
        last = select(func.max(budget_statuses.c.seq)).scalar_subquery()
        run = select(budget_statuses.c.run_id).where(budget_statuses.c.seq == last).scalar_subquery()
        where = [budget_statuses.c.run_id == run]
        texts = documents(self._connection, budget_statuses, where, budget_statuses.c.seq)
        return [from_text(BudgetStatus, text) for text in texts]
