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
from fiscus.flows.enter_invoice import enter_invoices, entered_invoices, withdraw_invoice
from fiscus.flows.reconcile_invoices import invoice_findings, reconcile_invoices, said_of, tax_said
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import BadInput, NotFound

NOW = datetime(2026, 11, 20, tzinfo=UTC)
ISSUER = "Amazon Web Services, Inc."


def _charges(
    invoice="INV-1", billed="100", rows=4, currency="USD", month="2026-09", tax="0", issuer=ISSUER
) -> InvoiceCharges:
    return InvoiceCharges(invoice, issuer, currency, month, rows, Decimal(billed), Decimal(tax))


def _invoice(
    amount="100", invoice="INV-1", currency="USD", month="2026-09", tax: str | None = "0", held="entered", is_open=False
) -> InvoiceTotal:
    stated = None if tax is None else Decimal(tax)
    return InvoiceTotal(invoice, ISSUER, currency, month, Decimal(amount), stated, held, is_open)


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


def test_a_tax_that_is_not_stated_is_not_zero_and_the_whole_is_held_against_the_whole() -> None:
    charges = [_charges(billed="11.92", tax="1.10")]
    assert _states(charges, [_invoice("11.92", tax=None)]) == [("matched", Decimal(0))]
    assert _states(charges, [_invoice("10.82", tax=None)]) == [("differs", Decimal("-1.10"))]
    assert _states(charges, [_invoice("10.82", tax="0")]) == [("matched", Decimal(0))], "it says that it has none"
    (line,) = reconciled(
        [_charges("", "111", tax="11")], [_invoice("60", "A", tax="6"), _invoice("51", "B", tax=None)], "2026-11"
    )
    assert (line.state, line.tax_there, line.tax_apart) == ("matched", None, False), "of one of the two nobody knows it"


@pytest.mark.parametrize("held", ["entered", "invoice_detail"])
@pytest.mark.parametrize("there", [None, "0", "1.10", "7"])
@pytest.mark.parametrize("here", ["0", "1.10"])
def test_what_both_sides_are_shown_as_subtracts_to_the_difference_and_what_is_left_out_is_told(
    here, there, held
) -> None:
    (line,) = reconciled([_charges(billed="11.92", tax=here)], [_invoice("19.5", tax=there, held=held)], "2026-11")
    assert line.difference == line.there - line.here
    left = (Decimal("11.92") - line.here, Decimal("19.5") - line.there)
    assert left == ((line.tax_here, line.tax_there) if line.tax_apart else (0, 0))
    assert bool(tax_said(line)) == (line.tax_apart or (there is None and line.state == "differs"))


@pytest.mark.parametrize(
    ("currency", "charges", "invoice", "says"),
    [
        ("KWD", "5", "5.101", "says 0.101 KWD more than its charges (5.101 against 5.000)"),
        ("USD", "5", "6.01", "says 1.01 USD more than its charges (6.01 against 5.00)"),
        ("JPY", "1000.5", "1101", "says 100.50 JPY more than its charges (1,101.00 against 1,000.50)"),
    ],
)
def test_a_difference_is_said_in_the_coins_of_its_currency(
    currency: str, charges: str, invoice: str, says: str
) -> None:
    (line,) = reconciled(
        [_charges(billed=charges, currency=currency)], [_invoice(invoice, currency=currency)], "2026-11"
    )
    assert said_of(line).endswith(says)


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
        ("INV-1,Amazon,2026-13,USD,5", 1, "period", "'2026-13' is not a month"),
        ("INV-1,Amazon,2026-09,USD,five", 1, "amount", "is no decimal number"),
        ("INV-1,Amazon,2026-09,DOL,5", 1, "currency", "is not an ISO 4217 code"),
        ("INV-1,Amazon,2026-09,JPY,5.5", 1, "amount", "finer than JPY has coins"),
        ("INV-1,Amazon,2026-09,USD,5.001", 1, "amount", "finer than USD has coins"),
        (",Amazon,2026-09,USD,5", 1, "invoice", "has no invoice"),
        ("INV-1,Amazon Web Services, Inc.,2026-09,USD,5", 1, "invoice", "more fields"),
        ("INV-1,A,2026-09,USD,5\nINV-1,A,2026-09,USD,6", 2, "invoice", "stands here twice"),
        ('INV-1,"A,2026-09,USD,5', 1, "invoice", "Not CSV"),
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


def test_a_column_that_stands_twice_is_refused_and_a_cell_of_two_lines_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "invoices.csv"
    path.write_text("invoice,InvoiceId,issuer,period,currency,amount\nINV-1,INV-2,A,2026-09,USD,5\n")
    with pytest.raises(BadInput, match="stands twice"):
        read_invoices(path, "ada", NOW)
    path.write_text(
        'invoice,issuer,period,currency,amount\nINV-1,"A\nof B",2026-09,USD,5\nINV-2,A\u2028C,2026-09,USD,5\n'
    )
    assert [one.issuer for one in read_invoices(path, "ada", NOW)] == ["A\nof B", "A\u2028C"]


def _parts(amount: str) -> dict[str, str]:
    return {"invoice": "INV-9", "issuer": ISSUER, "period": "2026-10", "currency": "usd", "amount": amount}


@pytest.mark.parametrize(
    ("amount", "tax"), [("100", "200"), ("100", "-1"), ("-100", "19"), ("-100", "-101"), ("0", "1")]
)
def test_a_tax_that_is_no_part_of_the_amount_is_refused(amount: str, tax: str) -> None:
    with pytest.raises(BadInput, match="is no part of the amount") as refused:
        entered_invoice(_parts(amount) | {"tax": tax}, "ada", NOW)
    assert refused.value.where is not None
    assert refused.value.where.column == "tax"
    with pytest.raises(BadInput, match="is finer than USD has coins"):
        entered_invoice(_parts("100") | {"tax": "0.005"}, "ada", NOW)


def test_what_an_invoice_says_of_its_tax_is_kept_as_it_was_said() -> None:
    said = [("100", ""), ("100", "0"), ("100.000", "100"), ("-100", "-19.50")]
    taxes = [entered_invoice(_parts(amount) | {"tax": tax}, "ada", NOW).tax for amount, tax in said]
    assert taxes == [None, Decimal(0), Decimal(100), Decimal("-19.50")]


def test_a_tax_of_nothing_that_an_earlier_version_stored_may_have_been_left_out(ws) -> None:
    person = next(iter(ws.config.directory.people))

    def enter(tax: str):
        entered = enter_invoices(ws, [entered_invoice(_parts("100") | {"tax": tax}, person, NOW)], Actor(person))
        with ws.state.read() as tx:
            (kept,) = entered_invoices(tx)
        return entered.new, entered.changed, kept.tax

    assert enter("") == (1, 0, None)
    with ws.state.begin() as tx:
        ((name, stored),) = tx.facts.matching("books.invoice.").items()
        tx.facts.put(name, {k: v for k, v in stored.items() if k != "tax_stated"} | {"tax": "0"})  # as 0.1 wrote it
    assert enter("") == (0, 0, None)
    assert enter("0") == (0, 1, Decimal(0))
    assert enter("0.00") == (0, 0, Decimal(0))
    assert enter("19") == (0, 1, Decimal(19))
    with ws.state.begin() as tx:
        ((name, stored),) = tx.facts.matching("books.invoice.").items()
        tx.facts.put(name, {k: v for k, v in stored.items() if k != "tax_stated"})
    assert enter("19") == (0, 0, Decimal(19)), "one that is something was stated"


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
