"""Bill lines as vendors' reports show them: in buckets of time, grouped."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Final

from fiscus.connectors.simulated_ai.bill import BillLine

WIDTHS: Final = {"1m": timedelta(minutes=1), "1h": timedelta(hours=1), "1d": timedelta(days=1)}
EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Bucket:
    """A stretch of time and the lines that fell into it."""

    start: datetime
    end: datetime
    lines: tuple[BillLine, ...]


@dataclass(frozen=True, slots=True)
class Used:
    """A group of lines: what they used by meter, what they cost, and how many requests they are of."""

    quantities: Mapping[str, int]
    cost: Decimal
    requests: int


def buckets(lines: Sequence[BillLine], start: datetime, end: datetime, width: str) -> Iterator[Bucket]:
    """Whole buckets (UTC) from `start` until one reaches `end`, the empty ones too."""
    step = WIDTHS[width]
    at = EPOCH + (start - EPOCH) // step * step
    while at < end:
        yield Bucket(at, at + step, tuple(line for line in lines if at <= line.at < at + step))
        at += step


def grouped(
    lines: Sequence[BillLine], by: Callable[[BillLine], tuple[str, ...]]
) -> dict[tuple[str, ...], list[BillLine]]:
    """Lines by a key, in the order of the keys."""
    groups: dict[tuple[str, ...], list[BillLine]] = {}
    for line in lines:
        groups.setdefault(by(line), []).append(line)
    return dict(sorted(groups.items()))


def used(lines: Sequence[BillLine], *meters: str) -> Used:
    """Sums over `lines`, of all meters or of those named."""
    quantities: dict[str, int] = {}
    cost = Decimal(0)
    for line in lines:
        for meter, (quantity, price) in line.meters.items():
            if not meters or meter in meters:
                quantities[meter] = quantities.get(meter, 0) + quantity
                cost += price
    return Used(quantities, cost, len({line.id for line in lines}))
