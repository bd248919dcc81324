"""How the board says numbers in a sentence, and the few sums that every part of a pack needs."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal

from fiscus.kernel.money import EXACT, ZERO, display, total
from fiscus.kernel.rows import Query
from fiscus.kernel.sql_text import sql_text

_TENTH = Decimal("0.1")


def share(part: Decimal, whole: Decimal) -> Decimal | None:
    """`part` of `whole` in percent, to a tenth, half-even; None of nothing."""
    return None if whole == ZERO else EXACT.divide(part * 100, whole).quantize(_TENTH, context=EXACT)


def added(amounts: Iterable[Decimal]) -> Decimal:
    """Their exact sum."""
    return total(list(amounts))


def less(whole: Decimal, part: Decimal) -> Decimal:
    """`whole` - `part`, exactly."""
    return EXACT.subtract(whole, part)


def money(amount: Decimal, currency: str, places: int = 0) -> str:
    """`USD 1,234`; negatives in parentheses."""
    return f"{currency} {display(amount, places)}"


def near(amount: Decimal, currency: str) -> str:
    """An estimate in a sentence."""
    return f"≈ {money(amount, currency)}"


def day(value: date) -> str:
    """20 Nov 2026."""
    return f"{value.day} {value:%b %Y}"


def percent(value: Decimal | None) -> str:
    """5.4 %; a dash of nothing."""
    return "–" if value is None else f"{display(value, 1)} %"


def moved(change: Decimal | None) -> str:
    """A change in percent with its direction in words."""
    if change is None:
        return "new"
    return f"{'up' if change >= 0 else 'down'} {display(abs(change), 1)} %"


def plural(number: int, noun: str, many: str = "") -> str:
    """`1 budget`, `3 budgets`."""
    return f"{number:,} {noun if number == 1 else many or noun + 's'}"


def room_query(name: str, params: dict[str, object]) -> Query:
    """A query of this room, from sql/<name>.sql."""
    return Query(sql_text("fiscus.board", name).strip(), params)
