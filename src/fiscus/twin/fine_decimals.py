"""Azure writes more digits than anybody stores: quantities of nine decimals, and so costs of fifteen. Exact, all of them.

The digits below the integers of `Facts` stand in `rest`, five groups of three: quantity, list, contracted, billed, effective.
"""

from __future__ import annotations

from dataclasses import replace
from typing import Final, Literal

import numpy as np

from fiscus.twin.line import Book, Facts, Ints
from fiscus.twin.rhythm import generator

GROUP: Final = 1000
GROUPS: Final = {"quantity": 4, "list": 3, "contracted": 2, "billed": 1, "effective": 0}


def with_fine_decimals(book: Book, seed: int) -> Book:
    """`book` with nine-decimal quantities on its uncovered usage."""
    facts = book.facts
    plain = np.array([line.category == "Usage" and line.commitment is None for line in book.lines])[facts.line]
    plain &= facts.counted & (facts.billed == facts.contracted_cost) & (facts.quantity > 0)
    digits = generator(seed, f"fine:{book.source}").integers(0, GROUP, len(facts)) * plain
    more_list, list_digits = np.divmod(facts.list_price * digits, GROUP)
    more, own_digits = np.divmod(facts.contracted_price * digits, GROUP)
    groups = {
        "quantity": digits,
        "list": list_digits,
        "contracted": own_digits,
        "billed": own_digits,
        "effective": own_digits,
    }
    rest = sum((groups[name] * GROUP**place for name, place in GROUPS.items()), np.zeros(len(facts), np.int64))
    finer = replace(
        facts,
        list_cost=facts.list_cost + np.where(plain, more_list, 0),
        contracted_cost=facts.contracted_cost + np.where(plain, more, 0),
        billed=facts.billed + np.where(plain, more, 0),
        effective=facts.effective + np.where(plain, more, 0),
        rest=np.where(plain, rest, 0),
    )
    return replace(book, facts=finer)


def rest_of(facts: Facts, group: str) -> Ints:
    """The three digits below the last one that `Facts` keeps, of `group`; 0 where there are none."""
    return facts.rest // GROUP ** GROUPS[group] % GROUP


def rounded(facts: Facts, group: Literal["billed", "effective"]) -> Ints:
    """A cost at 10^-12, half-even: what a store of twelve digits keeps of each charge."""
    amount = facts.billed if group == "billed" else facts.effective
    rest = rest_of(facts, group)
    up = (rest > GROUP // 2) | ((rest == GROUP // 2) & (amount % 2 == 1))
    return amount + up
