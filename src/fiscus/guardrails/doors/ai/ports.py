"""One vendor's wire format, as the gateway uses it. Implementations are pure, stateless and safe between threads."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from fiscus.cost.ai.types import Usage
from fiscus.guardrails.doors.ai.types import AiAsk, BatchJob, Endpoint, Refused, Rewrite, SealedKey, VirtualKey
from fiscus.guardrails.ledger.types import Hold


class StreamReader(Protocol):
    """Reads one streamed answer as it passes. Bytes come in pieces of any size; an event may be split over pieces."""

    usage: Usage | None  # the vendor's own count, once it came

    def feed(self, piece: bytes) -> bytes:
        """What of it goes to the client now: everything, but a usage chunk that the client did not ask for."""
        ...

    def rest(self) -> bytes:
        """What is still held back when the stream has ended: part of an event whose end never came."""
        ...

    def estimate(self) -> Usage:
        """Input at its bound and what was streamed so far, for a stream that broke before its usage came."""
        ...


class Wire(Protocol):
    """How one vendor's requests and answers read."""

    def endpoint(self, method: str, path: str) -> Endpoint | None:
        """What `path` (below the upstream's base URL, without query) is; None: nobody knows what it costs."""
        ...

    def read(self, endpoint: Endpoint, body: bytes, content_type: str, path: str = "") -> AiAsk:
        """Raises BadInput for a body that cannot be bounded: no JSON, no model, a negative number of tokens.

        `path` as in `endpoint`: on Azure, it names the model.
        """
        ...

    def body(self, ask: AiAsk, change: Rewrite) -> bytes | None:
        """The body to send on; None: exactly as it came."""
        ...

    def usage(self, ask: AiAsk, body: bytes) -> Usage | None:
        """The vendor's own count in a whole answer; None where it has none."""
        ...

    def stream(self, ask: AiAsk) -> StreamReader: ...

    def batch_files(self, ask: AiAsk) -> Sequence[str]:
        """The paths of the files that hold a batch's requests; none: they stand in its body. Raises BadInput."""
        ...

    def batch_parts(self, ask: AiAsk, contents: Sequence[Iterable[bytes]]) -> Iterator[AiAsk]:
        """The requests of a batch, each bounded at the batch rates. Raises BadInput with the line."""
        ...

    def batch_job(self, body: bytes) -> BatchJob | None:
        """What an answer (to asking for a batch, or for how it stands) tells of a job; None: it tells of none."""
        ...

    def batch_path(self, job_id: str) -> str:
        """Where the vendor says how a job stands (GET). Raises BadInput for an id that is none."""
        ...

    def batch_results(self, content: Iterable[bytes]) -> Iterator[Usage]:
        """What each answered request of a results file used, at the batch rates. Raises BadInput with the line."""
        ...

    def refusal(self, refused: Refused) -> tuple[int, bytes]:
        """Status and JSON body of a refusal, as this vendor's client expects an error."""
        ...

    def credential(self, headers: Mapping[str, str]) -> str:
        """The key that the client sent, wherever this vendor's clients put it (header names in small letters); empty: none."""
        ...

    def authorise(self, provider_key: str) -> Mapping[str, str]:
        """The headers that carry the vendor's own key."""
        ...


class UnheldCalls(Protocol):
    """Calls that were let through while the ledger was away, until it has their money. Not where the ledger is.

    Each is written, durable, before it leaves; one whose end nobody told is charged at its bound once its hold expires.
    Raises Unavailable.
    """

    def begin(self, hold: Hold) -> None: ...
    def end(self, hold_id: str, amount: int, *, estimate: bool) -> None:
        """What it cost; said once."""
        ...

    def to_post(self, now: datetime) -> Sequence[Hold]:
        """Those that ended, or expired, as settled holds."""
        ...

    def forget(self, hold_ids: Sequence[str]) -> None:
        """The ledger has them."""
        ...


class KeyStore(Protocol):
    """Virtual keys by their digests, and vendors' keys sealed. Raises Unavailable where it cannot be reached."""

    def put(self, key: VirtualKey) -> None:
        """A new key, or a changed one of the same id."""
        ...

    def everything(self) -> Sequence[VirtualKey]: ...
    def put_sealed(self, upstream: str, sealed: SealedKey) -> None: ...
    def sealed(self, upstream: str) -> SealedKey | None: ...
    def changes(self) -> int:
        """A number that grows with every change."""
        ...

    def close(self) -> None: ...
