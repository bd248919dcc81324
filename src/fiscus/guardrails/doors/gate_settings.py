"""What a company may set about its gates (`gates` in fiscus.yaml). The defaults are what a newcomer gets."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Final, Literal

from fiscus.guardrails.types import Verdict

OnUnpriced = Literal["warn", "approval", "deny"]
Basis = Literal["max", "min"]
FailurePolicy = Literal["Ignore", "Fail"]  # the words of Kubernetes
UNPRICED_VERDICT: Final[Mapping[OnUnpriced, Verdict]] = {
    "warn": "warn", "approval": "require_approval", "deny": "deny",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class NodeRates:
    """What an hour of a vCPU, a GiB and a GPU costs where the bills cannot say."""

    cpu_hour: Decimal
    memory_gib_hour: Decimal
    gpu_hour: Decimal | None
    currency: str


@dataclass(frozen=True, slots=True)
class NamespaceMap:
    """Whose a namespace is, in the words of owners/directory.yaml."""

    team: str = ""
    environment: str = ""
    product: str = ""


@dataclass(frozen=True, slots=True)
class KubernetesSettings:
    """`requester`: the person who stands for service accounts. `namespaces`: `*` is the rest.

    `job_hours`: how long a Job without a deadline is taken to run. `daemon_nodes`: on how many nodes a DaemonSet runs.
    """

    provider: str = ""
    region: str = ""
    requester: str = ""
    failure_policy: FailurePolicy = "Ignore"
    namespaces: Mapping[str, NamespaceMap] = field(default_factory=dict)
    rates: NodeRates | None = None
    job_hours: Decimal = Decimal(24)
    daemon_nodes: int | None = None


@dataclass(frozen=True, slots=True)
class GateSettings:
    """`price_days`: bills of how many days make the price book. `autoscaling`: groups are judged at their most or least."""

    price_days: int = 30
    hours_per_month: Decimal = Decimal(730)
    on_unpriced: OnUnpriced = "warn"
    autoscaling: Basis = "max"
    regions: Mapping[str, str] = field(default_factory=dict)  # provider (AWS ...) -> region where a plan states none
    kubernetes: KubernetesSettings = field(default_factory=KubernetesSettings)
