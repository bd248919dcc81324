"""What a simulated vendor does wrong when told to."""

from __future__ import annotations

import threading
from dataclasses import dataclass, replace
from typing import Final, Literal, get_args

FaultKind = Literal[
    "error_500",
    "error_503",
    "overloaded_529",
    "rate_limited_429",  # with retry-after
    "reset_before",  # the connection breaks before anything was done
    "hang_before",  # never answers, bills nothing
    "reset_after_billing",  # billed, and the connection breaks before a byte of the answer
    "hang_after_billing",  # billed, and never answers
    "error_500_after_billing",  # billed, and the answer is lost on the way
    "slow",  # answers after `seconds`
    "slow_stream",  # `seconds` before each piece
    "cut_stream",  # the connection breaks after `pieces` of the stream, its usage never comes
    "no_usage",  # answers without saying what it used
    "overbill",  # uses and bills `factor` times the output that was allowed
    "wrong_usage",  # says it used half of the output that it bills
    "downgrade",  # serves the standard tier when another was asked for
]
BEFORE: Final = frozenset(
    {"error_500", "error_503", "overloaded_529", "rate_limited_429", "reset_before", "hang_before"}
)
KINDS: Final = frozenset(get_args(FaultKind))


@dataclass(frozen=True, slots=True)
class Fault:
    """One fault and whom it meets: empty `vendor`, `endpoint` or `model` is any. It is gone after `times` requests."""

    kind: FaultKind
    vendor: str = ""
    endpoint: str = ""
    model: str = ""
    times: int = 1
    seconds: float = 0.2
    retry_after_seconds: int = 1
    pieces: int = 3
    factor: int = 3

    def meets(self, vendor: str, endpoint: str, model: str) -> bool:
        """Whether a request is one of those it is planted for."""
        pairs = ((self.vendor, vendor), (self.endpoint, endpoint), (self.model, model))
        return all(not wanted or wanted == given for wanted, given in pairs)


class Faults:
    """The faults that wait for their requests, in the order planted."""

    def __init__(self) -> None:
        self._waiting: list[Fault] = []
        self._lock = threading.Lock()

    def plant(self, *faults: Fault) -> None:
        """Add faults; each meets the next requests it is for."""
        with self._lock:
            self._waiting.extend(faults)

    def clear(self) -> None:
        """Behave again."""
        with self._lock:
            self._waiting.clear()

    def take(self, vendor: str, endpoint: str, model: str) -> Fault | None:
        """The fault that this request meets, counted down; None: all is well."""
        with self._lock:
            for index, fault in enumerate(self._waiting):
                if fault.meets(vendor, endpoint, model):
                    if fault.times > 1:
                        self._waiting[index] = replace(fault, times=fault.times - 1)
                    else:
                        del self._waiting[index]
                    return fault
        return None
