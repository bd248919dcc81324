"""What the doors ask of the state store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fiscus.guardrails.doors.purchases.types import Purchase, PurchaseState


class PurchaseTable(Protocol):
    """The register of purchases inside one state transaction. A step that was stored is never changed."""

    def get(self, purchase_id: str) -> Purchase | None: ...
    def put(self, purchase: Purchase) -> None: ...
    def of_approval(self, approval_id: str) -> Sequence[Purchase]:
        """Those that wait for, or were let through by, one approval."""
        ...

    def all(self, states: Sequence[PurchaseState] | None = None, limit: int = 10_000) -> Sequence[Purchase]:
        """The newest first."""
        ...
