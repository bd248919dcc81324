"""What is remembered of workloads that were asked about: what one pod costs (`kubectl scale` sends a number and no template), and
what money is held for them (so that what is deleted an hour later is settled at an hour)."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from decimal import ROUND_CEILING, Decimal
from typing import Final

from fiscus.guardrails.doors.kubernetes.workload import Workload
from fiscus.kernel.money import EXACT

KNOWN_MAX: Final = 20_000
HOLDS_MAX: Final = 50  # of one workload; older ones expire by themselves
SECONDS_AN_HOUR: Final = 3600
NANO: Final = Decimal("1e-9")
Key = tuple[str, str, str]  # resource (plural), namespace, name
Known = tuple[Workload, Decimal, str]  # the workload, one pod a month, currency


@dataclass(frozen=True, slots=True)
class MoneyHeld:
    """A hold behind a workload: `amount` for `hours` of it, from `at` on."""

    hold_id: str
    amount: Decimal
    hours: Decimal
    at: datetime

    def used(self, until: datetime) -> Decimal:
        """What it did cost by then: whole hours, at most what is held."""
        seconds = Decimal(max(0, int((until - self.at).total_seconds())))
        hours = EXACT.divide(seconds, Decimal(SECONDS_AN_HOUR)).to_integral_value(ROUND_CEILING)
        if hours >= self.hours or not self.hours:
            return self.amount
        share = EXACT.divide(EXACT.multiply(self.amount, hours), self.hours)
        return min(self.amount, share.quantize(NANO, rounding=ROUND_CEILING, context=EXACT))


class KnownWorkloads:
    """The newest of so many workloads. Forgotten when the process ends: a scaling of them then has no price, and that is said."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Known] = OrderedDict()
        self._held: OrderedDict[Key, list[MoneyHeld]] = OrderedDict()

    def put(self, key: Key, known: Known) -> None:
        """Remember what one pod of it costs."""
        with self._lock:
            self._kept[key] = known
            self._kept.move_to_end(key)
            while len(self._kept) > KNOWN_MAX:
                self._kept.popitem(last=False)

    def get(self, key: Key) -> Known | None:
        """What is known of it."""
        with self._lock:
            return self._kept.get(key)

    def hold(self, key: Key, held: MoneyHeld) -> None:
        """Remember that money is held for it; the same hold once."""
        with self._lock:
            holds = self._held.setdefault(key, [])
            if all(one.hold_id != held.hold_id for one in holds):
                holds.append(held)
            del holds[:-HOLDS_MAX]
            self._held.move_to_end(key)
            while len(self._held) > KNOWN_MAX:
                self._held.popitem(last=False)

    def gone(self, key: Key) -> Sequence[MoneyHeld]:
        """It is deleted: what is held for it, which is forgotten here."""
        with self._lock:
            self._kept.pop(key, None)
            return self._held.pop(key, [])
