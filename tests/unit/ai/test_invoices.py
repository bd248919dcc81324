"""Invoices of vendors without a billing API, as CSV files: read exactly, or refused with file, row and column."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest

from fiscus.cost.ai.read_invoice import read_invoice
from fiscus.cost.ai.types import VendorCost
from fiscus.kernel.errors import BadInput


def invoice(tmp_path: Path, text: str) -> Path:
    path = tmp_path / "invoice.csv"
    path.write_text(text, "utf-8")
    return path


def test_lines_are_read_to_the_last_digit(tmp_path: Path) -> None:
    path = invoice(
        tmp_path, "﻿Date,Amount,Currency,Model,Quantity\n2026-10-05,0.0000012,,sonar,3\n2026-10-06,-2,eur,,\n"
    )
    assert read_invoice(path, "USD") == [
        VendorCost(date(2026, 10, 5), Decimal("0.0000012"), "USD", "sonar", "sonar", quantity=Decimal(3)),
        VendorCost(date(2026, 10, 6), Decimal(-2), "EUR", ""),
    ]


@pytest.mark.parametrize(
    ("text", "message", "line"),
    [
        ("day,amount\n", "no column date", 1),
        ("date,amount,modle\n", "Nobody knows the column 'modle'", 1),
        ("date,amount,Amount\n2026-10-05,1,2\n", "amount stands twice", 1),
        ("date,amount\n05.10.2026,1\n", "is not a date", 2),
        ("date,amount\n2026-10-05,one\n", "no decimal number", 2),
        ("date,amount\n2026-10-05,NaN\n", "no decimal number", 2),
        ("date,amount\n", "holds no line", 1),
        ("", "no column date", 1),
    ],
)
def test_what_cannot_be_read_is_named(tmp_path: Path, text: str, message: str, line: int) -> None:
    with pytest.raises(BadInput, match=message) as refused:
        read_invoice(invoice(tmp_path, text), "USD")
    assert refused.value.where is not None
    assert refused.value.where.line == line
