"""What prepaid balances are made of: lots that were bought, draws that use them up, and the pool that both belong to."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Literal

PoolKind = Literal["virtual_currency", "commitment", "money"]


@dataclass(frozen=True, slots=True)
class PoolKey:
    """A balance: one provider, one account of it, one unit, billed in one currency. `name`: a commitment's id, else the unit."""

    kind: PoolKind
    provider: str
    account: str
    name: str
    currency: str


@dataclass(frozen=True, slots=True)
class Lot:
    """What one purchase brought: `quantity` units that may be used in [start, end), for `billed` money.

    `effective`: what the purchase itself counts as cost, nothing where its draws do.
    """

    start: date
    end: date
    quantity: Decimal
    billed: Decimal
    effective: Decimal
    description: str = ""


@dataclass(frozen=True, slots=True)
class Draw:
    """What the charges with one charge period [day, end) took: `quantity` units, which count as `effective` money.

    `lapsed`: the vendor's own row for what is lost unused at the end; `billed`: used and billed by itself, taken from no lot.
    """

    day: date
    end: date
    quantity: Decimal
    effective: Decimal
    billed: Decimal = Decimal(0)
    lapsed: bool = False


@dataclass(frozen=True, slots=True)
class Rest:
    """What is left of the lots that end on one day, and what was paid for it, each lot's at its own price."""

    end: date
    quantity: Decimal
    paid: Decimal


@dataclass(frozen=True, slots=True)
class Balance:
    """Where a pool stands. `bought` + `overdrawn` = `drawn` + `lapsed` + `to_lapse` + `available` + `to_come`, to the last digit.

    `lapsed` by the vendor's own rows; `to_lapse`: over by its date, and no bill says what became of it. `overdrawn`: used
    beyond every lot. Units throughout; money apart.
    """

    bought: Decimal
    drawn: Decimal
    lapsed: Decimal
    to_lapse: Decimal
    available: Decimal
    to_come: Decimal
    overdrawn: Decimal
    ends: date | None  # of what is available or to come, the last; None: nothing is
    rests: tuple[Rest, ...] = ()  # of what is available or to come, by end
