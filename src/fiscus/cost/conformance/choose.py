"""Which dataset and version a delivery is, told by its columns."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Final, get_args

from fiscus.cost.conformance.load_rules import focus_columns
from fiscus.cost.focus_names import DATASETS, FOCUS_VERSIONS, Dataset, FocusVersion
from fiscus.cost.versions import version_of
from fiscus.kernel.errors import BadInput, Where

COLUMNS_SHOWN: Final = 5


def dataset_of(columns: Collection[str]) -> Dataset:
    """The dataset that has these columns; Cost and Usage where nothing tells."""
    present = set(columns)
    if "BillingPeriodStatus" in present:
        return "billing_period"
    if "ContractCommitmentId" in present and "ChargePeriodStart" not in present:
        return "contract_commitment"
    if "InvoiceDetailId" in present and not present & {"ChargePeriodStart", "EffectiveCost", "ServiceName"}:
        return "invoice_detail"
    return "cost_and_usage"


def check_is_focus(columns: Collection[str], file: str) -> None:
    """Raise BadInput where no column is one of FOCUS, however it is spelled: then nothing tells what it is."""
    if not {_bare(name) for name in columns} & {_bare(name) for name in column_types()}:
        raise BadInput(
            f"No column is one of FOCUS: {', '.join(sorted(columns)[:COLUMNS_SHOWN])}",
            remedy="Is it the right file? A vendor's own format is judged once it is exported as FOCUS. To have this one "
            "judged as it stands, name the version: --focus 1.2.",
            where=Where(file=file),
        )


def _bare(name: str) -> str:
    return "".join(filter(str.isalnum, name)).lower()


def version_for(dataset: Dataset, columns: Collection[str]) -> FocusVersion:
    """The version whose columns these are: the newest that introduced one of them."""
    if dataset == "cost_and_usage":
        return version_of(columns)
    known = [v for v in get_args(FocusVersion) if focus_columns(v, dataset)]
    return next((v for v in known if set(columns) <= set(focus_columns(v, dataset))), known[-1])


def check_has_dataset(version: FocusVersion, dataset: Dataset) -> None:
    """Raise BadInput where the version has no such dataset."""
    if not focus_columns(version, dataset):
        having = [v for v in FOCUS_VERSIONS if focus_columns(v, dataset)]
        raise BadInput(
            f"FOCUS {version} has no dataset {dataset}",
            remedy=f"Check it as --focus {having[0]} or newer, or name another --dataset.",
        )


def column_types() -> Mapping[str, str]:
    """Every column of every version and dataset, with its type: what a rule may speak of."""
    types: dict[str, str] = {}
    for version in reversed(FOCUS_VERSIONS):
        for dataset in DATASETS:
            for column in focus_columns(version, dataset).values():
                types.setdefault(column.name, column.type)
    return types
