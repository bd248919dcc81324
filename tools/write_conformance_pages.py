"""Writes docs/reference/conformance-*.md from the rules themselves; a test keeps them equal.

`python -m tools.write_conformance_pages`
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path

from fiscus.cost.conformance.load_rules import errata, load_rules, stem
from fiscus.cost.conformance.phrases import title_of
from fiscus.cost.conformance.types import Rule
from fiscus.cost.focus_names import DATASETS, FOCUS_VERSIONS, Dataset, FocusVersion

FOLDER = Path(__file__).resolve().parents[1] / "docs" / "reference"
HOW = {
    "row": "each row", "product": "each row", "cells": "each value", "group": "groups of rows", "one_each": "groups of rows",
    "header": "the columns", "follows": "rules below", "permission": "a liberty", "schema": "each value",
}  # fmt: skip
CHECKS = {"ColumnPresent": "the columns", "CheckDistinctCount": "groups of rows", "CheckNoDuplicates": "groups of rows",
          "JSONCheckPathDistinctParent": "groups of rows"}  # fmt: skip
TITLES = {
    "cost_and_usage": "Cost and Usage", "contract_commitment": "Contract Commitment", "billing_period": "Billing Period",
    "invoice_detail": "Invoice Detail",
}  # fmt: skip


def answered_by(rule: Rule) -> str:
    """What gives the answer."""
    if rule.function == "Composite":
        return "rules below"
    if rule.keyword == "MAY":
        return "a liberty"
    if rule.execution is None:
        assert isinstance(rule.check, list)
        return CHECKS.get(str(rule.check[0]), "each row")
    if rule.execution.method == "documented":
        return f"`documented.{rule.execution.when}`"
    return f"`--with {rule.execution.when}`" if rule.execution.method == "beside" else HOW[rule.execution.method]


def page(version: FocusVersion) -> str:
    """The page of a version, as it must stand."""
    return "\n".join(_lines(version)) + "\n"


def _lines(version: FocusVersion) -> Iterator[str]:
    yield f"# The rules of FOCUS {version}, and what answers each"
    yield ""
    yield "Written by `python -m tools.write_conformance_pages`. [Check a delivery](../how-to/check.md) says what verdicts mean,"
    yield "[conformance](conformance.md) where we differ from focus-validator and why. Rules and columns: FOCUS specification,"
    yield "CC-BY-4.0; the words are ours. A star marks a rule whose official encoding is corrected."
    for dataset in DATASETS:
        rules = [rule for rule in load_rules(version, dataset) if _belongs(rule, dataset)]
        if rules and not (version == "1.2" and dataset != "cost_and_usage"):
            yield from _section(dataset, rules)


def _belongs(rule: Rule, dataset: Dataset) -> bool:
    """Rules of attributes stand once, with Cost and Usage."""
    return dataset == "cost_and_usage" or rule.kind != "Attribute"


def _section(dataset: Dataset, rules: list[Rule]) -> Iterator[str]:
    counts = Counter(_kind(answered_by(rule)) for rule in rules)
    yield from ("", f"## {TITLES[dataset]}", "")
    yield f"{len(rules)} rules: " + ", ".join(f"{count} by {kind}" for kind, count in counts.most_common()) + "."
    yield from ("", "| rule | level | answered by | asks |", "|---|---|---|---|")
    for rule in rules:
        star = "\\*" if rule.erratum else ""
        asks = title_of(rule).replace("|", "\\|")
        yield f"| {rule.id}{star} | {rule.keyword} | {answered_by(rule)} | {asks} |"


def _kind(answer: str) -> str:
    if answer.startswith("`documented"):
        return "the vendor's documentation"
    return "a dataset beside" if answer.startswith("`--with") else answer


def errata_table() -> str:
    """The corrections, one a line."""
    lines = ["| rule | versions | why | source |", "|---|---|---|---|"]
    lines += [f"| {stem(e['rule'])} | {', '.join(e['versions'])} | {e['why']} | {e['source']} |" for e in errata()]
    return "\n".join(lines)


def pages() -> dict[str, str]:
    """Every page by its file name."""
    return {f"conformance-{version}.md": page(version) for version in FOCUS_VERSIONS}


def main() -> int:
    """Write them."""
    for name, text in pages().items():
        (FOLDER / name).write_text(text, encoding="utf-8")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
