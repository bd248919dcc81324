"""The vendor that sends invoices as data: each is its month's charges in whole cents, and every rule of FOCUS 1.4 says so."""

from __future__ import annotations

import csv
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pyarrow as pa
import pytest

from fiscus.app.conformance import CheckRequest, check_delivery
from fiscus.cost.conformance.types import Declared
from fiscus.kernel.progress import Silent
from fiscus.twin.build import build_company


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("company")
    build_company(home, scale=0.02, months=2)
    return home / "inbox" / "anthropic"


def _charges(inbox: Path) -> list[dict[str, str]]:
    rows: list[dict[str, str]] = []
    for path in sorted(inbox.glob("*.zst")):
        with pa.CompressedInputStream(str(path), "zstd") as packed:
            rows += csv.DictReader(packed.read().decode().splitlines())
    return rows


def test_each_invoice_line_is_its_charges_to_half_a_cent_and_the_open_month_has_none(inbox: Path) -> None:
    (file,) = inbox.glob("invoices_*.csv")
    lines = {
        row["InvoiceDetailId"]: Decimal(row["BilledCost"]) for row in csv.DictReader(file.read_text().splitlines())
    }
    charged: Counter[str] = Counter()
    for row in _charges(inbox):
        charged[row["InvoiceDetailId"]] += Decimal(row["BilledCost"])
    assert charged.pop("") > 0
    assert charged.keys() == lines.keys()
    assert all(abs(charged[line] - amount) <= Decimal("0.005") for line, amount in lines.items())


def test_the_invoices_break_no_rule(inbox: Path) -> None:
    (file,) = inbox.glob("invoices_*.csv")
    report = check_delivery(CheckRequest([file], "1.4", "invoice_detail", Declared({}, {})), Silent())
    assert not [verdict for verdict in report.verdicts if verdict.outcome == "fail"]
