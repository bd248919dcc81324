"""What one pod of a workload costs, remembered from when it was asked about: `kubectl scale` sends a number and no template."""

from __future__ import annotations

import threading
from collections import OrderedDict
from decimal import Decimal
from typing import Final

from fiscus.guardrails.doors.kubernetes.workload import Workload

KNOWN_MAX: Final = 20_000
Key = tuple[str, str, str]  # resource (plural), namespace, name
Known = tuple[Workload, Decimal, str]  # the workload, one pod a month, currency


class KnownWorkloads:
    """The newest of so many workloads. Forgotten when the process ends: a scaling of them then has no price, and that is said."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[Key, Known] = OrderedDict()

    def put(self, key: Key, known: Known) -> None:
        """Remember it."""
        with self._lock:
            self._kept[key] = known
            self._kept.move_to_end(key)
            while len(self._kept) > KNOWN_MAX:
                self._kept.popitem(last=False)

    def get(self, key: Key) -> Known | None:
        """What is known of it."""
        with self._lock:
            return self._kept.get(key)
