"""The rules of a FOCUS version and dataset: official facts, our corrections of them, and how each is answered.

Tables under `data/`: `rules-<version>.jsonl` (tools/import_focus_rules.py), `columns.csv`, `errata.jsonl` (each with its source),
`executions.csv` (the rules that the models leave without a check). FOCUS specification, CC-BY-4.0: see `data/NOTICE`.
"""

from __future__ import annotations

import csv
import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache
from importlib import resources
from typing import Any, Final

from fiscus.cost.conformance.rules_from_columns import rules_of_columns
from fiscus.cost.conformance.types import OFFICIAL_NAME, Execution, FocusColumn, Rule
from fiscus.cost.focus_names import Dataset, FocusVersion

_PREFIX: Final = re.compile(r"^CAU-")
_LETTER: Final = re.compile(r"-[A-Z]$")
MODELS: Final = ("1.2", "1.3")


def _text(name: str) -> str:
    return resources.files("fiscus.cost.conformance").joinpath("data", name).read_text(encoding="utf-8")


def stem(rule: str) -> str:
    """`rule` without dataset prefix of Cost and Usage and without its last letter: the same in every version."""
    return _LETTER.sub("", _PREFIX.sub("", rule))


@cache
def focus_columns(version: FocusVersion, dataset: Dataset) -> Mapping[str, FocusColumn]:
    """The columns of the dataset by name, in the order of the table."""
    return _tables().get((version, OFFICIAL_NAME[dataset]), {})


@cache
def _tables() -> Mapping[tuple[str, str], Mapping[str, FocusColumn]]:
    """Every table of columns, by version and dataset, read once."""
    tables: dict[tuple[str, str], dict[str, FocusColumn]] = {}
    head, *rows = csv.reader(_text("columns.csv").splitlines())
    for row in rows:
        r = dict(zip(head, row, strict=True))
        values = tuple(r["values"].split("; ")) if r["values"] else ()
        column = FocusColumn(r["column"], r["type"], r["level"], r["nulls"] != "no", r["format"], values)
        tables.setdefault((r["version"], r["dataset"]), {})[column.name] = column
    return tables


@cache
def known_columns(version: FocusVersion, dataset: Dataset) -> frozenset[str]:
    """Columns of the dataset, and those that its rules speak of beside."""
    named = {name for rule in load_rules(version, dataset) for name in _columns_in(rule.check) | _columns_in(rule.when)}
    return frozenset(focus_columns(version, dataset)) | frozenset(named)


def _columns_in(check: object) -> set[str]:
    if not isinstance(check, list):
        return set()
    if check[0] in {"AND", "OR"}:
        return {name for part in check[1:] for name in _columns_in(part)}
    return {operand for operand in check[1:2] if isinstance(operand, str)}


@cache
def executions() -> Mapping[str, Execution]:
    """By stem: how the rules without an official check are answered."""
    return {
        row["rule"]: Execution(row["method"], row["when"], row["holds"], row["title"])
        for row in csv.DictReader(_text("executions.csv").splitlines())
    }


@cache
def errata() -> Sequence[Mapping[str, Any]]:
    """Corrections of the official models: version, rule, set (fields that replace), why, source."""
    return [json.loads(line) for line in _text("errata.jsonl").splitlines() if line]


@cache
def load_rules(version: FocusVersion, dataset: Dataset) -> tuple[Rule, ...]:
    """Every active rule of the dataset, corrected, each with its execution where the model has no check.

    1.2 and 1.3 are the official models. 1.0 and 1.1 come from the table of columns. 1.4 is what still holds of 1.3, the table for
    its new columns and datasets, and rules written by us from its changes (`rules-1.4.jsonl`).
    """
    if version in MODELS:
        return tuple(_executed(rule) for rule in _corrected(_official(version, dataset), version))
    columns = focus_columns(version, dataset)
    if version != "1.4":
        return tuple(_executed(rule) for rule in rules_of_columns(version, dataset, columns))
    before = focus_columns("1.3", dataset)
    carried = [rule for rule in _official("1.3", dataset, RENAMED) if rule.kind != "Column" or rule.entity in columns]
    held = [rule for rule in _corrected(carried, version) if not _of_lost_column(rule, columns)] if before else []
    new = {name: column for name, column in columns.items() if name not in before}
    ours = _rules(_text("rules-1.4.jsonl"), dataset)
    return tuple(_executed(rule, RENAMED) for rule in (*held, *rules_of_columns(version, dataset, new), *ours))


RENAMED: Final = (("ContractCommitmentID", "ContractCommitmentId"),)
"""Keys of JSON objects that 1.4 spells otherwise than 1.3."""


def _official(version: str, dataset: Dataset, renamed: Sequence[tuple[str, str]] = ()) -> list[Rule]:
    return _rules(_renamed(_text(f"rules-{version}.jsonl"), renamed), dataset)


def _rules(text: str, dataset: Dataset) -> list[Rule]:
    """The active rules of the dataset in a table of rules."""
    table = json.loads(f"[{','.join(text.splitlines())}]")
    return [_rule(facts) for facts in table if _wanted(facts, dataset)]


def _renamed(text: str, renamed: Sequence[tuple[str, str]]) -> str:
    for old, new in renamed:
        text = text.replace(old, new)
    return text


def _of_lost_column(rule: Rule, columns: Mapping[str, FocusColumn]) -> bool:
    present = isinstance(rule.check, list) and rule.check[0] == "ColumnPresent"
    return present and isinstance(rule.check, list) and str(rule.check[1]) not in columns


def _wanted(facts: Mapping[str, Any], dataset: Dataset) -> bool:
    return not facts.get("removed") and facts.get("dataset", OFFICIAL_NAME[dataset]) == OFFICIAL_NAME[dataset]


def _rule(facts: Mapping[str, Any]) -> Rule:
    return Rule(
        id=facts["id"],
        entity=facts["entity"],
        kind=facts["kind"],
        function=facts["function"],
        keyword=facts["keyword"],
        check=facts.get("check"),
        when=facts.get("when"),
        criteria=tuple(facts.get("criteria", ())),
        needs=tuple(facts.get("needs", ())),
        execution=Execution(**facts["execution"]) if "execution" in facts else None,
    )


def _corrected(rules: Sequence[Rule], version: FocusVersion) -> Iterator[Rule]:
    by_rule = {(v, entry["rule"]): entry for entry in errata() for v in entry["versions"]}
    for rule in rules:
        entry = by_rule.get((version, stem(rule.id)))
        if entry is None:
            yield rule
        elif "drop" not in entry["set"]:
            yield replace(rule, **_fields(entry), erratum=entry["why"])


def _fields(entry: Mapping[str, Any]) -> dict[str, Any]:
    given = dict(entry["set"])
    if "criteria" in given:
        given["criteria"] = tuple(given["criteria"])
    if "execution" in given:
        given["execution"] = Execution(**given["execution"])
        given["check"] = None
    return given


def _executed(rule: Rule, renamed: Sequence[tuple[str, str]] = ()) -> Rule:
    if rule.check is not None or rule.execution is not None:
        return rule
    found = executions().get(stem(rule.id))
    if found is None and rule.keyword == "MAY":
        found = Execution("permission", "", "", f"a liberty that {rule.entity} gives")
    if found is not None and renamed:
        found = replace(found, when=_renamed(found.when, renamed), holds=_renamed(found.holds, renamed))
    return replace(rule, execution=found) if found else rule
