"""One billing month decided: from the sums of its shared charges and what they are shared by, to who bears them in the end."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from fiscus.cost.allocation.chains import Pool, Solved, solve
from fiscus.cost.allocation.conserve import cut_points, divide_cost, rounded
from fiscus.cost.allocation.types import (
    RULE,
    STAYS,
    AllocationRules,
    Amount,
    DriverValue,
    Group,
    MonthDecided,
    Rule,
    Share,
    Step,
    Target,
    Weighed,
)
from fiscus.cost.allocation.weigh import weigh
from fiscus.kernel.canonical import digest

CLOSED = "the rules give it only to each other"
Measured = Mapping[str, Sequence[DriverValue]]  # rule id -> what the lake says of its targets


@dataclass(frozen=True, slots=True)
class _Bench:
    """The pools of one stretch of days in one currency. A pool is a rule, or a rule and the part that names a target."""

    segment: int
    currency: str
    pools: Mapping[tuple[str, str], Weighed]
    into: Mapping[tuple[str, Target], str]
    solved: Solved


def decide_month(rules: AllocationRules, month: str, groups: Sequence[Group], measured: Measured) -> MonthDecided:
    """Shares, amounts and the chain of one month. Equal arguments, equal decision; the order of `groups` does not matter.

    The amounts of each group come to its cost, to the last digit; nothing of one currency moves to another.
    """
    ordered = sorted(groups, key=lambda g: (g.segment, g.currency, g.rule, g.part, g.source))
    shares: list[Share] = []
    amounts: list[Amount] = []
    steps: list[Step] = []
    for segment, currency in dict.fromkeys((g.segment, g.currency) for g in ordered):
        here = [g for g in ordered if (g.segment, g.currency) == (segment, currency)]
        bench = _bench(rules, month, here, measured)
        shares += _shares(bench, here)
        for group in here:
            amounts += _amounts(group, bench.solved.ends[_pool_name(group.rule, group.part)])
        steps += _steps(rules, bench, here)
    outcome = digest([month, ordered, shares, amounts, steps])
    return MonthDecided(month, outcome, tuple(shares), tuple(amounts), tuple(steps))


def _pool_name(rule: str, part: str) -> str:
    return f"{rule}\x1f{part}" if part else rule


def _bench(rules: AllocationRules, month: str, groups: Sequence[Group], measured: Measured) -> _Bench:
    segment, currency = groups[0].segment, groups[0].currency
    active = rules.active(segment)
    parts = defaultdict(set)
    for group in groups:
        parts[group.rule].add(group.part)
    weighed: dict[tuple[str, str], Weighed] = {}
    into: dict[tuple[str, Target], str] = {}
    for rule in active:
        drivers = _drivers(rule, measured.get(rule.id, ()), month, currency)
        for part in sorted(parts[rule.id] | {""}):
            found = weighed[rule.id, part] = weigh(rule, month, drivers, part)
            into |= {(rule.id, t): pool for t in found.parts if (pool := _receiver(active, t))}
    pools = {
        _pool_name(rule.id, part): _pool(rule, weighed[rule.id, part], into)
        for rule in active
        for part in sorted(parts[rule.id] | {""})
    }
    return _Bench(segment, currency, weighed, into, solve(pools))


def _drivers(rule: Rule, values: Iterable[DriverValue], month: str, currency: str) -> dict[Target, Decimal]:
    """What a rule's targets are measured at: of `month`, in `currency` where it is money, never the rule's own pool."""
    sums: dict[Target, Decimal] = defaultdict(Decimal)
    for value in values:
        if value.month == month and value.currency in {"", currency} and value.rule != rule.id:
            sums[value.target] += value.amount
    return dict(sorted(sums.items()))


def _receiver(active: Sequence[Rule], target: Target) -> str:
    """The rule into whose pool a target's cost goes; empty when the target bears it."""
    if target.dimension == RULE:
        return target.value if any(rule.id == target.value for rule in active) else ""
    return next((rule.id for rule in active if rule.takes_whole(target)), "")


def _pool(rule: Rule, weighed: Weighed, into: Mapping[tuple[str, Target], str]) -> Pool:
    to_pools: dict[str, Fraction] = defaultdict(Fraction)
    to_targets: dict[Target, Fraction] = {}
    for target, part in weighed.parts.items():
        if (pool := into.get((rule.id, target))) is not None:
            to_pools[pool] += part
        else:
            to_targets[target] = part
    return Pool(to_pools, to_targets, rule.keeper, weighed.stays)


def _shares(bench: _Bench, groups: Sequence[Group]) -> Iterable[Share]:
    for rule, part in dict.fromkeys((g.rule, g.part) for g in groups):
        ends = bench.solved.ends[_pool_name(rule, part)]
        order = sorted(ends)
        points = cut_points(ends, order)
        for place, target in enumerate(order):
            low, high = points[target]
            yield Share(bench.segment, bench.currency, rule, part, place, target, low, high)


def _amounts(group: Group, ends: Mapping[Target, Fraction]) -> Iterable[Amount]:
    order = {target: ends[target] for target in sorted(ends)}
    billed, effective = divide_cost(group.billed, order), divide_cost(group.effective, order)
    for target in order:
        yield Amount(group, target, billed[target], effective[target])


def _steps(rules: AllocationRules, bench: _Bench, groups: Sequence[Group]) -> Iterable[Step]:
    """Every link over which anything flows, with what flows over it."""
    through: dict[str, tuple[Fraction, Fraction]] = defaultdict(lambda: (Fraction(0), Fraction(0)))
    for group in groups:
        for pool, often in bench.solved.visits[_pool_name(group.rule, group.part)].items():
            billed, effective = through[pool]
            through[pool] = (billed + often * Fraction(group.billed), effective + often * Fraction(group.effective))
    methods = {rule.id: rule.method for rule in rules.rules}
    for (rule, part), weighed in bench.pools.items():
        flow = through.get(_pool_name(rule, part), (Fraction(0), Fraction(0)))
        if not any(flow):
            continue
        closed = _pool_name(rule, part) in bench.solved.closed
        given = (
            {STAYS: Fraction(1)} if closed else {**weighed.parts, **({STAYS: weighed.stays} if weighed.stays else {})}
        )
        for target, share in sorted(given.items()):
            yield Step(
                segment=bench.segment,
                currency=bench.currency,
                rule=rule,
                target=target,
                into=bench.into.get((rule, target), ""),
                method=methods[rule],
                driver=weighed.drivers.get(target),
                share=rounded(share),
                billed=rounded(flow[0] * share),
                effective=rounded(flow[1] * share),
                why=(CLOSED if closed else weighed.why) if target == STAYS else part,
            )
