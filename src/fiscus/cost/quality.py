"""Irregularities that are repaired or kept and always counted: a bill with defects loads, and the defects are shown."""

from __future__ import annotations

from collections.abc import Sequence

from fiscus.cost.columns import BY_NAME, FOCUS_1_4
from fiscus.cost.focus_names import FocusVersion
from fiscus.cost.types import FilePlan, InputFile, QualityFinding, Source

Count = tuple[str, str, str, str]


def known_findings(file: InputFile, version: FocusVersion, extra: Sequence[str]) -> tuple[QualityFinding, ...]:
    """What the header alone tells: columns that FOCUS does not know, and mandatory ones of its version that are missing."""
    found = [
        QualityFinding("extra_column", name, 0, "is not a FOCUS column; kept in x_Extra", file.sample.get(name, ""))
        for name in extra
    ]
    replaced = {"ServiceProviderName", "HostProviderName"}
    found += [
        QualityFinding("missing_column", column.name, 0, f"is mandatory in FOCUS {version} and not in the file")
        for column in FOCUS_1_4
        if column.level == "M" and column.since <= version and column.name not in {*file.columns, *replaced}
    ]
    return tuple(found)


def count_plans(file: InputFile, source: Source) -> tuple[Count, ...]:
    """The counts worth a second look at the raw file: only those that its bytes or first rows suggest."""
    counts: list[Count] = []
    if file.has_null_text:
        counts += [
            ("literal_null", name, f"\"{name}\" = 'NULL'", "holds the word NULL; read as no value")
            for name in file.columns
            if name in BY_NAME or name.endswith("Name")
        ]
    for column in FOCUS_1_4:
        sample = file.sample.get(column.name, "")
        zoneless = sample and not sample.endswith("Z") and _may_lack_a_zone(column.name, file)
        if column.type == "time" and zoneless and not source.date_format:
            test = f"\"{column.name}\" <> '' AND \"{column.name}\" <> 'NULL' AND NOT ends_with(\"{column.name}\", 'Z')"
            counts.append(("time_without_zone", column.name, test, "has no T and Z; read as UTC"))
    if {"ContractedCost", "ListCost"} <= set(file.columns):
        zero = 'TRY_CAST("ContractedCost" AS DOUBLE) = 0 AND TRY_CAST("ListCost" AS DOUBLE) <> 0'
        counts.append(("zero_contracted_cost", "ContractedCost", zero, "is zero where ListCost is not; kept as sent"))
    return tuple(counts)


def _may_lack_a_zone(column: str, file: InputFile) -> bool:
    """A text, or a timestamp of Parquet that is not in UTC by its type; a date says no time of day at all."""
    if not file.types:
        return True
    kind = file.types[file.columns.index(column)]
    return kind.startswith(("string", "large_string", "dictionary")) or (
        kind.startswith("timestamp") and "tz=" not in kind
    )


def findings_of(plan: FilePlan, counted: dict[tuple[str, str], tuple[int, str]], rows: int) -> list[QualityFinding]:
    """The findings of one file: what the header told (all its rows) and what was counted."""
    header = [QualityFinding(f.code, f.column, rows, f.message, f.example) for f in plan.known]
    messages = {(code, column): message for code, column, _, message in plan.counts}
    return header + [
        QualityFinding(code, column, count, messages[code, column], example)
        for (code, column), (count, example) in counted.items()
    ]


def merged(findings: Sequence[QualityFinding]) -> tuple[QualityFinding, ...]:
    """One finding a code and column over all files of a delivery."""
    by_key: dict[tuple[str, str], QualityFinding] = {}
    for f in findings:
        before = by_key.get((f.code, f.column))
        count = f.count + (before.count if before else 0)
        by_key[f.code, f.column] = QualityFinding(f.code, f.column, count, f.message, f.example)
    return tuple(sorted(by_key.values(), key=lambda f: (f.code, f.column)))
