"""A circuit breaker: an upstream that fails again and again is left alone for a while, then tried by one request at a time."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

FAILURES_MAX: Final = 5  # in a row
OPEN_SECONDS: Final = 10.0
OPEN_SECONDS_MAX: Final = 120.0


@dataclass(slots=True)
class Breaker:
    """Of one upstream, in one worker. `now` in seconds. Closed: all go. Open: none. Half open: one tries."""

    failures: int = 0
    opened_at: float = 0.0
    trying: bool = False
    rounds: int = 0  # how often it opened in a row

    def lets(self, now: float) -> bool:
        """Whether a request may go; a True while it is open is the one that tries, and its end must be said."""
        if self.failures < FAILURES_MAX:
            return True
        if self.trying or now - self.opened_at < self.seconds:
            return False
        self.trying = True
        return True

    @property
    def closed(self) -> bool:
        """Whether all go."""
        return self.failures < FAILURES_MAX

    @property
    def seconds(self) -> float:
        """How long it stays open: twice as long each time."""
        return float(min(OPEN_SECONDS_MAX, OPEN_SECONDS * 2 ** max(0, self.rounds - 1)))

    def untried(self) -> None:
        """The one that was to try never went."""
        self.trying = False

    def worked(self) -> None:
        """An answer came, whatever it said."""
        self.failures, self.rounds, self.trying = 0, 0, False

    def failed(self, now: float) -> None:
        """No answer, or one that says that the vendor is down."""
        was_open = self.failures >= FAILURES_MAX
        self.failures += 1
        if self.failures >= FAILURES_MAX and (not was_open or self.trying):
            self.opened_at = now
            self.rounds += 1
        self.trying = False
