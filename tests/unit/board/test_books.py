"""The pack says whether invoices reconcile, whether the month is signed, and what changed of closed months."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

from fiscus.board.books import LINES_MAX, corrections_exhibit, invoices_exhibit
from fiscus.board.frame import Frame
from fiscus.cost.books.reconcile_invoices import reconciled
from fiscus.cost.books.types import CorrectionLine, InvoiceCharges, InvoiceTotal
from fiscus.kernel.periods import FiscalCalendar, Month
from fiscus.kernel.rows import Query

FRAME = Frame("Example", "USD", FiscalCalendar(), Month(2026, 9), date(2026, 11, 20))
NONE = Query("SELECT 1", {})


def _lines(*amounts: str):
    charges = [
        InvoiceCharges(f"I{n}", "Nimbus", "USD", "2026-09", 4, Decimal(10), Decimal(0)) for n in range(len(amounts))
    ]
    held = [
        InvoiceTotal(f"I{n}", "Nimbus", "USD", "2026-09", Decimal(amount), Decimal(0), "entered")
        for n, amount in enumerate(amounts)
    ]
    return reconciled(charges, held, "2026-11")


def test_the_title_says_how_many_invoices_reconcile_and_which_is_most_apart() -> None:
    table = invoices_exhibit(_lines("10", "17.5", "13"), None, NONE, FRAME)
    assert table.title == (
        "1 of 3 invoices of September 2026 reconcile with the charges; Nimbus is 7.50 USD apart; the month is not signed"
    )
    assert [row[5] for row in table.rows] == [Decimal("7.5"), Decimal(3), Decimal(0)]


def test_tax_that_is_left_out_stands_beside_what_it_is_left_out_of() -> None:
    charges = [InvoiceCharges("I1", "Nimbus", "USD", "2026-09", 4, Decimal(10), Decimal(0))]
    held = [InvoiceTotal("I1", "Nimbus", "USD", "2026-09", Decimal("11.9"), Decimal("1.9"), "entered")]
    table = invoices_exhibit(reconciled(charges, held, "2026-11"), None, NONE, FRAME)
    assert [name for name, _ in table.columns[-2:]] == ["tax left out of the charges", "tax left out of the invoice"]
    assert table.rows[0][3:6] + table.rows[0][-2:] == (Decimal(10), Decimal(10), 0, 0, Decimal("1.9"))


def test_a_long_list_says_what_it_leaves_out() -> None:
    table = invoices_exhibit(_lines(*["10"] * (LINES_MAX + 2)), None, NONE, FRAME)
    assert (len(table.rows), "2 more lines are in /api/invoices." in table.note) == (LINES_MAX, True)


def test_a_corrected_month_adds_up_in_its_line() -> None:
    money = [Decimal(value) for value in ("25.36", "5.36", "30.72", "5")]
    line = CorrectionLine("aws", "2026-08", "USD", "signed", *money, *money, 48, 47, 0)
    (row,) = corrections_exhibit([line], NONE).rows
    _, _, _, reported, changed, moved, restated = row
    assert moved == Decimal("0.36")
    assert reported + changed + moved == restated
