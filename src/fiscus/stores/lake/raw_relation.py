"""The raw rows of a delivery's files as SQL: every column as text, as the file has it; and which rows stand there twice."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from fiscus.cost.types import InputFile
from fiscus.kernel.limits import INPUT_FIELD_BYTES_MAX
from fiscus.stores.lake.input_files import BYTES

NESTED = ("map<", "struct<", "list<", "large_list<", "fixed_size_list<")  # Arrow's names of types that become JSON text

# What tells charges apart; two that are alike in all of it are one charge twice, or nearly.
REPEATED = """
SELECT count(*) - count(DISTINCT hash(
    ChargePeriodStart, ChargePeriodEnd, BillingAccountId, SubAccountId, ResourceId, ServiceName, SkuId, SkuPriceId, SkuMeter,
    RegionId, AvailabilityZone, ChargeCategory, ChargeClass, ChargeDescription, CommitmentDiscountId, CommitmentDiscountStatus,
    PricingQuantity, ConsumedQuantity, BillingCurrency, BilledCost, EffectiveCost, Tags))
FROM read_parquet([{names}], hive_partitioning=false) WHERE BilledCost <> 0 OR EffectiveCost <> 0"""


def raw_rows(files: Sequence[InputFile], *, ordered: bool = False) -> str:
    """The rows of files of one shape."""
    file, names = files[0], ", ".join(f"'{quoted_path(_pattern(each.path))}'" for each in files)
    if file.form == "parquet":
        columns = ", ".join(
            f"{_as_text(_name(column), kind)} AS {_name(column)}"
            for column, kind in zip(file.columns, file.types, strict=True)
        )
        return f"(SELECT {columns} FROM read_parquet([{names}], hive_partitioning=false))"
    types = ", ".join(f"'{quoted_path(column)}': 'VARCHAR'" for column in file.columns)
    options = f"delim='{file.delimiter}', quote='\"', escape='\"', header=true, auto_detect=false, strict_mode=true"
    options += f", max_line_size={INPUT_FIELD_BYTES_MAX}, parallel={'false' if ordered else 'true'}"
    # A folder such as BillingCurrency=EUR is a place and not a column: it must not overrule what the file says.
    options += f", hive_partitioning=false, compression='{_compression(file.path)}'"
    return f"read_csv([{names}], columns={{{types}}}, {options})"


def numbered(file: InputFile) -> str:
    """The raw rows of one file in its order, with their numbers from 1."""
    return f"(SELECT row_number() OVER () AS x__row, * FROM {raw_rows([file], ordered=True)})"


def _as_text(column: str, kind: str) -> str:
    """SQL of a Parquet column as text. `kind`: its type, as Arrow calls it."""
    if kind.startswith(NESTED):
        return f"CAST(to_json({column}) AS VARCHAR)"
    if kind in BYTES:  # older writers do not say that it is text; a cast would spell every umlaut as \\xC3\\xBC
        return f"decode({column})"
    return f"CAST({column} AS VARCHAR)"


def _compression(path: str) -> str:
    return {".gz": "gzip", ".zst": "zstd", ".zstd": "zstd"}.get(Path(path).suffix.lower(), "none")


def _name(column: str) -> str:
    return '"' + column.replace('"', '""') + '"'


def quoted_path(path: object) -> str:
    return str(path).replace("'", "''")


def _pattern(path: str) -> str:
    """A glob that matches `path` alone: DuckDB reads names as patterns, and q*.csv would bring q1.csv along."""
    return re.sub(r"([*?\[{])", r"[\1]", path)
