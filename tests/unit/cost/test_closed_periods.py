"""What was signed is held against its evidence; signed months close fiscal periods; a correction that is taken back is told."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from tests.bills import deliver, write_csv

from fiscus.cost.books.fiscal_closes import fiscal_closes
from fiscus.cost.types import Source
from fiscus.flows.close_period import close_period, reopen_period, show_closes
from fiscus.flows.keep_closes import CLOSE_FACT, keep_closes
from fiscus.flows.show_corrections import restatement_findings
from fiscus.kernel.actor import Actor
from fiscus.kernel.periods import FiscalCalendar, Month

PERSON = Actor("kim.berg")
SEPTEMBER = {"ChargePeriodStart": "2026-09-05T00:00:00Z", "ChargePeriodEnd": "2026-09-06T00:00:00Z"}
BILLED_THEN = {"BillingPeriodStart": "2026-09-01T00:00:00Z", "BillingPeriodEnd": "2026-10-01T00:00:00Z"}


def _signed(ws, folder: Path, month: str = "2026-10") -> None:
    deliver(ws, write_csv(folder / "a.csv", [{"BilledCost": "10"}, {**SEPTEMBER, **BILLED_THEN, "BilledCost": "7"}]))
    close_period(ws, Month.parse(month), PERSON, "No invoice is expected.")


def test_a_signature_that_the_state_has_lost_is_found_by_its_evidence(ws, tmp_path: Path) -> None:
    _signed(ws, tmp_path)
    with ws.state.begin() as tx:
        tx.facts.put(CLOSE_FACT + "2026-10", {})
    keep_closes(ws)
    assert show_closes(ws).closes == ()
    shown = show_closes(ws, verify=True)
    assert ([one.billing_month for one in shown.closes], shown.broken) == (["2026-10"], ("2026-10",))


def test_a_state_that_was_changed_together_with_its_digest_is_not_what_was_signed(ws, tmp_path: Path) -> None:
    """The month is signed anew over other bills, and only the state says so: its own digest is right."""
    _signed(ws, tmp_path)
    with ws.state.read() as tx:
        first = dict(tx.facts.get(CLOSE_FACT + "2026-10"))
    reopen_period(ws, Month(2026, 10), PERSON, "restated")
    assert show_closes(ws, verify=True).broken == ()
    deliver(ws, write_csv(tmp_path / "b.csv", [{"BilledCost": "12"}]), restate=True)
    close_period(ws, Month(2026, 10), PERSON, "No invoice is expected.")
    assert show_closes(ws, verify=True).broken == ()
    with ws.state.begin() as tx:
        tx.facts.put(CLOSE_FACT + "2026-10", first)
    keep_closes(ws)
    assert show_closes(ws, verify=True).broken == ("2026-10",)


def test_a_correction_that_was_known_when_a_month_was_signed_and_is_taken_back_is_told(ws, tmp_path: Path) -> None:
    """October's bill of `aws` corrects a September that `aws` had no bill of; once it does not, September has 3 less."""
    correction = {**SEPTEMBER, "ChargeClass": "Correction", "BilledCost": "3", "EffectiveCost": "3"}
    write = write_csv(tmp_path / "aws.csv", [correction, {"BilledCost": "5", "ResourceId": "i-2"}])
    deliver(ws, write)
    deliver(ws, write_csv(tmp_path / "own.csv", [{**SEPTEMBER, **BILLED_THEN}]), source=Source("own"))
    close_period(ws, Month(2026, 9), PERSON, "No invoice is expected.")
    assert restatement_findings(ws) == []
    deliver(ws, write_csv(tmp_path / "b.csv", [{"BilledCost": "5", "ResourceId": "i-2"}]), restate=True)
    (finding,) = restatement_findings(ws)
    assert (finding.amount, finding.period_label, finding.rows) == (Decimal(-3), "2026-09", 1)
    assert finding.title == "bills corrected 2026-09 after its close by 3.00 USD less"


def test_a_fiscal_quarter_is_closed_when_its_months_are(ws, tmp_path: Path) -> None:
    _signed(ws, tmp_path)
    assert [one.sentence() for one in show_closes(ws).fiscal] == [
        "FY2026-Q4 is not closed: 2026-11, 2026-12 are not signed.",
        "FY2026 is not closed: 11 of its 12 months are not signed.",
    ]
    (quarter,) = fiscal_closes(FiscalCalendar(2), ["2026-08", "2026-09", "2026-10"])[1:]
    assert quarter.sentence() == "FY2027-Q3 is closed: 2026-08 to 2026-10 are signed."


@pytest.mark.parametrize(
    ("calendar", "signed", "closed"),
    [
        (FiscalCalendar(2), ["2026-08", "2026-09", "2026-10"], {"FY2027-Q3": True, "FY2027": False}),
        (FiscalCalendar(1), [f"2026-{month:02d}" for month in range(1, 13)],
         {"FY2026": True, "FY2026-Q1": True, "FY2026-Q2": True, "FY2026-Q3": True, "FY2026-Q4": True}),
        (FiscalCalendar(4, 6), ["2026-04", "2026-05"],
         {"FY2026-P12": False, "FY2027-P01": True, "FY2027-P02": False, "FY2026-Q4": False, "FY2027-Q1": False, "FY2026": False,
          "FY2027": False}),
        (FiscalCalendar(weeks="4-5-4"), ["2026-02", "2026-04"],
         {"FY2027-P01": True, "FY2027-P02": False, "FY2027-P03": False, "FY2027-Q1": False, "FY2027": False}),
        (FiscalCalendar(2), [], {}),
    ],
    ids=["february", "january", "the sixth of April", "weeks", "nothing"],
)  # fmt: skip
def test_a_period_that_cuts_months_is_closed_when_all_of_them_are(calendar, signed, closed) -> None:
    assert {one.label: one.closed for one in fiscal_closes(calendar, signed)} == closed
