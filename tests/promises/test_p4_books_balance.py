"""P4: the books balance to the last digit: what came in is what is there, however it is added up."""

from __future__ import annotations

from collections import defaultdict
from decimal import ROUND_HALF_EVEN, Context, Decimal
from pathlib import Path
from random import Random
from typing import Any, Final

import pytest
from tests.bills import write_csv
from tests.fixtures.company import Settings, open_company
from tests.promises.report import promise

from fiscus.cost.types import IngestOptions, Source
from fiscus.flows.ingest_bills import ingest_bills
from fiscus.flows.workspace import Workspace
from fiscus.kernel.progress import Silent

DATASETS: Final = 500
AT_ONCE: Final = 25  # datasets of one delivery, a file each
ROWS_MAX: Final = 60
WIDE: Final = Context(prec=90, rounding=ROUND_HALF_EVEN)
STEP: Final = Decimal(1).scaleb(-12)
GROUPS: Final = (
    "ServiceName",
    "RegionId",
    "ChargeCategory",
    "x_BillingMonth",
    "ResourceId",
    "CAST(ChargePeriodStart AS DATE)",
)
CURRENCIES: Final = ("USD", "EUR", "JPY", "CLP", "BHD")


@pytest.mark.slow
def test_p4_every_sum_is_what_came_in(tmp_path: Path) -> None:
    home = tmp_path / "home"
    home.mkdir()
    ws = open_company(home, Settings())
    with promise("P4", trials=DATASETS) as row:
        charges = longest = 0
        for first in range(0, row.trials, AT_ONCE):
            rng = Random(f"{row.seed} {first}")
            sets = {
                f"set-{number}": [_row(rng) for _ in range(rng.randint(1, ROWS_MAX))]
                for number in range(first, min(first + AT_ONCE, row.trials))
            }
            bills = [
                write_csv(tmp_path / f"{name}.csv", [{**one, "SubAccountId": name} for one in rows])
                for name, rows in sets.items()
            ]
            ingest_bills(ws, Source("books"), bills, IngestOptions(restate=True), Silent())
            ws.lake.refresh()
            for name, rows in sets.items():
                charges += len(rows)
                longest = max([longest, *(len(one["BilledCost"]) for one in rows)])
                for fault in _unbalanced(ws, name, rows, rng.choice(GROUPS)):
                    row.violated(f"{name}: {fault}")
        row.faults = row.trials
        row.note = f"{charges:,} charges in {len(CURRENCIES)} currencies, numbers of up to {longest} characters"


def _unbalanced(ws: Workspace, name: str, rows: list[dict[str, str]], group: str) -> list[str]:
    """Each sum that is not exactly that of the file."""
    faults = []
    found: Any = ws.lake.query(
        f"SELECT {group} AS part, BillingCurrency, sum(BilledCost) AS billed, sum(EffectiveCost) AS effective, "
        "count(*) AS charges FROM charges WHERE SubAccountId = $name GROUP BY ALL",
        {"name": name},
    ).rows
    for place, column in ((2, "BilledCost"), (3, "EffectiveCost")):
        ours, theirs = defaultdict[str, Decimal](Decimal), defaultdict[str, Decimal](Decimal)
        for one in rows:
            ours[one["BillingCurrency"]] += Decimal(one[column]).quantize(STEP, context=WIDE)
        for line in found:
            theirs[line[1]] += line[place]
        if ours != theirs:
            faults.append(f"{column} is {dict(theirs)} by {group}, and {dict(ours)} in the file")
    if (there := sum(line[4] for line in found)) != len(rows):
        faults.append(f"{there} charges of {len(rows)}")
    return faults


def _row(rng: Random) -> dict[str, str]:
    month, day = rng.choice(("2026-09", "2026-10")), rng.randint(1, 28)
    ends = "2026-10-01" if month == "2026-09" else "2026-11-01"
    currency = rng.choice(CURRENCIES)
    return {
        "BilledCost": _amount(rng), "EffectiveCost": _amount(rng), "BillingCurrency": currency,
        "BillingAccountId": f"account-{currency}", "ServiceName": rng.choice(("a", "b", "ü", "")),
        "RegionId": rng.choice(("r1", "R1", "")), "ChargeCategory": rng.choice(("Usage", "Usage", "Credit", "Purchase", "Tax")),
        "ResourceId": f"i-{rng.randint(0, 5)}", "BillingPeriodStart": f"{month}-01T00:00:00Z",
        "BillingPeriodEnd": f"{ends}T00:00:00Z", "ChargePeriodStart": f"{month}-{day:02d}T00:00:00Z",
        "ChargePeriodEnd": f"{ends}T00:00:00Z",
    }  # fmt: skip


def _amount(rng: Random) -> str:
    """A refund, a tie of rounding, an exponent, forty digits, or cents."""
    sign, digits = rng.choice(("", "-")), "".join(rng.choices("0123456789", k=rng.randint(13, 40)))
    return rng.choice(
        (
            f"{sign}{rng.randint(0, 10**8)}.{digits}",
            f"{sign}{rng.randint(0, 10**6)}.0000000000005",
            f"{sign}{rng.randint(1, 999)}E-{rng.randint(1, 9):02d}",
            f"{sign}{rng.randint(0, 10**14)}",
            f"{sign}{rng.randint(0, 9999)}.{rng.randint(0, 99):02d}",
        )
    )
