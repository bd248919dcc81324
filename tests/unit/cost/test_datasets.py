"""Contract Commitment, Billing Period and Invoice Detail come in as bills do: whole and exact, or not at all."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from tests.focus_deliveries import contract_commitment, write_csv
from tests.focus_deliveries_1_4 import (
    billing_period,
    contract_commitment_1_4,
    cost_and_usage_1_4,
    invoice_detail_1_4,
)

from fiscus.cost.types import IngestOptions, Source
from fiscus.flows.ingest_bills import ingest_files
from fiscus.kernel.errors import BadInput
from fiscus.kernel.progress import Silent


def _deliver(ws, *paths: Path, **options):
    return ingest_files(ws, Source("nimbus"), list(paths), IngestOptions(**options), Silent())


@pytest.fixture(scope="module")
def charges() -> list[dict]:
    return cost_and_usage_1_4()


@pytest.fixture
def folder(tmp_path: Path, charges: list[dict]) -> Path:
    """All four datasets of one month, as a vendor drops them into one folder."""
    bills = tmp_path / "bills"
    bills.mkdir()
    write_csv(bills / "charges.csv", charges)
    write_csv(bills / "invoices.csv", invoice_detail_1_4(charges))
    write_csv(bills / "periods.csv", billing_period())
    write_csv(bills / "commitments.csv", contract_commitment_1_4())
    return bills


def test_a_folder_with_all_four_datasets_is_a_delivery_of_each(ws, folder: Path, charges: list[dict]) -> None:
    deliveries = _deliver(ws, folder)
    assert [d.dataset for d in deliveries] == [
        "cost_and_usage",
        "contract_commitment",
        "billing_period",
        "invoice_detail",
    ]
    lines = ws.lake.ask("SELECT InvoiceId, BillingCurrency, sum(BilledCost) FROM invoice_details GROUP BY ALL").rows
    assert lines == (("INV-2026-01", "USD", sum(Decimal(row["BilledCost"]) for row in charges)),)
    periods = "SELECT x_BillingMonth, BillingPeriodStatus, InvoiceIssuerName FROM billing_periods ORDER BY ALL"
    assert [row[:2] for row in ws.lake.ask(periods).rows] == [
        ("2025-12", "Closed"), ("2026-01", "Closed"), ("2026-02", "Open"),
    ]  # fmt: skip
    commitments = ws.lake.ask(
        "SELECT x_SourceId, ContractCommitmentDiscountPercentage, x_FocusVersion FROM contract_commitments ORDER BY ALL"
    ).rows
    assert commitments == (("nimbus", Decimal("0.2"), "1.4"), ("nimbus", None, "1.4"))
    version = ws.lake.version()
    again = _deliver(ws, folder)
    assert ([d.changed for d in again], ws.lake.version()) == ([False] * 4, version), "the same folder changes nothing"
    assert [[p.rows for p in d.periods] for d in again] == [[p.rows for p in d.periods] for d in deliveries]
    assert not any(p.changed or p.replaced_rows or p.billed_change for d in again for p in d.periods)


def test_an_empty_lake_has_the_views_with_their_columns(ws) -> None:
    for view in ("contract_commitments", "billing_periods", "invoice_details"):
        shown = ws.lake.ask(f"SELECT * FROM {view}")
        assert len(shown) == 0
        assert {"InvoiceIssuerName", "x_SourceId", "x_DeliveryId"} <= set(shown.columns)


def test_commitments_of_focus_1_3_stand_with_the_columns_of_1_4(ws, tmp_path: Path) -> None:
    (delivery,) = _deliver(ws, write_csv(tmp_path / "c.csv", contract_commitment()))
    assert (delivery.dataset, delivery.focus_version) == ("contract_commitment", "1.3")
    rows = ws.lake.ask(
        "SELECT ContractCommitmentId, ContractCommitmentLifecycleStatus, ContractCommitmentCost FROM contract_commitments"
    ).rows
    assert sorted((row[0], row[1]) for row in rows) == sorted(
        (row["ContractCommitmentId"], None) for row in contract_commitment()
    )


def test_commitments_are_replaced_whole_and_billing_periods_by_month(ws, tmp_path: Path) -> None:
    _deliver(ws, write_csv(tmp_path / "c1.csv", contract_commitment_1_4()))
    _deliver(ws, write_csv(tmp_path / "c2.csv", contract_commitment_1_4()[:1]))
    assert ws.lake.query("SELECT count(*) FROM contract_commitments").rows == ((1,),)
    _deliver(ws, write_csv(tmp_path / "p1.csv", billing_period()))
    closed = billing_period()[2] | {"BillingPeriodStatus": "Closed"}
    _deliver(ws, write_csv(tmp_path / "p2.csv", [closed]))
    states = "SELECT x_BillingMonth, BillingPeriodStatus FROM billing_periods ORDER BY ALL"
    assert ws.lake.query(states).rows == (("2025-12", "Closed"), ("2026-01", "Closed"), ("2026-02", "Closed"))


BROKEN = [
    ("BilledCost", "1,5", "is not a decimal number"),
    ("BilledCost", "", "is empty"),
    ("BillingPeriodStart", "1 Feb", "is not a date"),
    ("InvoiceDetailGrain", "{", "is not JSON"),
    ("BillingCurrency", "dollars", "is not an ISO 4217 code"),
    ("InvoiceIssueStatus", "issued", "is not a word of FOCUS"),
    ("BillingPeriodEnd", "2025-01-01T00:00:00Z", "is before BillingPeriodStart"),
]


def test_a_broken_line_is_refused_by_file_row_and_column(ws, tmp_path: Path, charges: list[dict]) -> None:
    for column, value, message in BROKEN:
        lines = invoice_detail_1_4(charges)
        lines[1] = lines[1] | {column: value}
        broken = write_csv(tmp_path / "invoices.csv", lines)
        with pytest.raises(BadInput, match=message) as refused:
            _deliver(ws, broken)
        where = refused.value.where
        assert where is not None
        assert (where.file, where.row, where.column) == (str(broken), 2, column)
    assert ws.lake.refresh().invoice_details == -1


def test_a_broken_file_refuses_the_other_datasets_of_the_call(ws, folder: Path, charges: list[dict]) -> None:
    write_csv(folder / "invoices.csv", [invoice_detail_1_4(charges)[0] | {"BilledCost": "free"}])
    with pytest.raises(BadInput, match="is not a decimal number"):
        _deliver(ws, folder)
    assert ws.lake.refresh().charges == -1, "the charges beside it did not land either"


def test_a_line_that_stands_twice_is_refused(ws, tmp_path: Path, charges: list[dict]) -> None:
    lines = invoice_detail_1_4(charges)
    with pytest.raises(BadInput, match="Two rows of the delivery are the same: InvoiceIssuerName"):
        _deliver(ws, write_csv(tmp_path / "i.csv", [*lines, lines[0]]))


def test_a_file_that_lacks_a_needed_column_says_which(ws, tmp_path: Path, charges: list[dict]) -> None:
    lines = [{k: v for k, v in line.items() if k != "InvoiceDetailId"} for line in invoice_detail_1_4(charges)]
    path = write_csv(tmp_path / "i.csv", lines)
    with pytest.raises(BadInput, match="The header has no InvoiceDetailId"):
        _deliver(ws, path, dataset="invoice_detail")
    with pytest.raises(BadInput, match="The header has no ChargePeriodStart"):
        _deliver(ws, path)


def test_a_crash_between_two_datasets_is_healed_by_the_same_call(
    ws, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fiscus.stores.lake import delivery_staging

    commit, calls = delivery_staging.replace_partitions, []

    def dies(*arguments):
        calls.append(arguments)
        if len(calls) == 2:
            raise KeyboardInterrupt
        return commit(*arguments)

    monkeypatch.setattr(delivery_staging, "replace_partitions", dies)
    with pytest.raises(KeyboardInterrupt):
        _deliver(ws, folder)
    version = ws.lake.refresh()
    assert (version.charges >= 0, version.contract_commitments) == (True, -1)
    healed = _deliver(ws, folder)
    assert [d.changed for d in healed] == [False, True, True, True]
    with ws.state.read() as tx:
        assert len(tx.deliveries.all()) == 4, "what landed before the crash is recorded too"
