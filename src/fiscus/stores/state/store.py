"""The state store as one object. What is done in one transaction is stored together or not at all."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property

from sqlalchemy import Connection

from fiscus.kernel.clock import Clock
from fiscus.kernel.evidence import EvidenceRecord
from fiscus.stores.state.action_table import SqlActions
from fiscus.stores.state.approval_table import SqlApprovals
from fiscus.stores.state.case_tables import SqlCases, SqlOutbox
from fiscus.stores.state.database import Database
from fiscus.stores.state.evidence_log import SqlEvidence, read_head, read_records
from fiscus.stores.state.guardrail_tables import SqlBudgetStatuses, SqlFindings
from fiscus.stores.state.migrate import migrate
from fiscus.stores.state.observation_tables import SqlAnomalies, SqlDeliveries, SqlFacts
from fiscus.stores.state.purchase_table import SqlPurchases


class SqlTx:
    """Implements flows.ports.StateTx over one connection in one transaction."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    @cached_property
    def cases(self) -> SqlCases:
        return SqlCases(self._connection)

    @cached_property
    def outbox(self) -> SqlOutbox:
        return SqlOutbox(self._connection, self._clock)

    @cached_property
    def findings(self) -> SqlFindings:
        return SqlFindings(self._connection)

    @cached_property
    def budget_statuses(self) -> SqlBudgetStatuses:
        return SqlBudgetStatuses(self._connection)

    @cached_property
    def approvals(self) -> SqlApprovals:
        return SqlApprovals(self._connection)

    @cached_property
    def purchases(self) -> SqlPurchases:
        return SqlPurchases(self._connection)

    @cached_property
    def actions(self) -> SqlActions:
        return SqlActions(self._connection)

    @cached_property
    def deliveries(self) -> SqlDeliveries:
        return SqlDeliveries(self._connection)

    @cached_property
    def anomalies(self) -> SqlAnomalies:
        return SqlAnomalies(self._connection)

    @cached_property
    def facts(self) -> SqlFacts:
        return SqlFacts(self._connection, self._clock)

    @cached_property
    def evidence(self) -> SqlEvidence:
        return SqlEvidence(self._connection, self._clock)

    def evidence_records(self, kinds: Sequence[str] | None = None) -> Iterator[EvidenceRecord]:
        """Records in order; use them before the transaction ends."""
        return read_records(self._connection, kinds)

    def evidence_head(self) -> tuple[int, str]:
        """(sequence number, digest) of the last record; (-1, "") when somebody removed the head itself."""
        return read_head(self._connection)


class SqlState:
    """Implements flows.ports.State. Safe to share between threads; one write transaction at a time in a database."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    @contextmanager
    def begin(self) -> Iterator[SqlTx]:
        """A write transaction: alone, durable at its end, rolled back when the block raises. Raises Unavailable."""
        with self._database.writing() as connection:
            yield SqlTx(connection, self._clock)

    @contextmanager
    def read(self) -> Iterator[SqlTx]:
        """A snapshot; writing through it is refused by the database."""
        with self._database.reading() as connection:
            yield SqlTx(connection, self._clock)

    def close(self) -> None:
        """Give the connections back."""
        self._database.close()


def open_state(url: str, clock: Clock) -> SqlState:
    """Open (and create or migrate) the store at `sqlite:///path` or `postgresql://...`.

    Raises BadConfig (a URL that cannot be, a newer schema) and Unavailable (cannot be reached).
    """
    database = Database(url)
    migrate(database)
    return SqlState(database, clock)
