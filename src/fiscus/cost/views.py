"""The views that everybody queries, as SQL over the lake's files: `lake_charges`, `bare_charges`, `charges` and
`assignment_keys`. The same charges in the names of each FOCUS version are in `version_views.py`."""

from __future__ import annotations

import glob
from collections.abc import Collection, Sequence
from typing import Final

from fiscus.cost.allocation.run_views import LISTS, RUN_COLUMNS, empty_runs_sql, run_views_sql
from fiscus.cost.columns import FOCUS_1_4, OURS, SQL_TYPE, promoted_column

ALLOCATION_LISTS: Final = LISTS
ALLOCATION_RUN_COLUMNS: Final = RUN_COLUMNS
STORED_OURS: Final = (
    ("x_AssignmentKey", "BIGINT"),
    ("x_RoundedCells", "INTEGER"),
    ("x_RoundingResidue", "DECIMAL(38,30)"),
    ("x_SourceId", "VARCHAR"),
    ("x_BillingMonth", "VARCHAR"),
)
OWNER_DEFAULTS: Final = {
    "x_Owner": "unowned",
    "x_Team": "unowned",
    "x_CostCentre": "unallocated",
    "x_Environment": "unknown",
    "x_Product": "unknown",
    "x_AssignmentRule": "default-pool",
}
# What only AI usage has, out of the keys of FOCUS 1.5's draft as vendors send them: with our x_ before it is one, or without.
AI_COLUMNS: Final = {
    "x_AiModel": "CASE WHEN json_valid(SkuPriceDetails) THEN coalesce(json_extract_string(SkuPriceDetails, '/ModelId'), "
    "json_extract_string(SkuPriceDetails, '/x_ModelId')) END",
    "x_AiKey": "coalesce(x_Extra['x_CredentialId'], x_Extra['CredentialId'])",
    "x_AiUser": "coalesce(x_Extra['x_PrincipalId'], x_Extra['PrincipalId'])",
}
ALIKE_GROUPS_MAX: Final = 8  # each takes as long to plan as ten files whose footers are read
KEY_COLUMNS: Final = (
    "x_SourceId", "ServiceProviderName", "SubAccountId", "SubAccountName", "ServiceName", "ResourceId", "ResourceName",
    "ResourceType", "RegionId",
)  # fmt: skip


def billing_month_sql(start: str) -> str:
    """The partition of a charge, 2026-09, by the SQL of its BillingPeriodStart."""
    return f"strftime(make_timestamp(epoch_us({start})), '%Y-%m')"


def stored_columns() -> list[tuple[str, str]]:
    """(name, SQL type) of every column of the charges table that does not depend on configuration."""
    return [(column.name, SQL_TYPE[column.type]) for column in (*FOCUS_1_4, *OURS)] + list(STORED_OURS)


def is_ours(name: str) -> bool:
    """A column of the lake that no vendor answers for: all of ours but x_Extra, which holds what the vendor sent."""
    stored = {column.name for column in OURS} | {column for column, _ in STORED_OURS}
    return name != "x_Extra" and (name in stored or name.startswith(promoted_column("")))


def lake_charges_sql(alike: Sequence[Sequence[str]], *, view: str = "lake_charges") -> str:
    """A view over the table's files; an empty lake is an empty typed view. `alike`: files of the same columns and types together.

    Of each group one footer is read to plan a question. Where there are too many groups, all files are united by name, and every
    question reads the footer of every file first.
    """
    if not alike:
        typed = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in stored_columns())
        return f"CREATE OR REPLACE VIEW {view} AS SELECT {typed} WHERE false"
    if united := len(alike) > ALIKE_GROUPS_MAX:
        alike = [[file for files in alike for file in files]]
    options = f"hive_partitioning=true, hive_types_autocast=false, union_by_name={'true' if united else 'false'}"
    reads = (f"SELECT * FROM read_parquet([{file_names(files)}], {options})" for files in alike)
    return f"CREATE OR REPLACE VIEW {view} AS {' UNION ALL BY NAME '.join(reads)}"


def assignments_sql(files: Sequence[str]) -> str:
    """A view over the assignments table's files."""
    if not files:
        typed = ", ".join(f"CAST(NULL AS VARCHAR) AS {name}" for name in OWNER_DEFAULTS)
        return (
            f"CREATE OR REPLACE VIEW assignments AS SELECT CAST(NULL AS BIGINT) AS x_AssignmentKey, {typed} WHERE false"
        )
    return f"CREATE OR REPLACE VIEW assignments AS SELECT * FROM read_parquet([{file_names(files)}], hive_partitioning=false)"


def bare_charges_sql(
    stored: Collection[str],
    promoted: Sequence[str],
    *,
    view: str = "bare_charges",
    of: str = "lake_charges",
    everywhere: Collection[str] = (),
) -> str:
    """`bare_charges`: what is stored, promoted tags completed from Tags (old files lack the column); no owners.

    `stored`: columns that some file has; `everywhere`: that all have. A promoted one of these is complete, and Tags need not
    be read for it.
    """
    columns = [f'"{name}"' for name, _ in stored_columns()]
    columns += [f"{sql} AS {name}" for name, sql in AI_COLUMNS.items()]
    for key in promoted:
        column, quoted = promoted_column(key), key.replace("'", "''")
        own = f"Tags['{quoted}']"
        if column in everywhere:
            columns.append(f'"{column}"')
        else:
            columns.append(f'coalesce("{column}", {own}) AS "{column}"' if column in stored else f'{own} AS "{column}"')
    return f"CREATE OR REPLACE VIEW {view} AS SELECT {', '.join(columns)} FROM {of}"


def charges_sql(name: str = "charges", of: str = "bare_charges", *, whole: bool = False) -> str:
    """`charges`: the bare charges with their owners. They are `owned_charges` where `charges` speaks an older FOCUS version.

    `whole`: it is proven that each charge has its row of assignments, so that none needs to be asked whether it has.
    """
    return f"CREATE OR REPLACE VIEW {name} AS {owned_sql(of, whole=whole)}"


def owned_sql(of: str = "bare_charges", *, whole: bool = False) -> str:
    """The charges of `of` with their owners, in the names of the newest FOCUS version whatever `charges` speaks."""
    if whole:
        owners = ", ".join(f"a.{name}" for name in OWNER_DEFAULTS)
        return f"SELECT c.*, {owners} FROM {of} c JOIN assignments a ON a.x_AssignmentKey = c.x_AssignmentKey"
    owners = ", ".join(f"coalesce(a.{name}, '{default}') AS {name}" for name, default in OWNER_DEFAULTS.items())
    return f"SELECT c.*, {owners} FROM {of} c LEFT JOIN assignments a ON a.x_AssignmentKey = c.x_AssignmentKey"


def assignment_keys_sql() -> str:
    """One row a distinct key, with the columns that rules read; `variants` over 1 would be a hash collision."""
    values = ", ".join(f"any_value({name}) AS {name}" for name in (*KEY_COLUMNS, "Tags"))
    joined = " || chr(31) || ".join(f"coalesce({name}, '')" for name in KEY_COLUMNS)
    return (
        f"CREATE OR REPLACE VIEW assignment_keys AS SELECT x_AssignmentKey, {values}, "
        f"count(DISTINCT hash({joined})) AS variants FROM lake_charges GROUP BY x_AssignmentKey"
    )


def allocation_views_sql(files: Sequence[str], newest: Sequence[tuple[str, str]], promoted: Sequence[str]) -> list[str]:
    """The views over what was allocated, and `allocated_charges`. `newest`: (month, scopes) of the runs that count."""
    runs = f"CREATE OR REPLACE VIEW lake_allocations AS SELECT * FROM read_parquet([{file_names(files)}])"
    return [runs if files else empty_runs_sql(), *run_views_sql(newest, promoted)]


def file_names(files: Sequence[str]) -> str:
    """The files as SQL text; a name is itself and never a pattern that would bring in its neighbours."""
    return ", ".join("'" + glob.escape(file).replace("'", "''") + "'" for file in files)
