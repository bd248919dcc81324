"""The charges as each FOCUS version names them, `charges_1_0` to `charges_1_4`: SQL written for an older one runs unchanged.

What a version knows under another name or form is written back: ProviderName and PublisherName (1.0 to 1.3; see
`providers.py` for how they became three), and the key ContractCommitmentID of 1.3's ContractApplied. What a version does not know
it does not show. Our x_ columns stand in every one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from fiscus.cost.columns import DROPPED_BY_1_4, FOCUS_1_4, OURS, Column, promoted_column
from fiscus.cost.focus_names import FOCUS_VERSIONS, FocusVersion
from fiscus.cost.providers import canonical_sql, is_cloud_sql
from fiscus.cost.versions import COMMITMENT_ID_1_3, CONTRACT_KEYS, keys_spelled, version_since
from fiscus.cost.views import AI_COLUMNS, OWNER_DEFAULTS, STORED_OURS, charges_sql

# A marketplace charge: the cloud that hosts it invoices it, and somebody else sells it. Then the cloud was the ProviderName.
_SOLD: Final = (
    f"{is_cloud_sql('HostProviderName')} AND HostProviderName <> ServiceProviderName "
    f"AND {canonical_sql('InvoiceIssuerName')} = HostProviderName"
)
PROVIDER_NAMES: Final = {
    "ProviderName": f"coalesce(x_ProviderName, CASE WHEN {_SOLD} THEN HostProviderName ELSE ServiceProviderName END)",
    "PublisherName": "coalesce(x_PublisherName, ServiceProviderName)",
}


def focus_columns(version: FocusVersion) -> tuple[tuple[Column, str], ...]:
    """The columns of Cost and Usage in `version`, by name, each with its SQL over the view `charges`."""
    upto = FOCUS_VERSIONS.index(version)
    known = [
        (column, _in_words_of(column, version))
        for column in FOCUS_1_4
        if FOCUS_VERSIONS.index(version_since(column.since)) <= upto
    ]
    if version != "1.4":
        known += [(Column(name, "text", "M", "1.0"), PROVIDER_NAMES[name]) for name in DROPPED_BY_1_4]
    return tuple(sorted(known, key=lambda entry: entry[0].name))


def version_view(version: FocusVersion) -> str:
    """The name of the view that speaks `version`: charges_1_2."""
    return f"charges_{version.replace('.', '_')}"


def version_views_sql(promoted: Sequence[str], focus: FocusVersion | None, *, whole: bool = False) -> list[str]:
    """One view a version, and `charges` in the names of `focus`. `whole`: as `charges_sql` has it."""
    views = [charges_sql("owned_charges", whole=whole)]
    views += [version_view_sql(version, promoted) for version in FOCUS_VERSIONS]
    return [*views, version_view_sql(focus, promoted, name="charges") if focus else charges_sql(whole=whole)]


def version_view_sql(version: FocusVersion, promoted: Sequence[str], *, name: str = "") -> str:
    """The view that speaks `version`, over `owned_charges`; under its own name, or as `name`."""
    ours = [column.name for column in OURS] + [column for column, _ in STORED_OURS]
    ours += [*AI_COLUMNS, *(promoted_column(key) for key in promoted), *OWNER_DEFAULTS]
    columns = [f'{sql} AS "{column.name}"' for column, sql in focus_columns(version)] + [f'"{name}"' for name in ours]
    return f"CREATE OR REPLACE VIEW {name or version_view(version)} AS SELECT {', '.join(columns)} FROM owned_charges"


def _in_words_of(column: Column, version: FocusVersion) -> str:
    if column.name == "ContractApplied":  # what landed with an earlier release may hold a key of 1.3
        as_1_4 = keys_spelled(column.name, CONTRACT_KEYS)
        return keys_spelled(as_1_4, COMMITMENT_ID_1_3) if version == "1.3" else as_1_4
    return f'"{column.name}"'
