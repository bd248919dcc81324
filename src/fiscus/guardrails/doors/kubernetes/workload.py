"""A workload as the scheduler will see it: how many pods, what each requests, for how many hours a month.

What a pod requests follows kubernetes.io, "Resource sharing within containers": a limit is the request where none is stated; init
containers run one after another before the others, those that restart always run beside them; overhead is added.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from decimal import ROUND_CEILING, Decimal
from typing import Any, Final

from fiscus.guardrails.doors.gate_settings import KubernetesSettings
from fiscus.guardrails.doors.kubernetes.cron_runs import runs_of
from fiscus.guardrails.doors.kubernetes.quantity import GIB, parse_quantity
from fiscus.kernel.money import EXACT, ZERO
from fiscus.kernel.periods import Month

KINDS: Final = frozenset({"Deployment", "StatefulSet", "DaemonSet", "ReplicaSet", "Job", "CronJob", "Pod"})
GPUS: Final = ("nvidia.com/gpu", "amd.com/gpu", "gpu.intel.com/i915", "gpu.intel.com/xe", "habana.ai/gaudi")
INSTANCE_LABELS: Final = ("node.kubernetes.io/instance-type", "beta.kubernetes.io/instance-type")
SECONDS_AN_HOUR: Final = Decimal(3600)


@dataclass(frozen=True, slots=True)
class Requests:
    """What one pod reserves of its node."""

    cpu: Decimal = ZERO
    memory_gib: Decimal = ZERO
    gpus: Decimal = ZERO

    def plus(self, other: Requests) -> Requests:
        return Requests(self.cpu + other.cpu, self.memory_gib + other.memory_gib, self.gpus + other.gpus)

    def most(self, other: Requests) -> Requests:
        return Requests(
            max(self.cpu, other.cpu), max(self.memory_gib, other.memory_gib), max(self.gpus, other.gpus)
        )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Workload:
    """`pods` at once for `hours` a month. `assumed`: what was taken for granted; `unknown`: why it cannot be priced."""

    kind: str
    name: str
    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    pods: Decimal
    each: Requests
    hours: Decimal
    instance_type: str = ""
    assumed: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()


def workload_of(
    data: Mapping[str, Any], settings: KubernetesSettings, month_hours: Decimal, today: date
) -> Workload | None:
    """The workload in an object of the API; None for a kind that runs no pods, and for what its controller already counts."""
    kind, meta = str(data.get("kind", "")), _map(data.get("metadata"))
    if kind not in KINDS or _controlled(meta):
        return None
    spec = _map(data.get("spec"))
    template = _map(spec.get("jobTemplate")).get("spec") if kind == "CronJob" else spec
    pod = spec if kind == "Pod" else _map(_map(_map(template).get("template")).get("spec"))
    pods, hours, assumed, unknown = _scale(kind, data, settings, month_hours, today)
    each, faults = _requests(pod)
    if not (each.cpu or each.memory_gib or each.gpus):
        faults = (*faults, "its containers request nothing, so nothing says what they will use")
    selector = _map(pod.get("nodeSelector"))
    return Workload(
        kind=kind, name=str(meta.get("name") or meta.get("generateName") or ""), labels=_texts(meta.get("labels")),
        annotations=_texts(meta.get("annotations")), pods=pods, each=each, hours=hours,
        instance_type=next((str(selector[key]) for key in INSTANCE_LABELS if selector.get(key)), ""),
        assumed=assumed, unknown=(*unknown, *faults),
    )  # fmt: skip


_Scale = tuple[Decimal, Decimal, tuple[str, ...], tuple[str, ...]]  # pods, hours, assumed, unknown


def _scale(
    kind: str, data: Mapping[str, Any], settings: KubernetesSettings, month_hours: Decimal, today: date
) -> _Scale:
    spec = _map(data.get("spec"))
    if kind in {"Deployment", "StatefulSet", "ReplicaSet"}:
        return _count(spec.get("replicas"), 1), month_hours, (), ()
    if kind == "DaemonSet":
        return _daemons(data, settings, month_hours)
    if kind == "Pod":
        forever = spec.get("restartPolicy", "Always") == "Always" and not spec.get("activeDeadlineSeconds")
        hours, assumed = (month_hours, ()) if forever else _run_hours(spec, settings, month_hours)
        return Decimal(1), hours, assumed, ()
    if kind == "Job":
        return _job(spec, settings, month_hours)
    return _cron(spec, settings, month_hours, today)


def _daemons(data: Mapping[str, Any], settings: KubernetesSettings, month_hours: Decimal) -> _Scale:
    seen = _map(data.get("status")).get("desiredNumberScheduled")
    nodes = settings.daemon_nodes or (seen if isinstance(seen, int) and seen > 0 else None)
    if nodes is None:
        why = "on how many nodes a DaemonSet runs is not known: set gates.kubernetes.daemon_nodes"
        return Decimal(0), month_hours, (), (why,)
    return Decimal(nodes), month_hours, (f"on {nodes} nodes",), ()


def _job(spec: Mapping[str, Any], settings: KubernetesSettings, month_hours: Decimal) -> _Scale:
    if spec.get("suspend") is True:
        return Decimal(0), Decimal(0), ("it is suspended",), ()
    parallel, completions = _count(spec.get("parallelism"), 1), _count(spec.get("completions"), 1)
    pods = min(parallel, completions) if spec.get("completions") is not None else parallel
    hours, assumed = _run_hours(spec, settings, month_hours)
    if not spec.get("activeDeadlineSeconds") and pods and completions > pods:
        waves = EXACT.divide(completions, pods).to_integral_value(ROUND_CEILING)
        hours = min(hours * waves, month_hours)
    return pods, hours, assumed, ()


def _cron(spec: Mapping[str, Any], settings: KubernetesSettings, month_hours: Decimal, today: date) -> _Scale:
    if spec.get("suspend") is True:
        return Decimal(0), Decimal(0), ("it is suspended",), ()
    pods, hours, assumed, unknown = _job(_map(_map(spec.get("jobTemplate")).get("spec")), settings, month_hours)
    runs = runs_of(str(spec.get("schedule", "")), Month.of(today).start, Month.of(today).days)
    if runs is None:
        return pods, hours, assumed, (*unknown, f"{spec.get('schedule')!r} is no schedule")
    total = hours * runs
    if str(spec.get("concurrencyPolicy")) in {"Forbid", "Replace"}:
        total = min(total, month_hours)  # never two at once
    return pods, total, (*assumed, f"{runs} runs a month"), unknown


def _run_hours(
    spec: Mapping[str, Any], settings: KubernetesSettings, month_hours: Decimal
) -> tuple[Decimal, tuple[str, ...]]:
    seconds = spec.get("activeDeadlineSeconds")
    if isinstance(seconds, int) and seconds > 0:
        return min(EXACT.divide(Decimal(seconds), SECONDS_AN_HOUR), month_hours), ()
    return min(settings.job_hours, month_hours), (f"a run without a deadline takes {settings.job_hours:f} hours",)


def _requests(pod: Mapping[str, Any]) -> tuple[Requests, tuple[str, ...]]:
    faults: list[str] = []
    running = Requests()
    for container in _list(pod.get("containers")):
        running = running.plus(_of_container(container, faults))
    sidecars, most = Requests(), Requests()
    for container in _list(pod.get("initContainers")):
        one = _of_container(container, faults)
        if container.get("restartPolicy") == "Always":
            sidecars = sidecars.plus(one)
            most = most.most(sidecars)
        else:
            most = most.most(sidecars.plus(one))
    total = running.plus(sidecars).most(most)
    whole = _amounts(_map(pod.get("resources")), faults)  # stated for the pod as a whole
    total = Requests(whole.cpu or total.cpu, whole.memory_gib or total.memory_gib, total.gpus)
    return total.plus(_amounts({"requests": pod.get("overhead")}, faults)), tuple(dict.fromkeys(faults))


def _of_container(container: Mapping[str, Any], faults: list[str]) -> Requests:
    return _amounts(_map(container.get("resources")), faults)


def _amounts(resources: Mapping[str, Any], faults: list[str]) -> Requests:
    given = {**_map(resources.get("limits")), **_map(resources.get("requests"))}

    def amount(name: str) -> Decimal:
        if name not in given:
            return ZERO
        found = parse_quantity(given[name])
        if found is None:
            faults.append(f"{name}: {given[name]!r} is no quantity")
        return found or ZERO

    faults.extend(f"{name} is a share of a GPU, which has no rate here" for name in given if ".com/mig-" in name)
    gpus = sum((amount(name) for name in GPUS), ZERO)
    return Requests(amount("cpu"), EXACT.divide(amount("memory"), GIB), gpus)


def _controlled(meta: Mapping[str, Any]) -> bool:
    """Made by a controller whose own object was asked about."""
    return any(owner.get("controller") is True for owner in _list(meta.get("ownerReferences")))


def _count(value: object, default: int) -> Decimal:
    if isinstance(value, bool) or not isinstance(value, int) or value < 0:
        return Decimal(default)
    return Decimal(value)


def _map(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _list(value: object) -> list[Mapping[str, Any]]:
    return [item for item in value if isinstance(item, Mapping)] if isinstance(value, list) else []


def _texts(value: object) -> dict[str, str]:
    return {str(key): str(item) for key, item in _map(value).items()}
