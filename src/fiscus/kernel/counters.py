"""What happened how often, and how long it took, since this process started: for a monitoring system, and for tests of flows."""

from __future__ import annotations

import threading
from bisect import bisect_left
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Self

Labels = tuple[tuple[str, str], ...]
Key = tuple[str, Labels]


@dataclass(slots=True)
class Histogram:
    """Values by the first of `bounds` that they are at most; the last count is of all that are larger."""

    bounds: tuple[float, ...]
    counts: list[int] = field(default_factory=list)
    total: float = 0.0

    def __post_init__(self) -> None:
        self.counts = self.counts or [0] * (len(self.bounds) + 1)

    def take(self, value: float) -> None:
        """One more value."""
        self.counts[bisect_left(self.bounds, value)] += 1
        self.total += value

    def plus(self, other: Histogram) -> Histogram:
        """Both together. They have the same bounds."""
        assert self.bounds == other.bounds
        counts = [one + two for one, two in zip(self.counts, other.counts, strict=True)]
        return Histogram(self.bounds, counts, self.total + other.total)


class Counters:
    """Named counts and histograms, each with its labels. Safe between threads; they only grow."""

    def __init__(self) -> None:
        self._counts: dict[Key, int] = {}
        self._histograms: dict[Key, Histogram] = {}
        self._turn = threading.Lock()

    def count(self, name: str, **labels: str) -> None:
        """One more."""
        self.add(name, 1, **labels)

    def add(self, name: str, amount: int, **labels: str) -> None:
        """So many more."""
        assert amount >= 0
        self.more(key_of(name, **labels), amount)

    def more(self, key: Key, amount: int = 1) -> None:
        """So many more under a key that was made before, where somebody waits."""
        with self._turn:
            self._counts[key] = self._counts.get(key, 0) + amount

    def observe(self, name: str, value: float, bounds: tuple[float, ...], **labels: str) -> None:
        """A value for the histogram of this name, whose bounds are always the same."""
        self.observe_all(name, (value,), bounds, **labels)

    def observe_all(self, name: str, values: Iterable[float], bounds: tuple[float, ...], **labels: str) -> None:
        """Several at once."""
        key = key_of(name, **labels)
        with self._turn:
            found = self._histograms.get(key)
            if found is None:
                found = self._histograms[key] = Histogram(bounds)
            for value in values:
                found.take(value)

    def value(self, name: str, **labels: str) -> int:
        """The sum over every count of this name that has these labels."""
        wanted = set(labels.items())
        with self._turn:
            return sum(n for (known, having), n in self._counts.items() if known == name and wanted <= set(having))

    def all(self) -> Mapping[Key, int]:
        """(name, labels) -> count, as of now."""
        with self._turn:
            return dict(self._counts)

    def histograms(self) -> Mapping[Key, Histogram]:
        """(name, labels) -> histogram, as of now."""
        with self._turn:
            return {key: Histogram(one.bounds, list(one.counts), one.total) for key, one in self._histograms.items()}

    def as_json(self) -> dict[str, Any]:
        """For another process to read with `from_json`."""
        return {
            "counts": [[name, labels, number] for (name, labels), number in self.all().items()],
            "histograms": [
                [name, labels, one.bounds, one.counts, one.total] for (name, labels), one in self.histograms().items()
            ],
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Sequence[Any]]) -> Self:
        """What `as_json` wrote."""
        made = cls()
        made._counts = {(name, _labels(labels)): number for name, labels, number in data["counts"]}
        made._histograms = {
            (name, _labels(labels)): Histogram(tuple(bounds), list(counts), total)
            for name, labels, bounds, counts, total in data["histograms"]
        }
        return made


def key_of(name: str, **labels: str) -> Key:
    """Under what a count with these labels stands."""
    return name, tuple(sorted(labels.items()))


def _labels(pairs: Iterable[Sequence[str]]) -> Labels:
    return tuple((name, value) for name, value in pairs)
