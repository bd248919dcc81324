"""Which months are closed, by the vendor or by the company, told to the lake so that what was reported of them stays readable."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any, Final, cast

from fiscus.cost.books.types import EVERY_SOURCE, ClosedMonth, PeriodClose, SourceTotal
from fiscus.cost.types import LakeVersion
from fiscus.flows.ports import StateTx
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.sql_text import sql_text

VENDOR_FACT: Final = "books.closed_by_vendor"
OWNERS_FACT: Final = "books.closed_by_vendor.owners"
CLOSE_FACT: Final = "books.close."
"""With the month behind it: what was signed of it."""


def keep_closes(ws: Workspace) -> None:
    """The lake's closed months become those that vendors and the company closed. Twice changes nothing.

    A month reported what the charges were when its close was first seen; a vendor that opens a period again takes that back.
    """
    version = ws.lake.refresh()
    found = ws.lake.query(sql_text("fiscus.cost", "vendor_closed")).rows if version.billing_periods >= 0 else ()
    now = {f"{source}/{month}" for source, month in found}
    with ws.state.begin() as tx:
        known = vendor_closes(tx)
        kept = {key: known.get(key, version.charges) for key in sorted(now)}
        if kept != known:
            owners = _vendor_owners(tx)
            tx.facts.put(VENDOR_FACT, kept)
            tx.facts.put(OWNERS_FACT, {key: _owners_of(key, known, owners, version) for key in kept})
            for key in sorted(kept.keys() ^ known.keys()):
                kind = "period.closed_by_vendor" if key in kept else "period.opened_by_vendor"
                tx.evidence.append(kind, key, FISCUS, {"charges_version": kept.get(key, known.get(key))})
        closes = closed_months(tx)
    ws.lake.write_closes(closes)


def vendor_closes(tx: StateTx) -> Mapping[str, int]:
    """source/month -> the version of the charges when the vendor's close was first seen."""
    return cast("Mapping[str, int]", tx.facts.get(VENDOR_FACT) or {})


def _vendor_owners(tx: StateTx) -> Mapping[str, int | None]:
    return cast("Mapping[str, int | None]", tx.facts.get(OWNERS_FACT) or {})


def _owners_of(key: str, known: Mapping[str, int], owners: Mapping[str, int | None], now: LakeVersion) -> int | None:
    """A month that was closed before owners were kept with it stays without."""
    return owners.get(key) if key in known else now.assignments


def signed_closes(tx: StateTx) -> Mapping[str, Mapping[str, Any]]:
    """month -> what was signed of it, for the months that are signed now."""
    found = cast("Mapping[str, Mapping[str, Any]]", tx.facts.matching(CLOSE_FACT))
    return {name.removeprefix(CLOSE_FACT): record for name, record in found.items() if record}


def closed_months(tx: StateTx) -> list[ClosedMonth]:
    """Every closed month, as the lake keeps them."""
    vendors, owners = [], _vendor_owners(tx)
    for key, version in vendor_closes(tx).items():
        source, _, month = key.rpartition("/")
        vendors.append(ClosedMonth(source, month, version, "vendor", owners.get(key)))
    signed = [
        ClosedMonth(EVERY_SOURCE, month, int(record["charges_version"]), "signed", record.get("assignments_version"))
        for month, record in signed_closes(tx).items()
    ]
    return [*vendors, *signed]


def close_from(record: Mapping[str, Any]) -> PeriodClose:
    """What was signed, read back with all its digits."""
    sums = {
        name: tuple(
            SourceTotal(t["source"], t["currency"], t["rows"], Decimal(t["billed"]), Decimal(t["effective"]))
            for t in record.get(name, ())
        )
        for name in ("totals", "elsewhere")
    }
    at = datetime.fromisoformat(record["closed_at"])
    return PeriodClose(**{**record, **sums, "closed_at": at, "not_ready": tuple(record["not_ready"])})
