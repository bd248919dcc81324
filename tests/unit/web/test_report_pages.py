"""Reports on the pages, in the API and on the command line: one question, one answer."""

from __future__ import annotations

from html import unescape

import jsonschema
import pytest
from tests.unit.web.conftest import Browser

from fiscus.flows.run_report import listed_reports, run_report
from fiscus.flows.workspace import Workspace
from fiscus.kernel.canonical import to_json

ASKED = "/reports/costs-service-name?first=2026-10&last=2026-11"
ROUTES = (
    ("/api/reports", "/api/reports"), ("/api/reports/{name}", f"/api{ASKED}"),
    ("/api/reports/{name}/definition", "/api/reports/top-movers/definition"),
)  # fmt: skip


def test_reports_stand_by_who_asks_them(ws: Workspace, browser: Browser) -> None:
    page = unescape(browser.get("/reports").text)
    for one in listed_reports(ws):
        assert f'href="/reports/{one.name}"' in page
        assert one.question in page
    assert 'href="/reports" data-jump="e" aria-current="page"' in page


def test_what_was_asked_stands_in_the_address_and_in_the_form(ws: Workspace, browser: Browser) -> None:
    answer = run_report(ws, "costs-service-name", {"first": "2026-10", "last": "2026-11"})
    page = browser.get(ASKED).text
    assert 'name="first" value="2026-10" type="month"' in page
    assert page.count("<tr>") > len(answer.rows), "every row, and the chart's table"
    assert f"{answer.rows.rows[0][-1]:,.2f}" in page
    assert "island-costs-service-name" in page
    assert answer.chart is not None
    assert answer.sentence.endswith(f"start with {answer.chart.labels[0]}.")
    assert answer.sentence in unescape(page)
    assert f"lake version <code>{answer.lake_version}" in page.lower()


def test_a_wrong_parameter_is_said_beside_the_form(browser: Browser) -> None:
    page = browser.get("/reports/costs-service-name?first=soon")
    assert page.status_code == 200
    assert 'value="soon"' in page.text
    assert 'aria-invalid="true"' in page.text
    assert "Write YYYY-MM" in page.text


def test_bills_cannot_write_into_the_page(browser: Browser) -> None:
    assert "<script>alert" not in browser.get("/reports/costs-service-name?first=2026-01&last=2026-12").text


@pytest.mark.parametrize("name", ["budgets-at-risk", "renewals-ahead", "top-movers", "month-to-date", "daily-spend"])
def test_a_report_has_a_page_whatever_it_reads(browser: Browser, name: str) -> None:
    assert browser.get(f"/reports/{name}").status_code == 200


def test_the_page_and_the_api_give_one_answer(ws: Workspace, browser: Browser) -> None:
    given = browser.get(f"/api{ASKED}").json()
    answer = run_report(ws, "costs-service-name", {"first": "2026-10", "last": "2026-11"})
    assert given["rows"]["rows"] == to_json(answer.rows.rows)
    assert given["totals"] == to_json(answer.totals)
    assert given["bound"] == {"first": "2026-10", "last": "2026-11", "provider": ""}
    assert browser.get("/api/reports/nope").status_code == 404
    assert browser.get("/api/reports/costs-service-name?nope=1").status_code == 422
    twice = browser.get(f"/api{ASKED}&last=2026-10")
    assert (twice.status_code, twice.json()["error"]["message"]) == (422, "'last' is given twice"), (
        "as the command has it"
    )
    assert "&#39;last&#39; is given twice" in browser.get(f"{ASKED}&last=2026-10").text
    assert len(browser.get(f"/api{ASKED}&rows_max=1").json()["rows"]["rows"]) == 1
    assert {one["name"] for one in browser.get("/api/reports").json()} >= {"costs-service-name", "unowned-spend"}
    assert browser.get("/api/reports/unowned-spend/definition").json()["persona"] == "CFO"


@pytest.mark.parametrize(("route", "url"), ROUTES)
def test_each_answer_is_what_its_description_promises(browser: Browser, route: str, url: str) -> None:
    described = browser.get("/api/openapi.json").json()
    schema = described["paths"][route]["get"]["responses"]["200"]["content"]["application/json"]["schema"]
    jsonschema.validate(browser.get(url).json(), {**schema, "components": described["components"]})
