"""What an hour of a vCPU, a gibibyte and a GPU costs on the company's own machines: learned from what their hours cost.

A machine has one price; it is split between vCPUs and memory in a fixed ratio so that requests that fill a machine cost exactly
that machine. The ratio is that of Google Cloud's public prices of N2 vCPUs and memory (0.031611 to 0.004237), which OpenCost
uses too. A GPU costs what its machine costs beyond its vCPUs and memory at those rates.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Final, Literal

from fiscus.cost.price_book import PriceBook
from fiscus.cost.price_types import Confidence, LearnedPrice
from fiscus.kernel.money import EXACT, ZERO, total

CPU_SHARE: Final = Decimal("0.031611")
MEMORY_SHARE: Final = Decimal("0.004237")
NOT_NODES: Final = ("db.", "cache.", "ml.", "dax.", "emr.")  # sizes of databases, caches and notebooks
SURE_DAYS_MIN: Final = 7


@dataclass(frozen=True, slots=True)
class Rates:
    """Per hour, in `currency`. `gpu_hour` None: no machine with a GPU is known. `why` says what they rest on."""

    cpu_hour: Decimal
    memory_gib_hour: Decimal
    gpu_hour: Decimal | None
    currency: str
    source: Literal["history", "configured"]
    confidence: Confidence
    why: str


@dataclass(frozen=True, slots=True)
class _Node:
    size: str
    cores: Decimal
    memory: Decimal
    gpus: Decimal
    price: Decimal
    hours: Decimal
    days: int


def node_rates(book: PriceBook, provider: str, region: str, instance_type: str = "") -> Rates | None:
    """Rates over all machines of the vendor in the region (empty: of all), or of one size. None: the bills do not say."""
    known = [one for one in book.learned if (not provider or one.provider == provider) and region in {"", one.region}]
    currencies = {one.currency for one in known}
    for currency in sorted(currencies):
        nodes = [node for one in known if one.currency == currency and (node := _node(one))]
        if instance_type:
            nodes = [node for node in nodes if node.size.casefold() == instance_type.casefold()]
        if rates := _rates(nodes, currency, instance_type):
            return rates
    return None


def _rates(nodes: Sequence[_Node], currency: str, instance_type: str) -> Rates | None:
    plain = [node for node in nodes if not node.gpus] or list(nodes)
    cost = _sum(plain, lambda node: node.price)
    weight = EXACT.add(
        EXACT.multiply(CPU_SHARE, _sum(plain, lambda node: node.cores)),
        EXACT.multiply(MEMORY_SHARE, _sum(plain, lambda node: node.memory)),
    )
    if not plain or cost <= 0 or weight <= 0:
        return None
    scale = EXACT.divide(cost, weight)
    if all(node.gpus for node in plain):
        scale = min(scale, Decimal(1))  # only machines with GPUs are known: the list ratio, the rest is the GPU's
    cpu, memory = EXACT.multiply(CPU_SHARE, scale), EXACT.multiply(MEMORY_SHARE, scale)
    days = max(node.days for node in plain)
    which = instance_type or f"{len({node.size for node in nodes})} sizes of machine"
    return Rates(
        cpu, memory, _gpu_hour([node for node in nodes if node.gpus], cpu, memory), currency, "history",
        "high" if days >= SURE_DAYS_MIN else "medium", f"what {which} cost you on {days} days",
    )  # fmt: skip


def _gpu_hour(nodes: Sequence[_Node], cpu: Decimal, memory: Decimal) -> Decimal | None:
    if not nodes:
        return None
    beside = EXACT.add(
        EXACT.multiply(cpu, _sum(nodes, lambda node: node.cores)),
        EXACT.multiply(memory, _sum(nodes, lambda node: node.memory)),
    )
    rest = EXACT.subtract(_sum(nodes, lambda node: node.price), beside)
    return EXACT.divide(max(rest, ZERO), _sum(nodes, lambda node: node.gpus))


def _sum(nodes: Sequence[_Node], of: Callable[[_Node], Decimal]) -> Decimal:
    """Hours times what `of` takes of each node."""
    return total([EXACT.multiply(node.hours, of(node)) for node in nodes])


def _node(one: LearnedPrice) -> _Node | None:
    size = one.details.get("InstanceType", "")
    cores, memory = _number(one.details.get("CoreCount")), _number(one.details.get("MemorySize"))
    if one.unit != "hour" or not size or size.startswith(NOT_NODES) or not cores or not memory:
        return None
    price = one.contracted or (EXACT.divide(one.cost, one.quantity) if one.quantity > 0 else one.listed)
    if not price or price <= 0:
        return None
    gpus = _number(one.details.get("GpuCount"))
    return _Node(size, cores, memory, gpus, price, max(one.quantity, Decimal(1)), one.days)


def _number(text: str | None) -> Decimal:
    try:
        found = Decimal(text or "0")
    except InvalidOperation:
        return ZERO
    return found if found.is_finite() and found > 0 else ZERO
