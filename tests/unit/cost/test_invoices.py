"""The lake against its invoices: matched within what rounding may do, or by how much not."""

from __future__ import annotations

from datetime import UTC, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bills import deliver, write_csv

from fiscus.cost.books.read_invoices import entered_invoice, read_invoices
from fiscus.cost.books.reconcile_invoices import reconciled, subunit, tolerance
from fiscus.cost.books.types import InvoiceCharges, InvoiceTotal
from fiscus.flows.enter_invoice import enter_invoices, withdraw_invoice
from fiscus.flows.reconcile_invoices import invoice_findings, reconcile_invoices
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import BadInput, NotFound

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ISSUER = "Amazon Web Services, Inc."


def _charges(
    invoice="INV-1", billed="100", rows=4, currency="USD", month="2026-09", tax="0", issuer=ISSUER
) -> InvoiceCharges:
    return InvoiceCharges(invoice, issuer, currency, month, rows, Decimal(billed), Decimal(tax))


def _invoice(
    amount="100", invoice="INV-1", currency="USD", month="2026-09", tax="0", held="entered", is_open=False
) -> InvoiceTotal:
    return InvoiceTotal(invoice, ISSUER, currency, month, Decimal(amount), Decimal(tax), held, is_open)


def _states(charges, invoices) -> list[tuple[str, Decimal]]:
    return [(line.state, line.difference) for line in reconciled(charges, invoices, "2026-11")]


@pytest.mark.parametrize(
    ("currency", "coin", "rows", "allowed"),
    [
        ("USD", "0.01", 4, "1.00"),
        ("USD", "0.01", 1_000_000, "5.00"),
        ("JPY", "1", 4, "100"),
        ("JPY", "1", 90_000, "150.0"),
        ("BHD", "0.001", 4, "0.100"),
        ("CLF", "0.0001", 4, "0.0100"),
    ],
)
def test_the_tolerance_is_that_of_focus_by_the_coin_of_the_currency(currency, coin, rows, allowed) -> None:
    assert subunit(currency) == Decimal(coin)
    assert tolerance(currency, rows) == Decimal(allowed)


def test_an_invoice_matches_up_to_the_tolerance_and_differs_beyond_it() -> None:
    assert _states([_charges()], [_invoice("101.00")]) == [("matched", Decimal("1.00"))]
    assert _states([_charges()], [_invoice("101.000001")]) == [("differs", Decimal("1.000001"))]
    assert _states([_charges()], [_invoice("98.99")]) == [("differs", Decimal("-1.01"))]


def test_what_is_missing_is_told_on_the_side_where_it_is_missing() -> None:
    found = _states([_charges("INV-2", "7")], [_invoice("100")])
    assert found == [("missing_here", Decimal(100)), ("missing_there", Decimal(-7))]


def test_an_invoice_is_its_number_issuer_currency_and_month_together() -> None:
    other = [_charges(month="2026-08"), _charges(currency="EUR"), _charges(issuer="Google")]
    lines = reconciled([_charges(), *other], [_invoice()], "2026-11")
    assert [line.state for line in lines] == ["missing_there", "missing_there", "no_invoice", "matched"]


def test_a_running_month_and_an_open_invoice_wait_for_nobody() -> None:
    waits = reconciled([_charges("INV-3", month="2026-11"), _charges()], [_invoice("500", is_open=True)], "2026-11")
    assert [line.state for line in waits] == ["open", "open"]


def test_bills_that_name_no_invoice_are_held_against_all_invoices_of_their_month() -> None:
    lines = reconciled([_charges("", "100")], [_invoice("60", "A"), _invoice("40.5", "B")], "2026-11")
    assert [(x.invoice_id, x.by, x.state, x.difference) for x in lines] == [
        ("A, B", "issuer", "matched", Decimal("0.5"))
    ]


def test_tax_that_only_one_side_says_is_no_difference() -> None:
    assert _states([_charges("INV-1", "100")], [_invoice("119", tax="19")]) == [("matched", Decimal(0))]
    assert _states([_charges("INV-1", "119", tax="19")], [_invoice("119", tax="19")]) == [("matched", Decimal(0))]
    detail = _invoice("121", tax="21", held="invoice_detail")
    assert _states([_charges("INV-1", "119", tax="19")], [detail]) == [("matched", Decimal(0))]


MONEY = st.decimals(-(10**9), 10**9, places=12)
PLACES = st.tuples(
    st.sampled_from(["", "A", "B"]), st.sampled_from(["USD", "EUR"]), st.sampled_from(["2026-08", "2026-09"])
)


@given(st.dictionaries(PLACES, MONEY, max_size=10), st.dictionaries(PLACES, MONEY, max_size=10))
def test_every_charge_and_every_invoice_stands_once_to_the_last_digit(charged, invoiced) -> None:
    charges = [_charges(i, str(cost), 3, currency, month) for (i, currency, month), cost in charged.items()]
    invoices = [_invoice(str(cost), i or "C", currency, month) for (i, currency, month), cost in invoiced.items()]
    lines = reconciled(charges, invoices, "2026-11")
    for currency in ("USD", "EUR"):
        mine = [line for line in lines if line.currency == currency]
        assert sum((line.here for line in mine), Decimal(0)) == sum(
            (c.billed for c in charges if c.currency == currency), Decimal(0)
        )
        assert sum((line.there for line in mine), Decimal(0)) == sum(
            (i.amount for i in invoices if i.currency == currency), Decimal(0)
        )
        assert all(line.difference == line.there - line.here for line in mine)


@pytest.mark.parametrize(
    ("line", "row", "column", "message"),
    [
        ("INV-1,Amazon,2026-13,USD,5", 1, "invoice", "'2026-13' is not a month"),
        ("INV-1,Amazon,2026-09,USD,five", 1, "amount", "is no decimal number"),
        ("INV-1,Amazon,2026-09,DOL,5", 1, "currency", "is not an ISO 4217 code"),
        (",Amazon,2026-09,USD,5", 1, "invoice", "has no invoice"),
        ("INV-1,Amazon Web Services, Inc.,2026-09,USD,5", 1, "invoice", "more fields"),
        ("INV-1,A,2026-09,USD,5\nINV-1,A,2026-09,USD,6", 2, "invoice", "stands here twice"),
    ],
)
def test_a_file_of_invoices_is_refused_by_row_and_column(tmp_path: Path, line, row, column, message) -> None:
    path = tmp_path / "invoices.csv"
    path.write_text(f"invoice,issuer,period,currency,amount\n{line}\n")
    with pytest.raises(BadInput, match=message) as refused:
        read_invoices(path, "ada", NOW)
    where = refused.value.where
    assert where is not None
    assert (where.file, where.row, where.column) == (str(path), row, column)


def _parts(amount: str) -> dict[str, str]:
    return {"invoice": "INV-9", "issuer": ISSUER, "period": "2026-10", "currency": "usd", "amount": amount}


def test_an_entered_invoice_reconciles_or_is_a_finding_until_it_does(ws, tmp_path: Path) -> None:
    person = next(iter(ws.config.directory.people))
    deliver(ws, write_csv(tmp_path / "a.csv", [{"InvoiceId": "INV-9", "BilledCost": "150.25"}]))

    def enter(amount: str):
        return enter_invoices(ws, [entered_invoice(_parts(amount), person, NOW)], Actor(person))

    with pytest.raises(NotFound):
        enter_invoices(ws, [entered_invoice(_parts("1"), "nobody-here", NOW)], Actor("nobody-here"))
    assert (enter("200").new, enter("200").known) == (1, 1)
    (line,) = reconcile_invoices(ws, "2026-10").lines
    assert (line.state, line.difference, line.by) == ("differs", Decimal("49.75"), "invoice")
    (finding,) = invoice_findings(ws)
    assert finding.amount == Decimal("49.75")
    assert "says 49.75 USD more than its charges (200.00 against 150.25)" in finding.title
    assert enter("150.25").changed == 1
    assert invoice_findings(ws) == []
    assert reconcile_invoices(ws).sentence == "1 invoice matched."
    other = entered_invoice(_parts("7") | {"invoice": "X-1", "issuer": "Amazon Web Services Inc."}, person, NOW)
    assert "Did you mean Amazon Web Services, Inc.?" in enter_invoices(ws, [other], Actor(person)).unknown[0]
    with pytest.raises(NotFound, match="No invoice 'X-2' was entered"):
        withdraw_invoice(ws, "X-2", "", Actor(person), "a slip")
    assert [one.amount for one in withdraw_invoice(ws, "X-1", "", Actor(person), "a slip")] == [Decimal(7)]
    assert reconcile_invoices(ws).counts == {"matched": 1}
    with ws.state.read() as tx:
        changes = [
            (r.kind, r.body["before"] and r.body["before"]["amount"])
            for r in tx.evidence_records(["invoice.entered", "invoice.changed"])
            if r.subject == "INV-9"
        ]
    assert changes == [("invoice.entered", None), ("invoice.changed", "200")]
