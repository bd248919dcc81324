"""Money: `Decimal` in Python, integer nano-units in the spend ledger, never float, never across currencies."""

from __future__ import annotations

from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_EVEN, Context, Decimal, localcontext
from functools import lru_cache
from typing import Final

from fiscus.kernel.errors import BadInput

NANOS_PER_UNIT: Final = 10**9
COST_SCALE: Final = 12  # DECIMAL(28,12) in the lake
QUANTITY_SCALE: Final = 18  # DECIMAL(38,18) in the lake
EXACT: Final = Context(prec=60, rounding=ROUND_HALF_EVEN)  # wide enough for a sum of 10^12 charges of DECIMAL(28,12)
ZERO: Final = Decimal(0)
_CENT: Final = Decimal("0.01")
_PLACES: Final = tuple(Decimal(1).scaleb(-places) for places in range(COST_SCALE + 1))  # 1, 0.1, 0.01 ...


@dataclass(frozen=True, slots=True, order=False)
class Money:
    """An amount in one currency (ISO 4217 code). Arithmetic between currencies raises `BadInput`."""

    amount: Decimal
    currency: str

    def __add__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(EXACT.add(self.amount, other.amount), self.currency)

    def __sub__(self, other: Money) -> Money:
        self._same_currency(other)
        return Money(EXACT.subtract(self.amount, other.amount), self.currency)

    def __neg__(self) -> Money:
        return Money(-self.amount, self.currency)

    def __lt__(self, other: Money) -> bool:
        self._same_currency(other)
        return self.amount < other.amount

    def __str__(self) -> str:
        return f"{display(self.amount)} {self.currency}"

    def _same_currency(self, other: Money) -> None:
        if self.currency != other.currency:
            raise BadInput(
                f"{self.currency} and {other.currency} cannot be combined",
                remedy="Convert one of them first, with a rate and a date that you can show.",
            )


def total(amounts: list[Decimal]) -> Decimal:
    """Exact sum: no digit is lost, whatever the caller's decimal context."""
    with localcontext(EXACT):
        return sum(amounts, ZERO)


def to_nanos(amount: Decimal, *, round_up: bool = False) -> int:
    """Integer nano-units of `amount`; finer amounts raise `BadInput` unless `round_up` (towards a higher bound)."""
    scaled = amount.scaleb(9, EXACT)
    if (whole := int(scaled)) == scaled:
        return whole
    if not round_up:
        raise BadInput(
            f"{amount} is finer than one nano-unit", remedy="Round it explicitly before it enters the ledger."
        )
    return int(scaled.to_integral_value(rounding=ROUND_CEILING))


@lru_cache(512)
def from_nanos(nanos: int) -> Decimal:
    """The exact Decimal of an integer number of nano-units."""
    return Decimal(nanos).scaleb(-9, context=EXACT)


def round_cost(amount: Decimal) -> Decimal:
    """`amount` at the lake's scale (12 digits), half-even."""
    return amount.quantize(Decimal(1).scaleb(-COST_SCALE), context=EXACT)


def display(amount: Decimal, places: int = 2) -> str:
    """Thousands separated, `places` decimals, half-even; negatives in parentheses as in a ledger."""
    rounded = EXACT.quantize(amount, _PLACES[places])
    text = f"{rounded:,f}"
    if text[0] != "-":
        return text
    return f"({text[1:]})" if rounded else text[1:]


@lru_cache(512)
def display_small(amount: Decimal) -> str:
    """As `display`, but what is under a cent and not nothing with its first two digits: 0.00042, not 0.00."""
    if amount == ZERO or abs(amount) >= _CENT:
        return display(amount)
    text = f"{abs(amount):.{1 - amount.adjusted()}f}"
    return f"({text})" if amount < ZERO else text


def display_exact(amount: Decimal) -> str:
    """As `display`, with every digit that the amount has and cents at least: 10.00, 0.000012345."""
    places = 2
    while places < COST_SCALE and EXACT.quantize(amount, _PLACES[places]) != amount:
        places += 1
    return display(amount, places)


def chance(p: Decimal) -> str:
    """What stands behind a P: `= 0.83`, `> 0.99` or `< 0.01`; never a certainty that a simulation cannot have."""
    if p >= Decimal("0.995"):
        return "> 0.99"
    return "< 0.01" if p < Decimal("0.005") else f"= {p:.2f}"
