"""What Sail (pysail 0.7.2, asked by pyspark-client 4.1.1) does otherwise than DuckDB and Spark, seen on 2026-11-27.

Each is an expected failure of the suite where FISCUS_TEST_ENGINE names a Sail server: one that heals turns it red. Refusals are
loud. `ANSWERED_OTHERWISE` is what one has to know: there an answer comes, and it is another one.
"""

from __future__ import annotations

from typing import Final

EXCEPT: Final = "its parser has no `* EXCEPT (column)`, which a QUALIFY or EXCLUDE becomes"
ALL: Final = "it has no GROUP BY ALL"
ALIASES: Final = "a name of the SELECT is not known, or mistaken, in its own aggregates"

ANSWERED_OTHERWISE: Final = {
    "JSON in a column": "get_json_object gives the document's own writing: 1.50, not 1.5",
    "days of the week": "dayofweek and weekday count from another day",
    "texts that are numbers, and not": "1E-3 is no DECIMAL",
    "numbers between texts": "a small DOUBLE is written without an exponent",
    "the smallest ones": "min_by(x, y, n) passes over n and gives one value: why Sail judges by no rules of FOCUS",
}
REFUSED: Final = {
    **dict.fromkeys(
        (
            "sums keep all their digits", "patterns of LIKE", "patterns of RE2", "tags that are there, empty, and not",
            "the value beside the largest", "lists in order", "grouping sets", "what is in a list, and not", "cube is a name",
            "charges with shared ones in parts", "determine-contracted-savings-by-virtual-currency",
            "a list is asked for a column of a table, whatever the table is called", "a closed month has the owners of then",
        ),
        ALL,
    ),
    **dict.fromkeys(
        ("the best of each", "columns but some", "corrections of closed months", "what was allocated"), EXCEPT
    ),
    "texts that are times, and not": "its patterns have no backward reference",
    "what a JSON document holds": "it has no MAP of variants",
    "test_every_question_of_a_run_of_the_loop_has_one_answer": f"most are refused: {ALL}; {EXCEPT}; no order within IGNORE NULLS",
}  # fmt: skip
REPORTS: Final = dict.fromkeys(
    (
        "ai-spend-by-key", "analyze-tag-coverage", "commitment-coverage", "commitment-utilisation", "compare-billed-budget",
        "daily-anomaly-region", "daily-anomaly-services", "daily-anomaly-subaccount", "identify-sources-of-billed-cost",
        "identify-unused-commitments", "new-services", "non-production-weekends", "price-to-pay", "resource-component-costs",
        "resource-costs-sku", "tax-by-issuer", "top-movers", "top-resources",
    ),
    f"refused: {EXCEPT}; {ALL}; {ALIASES}; or its optimizer loses what may be null",
)  # fmt: skip
DIFFERENCES: Final = {**ANSWERED_OTHERWISE, **REFUSED, **REPORTS}
