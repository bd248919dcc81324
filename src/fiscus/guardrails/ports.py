"""What the guardrails room asks of the state store, and of whoever knows prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from fiscus.guardrails.types import BudgetStatus, Finding, Intent, Quote


class Quotes(Protocol):
    """The price of a cheaper way. None where it is not known: then it is not offered. Never raises, never asks a network."""

    def quote(self, intent: Intent, change: Mapping[str, object]) -> Quote | None: ...


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
