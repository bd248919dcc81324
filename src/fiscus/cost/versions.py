"""Which FOCUS version a file is, told by its columns."""

from __future__ import annotations

from collections.abc import Collection
from typing import TYPE_CHECKING, Final

from fiscus.cost.columns import FOCUS_1_4
from fiscus.cost.focus_names import FOCUS_VERSIONS, FocusVersion
from fiscus.kernel.errors import BadInput, Where

if TYPE_CHECKING:
    from fiscus.cost.types import InputFile

CONTRACT_KEYS: Final = (("ContractID", "ContractId"), ("ContractCommitmentID", "ContractCommitmentId"))
"""Keys of ContractApplied as files of 1.3 may spell them (the text of its rules names both so), and as 1.4 does."""
COMMITMENT_ID_1_3: Final = (("ContractCommitmentId", "ContractCommitmentID"),)
"""As 1.3 spells what 1.4 spells otherwise. ContractId is required under that name in both."""


def keys_spelled(sql: str, spelling: Collection[tuple[str, str]]) -> str:
    """SQL: the JSON text `sql` with its keys renamed. Plain replaces, which every engine of the lake knows."""
    for old, new in spelling:
        sql = f"replace({sql}, '\"{old}\"', '\"{new}\"')"
    return sql


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


def check_declared(file: InputFile, declared: FocusVersion | None) -> None:
    """Refuse a file declared older than its columns. Newer is fine: a version's conditional columns may all be absent."""
    if declared is None:
        return
    newer = [
        column
        for column in FOCUS_1_4
        if column.name in file.columns
        and FOCUS_VERSIONS.index(version_since(column.since)) > FOCUS_VERSIONS.index(declared)
    ]
    if newer:
        raise BadInput(
            f"The file is declared FOCUS {declared}, but {newer[0].name} came with {newer[0].since}",
            remedy="Leave --focus auto, or declare the version that the vendor states.",
            where=Where(file=file.path, row=0, column=newer[0].name),
        )


def version_since(text: str) -> FocusVersion:
    """The version that `text` names."""
    return next(version for version in FOCUS_VERSIONS if version == text)
