"""Shared cost of the simulated company: rules, hosts watched by team, and what OpenCost says of its platform cluster."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final

from fiscus.kernel.periods import Month
from fiscus.twin.timeline import Timeline

RULES: Final = """# Who bears what is run for all. The network and the platform serve each other: a circle, which is solved exactly.
allocations:
  - id: observability
    title: Observability, by the hosts that each team has watched
    share: {source: dogwatch}
    to: team
    method: telemetry
    telemetry: {file: telemetry/hosts.csv, column: hosts}
  - id: cluster
    title: The platform cluster, as OpenCost sees its namespaces
    share: {team: platform, service: Amazon Elastic Kubernetes Service}
    to: team
    method: opencost
    opencost:
      files: [FILES]
      by: namespace
      names: {shop: storefront, portal: customer-portal, assistant: support-assistant, ingest: telemetry}
      shared: [kube-system, monitoring]
      idle: weighted
  - id: network
    title: Traffic between regions and out, by what each team costs
    share: {team: networking}
    to: team
    method: proportional
    except: [sales, marketing, people-office, procurement]
  - id: security
    title: Security engineering, a fixed part each; a fifth is its own
    share: {team: security-engineering}
    to: team
    method: fixed
    shares: {fleet-control: 30, storefront: 20, telemetry: 20, data-platform: 10}
    from: FROM
  - id: platform
    title: The developer platform, by running resources in production
    share: {team: platform}
    to: team
    method: metric
    metric: {column: resources, where: {environment: prod, charge_category: Usage}}
"""
HOSTS: Final[Mapping[str, int]] = {
    "fleet-control": 64, "Perception": 41, "nav": 33, "storefront": 28, "telem": 22, "data-eng": 17, "ml-platform": 12,
    "customer-portal": 9, "assistant": 6, "sre": 4,
}  # fmt: skip
# Namespace -> cost a day by OpenCost, in hundredths, and how it grows a month in parts of a hundred.
NAMESPACES: Final[Mapping[str, tuple[int, int]]] = {
    "shop": (2210, 3), "portal": (1430, 1), "assistant": (960, 5), "ingest": (1875, 4), "fleet-control": (640, 2),
    "integrations": (410, 2), "kube-system": (380, 0), "monitoring": (520, 1), "sandbox-7": (75, 0),
}  # fmt: skip
IDLE_PARTS: Final = 4  # of the cluster: one part in four is idle
OPENCOST_MONTHS: Final = 3  # OpenCost keeps what it is asked for; before, the cluster's cost stays with its team


def shared_cost_files(timeline: Timeline) -> dict[str, str]:
    """Path in the workspace -> text, for every whole month and the one under way."""
    months = [timeline.month(n) for n in range(timeline.months + 1)]
    told = months[-OPENCOST_MONTHS:]
    names = [f"opencost/{month}.json" for month in told]
    rules = RULES.replace("FILES", ", ".join(names)).replace("FROM", str(months[len(months) // 2].start))
    files = {"allocations/shared.yaml": rules, "allocations/telemetry/hosts.csv": _hosts(months)}
    return files | {f"allocations/{name}": _opencost(month, timeline) for name, month in zip(names, told, strict=True)}


def _hosts(months: Sequence[Month]) -> str:
    rows = [f"{month},{team},{hosts + number}" for number, month in enumerate(months) for team, hosts in HOSTS.items()]
    return "period,target,hosts\n" + "".join(f"{row}\n" for row in rows)


def _opencost(month: Month, timeline: Timeline) -> str:
    """An answer of GET /allocation?window=...&aggregate=namespace, one set for the month (or as much as there is of it)."""
    until = min(month.end, timeline.as_of)
    days = max((until - month.start).days, 1)
    window = {"start": f"{month.start}T00:00:00Z", "end": f"{month.start + timedelta(days=days)}T00:00:00Z"}
    step = (month.year - timeline.start.year) * 12 + month.month - timeline.start.month
    costs = {name: cost * (100 + growth * step) * days for name, (cost, growth) in NAMESPACES.items()}
    found = {name: _allocation(name, cost, window, days) for name, cost in costs.items()}
    found["__idle__"] = _allocation("__idle__", sum(costs.values()) // IDLE_PARTS, window, days)
    return json.dumps({"code": 200, "status": "success", "data": [found]}, indent=1) + "\n"


def _allocation(name: str, cost: int, window: Mapping[str, str], days: int) -> dict[str, object]:
    """`cost` in ten-thousandths; two thirds of it processors, the rest memory."""
    cpu, whole = cost * 2 // 3, cost
    properties = {"cluster": "platform-prod", **({} if name == "__idle__" else {"namespace": name})}
    return {
        "name": name, "properties": properties, "window": window, **window, "minutes": days * 1440,
        "cpuCost": cpu / 10_000, "cpuCostAdjustment": 0, "gpuCost": 0, "gpuCostAdjustment": 0,
        "ramCost": (whole - cpu) / 10_000, "ramCostAdjustment": 0, "pvCost": 0, "pvCostAdjustment": 0, "networkCost": 0,
        "networkCostAdjustment": 0, "loadBalancerCost": 0, "loadBalancerCostAdjustment": 0, "sharedCost": 0,
        "externalCost": 0, "totalCost": whole / 10_000, "totalEfficiency": 0.61,
    }  # fmt: skip
