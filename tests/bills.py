"""Small FOCUS files for tests, written as a vendor would."""

from __future__ import annotations

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path

from fiscus.cost.types import Delivery, IngestOptions, Source
from fiscus.flows.ingest_bills import ingest_bills
from fiscus.kernel.progress import Silent

ROW = {
    "BilledCost": "1.50", "EffectiveCost": "1.25", "ListCost": "2", "ContractedCost": "1.5", "BillingCurrency": "USD",
    "BillingAccountId": "000123", "BillingAccountName": "Main", "BillingPeriodStart": "2026-10-01T00:00:00Z",
    "BillingPeriodEnd": "2026-11-01T00:00:00Z", "ChargePeriodStart": "2026-10-05T00:00:00Z",
    "ChargePeriodEnd": "2026-10-06T00:00:00Z", "ChargeCategory": "Usage", "ChargeClass": "", "ChargeDescription": "hours",
    "ChargeFrequency": "Usage-Based", "InvoiceIssuerName": "Amazon Web Services, Inc.", "ProviderName": "AWS",
    "PublisherName": "AWS", "PricingQuantity": "3", "PricingUnit": "Hours", "ServiceCategory": "Compute",
    "ServiceName": "Amazon Elastic Compute Cloud", "SubAccountId": "111122223333", "SubAccountName": "main",
    "ResourceId": "i-1", "Tags": '{"team": "platform", "environment": "production"}',
}  # fmt: skip


def write_csv(path: Path, rows: Sequence[Mapping[str, str]], drop: Sequence[str] = ()) -> Path:
    """`rows` override ROW; `drop` leaves columns out."""
    columns = [name for name in dict.fromkeys([*ROW, *(key for row in rows for key in row)]) if name not in drop]
    with path.open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, columns, extrasaction="ignore")
        writer.writeheader()
        writer.writerows({**ROW, **row} for row in rows)
    return path


def deliver(ws, *paths: Path, source: Source | None = None, restate: bool = False) -> Delivery:
    """Ingest `paths` as one delivery of the source `bills`."""
    options = IngestOptions(promote=("team",), restate=restate)
    return ingest_bills(ws, source or Source("bills"), list(paths), options, Silent())
