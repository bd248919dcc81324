"""What a delivery wrote, kept beside the lake before its commit: a delivery is known again by it."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from decimal import Decimal
from typing import Any

from fiscus.cost.types import Delivery, LakeVersion, PeriodWritten, QualityFinding
from fiscus.kernel.canonical import canonical_bytes
from fiscus.stores.lake.places import Place


def write_manifest(place: Place, delivery: Delivery) -> None:
    """Store it whole or not at all."""
    place.write(_name(delivery.id), canonical_bytes(asdict(delivery)))


def read_manifest(place: Place, delivery_id: str) -> Delivery | None:
    """What `write_manifest` stored, or None. Amounts were written as text with all their digits."""
    stored = place.read(_name(delivery_id))
    return None if stored is None else _delivery_from(json.loads(stored))


def _name(delivery_id: str) -> str:
    return f"_deliveries/{delivery_id}.json"


def _delivery_from(data: dict[str, Any]) -> Delivery:
    periods = tuple(
        PeriodWritten(
            billing_month=p["billing_month"],
            rows=p["rows"],
            billed_cost={c: Decimal(v) for c, v in p["billed_cost"].items()},
            effective_cost={c: Decimal(v) for c, v in p["effective_cost"].items()},
            replaced_rows=p["replaced_rows"],
            changed=p["changed"],
            rounding_residue=Decimal(p["rounding_residue"]),
            added=p.get("added", False),
            billed_change={c: Decimal(v) for c, v in p.get("billed_change", {}).items()},
            contents=tuple(p.get("contents", ())),
        )
        for p in data["periods"]
    )
    return Delivery(
        id=data["id"],
        source=data["source"],
        focus_version=data["focus_version"],
        at=datetime.fromisoformat(data["at"]),
        files=tuple(data["files"]),
        rows=data["rows"],
        periods=periods,
        quality=tuple(QualityFinding(**q) for q in data["quality"]),
        lake_version=LakeVersion(**data["lake_version"]),
        changed=data["changed"],
        dataset=data.get("dataset", "cost_and_usage"),
    )
