"""Accounts of a marketplace and of a vendor's feed: what is left when some were the same, and what people say of single ones."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

import pytest

from fiscus.cost.marketplaces.find_same import find_same
from fiscus.cost.marketplaces.load_pairs import load_pairs
from fiscus.cost.marketplaces.types import Cell

HEAD = "pairs:\n  - {seller: Solora AI, marketplace: aura, vendor: solora, "


def _month(month: str, market: dict[str, str], vendor: dict[str, str]) -> list[Cell]:
    """Accounts of Aura Web's feed and of Solora's own, with what each shows."""
    sides = (("aura", "Aura Web", 3, market), ("solora", "Solora AI", 0, vendor))
    return [
        Cell(source, "Solora AI", invoicer, month, "USD", account, "", Decimal(cost), Decimal(cost), 30, others)
        for source, invoicer, others, side in sides
        for account, cost in side.items()
    ]


def _told(cells: Sequence[Cell], pairs: str = "") -> list[tuple[str, str, str, str]]:
    """(month, how sure, the marketplace's accounts, the vendor's), by month and accounts."""
    return sorted(
        (
            one.month,
            one.confidence,
            "+".join(c.account for c in one.marketplace),
            "+".join(c.account for c in one.vendor),
        )
        for one in find_same(cells, load_pairs(pairs))
    )


SAME, NEAR = {"x": "1000", "y": "5000"}, {"a": "1000", "b": "5050"}


def test_what_is_left_beside_accounts_that_are_the_same_is_near_as_a_whole() -> None:
    """y and b are 1 % apart in both months. Before, a and x being the same hid that, and 5,000 counted twice unsaid."""
    cells = [*_month("2026-09", SAME, NEAR), *_month("2026-10", SAME, NEAR)]
    assert _told(cells) == [
        ("2026-09", "high", "x", "a"), ("2026-09", "medium", "y", "b"),
        ("2026-10", "high", "x", "a"), ("2026-10", "medium", "y", "b"),
    ]  # fmt: skip


def test_the_accounts_that_are_meant_are_named() -> None:
    said = {one.confidence: one.evidence for one in find_same(_month("2026-10", SAME, {"a": "1000", "b": "3000"}))}
    assert said["possible"].endswith("apart by 2,000.00. Accounts: y of aura; b of solora.")
    assert "Accounts" not in find_same(_month("2026-10", SAME, {"a": "6000"}))[0].evidence


def test_near_in_one_month_or_far_apart_asks() -> None:
    far = {"a": "1000", "b": "3000"}
    cells = [
        *_month("2026-08", SAME, far),
        *_month("2026-10", SAME, NEAR),
        *_month("2026-07", SAME, {"a": "1000.9", "b": "0.9"}),
    ]
    assert _told(cells) == [
        ("2026-07", "high", "x", "a"),
        ("2026-08", "high", "x", "a"), ("2026-08", "possible", "y", "b"),
        ("2026-10", "high", "x", "a"), ("2026-10", "possible", "y", "b"),
    ]  # fmt: skip


def test_the_newest_month_goes_on_where_each_account_was_the_same_before() -> None:
    both, late = {"a": "1000.9", "b": "5000.9"}, {"a": "400", "b": "2100"}
    cells = [*_month("2026-09", SAME, both), *_month("2026-10", {"x": "300", "y": "1900"}, late)]
    assert [one[:2] for one in _told(cells)] == [("2026-09", "high"), ("2026-09", "high"), ("2026-10", "medium")]


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("same: true, vendor_accounts: [b], marketplace_accounts: [y]}", [("declared", "y", "b"), ("high", "x", "a")]),
        ("same: true, vendor_accounts: [b]}", [("declared", "x+y", "b")]),
        ("same: false, vendor_accounts: [b]}", [("high", "x", "a")]),
        ("same: false, marketplace_accounts: [y]}", [("high", "x", "a")]),
        ("same: false, vendor_accounts: [a]}", [("possible", "x+y", "b")]),
        ("same: true, vendor_accounts: [gone]}", [("high", "x", "a"), ("possible", "y", "b")]),
        ("same: false}", []),
    ],
)
def test_what_people_say_of_single_accounts_leaves_the_others_as_they_were(
    said: str, told: list[tuple[str, str, str]]
) -> None:
    cells = _month("2026-10", SAME, {"a": "1000", "b": "3000"})
    assert [one[1:] for one in _told(cells, HEAD + said)] == told
