"""The views of the datasets beside Cost and Usage, as SQL over the lake's files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fiscus.cost.datasets.columns import stored_columns
from fiscus.cost.datasets.types import CHARGES, TABLES
from fiscus.cost.views import file_names


def dataset_views_sql(files: Mapping[str, Sequence[str]]) -> list[str]:
    """A view each of `contract_commitments`, `billing_periods` and `invoice_details`; `files` by the table's folder."""
    return [
        _view_sql(table.view, stored_columns(dataset), files[table.folder])
        for dataset, table in TABLES.items()
        if table is not CHARGES
    ]


def _view_sql(view: str, columns: Sequence[tuple[str, str]], files: Sequence[str]) -> str:
    if not files:
        typed = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in columns)
        return f"CREATE OR REPLACE VIEW {view} AS SELECT {typed} WHERE false"
    options = "hive_partitioning=true, hive_types_autocast=false, union_by_name=true"
    names = ", ".join(f'"{name}"' for name, _ in columns)
    return f"CREATE OR REPLACE VIEW {view} AS SELECT {names} FROM read_parquet([{file_names(files)}], {options})"
