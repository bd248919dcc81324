"""Carry the official FOCUS requirement models over into the project's own compact tables.

Facts only: rule id, entity, level, check, operands, condition, criteria, dependencies. The specification's sentences stay behind;
what a person reads is written by us (`executions.csv`, `phrases.py`). Run again when a model is released:

    python -m tools.import_focus_rules requirements-model-1.3.json columns.csv

A model writes `rules-<version>.jsonl`, one rule a line; a column table writes `columns.csv`, the versions that have no model.
Source: FOCUS specification, requirements model, CC-BY-4.0; see `data/NOTICE`.
"""

from __future__ import annotations

import csv
import json
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

DATA = Path(__file__).resolve().parents[1] / "src" / "fiscus" / "cost" / "conformance" / "data"
VERSIONS = ("1.0", "1.1", "1.2", "1.3", "1.4")
OPERANDS = (
    "ColumnName", "ColumnAName", "ColumnBName", "ResultColumnName", "Path", "PathA", "PathB", "ParentPath", "ChildPath",
    "ExpectedType", "ExpectedCount", "Prefix", "IgnoreKeys", "Value",
)  # fmt: skip
COLUMN_FIELDS = ("version", "dataset", "column", "type", "level", "nulls", "format", "values")
LEVELS = {
    "Mandatory": "M",
    "Required": "M",
    "Conditional": "C",
    "Recommended": "R",
    "Optional": "O",
    "Not required": "O",
}
DATASETS = {"CAU": "CostAndUsage", "CCT": "ContractCommitment"}


def compact_check(check: Mapping[str, Any] | None) -> Any:
    """`check` as nested lists: ["AND", ...], [function, operand...]; another rule is its id alone; nothing is None."""
    if not check:
        return None
    if "CheckFunction" not in check:  # {"AND": [...]}: the shorthand of FOCUS_Spec#2393
        (name, items), *_ = check.items()
        return [name, *(compact_check(item) for item in (items if isinstance(items, list) else [items]))]
    function = check["CheckFunction"]
    if function in {"AND", "OR"}:
        return [function, *(compact_check(item) for item in check["Items"])]
    if function == "CheckModelRule":
        return check["ModelRuleId"]
    column = check.get("CheckCondition")  # a misspelt operand of two rules
    given = {**check, "ColumnName": column} if column else check
    return [function, *(given[name] for name in OPERANDS if name in given)]


def compact_rule(identifier: str, rule: Mapping[str, Any]) -> dict[str, Any]:
    """One line of the table; what is empty is left out."""
    criteria = rule["ValidationCriteria"]
    prefix = identifier.split("-", maxsplit=1)[0]
    line = {
        "id": identifier,
        "entity": rule["Reference"],
        "kind": rule["EntityType"],
        "dataset": rule.get("DatasetId") or DATASETS.get(prefix, ""),
        "function": rule["Function"],
        "keyword": criteria["Keyword"],
        "dynamic": rule["Type"] == "Dynamic",
        "removed": rule["Status"] != "Active",
        "criteria": rule["ApplicabilityCriteria"],
        "check": compact_check(criteria["Requirement"]),
        "when": compact_check(criteria.get("Condition")),
        "needs": sorted(set(criteria.get("Dependencies") or ()) - _rules_in(criteria["Requirement"])),
    }
    return {name: value for name, value in line.items() if value not in (None, False, [], "")}


def _rules_in(check: Mapping[str, Any]) -> set[str]:
    return {item["ModelRuleId"] for item in check.get("Items", ()) if "ModelRuleId" in item}


def import_model(path: Path) -> Path:
    """Write `rules-<version>.jsonl` from a model file."""
    model = json.loads(path.read_text(encoding="utf-8"))
    target = DATA / f"rules-{model['Details']['FOCUSVersion']}.jsonl"
    lines = [
        json.dumps(compact_rule(name, rule), ensure_ascii=False, separators=(",", ":"))
        for name, rule in sorted(model["ModelRules"].items())
    ]
    target.write_text("\n".join(lines) + "\n", encoding="utf-8")
    return target


def import_columns(path: Path) -> Path:
    """Write `columns.csv` from the table of columns per version."""
    target = DATA / "columns.csv"
    with path.open(encoding="utf-8", newline="") as given, target.open("w", encoding="utf-8", newline="") as written:
        out = csv.writer(written, lineterminator="\n")
        out.writerow(COLUMN_FIELDS)
        for row in csv.DictReader(given):
            if row["version"] in VERSIONS:
                level = LEVELS[row["feature_level"]]
                nulls = "" if row["allows_nulls"] == "True" else "no"
                dataset = row["dataset"].replace(" and ", "And").replace(" ", "")
                out.writerow(
                    [row["version"], dataset, row["column"], row["type"], level, nulls, row["value_format"],
                     row["allowed_values"]]
                )  # fmt: skip
    return target


def main() -> int:
    """Each argument is a model (JSON) or a table of columns (CSV)."""
    for name in sys.argv[1:]:
        path = Path(name)
        written = import_model(path) if path.suffix == ".json" else import_columns(path)
        sys.stderr.write(f"{written.name}: {written.stat().st_size:,} bytes\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
