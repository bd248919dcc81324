"""Counters in the text format of Prometheus, version 0.0.4: what every door that is watched serves at /metrics."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from decimal import Decimal
from typing import Final

from fiscus.kernel.counters import Counters, Histogram, Key, Labels

CONTENT_TYPE: Final = "text/plain; version=0.0.4"
Gauges = Mapping[Key, int | Decimal]
_NONE: Final[Gauges] = {}


def counters_text(counters: Sequence[Counters], about: Mapping[str, str] | None = None, gauges: Gauges = _NONE) -> str:
    """Every number, by name and labels; of several counters the sums. `about`: name -> what it counts. `gauges` may fall."""
    counts, histograms = dict[Key, int](), dict[Key, Histogram]()
    for one in counters:
        for key, number in one.all().items():
            counts[key] = counts.get(key, 0) + number
        for key, histogram in one.histograms().items():
            histograms[key] = histograms[key].plus(histogram) if key in histograms else histogram
    kinds: dict[str, str] = {name: "counter" for name, _ in counts} | {name: "gauge" for name, _ in gauges}
    kinds |= {name: "histogram" for name, _ in histograms}
    lines, named = list[str](), set[str]()
    for key in sorted({*counts, *gauges, *histograms}):
        name, labels = key
        if name not in named:
            named.add(name)
            lines += [f"# HELP {name} {about[name]}"] if about and name in about else []
            lines.append(f"# TYPE {name} {kinds[name]}")
        if key in histograms:
            lines += _histogram(name, labels, histograms[key])
        else:
            lines.append(_line(name, labels, f"{counts[key] if key in counts else gauges[key]}"))
    return "\n".join([*lines, ""])


def _histogram(name: str, labels: Labels, one: Histogram) -> Iterator[str]:
    reached = 0
    for bound, count in zip((*map(repr, one.bounds), "+Inf"), one.counts, strict=True):
        reached += count
        yield _line(f"{name}_bucket", (*labels, ("le", bound)), str(reached))
    yield _line(f"{name}_sum", labels, repr(one.total))
    yield _line(f"{name}_count", labels, str(reached))


def _line(name: str, labels: Labels, number: str) -> str:
    said = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels)
    return f"{name}{{{said}}} {number}" if said else f"{name} {number}"


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
