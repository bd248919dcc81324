"""Purchases and usage brought together into pools: which draws take from which lots, and why. Pure over rows of two queries."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any, Final

from fiscus.cost.prepaid.types import Draw, Lot, PoolKey
from fiscus.kernel.money import ZERO

Row = Mapping[str, Any]
# Units of things that are bought to be had, not to be drawn: a purchase of these in advance is a balance of its money.
THINGS: Final = frozenset(
    {"", "count", "unit", "each", "item", "month", "year", "hour", "day", "licen", "license", "seat", "user"}
)


@dataclass(slots=True)
class Pool:
    """One balance as it is gathered. `unit` as the purchase writes it, else as the usage does. `joined`: how draws were found."""

    key: PoolKey
    unit: str
    lots: list[Lot] = field(default_factory=list)
    draws: list[Draw] = field(default_factory=list)
    owners: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    joined: str = ""


def gather_pools(lots: Iterable[Row], draws: Iterable[Row]) -> Sequence[Pool]:
    """Pools in the order of provider, account and name. A purchase that counts as cost itself and has no draw is no balance."""
    used = list(draws)
    units = {(row["provider"], row["currency"], plain_unit(row["virtual"])) for row in used if row["virtual"]}
    pools: dict[PoolKey, Pool] = {}
    for row in lots:
        key = _key_of_lot(row, units)
        counts_itself = row["effective"] != ZERO and key.kind != "commitment"
        if counts_itself and (row["provider"], row["currency"], plain_unit(row["unit"])) not in units:
            continue
        pool = pools.setdefault(key, Pool(key, row["currency"] if key.kind == "money" else row["unit"]))
        pool.lots.append(_lot(row, key))
        _add_owner(pool, row, ZERO)
    for row in used:
        _add_draw(pools, row)
    return [pools[key] for key in sorted(pools, key=lambda one: (one.provider, one.account, one.name, one.currency))]


def plain_unit(unit: str) -> str:
    """Token, Tokens and tokens are one unit."""
    text = unit.strip().lower()
    return text[:-1] if text.endswith("s") and len(text) > 3 else text


def _key_of_lot(row: Row, units: set[tuple[str, str, str]]) -> PoolKey:
    provider, account, currency = row["provider"], row["account"], row["currency"]
    if row["commitment"]:
        return PoolKey("commitment", provider, account, row["commitment"], currency)
    unit = plain_unit(row["unit"])
    if (provider, currency, unit) in units or (unit not in THINGS and unit != currency.lower()):
        return PoolKey("virtual_currency", provider, account, unit, currency)
    return PoolKey("money", provider, account, currency, currency)


def _lot(row: Row, key: PoolKey) -> Lot:
    quantity = row["billed"] if key.kind == "money" or row["quantity"] is None else row["quantity"]
    return Lot(row["starts"], row["ends"], quantity, row["billed"], row["effective"], row["description"])


def _add_draw(pools: dict[PoolKey, Pool], row: Row) -> None:
    provider, account, currency = row["provider"], row["account"], row["currency"]
    if row["commitment"]:
        key = PoolKey("commitment", provider, account, row["commitment"], currency)
        quantity = row["committed"] if row["committed"] is not None else row["effective"]
        _into(pools, key, row, quantity, create=False)
        return
    if row["virtual"]:
        key = PoolKey("virtual_currency", provider, account, plain_unit(row["virtual"]), currency)
        _into(pools, key, row, row["virtual_cost"] or ZERO, create=True)
        return
    by_unit = PoolKey("virtual_currency", provider, account, plain_unit(row["unit"]), currency)
    if _found(pools, by_unit) is not None:
        _into(pools, by_unit, row, row["quantity"] or ZERO, create=False)
        return
    _into(pools, PoolKey("money", provider, account, currency, currency), row, row["effective"], create=False)


def _into(pools: dict[PoolKey, Pool], key: PoolKey, row: Row, quantity: Decimal, *, create: bool) -> None:
    pool = _found(pools, key)
    if pool is None:
        if not create:
            return
        pool = pools.setdefault(key, Pool(key, row["virtual"]))
    if pool.key != key and key.kind != "commitment" and not pool.joined:
        pool.joined = (
            f"used by account {key.account} too, which bought none of it; no other account of {key.provider} did"
        )
    alone = bool(row["billed_alone"])
    pool.draws.append(
        Draw(
            row["day"], row["ends"], ZERO if alone else quantity, ZERO if alone else row["effective"],
            row["billed"] if alone else ZERO, lapsed=bool(row["lapsed"]),
        )
    )  # fmt: skip
    _add_owner(pool, row, row["effective"])


def _found(pools: Mapping[PoolKey, Pool], key: PoolKey) -> Pool | None:
    """The pool of `key`; else the only one of the same provider, unit and currency that was bought, by another account."""
    if (own := pools.get(key)) is not None:
        return own
    others = [
        pool
        for one, pool in pools.items()
        if (one.kind, one.provider, one.name, one.currency) == (key.kind, key.provider, key.name, key.currency)
        and pool.lots
    ]
    return others[0] if len(others) == 1 else None


def _add_owner(pool: Pool, row: Row, amount: Decimal) -> None:
    who = (row["owner"], row["team"])
    pool.owners[who] = pool.owners.get(who, ZERO) + amount
