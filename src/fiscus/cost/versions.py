"""Which FOCUS version a file is, told by its columns."""

from __future__ import annotations

from collections.abc import Collection

from fiscus.cost.columns import FOCUS_1_4
from fiscus.cost.types import FOCUS_VERSIONS, FocusVersion


def version_of(columns: Collection[str]) -> FocusVersion:
    """The newest version that introduced a column of the file; 1.4 also when a 1.3 file lacks ProviderName.

    A version adds columns and 1.4 takes ProviderName and PublisherName away, so the newest newcomer tells the version.
    """
    present = set(columns)
    newest = max(
        (
            FOCUS_VERSIONS.index(column.since)
            for column in FOCUS_1_4
            if column.name in present and column.since in FOCUS_VERSIONS
        ),
        default=0,
    )
    if FOCUS_VERSIONS[newest] == "1.3" and not present & {"ProviderName", "PublisherName"}:
        return "1.4"
    return FOCUS_VERSIONS[newest]
