"""What the cost room speaks of: sources, deliveries, what was found in them, and the state of the lake."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from decimal import Decimal
from typing import Final, Literal

from fiscus.cost.focus_names import Dataset, FocusVersion

CorrectionStyle = Literal["replacement", "delta", "ledger"]
CORRECTION_STYLES: tuple[CorrectionStyle, ...] = ("replacement", "delta", "ledger")


@dataclass(frozen=True, slots=True)
class Source:
    """A feed of bills. `name` is a slug and the lake's `x_SourceId`. `focus` None means: found by columns.

    `date_format` is a strptime format for files whose dates are not ISO 8601; `default_currency` fills a file that has none.
    `corrections`: how it restates a month (FOCUS 1.4, Correction Handling). Replacement: the whole month again. Delta: charges of
    class Correction with the differences. Ledger: the old charges reversed and the right ones beside them, all Corrections.
    """

    name: str
    focus: FocusVersion | None = None
    date_format: str | None = None
    default_currency: str | None = None
    corrections: CorrectionStyle = "replacement"


@dataclass(frozen=True, slots=True)
class QualityFinding:
    """A counted irregularity of a delivery that was repaired or kept, never hidden. `count` is rows."""

    code: str
    column: str
    count: int
    message: str
    example: str = ""


@dataclass(frozen=True, slots=True)
class PeriodWritten:
    """One (source, billing month) as it stands after a delivery. Totals are per BillingCurrency, exact.

    A dataset that states one cost has it in both totals; Contract Commitment has no months and is one period, `all`.
    `added`: its corrections stand beside what was there, and nothing was replaced; of a source that adds, `contents` are the
    digests of the files that the rows are of. `billed_change`: BilledCost less what stood.
    """

    billing_month: str
    rows: int
    billed_cost: Mapping[str, Decimal]
    effective_cost: Mapping[str, Decimal]
    replaced_rows: int
    changed: bool
    rounding_residue: Decimal = Decimal(0)
    added: bool = False
    billed_change: Mapping[str, Decimal] = field(default_factory=dict)
    contents: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Delivery:
    """What one `ingest` call brought of one dataset. `id` is a content id of source and bytes.

    `changed` False: seen before, nothing written; `lake_version` then is the one in which its rows were found.
    """

    id: str
    source: str
    focus_version: str
    at: datetime
    files: tuple[str, ...]
    rows: int
    periods: tuple[PeriodWritten, ...]
    quality: tuple[QualityFinding, ...]
    lake_version: LakeVersion
    changed: bool
    dataset: Dataset = "cost_and_usage"


VERSION_LETTERS: Final = {
    "charges": "c", "assignments": "a", "contract_commitments": "k", "billing_periods": "p", "invoice_details": "i",
    "closes": "s", "allocations": "d", "same_spend": "t", "rates": "r",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LakeVersion:
    """The Delta versions that a number rests on (-1: table does not exist yet). Tables that do not exist are left unsaid."""

    charges: int = -1
    assignments: int = -1
    contract_commitments: int = -1
    billing_periods: int = -1
    invoice_details: int = -1
    closes: int = -1
    allocations: int = -1
    same_spend: int = -1
    rates: int = -1

    def __str__(self) -> str:
        return ".".join(
            f"{letter}{version}"
            for (name, letter) in VERSION_LETTERS.items()
            if (version := getattr(self, name)) >= 0 or name in {"charges", "assignments"}
        )

    @classmethod
    def parse(cls, text: str) -> LakeVersion:
        """The version that `str` wrote. Raises ValueError for any other text."""
        names = {letter: name for name, letter in VERSION_LETTERS.items()}
        said = re.findall(r"([a-z])(-?\d+)(?:\.|$)", text)
        version = cls(**{names[letter]: int(number) for letter, number in said if letter in names})
        if str(version) != text:
            raise ValueError(text)
        return version


@dataclass(frozen=True, slots=True)
class SourceFreshness:
    """Until when a source has landed: the newest charge day (exclusive end) and the last delivery."""

    source: str
    charges_until: datetime | None
    rows: int
    months: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class IngestOptions:
    """`promote`: tag keys stored as columns x_Tag_<key>; `restate`: a large shrink of a period is meant.

    `from_gateway`: what the gateway metered, in a source whose name no bill may take. `dataset` None: each file's is found by
    its columns.
    """

    promote: tuple[str, ...] = ()
    restate: bool = False
    from_gateway: bool = False
    dataset: Dataset | None = None
    extra: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class InputFile:
    """One file of a delivery as found on disk: enough to plan its conversion without reading it again."""

    path: str
    form: Literal["csv", "parquet"]
    columns: tuple[str, ...]
    delimiter: str
    sha256: str
    has_null_text: bool  # the four letters NULL stand somewhere in it
    sample: Mapping[str, str]  # column -> first value that is not empty, of the first rows
    types: tuple[str, ...] = ()  # of a Parquet file's columns; a list of files is read with the types of its first
    size_bytes: int = 0
    cleared: bool = False  # as a plan reads it: empty text and the word NULL are no value any more
    content: str = ""  # the digest of what it holds, unpacked
    stamp: tuple[int, ...] = ()  # what the disk says of it when its reading began: another, and it is another file


@dataclass(frozen=True, slots=True)
class FilePlan:
    """How files of one shape become canonical rows. `select` reads from the relation `input`; `faults` finds what refuses them.

    `faults` are (column, SQL that is true for a raw row at fault, message, remedy); `counts` are (code, column, SQL, message).
    `more_exactly` makes (message, remedy) of the value that a fault found: (column, value, message, remedy).
    """

    file: InputFile  # the shape: what is true of any of `files`
    files: tuple[InputFile, ...]
    version: FocusVersion
    prelude: str  # macros that `select` and `faults` use
    select: str
    faults: tuple[tuple[str, str, str, str], ...]
    counts: tuple[tuple[str, str, str, str], ...]
    known: tuple[QualityFinding, ...]
    more_exactly: Callable[[str, str, str, str], tuple[str, str]]


@dataclass(frozen=True, slots=True)
class StagedMonth:
    """One billing month of a staged delivery, per currency: rows and exact totals."""

    billing_month: str
    currency: str
    rows: int
    billed_cost: Decimal
    effective_cost: Decimal
    rounding_residue: Decimal
    rounded_cells: int
    corrections: int = 0  # rows of class Correction
