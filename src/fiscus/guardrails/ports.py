"""What the guardrails room asks of the state store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fiscus.guardrails.types import BudgetStatus, Decision, Finding


class FindingTable(Protocol):
    """Findings inside one state transaction. `replace_open` resolves those that were open and are not in `findings`."""

    def get(self, finding_id: str) -> Finding | None: ...
    def replace_open(self, findings: Sequence[Finding]) -> tuple[Sequence[Finding], Sequence[Finding]]:
        """(newly opened or reopened, resolved)."""
        ...

    def all(self, state: str | None = "open") -> Sequence[Finding]: ...


class BudgetStatusTable(Protocol):
    """The newest status of each budget, and the vintages before it (one a run, kept to score forecasts)."""

    def put_all(self, statuses: Sequence[BudgetStatus], run_id: str) -> None: ...
    def newest(self) -> Sequence[BudgetStatus]: ...


class DecisionTable(Protocol):
    """Decisions given."""

    def put(self, decision: Decision) -> None: ...
    def get(self, decision_id: str) -> Decision | None: ...
    def newest(self, limit: int = 100) -> Sequence[Decision]: ...
