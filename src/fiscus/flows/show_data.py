"""Can the data be trusted: what was delivered, what was repaired in it, and until when each source has landed."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from fiscus.cost.types import Delivery
from fiscus.flows.show_trust import DataTrust, SourceTrust, data_trust
from fiscus.flows.workspace import Workspace
from fiscus.kernel.money import display


@dataclass(frozen=True, slots=True)
class QualityLine:
    """One kind of irregularity of one source, over its newest delivery."""

    source: str
    code: str
    column: str
    rows: int
    message: str
    example: str
    delivery_id: str


@dataclass(frozen=True, slots=True)
class DataShown:
    """Sources, deliveries newest first, irregularities largest first."""

    trust: DataTrust
    sentence: str
    deliveries: tuple[Delivery, ...]
    quality: tuple[QualityLine, ...]
    charges: int


def show_data(ws: Workspace, trust: DataTrust | None = None) -> DataShown:
    """What the lake holds and what is odd about it."""
    trust = trust or data_trust(ws)
    with ws.state.read() as tx:
        deliveries = tuple(tx.deliveries.all())
    newest: dict[tuple[str, str], Delivery] = {}
    for delivery in deliveries:
        newest.setdefault((delivery.source, delivery.dataset), delivery)
    quality = [
        QualityLine(one.source, q.code, q.column, q.count, q.message, q.example, one.id)
        for one in newest.values()
        for q in one.quality
    ]
    charges = sum(source.rows for source in trust.sources)
    return DataShown(
        trust=trust,
        sentence=_sentence(trust, quality, charges),
        deliveries=deliveries,
        quality=tuple(sorted(quality, key=lambda line: (-line.rows, line.source, line.code, line.column))),
        charges=charges,
    )


def _sentence(trust: DataTrust, quality: Sequence[QualityLine], charges: int) -> str:
    if not charges:
        return "No bill has been delivered yet. Put one into the inbox of a source and run the loop."
    money = ", ".join(f"{display(one.cost.value, 0)} {one.currency}" for one in trust.unowned) or "no cost"
    if trust.stale:
        late = max(trust.stale, key=lambda source: source.days_behind if source.days_behind is not None else 10_000)
        return f"{money} this month is incomplete: chase {late.source}, {_lateness(late)}."
    repaired = f" Review {len(quality)} repaired irregularities." if quality else ""
    return f"{money} this month rests on {charges:,} charges; every source is fresh.{repaired}"


def _lateness(source: SourceTrust) -> str:
    return "which never delivered" if source.days_behind is None else f"{source.days_behind} days behind"
