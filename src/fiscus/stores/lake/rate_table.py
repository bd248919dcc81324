"""The table of rates to the reporting currency: written whole, so that a lake version says which rates a number rests on."""

from __future__ import annotations

from collections.abc import Sequence

import pyarrow as pa

from fiscus.cost.currency.types import DayRate, Reporting
from fiscus.kernel.canonical import digest
from fiscus.stores.lake.places import TablePlace
from fiscus.stores.lake.tables import whole_table_digest, write_whole_table

SCHEMA = pa.schema([
    ("currency", pa.string()), ("day", pa.date32()), ("rate", pa.decimal128(20, 12)), ("published", pa.date32()),
    ("reporting", pa.string()), ("rate_on", pa.string()),
])  # fmt: skip


def write_rates(place: TablePlace, rates: Sequence[DayRate], reporting: Reporting) -> int:
    """Replace the table. Equal content writes nothing; no rates, where none were ever written, neither."""
    rows = [
        {
            "currency": one.currency, "day": one.day, "rate": one.rate, "published": one.published,
            "reporting": reporting.currency, "rate_on": reporting.on,
        }
        for one in sorted(rates, key=lambda one: (one.currency, one.day))
    ]  # fmt: skip
    content = digest(rows)
    if whole_table_digest(place) != content and (rows or place.version() >= 0):
        write_whole_table(place, pa.Table.from_pylist(rows, schema=SCHEMA), content)
    return place.version()
