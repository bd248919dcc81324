"""The EC2 machines that bills and the emulator share: the demo starts them in the emulator, the bills carry their ids."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from fiscus.twin.accounts import account
from fiscus.twin.catalogue import catalogue
from fiscus.twin.line import UNIT, Book, Ints, Line, join_facts
from fiscus.twin.meter import World, usage_facts
from fiscus.twin.rhythm import generator

# name | SKU | instance type | environment | team | product | account | hours a weekday, hours a weekend day | disk GB | left on
MACHINES: Final = """
sim-gpu-burst-01|p4d|p4d.24xlarge|staging|simulation|sim-lab|staging|24,24|4000|yes
vision-gpu-lab-02|g5-24|g5.24xlarge|dev|perception|vision-stack|dev|24,24|1500|yes
ml-train-01|g5-2|g5.2xlarge|dev|ml-research|ml-studio|dev|9,0|500|
ml-notebook-04|g5-2|g5.2xlarge|staging|ml-platform|ml-studio|staging|8,0|250|
fleet-gateway-01|m6i-2|m6i.2xlarge|prod|fleet-control|fleet-os|prod-robotics|24,24|200|
fleet-gateway-02|m6i-2|m6i.2xlarge|prod|fleet-control|fleet-os|prod-robotics|24,24|200|
perception-edge-prod-01|g5-2|g5.2xlarge|prod|perception|vision-stack|prod-robotics|24,24|400|
storefront-batch-01|c6i-4|c6i.4xlarge|prod|storefront|storefront|prod-core|24,24|300|
telemetry-replay-01|c6i-4|c6i.4xlarge|staging|telemetry|telemetry-hub|staging|10,0|600|
devbox-firmware-01|m6i-2|m6i.2xlarge|dev|firmware|warehouse-bot|dev|10,0|150|
ci-runner-01|c6i-4|c6i.4xlarge|dev|developer-experience|dev-platform|dev|24,12|200|
bastion-01|t3-large|t3.large|prod|networking|shared-network|prod-core|24,24|30|
"""
LEFT_ON_DAYS: Final = 24  # how long before the as-of day the GPU machines were started and forgotten
REGION: Final = "us-east-1"


@dataclass(frozen=True, slots=True)
class Machine:
    """One EC2 machine. `left_on`: a GPU machine that nobody stopped; it costs day and night and does nothing."""

    name: str
    instance_type: str
    environment: str
    team: str
    product: str
    account: str
    tags: Mapping[str, str]
    left_on: bool
    sku: str
    hours: tuple[int, int]
    disk_gb: int
    instance_id: str


def fleet(seed: int = 7) -> Sequence[Machine]:
    """The machines, with made-up instance ids; `with_instances` gives them real ones."""
    machines = []
    for row in MACHINES.strip().splitlines():
        name, sku, kind, environment, team, product, home, hours, disk, left_on = row.split("|")
        made_up = f"i-{int(generator(seed, f'instance:{name}').integers(0, 2**60)):017x}"
        tags = {"team": team, "environment": environment, "product": product}
        weekday, weekend = hours.split(",")
        machines.append(
            Machine(
                name, kind, environment, team, product, home, tags, left_on == "yes", sku, (int(weekday), int(weekend)),
                int(disk), made_up,
            )
        )  # fmt: skip
    return tuple(machines)


def with_instances(machines: Sequence[Machine], instances: Mapping[str, str] | None) -> tuple[Machine, ...]:
    """The machines with the emulator's instance ids where it gave some."""
    known = instances or {}
    return tuple(replace(machine, instance_id=known.get(machine.name, machine.instance_id)) for machine in machines)


def fleet_book(machines: Sequence[Machine], world: World) -> Book:
    """Compute and disk charges of every machine. They do not grow with `scale`: there is one of each."""
    skus = catalogue("aws")
    lines: list[Line] = []
    quantities: list[Ints] = []
    for machine in machines:
        for sku, resource, quantity in (
            (skus[machine.sku], machine.instance_id, _hours(machine, world)),
            (skus["ebs-gp3"], f"vol-{machine.instance_id[2:]}", _disk(machine, world)),
        ):
            home = account("aws", machine.account)
            tags = {"Name": machine.name, **machine.tags}
            seen = world.tagger.attribution.seen("aws", home, tags)
            lines.append(
                Line(
                    "aws", sku, home, seen, tags, REGION, resource, machine.name,
                    machine=machine.name if sku.category == "Compute" else "",
                )
            )  # fmt: skip
            quantities.append(quantity)
    return Book("aws", tuple(lines), join_facts([usage_facts(lines, np.stack(quantities), world.timeline)]))


def started(machine: Machine, world: World) -> int:
    """The day from which a machine runs."""
    return max(0, world.timeline.today - LEFT_ON_DAYS) if machine.left_on else 0


def _hours(machine: Machine, world: World) -> Ints:
    weekday, weekend = machine.hours
    hours = np.where(world.timeline.weekdays() < 5, weekday, weekend).astype(np.int64) * UNIT
    hours[: started(machine, world)] = 0
    return hours


def _disk(machine: Machine, world: World) -> Ints:
    """GB-months a day: the disk's size over the days of the month."""
    starts = world.timeline.month_starts()
    length = np.diff(starts)[world.timeline.month_of_days()]
    amount = machine.disk_gb * UNIT // length
    amount[: started(machine, world)] = 0
    return np.asarray(amount, np.int64)
