"""What the ownership room asks of stores and channels."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from fiscus.ownership.types import Case, CaseState, Notice


class CaseTable(Protocol):
    """Cases inside one state transaction."""

    def get(self, case_id: str) -> Case | None: ...
    def by_subject(self, subject_key: str) -> Case | None: ...
    def put(self, case: Case) -> None: ...
    def all(self, states: Sequence[CaseState] | None = None) -> Sequence[Case]: ...


class Outbox(Protocol):
    """Notices waiting to be delivered; written in the transaction that caused them, delivered after it."""

    def put(self, notice: Notice) -> bool:
        """False when a notice of this key is already there (sent or waiting)."""
        ...

    def waiting(self, limit: int = 500, channels: Sequence[str] | None = None) -> Sequence[Notice]: ...
    def waiting_counts(self) -> Mapping[str, int]:
        """How many wait, by channel."""
        ...

    def is_waiting(self, key: str) -> bool:
        """False: it was sent, maybe by another worker a moment ago, or was never queued."""
        ...

    def mark_sent(self, key: str, receipt: str) -> None: ...
    def mark_failed(self, key: str, error: str) -> None: ...


class NoticeChannel(Protocol):
    """A real way out: SMTP, signed webhook. Returns a receipt; raises Unavailable when it could not be handed over."""

    def send(self, notice: Notice) -> str: ...
