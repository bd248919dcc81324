"""What a workload costs a month at the rates of the nodes, and the intent that asks for it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import Final

from fiscus.cost.node_rates import Rates
from fiscus.guardrails.doors.gate_settings import GateSettings, NamespaceMap, NodeRates
from fiscus.guardrails.doors.kubernetes.workload import Requests, Workload
from fiscus.guardrails.policies.compile_closure import INT_MAX
from fiscus.guardrails.types import Intent
from fiscus.kernel.limits import INTENT_TAGS_MAX, WORKLOAD_PODS_MAX
from fiscus.kernel.money import EXACT, ZERO, display, from_nanos

CENT: Final = Decimal("0.01")
AMOUNT_MAX: Final = from_nanos(INT_MAX).quantize(CENT, ROUND_FLOOR, EXACT)  # what a policy and the ledger can hold
DIGITS_MAX: Final = 15  # a longer number is read by its size, not by its digits
RatesOf = Callable[[str], Rates | None]  # instance type (empty: any node) -> rates


@dataclass(frozen=True, slots=True)
class WorkloadCost:
    """`monthly` None: it cannot be priced, and `unknown` says why. `each`: one pod for a month."""

    monthly: Decimal | None
    each: Decimal | None
    currency: str
    how: str
    unknown: tuple[str, ...]


def workload_cost(workload: Workload, rates_of: RatesOf) -> WorkloadCost:
    """The cost of all pods for their hours. Requests, not use: what is requested is taken from everybody else."""
    rates = (rates_of(workload.instance_type) if workload.instance_type else None) or rates_of("")
    unknown = list(workload.unknown)
    if rates is None:
        unknown.append("no node rates: the bills state no machine with its vCPUs and memory, and none are configured")
    elif workload.each.gpus and rates.gpu_hour is None:
        unknown.append("no rate for a GPU is known")
    if rates is None or unknown:
        return WorkloadCost(None, None, rates.currency if rates else "", "", tuple(unknown))
    hourly = pod_hour(workload.each, rates)
    each = EXACT.multiply(hourly, workload.hours)
    monthly = EXACT.multiply(each, workload.pods)
    pods = "1 pod" if workload.pods == 1 else f"{_plain(workload.pods)} pods"
    many = f"{pods} of {_said(workload.each)} for {_plain(workload.hours)} hours"
    how = f"{many} at {rates.why} (sure: {rates.confidence})"
    return WorkloadCost(monthly, each, rates.currency, "; ".join((how, *workload.assumed)), ())


def pod_hour(each: Requests, rates: Rates) -> Decimal:
    """An hour of one pod."""
    parts = ((each.cpu, rates.cpu_hour), (each.memory_gib, rates.memory_gib_hour), (each.gpus, rates.gpu_hour or ZERO))
    cost = ZERO
    for amount, rate in parts:
        cost = EXACT.add(cost, EXACT.multiply(amount, rate))
    return cost


def configured(rates: NodeRates | None) -> Rates | None:
    """The rates that the settings state, where the bills cannot say."""
    if rates is None:
        return None
    return Rates(
        rates.cpu_hour,
        rates.memory_gib_hour,
        rates.gpu_hour,
        rates.currency,
        "configured",
        "medium",
        "your configured rates",
    )


def namespace_of(namespace: str, settings: GateSettings) -> NamespaceMap:
    """Whose it is; `*` is the rest."""
    known = settings.kubernetes.namespaces
    return known.get(namespace) or known.get("*") or NamespaceMap()


@dataclass(frozen=True, slots=True)
class Change:
    """One workload that wants in: what it adds a month, and what it is."""

    workload: Workload
    namespace: str
    delta: Decimal
    currency: str


def beyond_asking(change: Change) -> str:
    """Why no amount can be asked for that covers it; empty where one can."""
    if change.workload.pods > WORKLOAD_PODS_MAX:
        return f"it asks for {_large(change.workload.pods)} pods, and no more than {WORKLOAD_PODS_MAX:,} can be priced"
    if change.delta > AMOUNT_MAX:
        most = f"{display(AMOUNT_MAX)} {change.currency}"
        return f"it would cost about {_large(change.delta)} {change.currency} a month, and no more than {most} can be asked for"
    return ""


def workload_intent(change: Change, requester: str, settings: GateSettings) -> Intent:
    """The intent. The namespace is a tag of it, so that a budget on `tag:namespace` covers it; labels are its other tags."""
    workload, whose = change.workload, namespace_of(change.namespace, settings)
    tags = dict(list(workload.labels.items())[: INTENT_TAGS_MAX - 3])
    for key, value in (("team", whose.team), ("environment", whose.environment)):
        if value:
            tags.setdefault(key, value)
    tags["namespace"] = change.namespace
    attributes: dict[str, object] = {
        "resource_type": f"kubernetes.{workload.kind}", "gpu": workload.each.gpus > 0, "count": int(workload.pods), "tags": tags,
        "hours_per_month": int(settings.hours_per_month),
    }  # fmt: skip
    if workload.instance_type:
        attributes["size"] = workload.instance_type
    if settings.kubernetes.region:
        attributes["region"] = settings.kubernetes.region
    return Intent(
        kind="resource.provision", requested_by=requester, team=whose.team, environment=whose.environment,
        amount=max(change.delta, ZERO).quantize(CENT, rounding=ROUND_CEILING, context=EXACT), currency=change.currency,
        provider=settings.kubernetes.provider, product=whose.product, attributes=attributes,
    )  # fmt: skip


def _said(each: Requests) -> str:
    parts = [f"{_plain(each.cpu)} vCPU", f"{_plain(each.memory_gib)} GiB"]
    return ", ".join([*parts, f"{_plain(each.gpus)} GPU"] if each.gpus else parts)


def _large(number: Decimal) -> str:
    return display(number, 0) if number.adjusted() < DIGITS_MAX else _plain(number)


def _plain(number: Decimal) -> str:
    if number.adjusted() >= DIGITS_MAX:
        return f"{number:.1e}"
    text = f"{number.quantize(Decimal('0.001'), context=EXACT):f}"
    return text.rstrip("0").rstrip(".") if "." in text else text
