"""The Spark dialect of conditions against DuckDB's, row by row, on a Spark of this machine.

    PYTHONPATH=. python -m tests.property.spark_dialect [--policies 100] [--rows 200] [--seed 7] [--no-ansi]

It needs Java and pyspark (3.5 or later), which the project does not depend on. The answers must be the same for every pair; the
semantics page's table is asked as well. Exits 1 at the first condition that Spark answers otherwise.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path
from random import Random
from typing import Any

import pyarrow.parquet as pq
from tests.property.asked_charges import ANSWER, Charges, arrow_table
from tests.property.drawn_conditions import PATTERNS, Rolling, literal

from fiscus.guardrails.policies.check_condition import check_condition
from fiscus.guardrails.policies.compile_sql import compile_sql

MORE_PATTERNS = (
    r"\x61", r"\x{e9}", r"[^\pL]", r"[\pN_]+", r"\p{Greek}", r"(?s).", r"(?m)^b", r"(?i)É", r"(?i)k", r"a{,2}", r"a{1,2}b",
    r"\Qa.b\E", r"[]a]", r"[^]a]", r"[a&&b]", r"[[:^alpha:]]", r"\Bb", r"\s", r"\S$", r"[\s\d-]", r"(?P<x>a)b", r"(?i:PROD)",
    r"\A\z", r"[\]\-\\]", r"(?s-i:.b)", r"\.", r"[.]", r"\$", r"%_",
)  # fmt: skip


def main() -> int:
    """0 when every answer is the same."""
    arguments = _arguments()
    rolling = Rolling(Random(arguments.seed))
    blocks = [[rolling.charge() for _ in range(arguments.rows)] for _ in range(arguments.policies)]
    conditions = [rolling.condition().policy for _ in range(arguments.policies)]
    facts = ("charge.team", "charge.ServiceName")
    conditions += [f"{facts[n % 2]}.matches({literal(p)})" for n, p in enumerate((*PATTERNS, *MORE_PATTERNS))]
    with tempfile.TemporaryDirectory() as folder, Charges() as charges, _Spark(folder, ansi=arguments.ansi) as spark:
        charges.put(*blocks)
        pq.write_table(arrow_table(blocks), Path(folder) / "charges.parquet")
        spark.read()
        pairs = 0
        for number, condition in enumerate(conditions):
            node = check_condition(condition, "charge", lambda message, _: AssertionError(message))
            block = number % arguments.policies
            theirs, ours = spark.answers(compile_sql(node, "spark"), block), charges.answers(compile_sql(node), block)
            if theirs != ours:
                at = next(at for at, (one, other) in enumerate(zip(theirs, ours, strict=True)) if one != other)
                sys.stdout.write(f"{condition}\nSpark {theirs[at]}, DuckDB {ours[at]} of {blocks[block][at]}\n")
                sys.stdout.write(f"{compile_sql(node, 'spark')}\n")
                return 1
            pairs += len(ours)
    sys.stdout.write(f"{pairs:,} pairs of condition and charge answered alike by Spark {spark.version} and DuckDB\n")
    return 0


class _Spark:
    """Spark on one thread of this machine."""

    def __init__(self, folder: str, *, ansi: bool) -> None:
        from pyspark.sql import SparkSession

        self._folder = folder
        builder: Any = SparkSession.builder.master("local[1]").appName("conditions")
        settings = {
            "spark.sql.ansi.enabled": str(ansi).lower(), "spark.ui.enabled": "false", "spark.sql.shuffle.partitions": "1",
            "spark.sql.session.timeZone": "UTC", "spark.driver.memory": "1g", "spark.log.level": "ERROR",
        }  # fmt: skip
        for name, value in settings.items():
            builder = builder.config(name, value)
        self._session = builder.getOrCreate()
        self.version = self._session.version

    def __enter__(self) -> _Spark:  # noqa: PYI034 private, and never inherited
        return self

    def __exit__(self, *_: object) -> None:
        self._session.stop()

    def read(self) -> None:
        self._session.read.parquet(f"{self._folder}/charges.parquet").createOrReplaceTempView("charges")
        self._session.sql("CACHE TABLE charges")

    def answers(self, condition: str, block: int) -> list[str]:
        rows = self._session.sql(
            f"SELECT {condition} AS answer FROM charges WHERE block = {block} ORDER BY number"
        ).collect()
        return [ANSWER[row.answer] for row in rows]


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--policies", type=int, default=100)
    parser.add_argument("--rows", type=int, default=200)
    parser.add_argument("--seed", type=int, default=20261120)
    parser.add_argument("--no-ansi", dest="ansi", action="store_false")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
