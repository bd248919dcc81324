"""The books on their page and in the API: what stands against closing, signing, invoices, corrections."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from html import unescape
from pathlib import Path

import jsonschema
import pytest
from tests.bills import ROW, deliver, write_csv
from tests.unit.web.conftest import Browser, app_over

from fiscus.flows.workspace import Workspace

HOSTILE = "<script>alert('x')</script>"
ROUTES = ("/api/books", "/api/invoices", "/api/closes", "/api/corrections", "/api/completeness")


@pytest.fixture
def ws(home) -> Workspace:
    from fiscus.app.workspace import open_workspace

    return open_workspace(home, date(2026, 11, 20))


@pytest.fixture
def pages(ws: Workspace) -> Browser:
    return Browser(app_over(ws))


def _bill(path: Path, cost: str) -> Path:
    return write_csv(path, [{"BilledCost": cost, "InvoiceId": "INV-10"}])


def test_a_month_is_signed_on_the_page_and_what_comes_later_stands_there(ws, pages: Browser, tmp_path: Path) -> None:
    assert "No bill of 2026-10 has been delivered" in pages.get("/books").text
    deliver(ws, _bill(tmp_path / "a.csv", "10"))
    assert "<button" not in pages.get("/books").text.split('id="month"')[1].split("</section>")[0], "nobody was chosen"
    pages.acts_as("kim.berg")
    invoice = {
        "invoice": "INV-10",
        "issuer": ROW["InvoiceIssuerName"],
        "period": "2026-10",
        "currency": "USD",
        "amount": "20",
    }
    assert pages.send("/books/invoice", invoice | {"note": HOSTILE}).status_code == 303
    page = unescape(pages.get("/books").text)
    assert "2026-10 cannot be closed yet: Invoice INV-10" in page
    assert "against 1 reason" in page
    assert pages.send("/books/2026-10/close").status_code == 409, "not without a reason"
    assert pages.send("/books/invoice", invoice | {"amount": "10"}).status_code == 303
    assert "Close 2026-10: every feed is whole" in pages.get("/books").text
    assert pages.send("/books/2026-10/close").headers["location"] == "/books?said=month-closed"
    deliver(ws, _bill(tmp_path / "b.csv", "12"))
    page = pages.get("/books").text
    assert "2026-10 is signed by kim.berg. Closed months were corrected by 2.00 USD since." in page
    assert page.count("Open 2026-10 again") == 1
    for route in ROUTES:
        described = pages.get("/api/openapi.json").json()
        schema = described["paths"][route]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
        jsonschema.validate(pages.get(route).json(), {**schema, "components": described["components"]})
    assert pages.get("/api/closes?verify=true").json()["broken"] == []
    assert pages.send("/books/2026-10/reopen", {"reason": "once more"}).status_code == 303
    assert pages.get("/api/closes").json()["closes"] == []


def test_what_is_left_out_as_tax_stands_under_each_amount_and_a_tax_that_nobody_states_is_told(
    ws, pages, tmp_path
) -> None:
    deliver(ws, _bill(tmp_path / "a.csv", "10"))
    invoice = {
        "as": "kim.berg", "invoice": "INV-10", "issuer": ROW["InvoiceIssuerName"], "period": "2026-10", "currency": "USD",
        "amount": "11.90",
    }  # fmt: skip
    assert pages.http.post("/api/invoices", json=invoice).json()["invoices"][0]["tax"] is None
    assert "its tax is not stated" in pages.get("/books").text
    assert pages.http.post("/api/invoices", json=invoice | {"tax": "1.90"}).json()["changed"] == 1
    (line,) = pages.get("/api/invoices?period=2026-10").json()["lines"]
    assert [Decimal(line[name]) for name in ("here", "there", "difference", "tax_here", "tax_there")] == [
        10,
        10,
        0,
        0,
        Decimal("1.9"),
    ]
    page = pages.get("/books").text
    assert ("without 0.00 tax" in page, "without 1.90 tax" in page, "is not stated" in page) == (True, True, False)


def test_the_api_enters_closes_and_opens_as_the_page_does(ws, pages: Browser, tmp_path: Path) -> None:
    deliver(ws, _bill(tmp_path / "a.csv", "10"))
    post = pages.http.post
    invoice = {
        "as": "kim.berg", "invoice": "INV-10", "issuer": ROW["InvoiceIssuerName"], "period": "2026-10", "currency": "USD",
        "amount": "19.5",
    }  # fmt: skip
    assert post("/api/invoices", json=invoice).json()["new"] == 1
    (line,) = pages.get("/api/invoices?period=2026-10").json()["lines"]
    assert (line["state"], line["difference"]) == ("differs", "9.500000000000")
    assert post("/api/closes", json={"as": "kim.berg", "period": "2026-10"}).status_code == 409
    forced = {"as": "kim.berg", "period": "2026-10", "force": True}
    assert post("/api/closes", json=forced).status_code == 422
    closed = post("/api/closes", json=forced | {"note": "disputed"}).json()
    assert (closed["forced"], closed["totals"][0]["billed"]) == ("disputed", "10.000000000000")
    assert post("/api/closes/2026-10/reopen", json={"as": "kim.berg", "note": "settled"}).status_code == 200
    assert post("/api/closes/2026-13/reopen", json={"as": "kim.berg", "note": "settled"}).status_code == 422
