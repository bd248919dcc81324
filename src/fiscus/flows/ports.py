"""The state store as flows see it: one transaction over every room's tables, evidence included."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager
from datetime import datetime
from typing import Protocol

from fiscus.actions.ports import ActionTable
from fiscus.cost.types import Delivery
from fiscus.guardrails.approvals.ports import ApprovalTable
from fiscus.guardrails.doors.purchases.ports import PurchaseTable
from fiscus.guardrails.ports import BudgetStatusTable, FindingTable
from fiscus.kernel.evidence import EvidenceLog, EvidenceRecord
from fiscus.ownership.ports import CaseTable, Outbox
from fiscus.signals.types import Anomaly


class DeliveryTable(Protocol):
    """What was ingested, newest first, with its quality findings."""

    def put(self, delivery: Delivery) -> None: ...
    def all(self, limit: int = 1000) -> Sequence[Delivery]: ...


class AnomalyTable(Protocol):
    """Anomalies found; the same id is the same anomaly, updated."""

    def put_all(self, anomalies: Sequence[Anomaly], run_id: str) -> Sequence[Anomaly]:
        """Those that were not known before."""
        ...

    def all(self, since: datetime | None = None) -> Sequence[Anomaly]: ...


class FactTable(Protocol):
    """Small named facts of the newest run: as_of, counts, control probes, score. JSON values."""

    def put(self, name: str, value: object) -> None: ...
    def get(self, name: str) -> object | None: ...
    def matching(self, prefix: str) -> Mapping[str, object]: ...


class StateTx(Protocol):
    """One transaction. Everything done through it, evidence included, is stored together or not at all."""

    @property
    def cases(self) -> CaseTable: ...
    @property
    def outbox(self) -> Outbox: ...
    @property
    def findings(self) -> FindingTable: ...
    @property
    def budget_statuses(self) -> BudgetStatusTable: ...
    @property
    def approvals(self) -> ApprovalTable: ...
    @property
    def purchases(self) -> PurchaseTable: ...
    @property
    def actions(self) -> ActionTable: ...
    @property
    def deliveries(self) -> DeliveryTable: ...
    @property
    def anomalies(self) -> AnomalyTable: ...
    @property
    def facts(self) -> FactTable: ...
    @property
    def evidence(self) -> EvidenceLog: ...
    def evidence_records(self, kinds: Sequence[str] | None = None) -> Iterator[EvidenceRecord]: ...
    def evidence_head(self) -> tuple[int, str]:
        """(sequence number, digest) of the last record; (0, GENESIS) when there is none."""
        ...


class State(Protocol):
    """The store. `begin` is a write transaction (commits on clean exit, rolls back on error); `read` is a snapshot."""

    def begin(self) -> AbstractContextManager[StateTx]: ...
    def read(self) -> AbstractContextManager[StateTx]: ...
