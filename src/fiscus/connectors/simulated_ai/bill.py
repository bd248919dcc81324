"""A vendor's own bill: JSON lines that are only ever added to, each with the operating system before its answer leaves.

A process that is killed loses no line. (A machine that loses power may: the lines are not forced to the disk, as a vendor's own
books are no part of what is tested here.)
"""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Literal, Self

Part = Literal["whole", "opened", "rest"]


@dataclass(frozen=True, slots=True)
class BillLine:
    """What one request, or one part of a streamed one, used and costs. `meters`: meter -> (quantity, USD).

    A stream is billed in two lines of the same id: its input when it begins (`opened`), its output when it ends or
    breaks (`rest`).
    """

    id: str
    at: datetime
    vendor: str
    endpoint: str
    model: str
    tier: str
    key: str
    project: str
    part: Part
    meters: Mapping[str, tuple[int, Decimal]]

    @property
    def cost(self) -> Decimal:
        """In USD, exact."""
        return sum((cost for _, cost in self.meters.values()), Decimal(0))

    def to_json(self) -> str:
        """One line of the file."""
        meters = {meter: [quantity, format(cost, "f")] for meter, (quantity, cost) in self.meters.items()}
        return json.dumps(
            {
                "id": self.id, "at": self.at.isoformat(), "vendor": self.vendor, "endpoint": self.endpoint, "model": self.model,
                "tier": self.tier, "key": self.key, "project": self.project, "part": self.part, "meters": meters,
                "cost": format(self.cost, "f"), "currency": "USD",
            },
            separators=(",", ":"),
        )  # fmt: skip

    @classmethod
    def from_json(cls, text: str | bytes) -> Self:
        """The line again."""
        row = json.loads(text)
        meters = {meter: (int(quantity), Decimal(cost)) for meter, (quantity, cost) in row["meters"].items()}
        names = ("vendor", "endpoint", "model", "tier", "key", "project", "part")
        return cls(row["id"], datetime.fromisoformat(row["at"]), *(row[name] for name in names), meters)


class Bill:
    """The bill of one simulator, in a file or, without one, in memory. A file that exists is continued."""

    def __init__(self, path: Path | None = None) -> None:
        self.path = path
        self._lock = threading.Lock()
        self._lines: list[BillLine] = list(read_bill(path)) if path is not None and path.exists() else []
        self._file = -1
        if path is not None:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)

    def add(self, line: BillLine) -> None:
        """Write it, then know it. One write a line, so that no line is ever half there."""
        with self._lock:
            if self._file >= 0:
                os.write(self._file, line.to_json().encode() + b"\n")
            self._lines.append(line)

    def lines(self) -> tuple[BillLine, ...]:
        """All of them, in the order written."""
        with self._lock:
            return tuple(self._lines)

    def close(self) -> None:
        """Let go of the file."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def read_bill(path: Path) -> Iterator[BillLine]:
    """Each whole line of a bill's file; what a killed machine left half written at its end is not one."""
    with path.open("rb") as file:
        for text in file:
            if text.endswith(b"\n"):
                yield BillLine.from_json(text)


def bill_total(lines: Iterable[BillLine]) -> Decimal:
    """The sum in USD, exact."""
    return sum((line.cost for line in lines), Decimal(0))


def cost_by_request(lines: Iterable[BillLine]) -> dict[str, Decimal]:
    """Request id -> USD, the parts of a stream together."""
    costs: dict[str, Decimal] = {}
    for line in lines:
        costs[line.id] = costs.get(line.id, Decimal(0)) + line.cost
    return costs
