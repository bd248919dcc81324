"""What the gateway and the flows ask of the store of AI calls, and what watches calls as they end."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date, datetime
from typing import Protocol

from fiscus.cost.ai.types import AiCall, CallFacts, OpenBatch, UnitOutcome, VendorCost


class CallObserver(Protocol):
    """Something that looks at each call once it is stored: spans, metrics. Quick, and never raises into the gateway."""

    def ended(self, call: AiCall) -> None: ...


class CallStore(Protocol):
    """Every call that went through the gateway, once. Calls are never changed; raises Unavailable when it cannot be reached.

    A span of time is half open: from `first`, before `last`, by the instant `at` at which the call was let in.
    """

    def append(self, calls: Sequence[AiCall]) -> None:
        """Store them in one durable transaction, or none of them. An id that is known already changes nothing."""
        ...

    def put_facts(self, facts: Sequence[CallFacts]) -> None:
        """Keep what calls share; an id that is known already changes nothing."""
        ...

    def facts(self, facts_id: str) -> CallFacts | None: ...
    def call(self, call_id: str) -> AiCall | None: ...
    def calls(self, first: datetime, last: datetime, upstream: str = "") -> Iterator[AiCall]:
        """In order of time; of one upstream, or of all."""
        ...

    def calls_of_key(self, key_id: str, first: datetime, last: datetime) -> Iterator[AiCall]:
        """Of one virtual key, in order of time. The empty key is the default scope."""
        ...

    def newest(self, count: int, key_id: str | None = None) -> Sequence[AiCall]:
        """The last `count` calls, the newest first: of one virtual key, or of all."""
        ...

    def call_of_decision(self, decision_id: str) -> AiCall | None: ...
    def calls_of_unit(self, kind: str, value: str) -> Iterator[AiCall]:
        """Those whose caller said `x-fiscus-unit: kind=value`, in order of time."""
        ...

    def hours(self) -> Mapping[tuple[str, datetime], int]:
        """(upstream, hour in UTC) -> a number that grows with every call that is added to the hour.

        Read it before the calls: what comes in between is then looked at again next time, never missed.
        """
        ...

    def open_batch(self, batch: OpenBatch) -> None:
        """Remember a job until it is ended; durable. The same job again changes nothing."""
        ...

    def open_batches(self) -> Sequence[OpenBatch]: ...
    def end_batch(self, batch: OpenBatch) -> None:
        """Its calls are stored and its money is settled."""
        ...

    def put_outcomes(self, outcomes: Sequence[UnitOutcome]) -> None:
        """Store them in one durable transaction. The same id again replaces what it said before."""
        ...

    def outcomes(self, first: datetime, last: datetime) -> Iterator[UnitOutcome]: ...
    def close(self) -> None: ...


class VendorCosts(Protocol):
    """A vendor's own cost report, read with its admin key."""

    def costs(self, first: date, until: date) -> Iterable[VendorCost]:
        """Of the days [first, until), exact. Raises Unavailable where it cannot be read whole."""
        ...
