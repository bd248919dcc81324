"""Counters in the text format of Prometheus, version 0.0.4: what every door that is watched serves at /metrics."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final

from fiscus.kernel.counters import Counters

CONTENT_TYPE: Final = "text/plain; version=0.0.4"


def counters_text(counters: Sequence[Counters], about: Mapping[str, str] | None = None) -> str:
    """Every counter, by name and labels. `about`: name -> what it counts."""
    lines, named = list[str](), set[str]()
    for (name, labels), number in sorted(item for one in counters for item in one.all().items()):
        if name not in named:
            named.add(name)
            lines += [f"# HELP {name} {about[name]}"] if about and name in about else []
            lines.append(f"# TYPE {name} counter")
        said = ",".join(f'{label}="{_escaped(value)}"' for label, value in labels)
        lines.append(f"{name}{{{said}}} {number}" if said else f"{name} {number}")
    return "\n".join([*lines, ""])


def _escaped(value: str) -> str:
    return value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
