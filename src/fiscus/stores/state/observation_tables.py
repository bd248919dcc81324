"""What was observed: deliveries of bills, anomalies, and small named facts of the newest run."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime

from sqlalchemy import Connection, delete, select

from fiscus.cost.types import Delivery
from fiscus.kernel.clock import Clock
from fiscus.kernel.dataclass_json import from_text, to_text, value_from_text
from fiscus.signals.types import Anomaly
from fiscus.stores.state.rows import document, documents, upsert
from fiscus.stores.state.schema import anomalies, deliveries, facts


class SqlDeliveries:
    """Implements flows.ports.DeliveryTable."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put(self, delivery: Delivery) -> None:
        """Store it as the newest; the same id again (the same bytes) replaces what was known of it."""
        self._connection.execute(delete(deliveries).where(deliveries.c.id == delivery.id))
        names = ("source", "at", "rows", "changed")
        values = {name: getattr(delivery, name) for name in names}
        upsert(self._connection, deliveries, {"id": delivery.id}, {**values, "document": to_text(delivery)})

    def all(self, limit: int = 1000) -> Sequence[Delivery]:
        """Newest first."""
        texts = documents(self._connection, deliveries, [], deliveries.c.seq.desc(), limit)
        return [from_text(Delivery, text) for text in texts]


class SqlAnomalies:
    """Implements flows.ports.AnomalyTable."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def put_all(self, found: Sequence[Anomaly], run_id: str) -> Sequence[Anomaly]:
        """Store each; the same id again is an update. Returns those that were not known."""
        known = set(self._connection.execute(select(anomalies.c.id)).scalars())
        new = [anomaly for anomaly in found if anomaly.id not in known]
        for anomaly in found:
            values = {
                "owner": anomaly.owner,
                "team": anomaly.team,
                "service": anomaly.service,
                "start_day": anomaly.start,
                "end_day": anomaly.end,
                "impact": anomaly.impact,
                "currency": anomaly.currency,
                "last_run": run_id,
                "document": to_text(anomaly),
            }
            first = {} if anomaly.id in known else {"first_run": run_id}
            upsert(self._connection, anomalies, {"id": anomaly.id}, {**values, **first})
            known.add(anomaly.id)
        return new

    def all(self, since: datetime | None = None) -> Sequence[Anomaly]:
        """By start day; `since`: those whose last day is on or after that instant's date."""
        where = [] if since is None else [anomalies.c.end_day > since.date()]
        query = select(anomalies.c.document).where(*where).order_by(anomalies.c.start_day, anomalies.c.id)
        return [from_text(Anomaly, text) for text in self._connection.execute(query).scalars()]


class SqlFacts:
    """Implements flows.ports.FactTable."""

    def __init__(self, connection: Connection, clock: Clock) -> None:
        self._connection = connection
        self._clock = clock

    def put(self, name: str, value: object) -> None:
        """Set a fact. Decimals and dates come back as what they were; a dataclass comes back as a mapping."""
        text = to_text({"value": value})
        upsert(self._connection, facts, {"name": name}, {"at": self._clock.now(), "document": text})

    def get(self, name: str) -> object | None:
        """The value, or None."""
        text = document(self._connection, facts, "name", name)
        return None if text is None else _value(text)

    def matching(self, prefix: str) -> Mapping[str, object]:
        """Every fact whose name starts with `prefix`."""
        query = select(facts.c.name, facts.c.document).where(facts.c.name.startswith(prefix, autoescape=True))
        rows = self._connection.execute(query.order_by(facts.c.name)).all()
        return {row.name: _value(row.document) for row in rows if row.name.startswith(prefix)}


def _value(text: str) -> object:
    box = value_from_text(text)
    assert isinstance(box, dict)
    return box["value"]
