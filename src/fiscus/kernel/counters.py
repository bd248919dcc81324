"""What happened how often, since this process started: for a monitoring system to read, and for tests to hold a flow to."""

from __future__ import annotations

import threading
from collections.abc import Mapping

Labels = tuple[tuple[str, str], ...]


class Counters:
    """Named counts, each with its labels. Safe between threads; they only grow."""

    def __init__(self) -> None:
        self._counts: dict[tuple[str, Labels], int] = {}
        self._turn = threading.Lock()

    def count(self, name: str, **labels: str) -> None:
        """One more."""
        key = (name, tuple(sorted(labels.items())))
        with self._turn:
            self._counts[key] = self._counts.get(key, 0) + 1

    def value(self, name: str, **labels: str) -> int:
        """The sum over every count of this name that has these labels."""
        wanted = set(labels.items())
        with self._turn:
            return sum(n for (known, having), n in self._counts.items() if known == name and wanted <= set(having))

    def all(self) -> Mapping[tuple[str, Labels], int]:
        """(name, labels) -> count, as of now."""
        with self._turn:
            return dict(self._counts)
