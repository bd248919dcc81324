"""AI vendors' own cost reports come in as bills: read with the admin key, a source an account, whole months replaced.

A day is taken when it has been over for a day: a report that still grows would look like money that was not spent. A vendor that
cannot be reached keeps what stands, and is named; the others go on.
"""

from __future__ import annotations

import csv
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final

from fiscus.cost.ai.report_rows import COLUMNS, report_rows
from fiscus.cost.ai.types import AiAccount, VendorCost
from fiscus.cost.types import IngestOptions, Source
from fiscus.flows.alone_in_folder import alone_in
from fiscus.flows.ingest_bills import ingest_bills
from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import FiscusError
from fiscus.kernel.money import display, total
from fiscus.kernel.periods import Month
from fiscus.kernel.progress import Progress, Silent

DAYS: Final = 35
SETTLED_HOURS: Final = 24  # a day's report is taken so long after its end


@dataclass(frozen=True, slots=True)
class AiBillFetched:
    """One account's report as it was read. `cost` by currency; `failed`: why nothing was read, empty where it was."""

    account: str
    provider: str
    first: date
    until: date
    lines: int
    changed: bool
    cost: dict[str, Decimal] = field(default_factory=dict)
    failed: str = ""
    remedy: str = ""

    def sentence(self) -> str:
        """In plain words."""
        if self.failed:
            return f"{self.account}: {self.failed}. {self.remedy}"
        money = " and ".join(f"{display(cost)} {currency}" for currency, cost in self.cost.items()) or "nothing"
        return f"{self.account}: {self.provider} billed {money} from {self.first} to {self.until - timedelta(days=1)}."


def fetch_ai_bills(ws: Workspace, progress: Progress, days: int = DAYS) -> tuple[AiBillFetched, ...]:
    """Read every account whose bills are read; months from the one that holds the day `days` ago."""
    until = (ws.clock.now() - timedelta(hours=SETTLED_HOURS)).date()
    first = Month.of(until - timedelta(days=days)).start
    fetched = []
    for account in ws.config.ai_accounts:
        if account.name in ws.vendor_costs:
            progress.stage(f"Reading what {account.provider} billed")
            fetched.append(_fetch(ws, account, first, until))
    return tuple(fetched)


def _fetch(ws: Workspace, account: AiAccount, first: date, until: date) -> AiBillFetched:
    try:
        costs = list(ws.vendor_costs[account.name].costs(first, until))
        changed = land_report(ws, account.name, account.provider, costs)
    except FiscusError as failed:
        return AiBillFetched(account.name, account.provider, first, until, 0, False, {}, failed.message, failed.remedy)
    currencies = sorted({cost.currency for cost in costs})
    sums = {currency: total([cost.amount for cost in costs if cost.currency == currency]) for currency in currencies}
    return AiBillFetched(account.name, account.provider, first, until, len(costs), changed, sums)


def land_report(ws: Workspace, source: str, provider: str, costs: Sequence[VendorCost]) -> bool:
    """Write the report as files of .fiscus/ai-bills/<source>/ and ingest them: its months replace those of before."""
    with alone_in(ws.home / ".fiscus" / "ai-bills" / source) as folder:
        files = [_write_month(folder, month, source, provider, costs) for month in _months(costs)]
        if not files:
            return False
        options = IngestOptions(promote=ws.config.promoted_tags, restate=True)  # vendors restate without saying so
        return ingest_bills(ws, Source(source, focus="1.4"), files, options, Silent()).changed


def _months(costs: Sequence[VendorCost]) -> list[Month]:
    return sorted({Month.of(cost.day) for cost in costs if cost.amount})


def _write_month(folder: Path, month: Month, source: str, provider: str, costs: Sequence[VendorCost]) -> Path:
    path = folder / f"{month}.csv"
    with path.with_suffix(".part").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        writer.writerows(report_rows([cost for cost in costs if Month.of(cost.day) == month], source, provider))
    path.with_suffix(".part").replace(path)
    return path
