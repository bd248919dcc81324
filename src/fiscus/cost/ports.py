"""What the rooms above ask of the lake. `stores.lake` implements both; the contract tests hold every implementation to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Literal, Protocol

from fiscus.cost.allocation.types import AllocationKept
from fiscus.cost.books.types import ClosedMonth
from fiscus.cost.currency.types import DayRate, Reporting
from fiscus.cost.focus_names import Dataset, FocusVersion
from fiscus.cost.marketplaces.types import CellCounts
from fiscus.cost.types import (
    Delivery,
    FilePlan,
    InputFile,
    LakeVersion,
    PeriodWritten,
    SourceFreshness,
    StagedMonth,
)
from fiscus.kernel.progress import Progress
from fiscus.kernel.rows import Query, Rows, Table


class LakeReader(Protocol):
    """Read side. The view `charges` is every FOCUS 1.4 column, the x_ columns and the owner columns:

    x_Owner, x_Team, x_CostCentre, x_Environment, x_Product, x_AssignmentRule (all text; the first two are 'unowned' where
    no rule won). The views `contract_commitments`, `billing_periods` and `invoice_details` are the other datasets of FOCUS 1.4,
    with x_SourceId, x_DeliveryId, x_FocusVersion and x_Extra. An empty lake is an empty typed view.
    Reads are of one LakeVersion until `refresh`.
    """

    def version(self) -> LakeVersion: ...
    def refresh(self) -> LakeVersion: ...
    def query(self, sql: str, params: Mapping[str, object] | None = None) -> Rows:
        """Our own SQL (DuckDB dialect, $name parameters). Not for text from people: that is `ask`."""
        ...

    def ask(
        self,
        sql: str,
        params: Mapping[str, object] | None = None,
        *,
        rows_max: int | None = None,
        focus: FocusVersion | None = None,
        beside: Mapping[str, Table] | None = None,
    ) -> Rows:
        """SQL from a person: one SELECT; no file, network or setting; bounded. Raises BadQuery, LimitExceeded.

        `focus`: `charges` has the column names of that version. `beside`: tables that it may read by these names.
        """
        ...

    def write_out(self, query: Query, path: Path, form: Literal["csv", "parquet"]) -> None:
        """Our own SQL written to a file, streamed; `path` is replaced in one step or stays as it was.

        Raises BadInput (no such folder), Unavailable (the disk), LimitExceeded (memory).
        """
        ...

    def query_at(self, version: LakeVersion, sql: str, params: Mapping[str, object] | None = None) -> Rows:
        """`query` on the lake as it stood at an earlier version. Raises NotFound for one whose files are gone."""
        ...

    def freshness(self) -> Sequence[SourceFreshness]: ...


class Staging(Protocol):
    """The scratch space of one delivery. Nothing of it reaches the lake before `commit`; leaving without it discards all."""

    @property
    def files(self) -> Sequence[InputFile]: ...
    @property
    def copies(self) -> Sequence[str]:
        """Paths left out because a file of the delivery has the same bytes."""
        ...

    def part(self, dataset: Dataset, files: Sequence[InputFile]) -> Staging:
        """The staging of those files of the delivery that are of one dataset; each has a commit of its own."""
        ...

    def landed(self, source: str, delivery_id: str) -> Delivery | None:
        """The delivery of this id, if the lake still holds all of what it wrote."""
        ...

    def load(self, plan: FilePlan) -> int | None:
        """Convert files of one shape; how many charges. None: a row needs the exact plan and this is not one; nothing was loaded.

        May be called by several threads at once. Raises BadInput with file, row and column when a row is at fault.
        """
        ...

    def check(self, plan: FilePlan) -> None:
        """What only shows over all files: called for each loaded plan, in order. Raises BadInput for mixed currencies, or a row
        of another dataset that stands twice."""
        ...

    def count(self, plan: FilePlan) -> Mapping[tuple[str, str], tuple[int, str]]:
        """(code, column) -> (rows, example) for the plan's counts that are not zero."""
        ...

    def months(self) -> Sequence[StagedMonth]: ...
    def repeated(self) -> tuple[int, int]:
        """Charges that are exactly like another, and how many rows there are. Only looked for where there are several files."""
        ...

    def standing(self, source: str) -> Sequence[StagedMonth]:
        """What the lake holds for the source now."""
        ...

    def leave_out_known(self, source: str, months: Sequence[str]) -> Delivery | None:
        """Of months that are added to: leave out files whose rows stand there already. A delivery that has some of them."""
        ...

    def contents(self, month: str) -> tuple[str, ...]:
        """The digests of the files that the month's new rows are of. Each file must have a plan of its own."""
        ...

    def add_to_standing(self, source: str, month: str) -> int:
        """What the lake holds of the month stays beside what is staged of it: the commit writes both.

        Returns how many staged rows below zero reverse no charge of the source that stands, or one that is reversed already.
        """
        ...

    def commit(self, source: str, delivery: Delivery, periods: Sequence[PeriodWritten]) -> LakeVersion:
        """One Delta commit that replaces every (source, billing month) of the delivery."""
        ...


class Lake(LakeReader, Protocol):
    """Both sides. Every write is one Delta commit: all of it or nothing, retried on conflict, bounded."""

    def stage(self, paths: Sequence[Path], source: str, progress: Progress) -> AbstractContextManager[Staging]:
        """Check the files (whole, not inflating without bound, readable headers) and open a staging for them.

        One delivery of a source at a time: a second one waits its turn.
        """
        ...

    def assignment_keys(self, sql: str, params: Mapping[str, object] | None = None) -> Rows:
        """The ownership room's SQL over the view `assignment_keys`: one row a distinct x_AssignmentKey (BIGINT) with
        x_SourceId, ServiceProviderName, SubAccountId, SubAccountName, ServiceName, ResourceId, ResourceName, ResourceType,
        RegionId and Tags (MAP)."""
        ...

    def write_closes(self, closes: Sequence[ClosedMonth]) -> LakeVersion:
        """The closed months are these: what the view `charges_as_reported` shows. Equal content writes nothing."""
        ...

    def write_same_spend(self, cells: Sequence[CellCounts]) -> LakeVersion:
        """What two feeds show alike is this: what the view `charges_counted_once` counts once. Equal content writes nothing."""
        ...

    def write_assignments(self, rows: Rows, rules_digest: str) -> LakeVersion:
        """Replace the assignments table (columns of ownership.types.ASSIGNMENT_COLUMNS). Equal content writes nothing."""
        ...

    def write_allocations(self, runs: Sequence[AllocationKept]) -> LakeVersion:
        """Keep allocation runs, in one commit. Conflict when others were kept since this lake was last refreshed."""
        ...

    def write_rates(self, rates: Sequence[DayRate], reporting: Reporting) -> LakeVersion:
        """Replace the table of rates to the reporting currency; equal content writes nothing."""
        ...
