"""What commitments amortise is held against what they cost once their term lies in the delivery; what cannot be is told."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from tests.focus_deliveries import RESERVED, SAVING, Row, cost_and_usage, write_csv

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
