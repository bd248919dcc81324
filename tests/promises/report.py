"""What a promise's test leaves behind: one row, printed and, where FISCUS_PROMISE_REPORT names a file, added to it as JSON.

    with promise("P8", trials=10_000) as row:
        for number in range(row.trials):
            ... row.faults += 1; row.violated("what went wrong, and with which input")

A tenth of the trials is run, all of them with `FISCUS_THOROUGH`, as `make promises` and the gate do.
`FISCUS_PROMISE_TRIALS` replaces their number, `FISCUS_PROMISE_SEED` the seed. A row is written whatever happens, an
exception in the middle included: that is a violation too. At the end the test fails if there was any.
"""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

import pytest
from tests.fixtures.effort import some

SEED = 20261120
SHOWN_MAX = 5
TRIALS_MIN = 5


@dataclass
class Row:
    """One promise in one run. `violations` is what was seen broken; `note` is for figures that only this promise has."""

    promise: str
    trials: int
    seed: int
    faults: int = 0
    violations: int = 0
    seconds: float = 0.0
    note: str = ""
    examples: list[str] = field(default_factory=list)

    def violated(self, what: str) -> None:
        """Count a violation; the first few are shown."""
        self.violations += 1
        if len(self.examples) < SHOWN_MAX:
            self.examples.append(what)


@contextmanager
def promise(name: str, *, trials: int, weight: int = 1) -> Iterator[Row]:
    """The row of promise `name`: written and printed when the block ends; fails the test where it was violated.

    `weight`: what one trial of it is worth where FISCUS_PROMISE_TRIALS says how many; 5: a fifth of them is run.
    """
    asked = int(os.environ.get("FISCUS_PROMISE_TRIALS") or 0)
    row = Row(name, max(1, asked // weight) if asked else some(trials, TRIALS_MIN), _seed())
    start = time.perf_counter()
    try:
        yield row
    except BaseException as fault:
        row.violated(f"{type(fault).__name__}: {fault}")
        raise
    finally:
        row.seconds = round(time.perf_counter() - start, 2)
        _write(row)
    if row.violations:
        pytest.fail(f"{name}: {row.violations} violations, seed {row.seed}: {'; '.join(row.examples)}")


def _seed() -> int:
    return int(os.environ.get("FISCUS_PROMISE_SEED") or SEED)


def _write(row: Row) -> None:
    sys.stdout.write(
        f"{row.promise}: {row.trials:,} trials, {row.faults:,} faults, {row.violations} violations, seed {row.seed}, "
        f"{row.seconds} s. {row.note}\n"
    )
    if path := os.environ.get("FISCUS_PROMISE_REPORT"):
        with Path(path).open("a", encoding="utf-8") as report:  # one short line: appended whole
            report.write(json.dumps(asdict(row)) + "\n")
