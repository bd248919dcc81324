"""Streams become charges: each is split over its resources, each resource's quantity follows the stream's course day by day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from fiscus.ownership.types import Directory
from fiscus.twin.accounts import account
from fiscus.twin.line import MONEY, NO_PRICE, UNIT, Facts, Floats, Ints, Line, Sku
from fiscus.twin.rhythm import Course, factors, generator
from fiscus.twin.streams import Stream
from fiscus.twin.tagging import Tagger
from fiscus.twin.timeline import Timeline


@dataclass(frozen=True, slots=True)
class World:
    """What every vendor's simulation shares."""

    seed: int
    scale: float
    timeline: Timeline
    directory: Directory
    tagger: Tagger


@dataclass(frozen=True, slots=True)
class Metered:
    """Lines with their quantity a day (lines x days, millionths) and the flags of the stream that each came from."""

    lines: tuple[Line, ...]
    quantity: Ints
    flags: tuple[Mapping[str, str], ...]


def meter_streams(
    source: str, streams: Sequence[Stream], skus: Mapping[str, Sku], world: World, factor: float = 1.0
) -> Metered:
    """`factor` scales the money of every stream."""
    courses = [_course(source, stream, world) for stream in streams]
    moves = factors(courses, world.timeline, world.seed)
    lines: list[Line] = []
    quantities: list[Ints] = []
    flags: list[Mapping[str, str]] = []
    for stream, move in zip(streams, moves, strict=True):
        rng = generator(world.seed, f"{source}:{stream.name}")
        count = max(1, round(stream.rows * world.scale))
        sku = skus[stream.sku]
        a_day = float(stream.money) * factor * UNIT / sku.contracted_price
        shares = rng.dirichlet(np.full(count, 12.0))
        quantities.append(_quantity(a_day * shares, move, rng))
        for number in range(count):
            lines.append(_line(source, stream, sku, (number, rng), world))
            flags.append(stream.flags)
    return Metered(tuple(lines), np.concatenate(quantities), tuple(flags))


def usage_facts(
    lines: Sequence[Line], quantity: Ints, timeline: Timeline, prices: tuple[Ints, Ints] | None = None
) -> Facts:
    """On-demand charges of one day each, where the quantity is above zero. `prices`: (list, contracted) of each line and day."""
    row, day = np.nonzero(quantity > 0)
    amount = quantity[row, day]
    listed = np.array([line.sku.list_price for line in lines], np.int64)[row] if prices is None else prices[0][row, day]
    contracted = (
        np.array([line.sku.contracted_price for line in lines], np.int64)[row]
        if prices is None
        else prices[1][row, day]
    )
    cost = contracted * amount
    return facts_of(
        timeline, row, day, quantity=amount, prices=(listed, contracted), costs=(listed * amount, cost, cost, cost)
    )


def facts_of(
    timeline: Timeline,
    line: Ints,
    day: Ints,
    *,
    costs: tuple[Ints, Ints, Ints, Ints],
    quantity: Ints | None = None,
    prices: tuple[Ints, Ints] | None = None,
) -> Facts:
    """Charges of one day each; `costs` are list, contracted, billed and effective. The caller replaces span or month if need be."""
    size = len(line)
    nothing = np.zeros(size, np.int64)
    listed, contracted = prices if prices is not None else (nothing + NO_PRICE, nothing + NO_PRICE)
    return Facts(
        line=np.asarray(line, np.int64),
        day=np.asarray(day, np.int64),
        span=nothing + 1,
        month=timeline.month_of_days()[day],
        quantity=quantity if quantity is not None else nothing,
        counted=np.full(size, quantity is not None),
        list_price=listed,
        contracted_price=contracted,
        list_cost=costs[0],
        contracted_cost=costs[1],
        billed=costs[2],
        effective=costs[3],
        committed=nothing,
        rest=nothing,
    )


def amount_facts(timeline: Timeline, entries: Sequence[tuple[int, int, int]]) -> Facts:
    """Charges without quantity or price: (line, day, amount in 10^-12), one day each; all four costs are the amount."""
    rows = np.array(entries, np.int64).reshape(-1, 3)
    return facts_of(timeline, rows[:, 0], rows[:, 1], costs=(rows[:, 2],) * 4)


def whole_cents(amount: int) -> int:
    """`amount` (10^-12) at the cent, half up."""
    cent = MONEY // 100
    return (amount + cent // 2) // cent * cent


def _course(source: str, stream: Stream, world: World) -> Course:
    before = stream.flags.get("launch")
    launch = None if before is None else world.timeline.today - int(before)
    return Course(f"{source}:{stream.name}", stream.shape, stream.growth, launch)


def _quantity(a_day: Floats, move: Floats, rng: np.random.Generator) -> Ints:
    jitter = np.exp(np.clip(rng.standard_normal((len(a_day), len(move))), -2.5, 2.5) * 0.015)
    return np.asarray(np.rint(a_day[:, None] * move[None, :] * jitter * UNIT), np.int64)


def _line(source: str, stream: Stream, sku: Sku, which: tuple[int, np.random.Generator], world: World) -> Line:
    number, rng = which
    place = (stream.team, stream.environment, stream.product)
    home = account(source, stream.account)
    name = f"{stream.product}-{stream.environment}-{sku.resource_type.lower().replace(' ', '-')}-{number + 1:02d}"
    tags = world.tagger.tags(place, name, rng)
    line = Line(source, sku, home, world.tagger.attribution.seen(source, home, tags), tags, stream.region)
    return replace(line, resource_id=resource_id(line, name, rng), resource_name=name)


def resource_id(line: Line, name: str, rng: np.random.Generator) -> str:
    """An id such as the vendor writes them; unique through its random part."""
    unique = f"{int(rng.integers(0, 2**48)):012x}"
    kind = line.sku.resource_type.replace(" ", "").lower()
    service = line.sku.service.rsplit(" ", 1)[-1].lower()
    shapes = {
        "aws": f"arn:aws:{service}:{line.region}:{line.account.id}:{kind}/{name}-{unique}",
        "azure": f"{line.account.id}/resourcegroups/rg-{name}/providers/microsoft.{kind}/{unique}",
        "gcp": f"//{line.sku.resource_type.split('/')[0]}/projects/{line.account.id}/{name}-{unique}",
        "oracle": f"ocid1.{kind}.oc1.{line.region}.{unique}",
    }
    return shapes.get(line.source, f"{line.source}:{kind}:{unique}")
