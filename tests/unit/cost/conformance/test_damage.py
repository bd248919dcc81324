"""What a check says of broken rows without reading them again is what the rows say."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.focus_deliveries import Row, cost_and_usage, spoilt, write_csv

from fiscus.cost.conformance.ask_groups import group_sql, query_named
from fiscus.cost.conformance.ask_rows import Purse, count_rows, damage_of
from fiscus.cost.conformance.choose import column_types
from fiscus.cost.conformance.load_rules import executions
from fiscus.cost.conformance.readings import spell_readings
from fiscus.cost.conformance.row_tests import RowTest
from fiscus.kernel.progress import Silent
from fiscus.stores.lake.check_desk import CheckDesk

ALL_QUERIES = sorted({how.holds for how in executions().values() if how.method == "group"})
VAST = "-" + "9" * 19
CHARGES = st.fixed_dictionaries({
    "BillingCurrency": st.sampled_from(["USD", "JPY", None]),
    "ChargeCategory": st.sampled_from(["Usage", "Rent"]),
    "BilledCost": st.sampled_from([None, "1", "-2.000000000001", "3e2", "none", VAST]),
    "EffectiveCost": st.sampled_from([None, "7", "-0.5"]),
})  # fmt: skip
TESTS = {
    "a category": RowTest("true", "coalesce(ChargeCategory = 'Rent', false)"),
    "a credit": RowTest("BilledCost IS NOT NULL", "coalesce(number(BilledCost) < 0, false)"),
    "nothing": RowTest("true", "false"),
}
PURSE = Purse("EffectiveCost", known=True)


def text(_: str) -> str:
    return "text"


@settings(max_examples=30, deadline=None)
@given(
    rows=st.lists(CHARGES, min_size=1, max_size=20),
    few=st.sampled_from([(), ("BillingCurrency",), ("BillingCurrency", "ChargeCategory")]),
)
def test_groups_of_rows_carry_the_places_and_the_money_of_those_that_break_a_rule(
    rows: list[Row], few: tuple[str, ...]
) -> None:
    with TemporaryDirectory() as folder:
        file = write_csv(Path(folder) / "bill.csv", rows)
        with CheckDesk([file], dict.fromkeys(rows[0], "String"), Silent()) as desk:
            counts = count_rows(desk, TESTS, text, few, PURSE)
            asked = {name: replace(count, damage=None) for name, count in counts.items()}
            told, again = (damage_of(desk, TESTS, some, text, PURSE) for some in (counts, asked))
    assert told == again
    assert told.keys() == {name for name, count in counts.items() if count.broken}
    vast = any(row["BilledCost"] == VAST for row in rows)
    assert {bool(counts[name].damage) for name in told} <= {bool(few) and not vast}


def by_hand() -> list[Row]:
    """Taxes of the other sign, a charge taken back, a savings plan whose rest stands nowhere."""
    rows = [row for row in cost_and_usage("1.3") if row["CommitmentDiscountStatus"] != "Unused"]
    flipped = {"ContractedCost": "-1.10", "ListCost": "-1.10", "EffectiveCost": "-1.10"}
    taken_back = rows[0] | {"BilledCost": "-0.48", "ContractedCost": "-0.48", "PricingQuantity": "-4"}
    return [*(row | flipped if row["ChargeCategory"] == "Tax" else row for row in rows), taken_back]


@pytest.fixture(scope="module")
def desks(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sequence[CheckDesk]]:
    folder = tmp_path_factory.mktemp("turns")
    with ExitStack() as opened:
        yield [
            opened.enter_context(CheckDesk([write_csv(folder / f"{n}.csv", rows)], column_types(), Silent()))
            for n, rows in enumerate((spoilt(cost_and_usage("1.3")), by_hand()))
        ]


@pytest.mark.parametrize("name", [name for name in ALL_QUERIES if query_named(name).turns_on])
def test_a_query_finds_nothing_without_a_row_that_it_turns_on(name: str, desks: Sequence[CheckDesk]) -> None:
    query = query_named(name)
    others = f"(SELECT * FROM delivery WHERE ({spell_readings(query.turns_on, text)}) IS NOT TRUE)"
    without = group_sql(re.sub(r"\bdelivery\b", others, query.text), text)
    assert any(desk.query(group_sql(query.text, text)).rows for desk in desks)
    assert not any(desk.query(without).rows for desk in desks)
