"""What commitments amortise is held against what they cost once their term lies in the delivery; what cannot be is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.focus_deliveries import RESERVED, SAVING, Row, cost_and_usage, write_csv

from fiscus.app.conformance import CheckRequest, check_delivery
from fiscus.cost.conformance.ask_groups import Groups, ask_group, query_named
from fiscus.cost.conformance.choose import column_types
from fiscus.edges.cli.commands_check import check
from fiscus.kernel.progress import Silent
from fiscus.stores.lake.check_desk import CheckDesk

ROWS = cost_and_usage("1.2")


def found(folder: Path, rows: Sequence[Row]) -> Groups:
    with CheckDesk([write_csv(folder / "bill.csv", rows)], column_types(), Silent()) as desk:
        return ask_group(desk, query_named("amortisation").text, lambda _: "text")


def without(status: str, of: str = RESERVED) -> list[Row]:
    return [r for r in ROWS if (r["CommitmentDiscountStatus"], r["CommitmentDiscountId"]) != (status, of)]


def _alone(rows: Sequence[Row]) -> list[Row]:
    """Of the usage, that of the commitment only."""
    return [r for r in rows if r["ChargeCategory"] != "Usage" or r["CommitmentDiscountId"]]


def test_rows_that_are_missing_at_the_end_of_a_term_are_missed_though_none_comes_after(tmp_path: Path) -> None:
    whole, short = found(tmp_path, ROWS), found(tmp_path, without("Unused"))
    assert (whole.broken, whole.kept, whole.open_groups) == (0, 2, 0)
    assert (short.broken, short.kept, short.open_groups) == (7, 1, 0)
    assert "amortised 2.4" in short.places[0]
    assert "billed 3.2" in short.places[0]
    none = [r for r in ROWS if r["CommitmentDiscountId"] != RESERVED or r["ChargeCategory"] == "Purchase"]
    assert found(tmp_path, none).broken == 1, "a purchase of which nothing is amortised at all"


def test_a_delivery_that_ends_before_the_term_leaves_it_open_whatever_else_it_has(tmp_path: Path) -> None:
    until = [
        r for r in without("Unused") if r["ChargePeriodEnd"] <= "2026-01-06T02:00:00Z" or r["ChargeCategory"] != "Usage"
    ]
    of_the_month = ROWS[0] | {"ChargePeriodStart": "2026-01-01T00:00:00Z", "ChargePeriodEnd": "2026-02-01T00:00:00Z"}
    late = ROWS[0] | {"ChargePeriodStart": "2026-01-20T00:00:00Z", "ChargePeriodEnd": "2026-01-20T01:00:00Z"}
    corrected, other = late | {"ChargeClass": "Correction"}, late | {"InvoiceIssuerName": "Cumulus"}
    for more in (of_the_month, corrected, other):
        open_ = found(tmp_path, [*until, more])
        assert (open_.broken, open_.kept, open_.open_groups, open_.open_first) == (0, 1, 1, (RESERVED,))
    assert found(tmp_path, [*until, late]).broken, "an hour of its issuer after the term"


def test_what_was_bought_in_another_delivery_is_open(tmp_path: Path) -> None:
    used = [r for r in ROWS if r["ChargeCategory"] != "Purchase" or r["CommitmentDiscountId"] != RESERVED]
    assert (found(tmp_path, used).kept, found(tmp_path, used).open_first) == (1, (RESERVED,))


def _held(**given: object) -> list[Row]:
    """The rows of the reservation alone, each changed by what is given."""
    return [r | given for r in ROWS if r["CommitmentDiscountId"] == RESERVED]


def _monthly(rows: Sequence[Row], fee: str) -> list[Row]:
    """The purchase as a fee of a month that the delivery holds, instead of the price of the whole term."""
    return [
        r | ({"ChargeFrequency": "Recurring", "BilledCost": fee} if r["ChargeCategory"] == "Purchase" else {})
        for r in rows
    ]


def test_what_was_paid_upfront_in_an_earlier_delivery_is_no_fault_of_this_one(tmp_path: Path) -> None:
    fees = _monthly(_held(), "1.60")
    assert found(tmp_path, fees).open_first == (RESERVED,)
    earlier = ROWS[0] | {"ChargePeriodStart": "2026-01-04T00:00:00Z", "ChargePeriodEnd": "2026-01-04T01:00:00Z"}
    assert found(tmp_path, [earlier, *fees]).broken == 9, "the delivery had begun before: nothing was paid upfront"
    less = found(tmp_path, _monthly(_held(), "4.80"))
    assert (less.broken, less.open_groups) == (9, 0), "a fee that was not amortised is a fault whatever was paid before"
    used_before = _held(ChargePeriodStart="2026-01-04T00:00:00Z", ChargePeriodEnd="2026-01-04T01:00:00Z")[1:2]
    seen = found(tmp_path, [*used_before, *_monthly(_held(), "1.60")])
    assert (seen.broken, seen.open_groups) == (0, 1), "it was used before the first fee that is here"


def test_a_price_paid_at_once_here_is_known_whatever_the_delivery_reaches(tmp_path: Path) -> None:
    long = [
        r | ({"ChargePeriodEnd": "2029-01-01T00:00:00Z"} if r["ChargeCategory"] == "Purchase" else {}) for r in _held()
    ]
    assert found(tmp_path, long).open_first == (RESERVED,)
    more = [r | ({"EffectiveCost": "0.90"} if r["ChargeCategory"] == "Usage" else {}) for r in long]
    assert found(tmp_path, more).broken == 9, "three years' price is amortised within hours"


def test_charge_periods_that_are_not_the_term_say_nothing_of_what_is_still_to_come(tmp_path: Path) -> None:
    hour = [r | ({"ChargePeriodEnd": "2026-01-05T01:00:00Z", "BilledCost": "99"} if r["ChargeCategory"] == "Purchase" else {})
            for r in _held()]  # fmt: skip
    assert found(tmp_path, hour).open_first == (RESERVED,), "it is used after the hour of its purchase"
    with_fee = [*hour, *[r | {"BilledCost": "1"} for r in _monthly(_held()[:1], "1")]]
    assert found(tmp_path, with_fee).open_first == (RESERVED,), "its fees run on after the hour of its purchase"
    refund = [r | {"BilledCost": "-1", "ChargeClass": "Correction"} for r in _held()[:1]]
    assert found(tmp_path, [*refund, *_held()[1:]]).open_groups == 1, "money that came back was paid before"


def test_a_correction_of_what_was_used_before_is_no_part_of_this_term(tmp_path: Path) -> None:
    taken_back = {"ChargeClass": "Correction", "EffectiveCost": "-0.40", "CommitmentDiscountQuantity": "-1"}
    before = {"ChargePeriodStart": "2025-12-05T00:00:00Z", "ChargePeriodEnd": "2025-12-05T01:00:00Z"}
    (used, *_) = [r for r in _held() if r["CommitmentDiscountStatus"] == "Used"]
    fees = _monthly(_held(), "3.20")
    assert found(tmp_path, [*fees, used | taken_back | before]).open_first == (RESERVED,)
    assert found(tmp_path, [*fees, used | taken_back]).broken == 10, (
        "what is taken back within the term is missing there"
    )
    refund = _held()[0] | {"ChargeClass": "Correction", "BilledCost": "-3.20", "CommitmentDiscountQuantity": "-8"}
    corrected = [*ROWS, used | taken_back | before, refund]
    report = check_delivery(CheckRequest([write_csv(tmp_path / "bill.csv", corrected)], "1.2"), Silent())
    verdicts = {v.rule: v.outcome for v in report.verdicts}
    for rule in ("CommitmentDiscountQuantity-C-011-C", "CommitmentDiscountQuantity-C-014-C"):
        assert verdicts[rule] == "pass", "less was bought and used than was said"


@pytest.mark.parametrize(
    ("lost", "said"),
    [
        ((RESERVED,), f"open: 1 not judged, whose term is not all in this delivery: {RESERVED}"),
        ((RESERVED, SAVING), f"needs: bills of the whole term of {RESERVED}, {SAVING}"),
    ],
)
def test_the_table_says_which_commitments_could_not_be_judged(lost, said, tmp_path: Path, capsys) -> None:
    rows = [r for r in ROWS if r["ChargeCategory"] != "Purchase" or r["CommitmentDiscountId"] not in lost]
    check([write_csv(tmp_path / "bill.csv", rows)], focus="1.2")
    assert said in capsys.readouterr().out
