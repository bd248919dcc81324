"""From pools that give to each other to who bears it in the end: the reciprocal method, solved exactly.

Pool i gives the part P[i][j] to pool j and F[i][t] to target t, and P[i] and F[i] come to 1. Of one unit that starts in pool i,
target t bears S[i][t] in the end, where S = F + P S: the sum over all ways, however often a cycle is gone round. The pools are
eliminated one after another (Gauss, on sparse rows of fractions), so nothing is iterated, cut off, or left over:
docs/adr/0014-allocation.md. The textbook name is reciprocal allocation (Horngren, Cost Accounting, "Support-department costs").
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from fractions import Fraction
from typing import Final

from fiscus.cost.allocation.conserve import largest_remainder
from fiscus.cost.allocation.types import STAYS, Target

EXACT_BITS_MAX: Final = 1_024  # a fraction longer than this is rounded to FINE, its row still coming to exactly 1
FINE: Final = 10**40

Row = dict[object, Fraction]


@dataclass(frozen=True, slots=True)
class Pool:
    """What one pool gives on: parts to other pools and to targets; together with `stays` they come to 1."""

    to_pools: Mapping[str, Fraction]
    to_targets: Mapping[Target, Fraction]
    keeper: Target  # bears what the pool was given and does not give on
    stays: Fraction = Fraction(0)


@dataclass(frozen=True, slots=True)
class Solved:
    """`ends`: pool -> target -> part of the pool's own cost; `visits`: how often a unit of a pool passes through each pool."""

    ends: Mapping[str, Mapping[Target, Fraction]]
    visits: Mapping[str, Mapping[str, Fraction]]
    closed: frozenset[str]  # pools that give only to each other: their cost stays


@dataclass(frozen=True, slots=True)
class _Visit:
    pool: str


@dataclass(frozen=True, slots=True)
class _Kept:
    pool: str


def solve(pools: Mapping[str, Pool]) -> Solved:
    """Who bears each pool in the end. Pools in a circle that has no way out keep what they have."""
    closed = _closed(pools)
    rows: dict[str, Row] = {}
    for name, pool in pools.items():
        rows[name] = {_Visit(name): Fraction(1)}
        if name in closed:
            rows[name][_Kept(name)] = Fraction(1)
            continue
        rows[name] |= {("pool", other): part for other, part in pool.to_pools.items() if part}
        rows[name] |= {target: part for target, part in pool.to_targets.items() if part}
        if pool.stays:
            rows[name][_Kept(name)] = pool.stays
    for name in pools:
        _eliminate(rows, name)
    return Solved(
        ends={name: _ends(name, row, pools) for name, row in rows.items()},
        visits={name: {key.pool: part for key, part in row.items() if isinstance(key, _Visit)} for name, row in rows.items()},
        closed=closed,
    )  # fmt: skip


def _eliminate(rows: dict[str, Row], name: str) -> None:
    """Put what `name` gives in place of `name`, everywhere; what it gives itself only makes the rest larger."""
    row, token = rows[name], ("pool", name)
    if (itself := row.pop(token, None)) is not None:
        for key in row:
            row[key] /= 1 - itself
    _keep_short(row)
    for other, theirs in rows.items():
        if other != name and (part := theirs.pop(token, None)) is not None:
            for key, value in row.items():
                theirs[key] = theirs.get(key, Fraction(0)) + part * value


def _keep_short(row: Row) -> None:
    if all(part.denominator.bit_length() <= EXACT_BITS_MAX for part in row.values()):
        return
    shares = {key: part for key, part in row.items() if not isinstance(key, _Visit)}
    row |= {key: Fraction(n, FINE) for key, n in largest_remainder(FINE, shares).items()}
    row |= {key: Fraction(round(part * FINE), FINE) for key, part in row.items() if isinstance(key, _Visit)}


def _ends(name: str, row: Row, pools: Mapping[str, Pool]) -> dict[Target, Fraction]:
    ends: dict[Target, Fraction] = {}
    for key, part in row.items():
        if isinstance(key, Target):
            ends[key] = ends.get(key, Fraction(0)) + part
        elif isinstance(key, _Kept):
            target = STAYS if key.pool == name else pools[key.pool].keeper
            ends[target] = ends.get(target, Fraction(0)) + part
    return ends


def _closed(pools: Mapping[str, Pool]) -> frozenset[str]:
    """Pools from which no way leads to a target, nor to one that keeps anything."""
    leaves = {name for name, pool in pools.items() if pool.stays or any(pool.to_targets.values())}
    grew = True
    while grew:
        more = {
            name for name, pool in pools.items() if any(part and to in leaves for to, part in pool.to_pools.items())
        }
        grew = not more <= leaves
        leaves |= more
    return frozenset(set(pools) - leaves)
