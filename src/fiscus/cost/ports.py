"""What the rooms above ask of the lake. `stores.lake` implements both; the contract tests hold every implementation to them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from fiscus.cost.types import LakeVersion, SourceFreshness
from fiscus.kernel.rows import Rows


class LakeReader(Protocol):
    """Read side. The view `charges` is every FOCUS 1.4 column, the x_ columns and the owner columns:

    x_Owner, x_Team, x_CostCentre, x_Environment, x_Product, x_AssignmentRule (all text; x_Owner and x_Team are 'unowned' where
    no rule won). An empty lake is an empty typed view. Reads are of one LakeVersion until `refresh`.
    """

    def version(self) -> LakeVersion: ...
    def refresh(self) -> LakeVersion: ...
    def query(self, sql: str, params: Mapping[str, object] | None = None) -> Rows:
        """Our own SQL (DuckDB dialect, $name parameters). Not for text from people: that is `ask`."""
        ...

    def ask(self, sql: str, params: Mapping[str, object] | None = None, *, rows_max: int | None = None) -> Rows:
        """SQL from a person: one SELECT, no file, network or setting, bounded in time and memory. Raises BadQuery, LimitExceeded."""
        ...

    def freshness(self) -> Sequence[SourceFreshness]: ...


class Lake(LakeReader, Protocol):
    """Both sides. Every write is one Delta commit: all of it or nothing, retried on conflict, bounded."""

    def assignment_keys(self, sql: str, params: Mapping[str, object] | None = None) -> Rows:
        """The ownership room's SQL over the view `assignment_keys`: one row a distinct x_AssignmentKey (BIGINT) with
        x_SourceId, ServiceProviderName, SubAccountId, SubAccountName, ServiceName, ResourceId, ResourceName, ResourceType,
        RegionId and Tags (MAP)."""
        ...

    def write_assignments(self, rows: Rows, rules_digest: str) -> LakeVersion:
        """Replace the assignments table (columns of ownership.types.ASSIGNMENT_COLUMNS). Equal content writes nothing."""
        ...
