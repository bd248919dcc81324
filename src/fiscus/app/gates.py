"""The key `gates` of fiscus.yaml as typed settings; what is left out keeps its default."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from fiscus.guardrails.doors.gate_settings import GateSettings, KubernetesSettings, NamespaceMap, NodeRates


def gate_settings_from(data: Mapping[str, Any]) -> GateSettings:
    """`data` has passed the schema."""
    given = dict(data)
    kubernetes = _kubernetes(given.pop("kubernetes", {}))
    if "hours_per_month" in given:
        given["hours_per_month"] = Decimal(given["hours_per_month"])
    return GateSettings(kubernetes=kubernetes, **given)


def _kubernetes(data: Mapping[str, Any]) -> KubernetesSettings:
    given = dict(data)
    rates = given.pop("rates", None)
    spaces = {name: NamespaceMap(**whose) for name, whose in given.pop("namespaces", {}).items()}
    if "job_hours" in given:
        given["job_hours"] = Decimal(given["job_hours"])
    return KubernetesSettings(namespaces=spaces, rates=_rates(rates) if rates else None, **given)


def _rates(data: Mapping[str, Any]) -> NodeRates:
    gpu = data.get("gpu_hour")
    return NodeRates(
        Decimal(data["cpu_hour"]),
        Decimal(data["memory_gib_hour"]),
        None if gpu is None else Decimal(gpu),
        data["currency"],
    )
