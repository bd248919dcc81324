"""Commitments whose money stands in several sources or contracts: what is paid in one, used in another, agreed in two."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

from tests.fixtures.judging import charge, company_with_bills, days

from fiscus.cost.types import IngestOptions, Source
from fiscus.flows.find_commitments import commitment_findings
from fiscus.flows.ingest_bills import ingest_files
from fiscus.flows.show_commitments import show_commitments
from fiscus.kernel.progress import Silent

SEPTEMBER, OCTOBER, NOVEMBER, DECEMBER = (date(2026, month, 1) for month in (9, 10, 11, 12))
TODAY = date(2026, 11, 20)
PLAN = {"CommitmentDiscountId": "sp-1", "CommitmentDiscountType": "Savings Plan", "CommitmentDiscountCategory": "Spend"}


def _used(day: date, **more: str) -> dict[str, str]:
    return {**charge(day, "10"), **PLAN, "BilledCost": "0", "CommitmentDiscountStatus": "Used", **more}


def _paid(start: date, end: date, billed: str) -> dict[str, str]:
    return {
        **charge(start, "0"), **PLAN, "BilledCost": billed, "ChargeCategory": "Purchase", "ChargeFrequency": "Recurring",
        "ChargePeriodEnd": f"{end}T00:00:00Z", "BillingAccountId": "payer",
    }  # fmt: skip


def test_what_the_payers_account_buys_is_due_by_the_usage_of_those_who_use_it(tmp_path: Path) -> None:
    """The payer has one charge of its own, in September. 10 a day are used until 19 November: 300 + 310 + 190 of 300."""
    payments = [_paid(SEPTEMBER, OCTOBER, "300"), _paid(OCTOBER, NOVEMBER, "310"), _paid(NOVEMBER, DECEMBER, "300")]
    own = charge(date(2026, 9, 10), "1", BillingAccountId="payer")
    lost = _used(date(2026, 9, 1), CommitmentDiscountStatus="Unused")
    usage = [lost, *(_used(day) for day in days(date(2026, 9, 2), TODAY))]
    ws = company_with_bills(tmp_path, {"payer": [*payments, own], "usage": usage})
    (one,) = show_commitments(ws).lines
    held = one.amortisation
    assert (held.purchased, held.due, held.in_advance, held.difference) == (910, 800, 110, 0)
    assert held.state == "running"
    assert [f.kind for f in commitment_findings(ws)] == []


def test_a_contract_that_two_sources_deliver_is_agreed_once_and_both_contracts_of_a_charge_are_named(
    tmp_path: Path,
) -> None:
    element = '{{"ContractId":"{}","ContractCommitmentId":"{}","ContractCommitmentAppliedCost":4}}'
    both = '{"Elements":[' + element.format("EDP-7", "spend") + "," + element.format("EDP-9", "growth") + "]}"
    ws = company_with_bills(tmp_path, {"aws": [_used(day, ContractApplied=both) for day in days(NOVEMBER, TODAY)]})
    path = tmp_path / "contracts.csv"
    columns = (
        "ContractCommitmentId,ContractId,ContractCommitmentCategory,ContractCommitmentCost,BillingCurrency,"
        "ContractCommitmentPeriodStart,ContractCommitmentPeriodEnd"
    )
    period = "2026-01-01T00:00:00Z,2027-01-01T00:00:00Z"
    path.write_text(f"{columns}\nspend,EDP-7,Spend,1000,USD,{period}\ngrowth,EDP-9,Spend,50,USD,{period}\n")
    for source in ("contracts", "contracts-again"):
        ingest_files(ws, Source(source), [path], IngestOptions(), Silent())
    shown = show_commitments(ws)
    assert [(one.id, one.applied, one.charges) for one in shown.agreements] == [
        ("spend", Decimal(76), 19), ("growth", Decimal(76), 19),
    ]  # fmt: skip
    assert [(one.contract, one.figures.used) for one in shown.contracts] == [("EDP-7, EDP-9", 190)]
