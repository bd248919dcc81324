"""The register of purchases. Steps only grow."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import ColumnElement, Connection

from fiscus.guardrails.doors.purchases.types import Purchase, PurchaseState
from fiscus.kernel.dataclass_json import from_text, to_text
from fiscus.kernel.errors import IntegrityBroken
from fiscus.stores.state.rows import document, documents, upsert
from fiscus.stores.state.schema import purchases


class SqlPurchases:
    """Implements guardrails.doors.purchases.ports.PurchaseTable."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def get(self, purchase_id: str) -> Purchase | None:
        """The purchase with all its steps, or None."""
        text = document(self._connection, purchases, "id", purchase_id)
        return None if text is None else from_text(Purchase, text)

    def put(self, purchase: Purchase) -> None:
        """Insert or replace. Raises IntegrityBroken when what was judged, or a step that was stored, would change.

        What is asked anew, with one more step, is judged on the facts of that moment.
        """
        known = self.get(purchase.id)
        if known is not None and (
            (known.intent_digest != purchase.intent_digest and not _asked_anew(known, purchase))
            or purchase.steps[: len(known.steps)] != known.steps
        ):
            raise IntegrityBroken(
                f"Purchase {purchase.id} would change what was already written",
                remedy="Read it again and append to its steps.",
            )
        request = purchase.request
        values = {
            "state": purchase.state,
            "approval_id": purchase.approval_id,
            "vendor": request.vendor,
            "contract_value": request.contract_value,
            "currency": request.currency,
            "renews_on": request.renews,
            "document": to_text(purchase),
        }
        upsert(self._connection, purchases, {"id": purchase.id}, values)

    def of_approval(self, approval_id: str) -> Sequence[Purchase]:
        """Those that wait for, or were let through by, one approval."""
        return self._read([purchases.c.approval_id == approval_id], None)

    def all(self, states: Sequence[PurchaseState] | None = None, limit: int = 10_000) -> Sequence[Purchase]:
        """The newest first."""
        return self._read([] if states is None else [purchases.c.state.in_(states)], limit)

    def _read(self, where: Sequence[ColumnElement[bool]], limit: int | None) -> Sequence[Purchase]:
        texts = documents(self._connection, purchases, where, purchases.c.seq.desc(), limit)
        return [from_text(Purchase, text) for text in texts]


def _asked_anew(known: Purchase, purchase: Purchase) -> bool:
    return known.state == purchase.state == "asked" and len(purchase.steps) > len(known.steps)
