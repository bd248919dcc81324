"""What went through the gateway becomes charges of the lake: a source an upstream, a month replaced as one.

Each day's charges are a file under .fiscus/ai/<source>/. A day is written again when a call came late, or when the vendor's bills
now cover it; then the month's files go through the same door as any bill. A crash leaves the lake as it was or as it should be,
and the next run does what is missing; two at once wait for each other.
"""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Final, cast

from fiscus.cost.ai.focus_rows import COLUMNS, focus_rows
from fiscus.cost.ai.hour_charges import hour_charges
from fiscus.cost.ai.types import GATEWAY_SOURCE, HourCharge
from fiscus.cost.providers import canonical_name
from fiscus.cost.types import IngestOptions, Source
from fiscus.flows.alone_in_folder import alone_in
from fiscus.flows.ingest_bills import ingest_bills
from fiscus.flows.sync_ledger import billed_until
from fiscus.flows.workspace import Workspace
from fiscus.kernel.canonical import digest
from fiscus.kernel.money import display, total
from fiscus.kernel.periods import Month, midnight
from fiscus.kernel.progress import Progress, Silent
from fiscus.ownership.gateway_rule import gateway_tags

FORMAT: Final = 1  # of the files: another one writes every day anew
FACT: Final = "ai.written."


@dataclass(frozen=True, slots=True)
class AiMonthWritten:
    """One month of one upstream as it stands in the lake now. `cost`: what its calls came to, by currency, exact."""

    source: str
    month: str
    days: int  # written anew
    charges: int
    cost: Mapping[str, Decimal]
    lake_version: str

    def sentence(self) -> str:
        """In plain words."""
        money = " and ".join(f"{display(cost)} {currency}" for currency, cost in self.cost.items()) or "nothing"
        return f"{self.source} {self.month}: {self.charges:,} charges of {self.days} days written, {money}."


def write_ai_charges(ws: Workspace, progress: Progress) -> tuple[AiMonthWritten, ...]:
    """Bring the lake up to what the gateway's store holds. Twice over the same calls and bills writes nothing.

    Raises Unavailable where the store of calls cannot be reached; the lake then stays as it was.
    """
    hours = ws.calls.hours()  # before the calls: what comes in between is looked at again next time
    billed = billed_until(ws)
    written = []
    for upstream in sorted({upstream for upstream, _ in hours}):
        source = source_of(upstream)
        with alone_in(ws.home / ".fiscus" / "ai" / source) as folder:
            progress.stage(f"Writing what went through {upstream}")
            days = _days(hours, upstream)
            for month in sorted({Month.of(day) for day in days}):
                mine = {day: state for day, state in days.items() if Month.of(day) == month}
                if (one := _month(ws, _Place(upstream, source, month, folder), mine, billed)) is not None:
                    written.append(one)
    return tuple(written)


def source_of(upstream: str) -> str:
    """The lake's source of an upstream."""
    return f"{GATEWAY_SOURCE}{upstream}"


@dataclass(frozen=True, slots=True)
class _Place:
    upstream: str
    source: str
    month: Month
    folder: Path


def _days(hours: Mapping[tuple[str, datetime], int], upstream: str) -> dict[date, str]:
    """Day -> a digest of how many changes each of its hours had."""
    found: dict[date, list[tuple[int, int]]] = {}
    for (name, hour), changes in sorted(hours.items()):
        if name == upstream:
            found.setdefault(hour.date(), []).append((hour.hour, changes))
    return {day: digest(states) for day, states in found.items()}


def _month(ws: Workspace, place: _Place, days: Mapping[date, str], billed: Mapping[str, date]) -> AiMonthWritten | None:
    name = f"{FACT}{place.source}.{place.month}"
    with ws.state.read() as tx:
        known = cast("Mapping[str, str]", tx.facts.get(name) or {})
    tags = gateway_tags(ws.config.rules)
    # A day is as it was when its calls, the tags, the format and what the bills cover of it are as they were.
    states = {
        day.isoformat(): digest([FORMAT, state, tags, sorted(who for who, until in billed.items() if day < until)])
        for day, state in days.items()
    }
    stale = [day for day, state in states.items() if known.get(day) != state or not _file(place, day).is_file()]
    if not stale:
        return None
    charges = list[HourCharge]()
    for day in stale:
        charges += _write_day(ws, place, day, billed)
    files = [_file(place, day) for day in sorted(states)]
    options = IngestOptions(promote=ws.config.promoted_tags, restate=True, from_gateway=True)  # a bill takes money off
    filled = [file for file in files if file.stat().st_size > _header_bytes()]
    if filled:
        ingest_bills(ws, Source(place.source, focus="1.4"), filled, options, Silent())
    with ws.state.begin() as tx:
        tx.facts.put(name, states)
    return _summary(ws, place, len(stale), charges)


def _summary(ws: Workspace, place: _Place, days: int, charges: Sequence[HourCharge]) -> AiMonthWritten:
    currencies = sorted({one.key.currency for one in charges})
    cost = {c: total([one.cost for one in charges if one.key.currency == c]) for c in currencies}
    return AiMonthWritten(place.source, str(place.month), days, len(charges), cost, str(ws.lake.version()))


def _write_day(ws: Workspace, place: _Place, day: str, billed: Mapping[str, date]) -> Sequence[HourCharge]:
    first = midnight(date.fromisoformat(day)).astimezone(UTC)
    charges = hour_charges(ws.calls.calls(first, first + timedelta(days=1), place.upstream))
    path = _file(place, day)
    tags = gateway_tags(ws.config.rules)
    with path.with_suffix(".part").open("w", newline="", encoding="utf-8") as out:
        writer = csv.DictWriter(out, COLUMNS)
        writer.writeheader()
        for provider in sorted({one.key.provider for one in charges}):
            mine = [one for one in charges if one.key.provider == provider]
            writer.writerows(focus_rows(mine, billed.get(canonical_name(provider)), tags))
        out.flush()
        os.fsync(out.fileno())
    path.with_suffix(".part").replace(path)
    return charges


def _file(place: _Place, day: str) -> Path:
    return place.folder / f"{day}.csv"


def _header_bytes() -> int:
    """The size of a file of a day on which nothing cost anything."""
    return len(",".join(COLUMNS)) + 2
