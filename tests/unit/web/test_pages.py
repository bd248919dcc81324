"""What stands on the pages is what the flows say, escaped, with everything around it."""

from __future__ import annotations

import html
import json
import re
from dataclasses import replace
from datetime import timedelta

import pytest
from tests.fixtures.web_company import HOSTILE, case

from fiscus.edges.web.site import NAVIGATION
from fiscus.flows.show_actions import show_actions
from fiscus.flows.show_budgets import show_budgets
from fiscus.flows.show_cases import show_cases
from fiscus.flows.show_owners import show_owners
from fiscus.flows.show_policies import show_policies
from fiscus.flows.show_spend import show_spend
from fiscus.flows.show_today import show_today
from fiscus.flows.spend_dimensions import asked_from
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.canonical import to_json
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.money import display
from fiscus.serve import build_server

from .conftest import PORT, Browser

PAGES = ("/", "/spend", "/budgets", "/cases", "/actions", "/policies", "/owners", "/board", "/data", "/find?q=staging",
         "/api/docs", "/number/spend?where.service=Amazon+SageMaker", "/cases/case-1", "/policies/decisions/dec-1",
         "/number/finding/f-1", "/number/case/case-1", "/spend?group=tag:team&by=month&from=2026-10&to=2026-11",
         "/allocations?period=2026-10", "/currencies?period=2026-10", "/reports",
         "/reports/costs-service-name?first=2026-10&last=2026-11", "/reports/spend-by-owner?first=soon")  # fmt: skip


def text_of(page: str) -> str:
    return html.unescape(re.sub(r"<[^>]+>", " ", page))


@pytest.mark.parametrize("url", PAGES)
def test_each_page_opens_says_what_is_simulated_and_names_what_it_rests_on(browser, ws, url) -> None:
    page = browser.get(url)
    assert page.status_code == 200
    assert "AWS is an emulator on this machine" in page.text
    assert f"lake <code>{ws.lake.version()}</code>" in page.text
    assert page.text.count("<h1>") == 1
    assert "asserted, not proven" in page.text


@pytest.mark.parametrize("url", PAGES)
def test_what_a_vendor_or_a_tag_says_is_never_markup(browser, url) -> None:
    page = browser.get(url).text
    assert "<script>alert" not in page
    assert "alert('x')</script>" not in page
    assert not re.search(r"<script(?![^>]*(src=|type=\"application/json\"))", page)
    assert not re.search(r"\s(on\w+|style)=", page), "inline code or style, which the policy forbids"


def test_a_hostile_tag_is_a_group_like_any_other(browser) -> None:
    page = browser.get("/spend?group=tag:team").text
    assert html.escape(HOSTILE, quote=False).replace('"', "&#34;").replace("'", "&#39;") in page
    link = next(m for m in re.findall(r'href="(/number/spend\?[^"]*alert[^"]*)"', page))
    behind = browser.get(html.unescape(link))
    assert behind.status_code == 200
    assert "101.33" in text_of(behind.text)  # 19 x 5.333333


@pytest.mark.parametrize(
    ("url", "show"),
    [("/", show_today), ("/budgets", show_budgets), ("/cases", show_cases), ("/actions", show_actions),
     ("/policies", show_policies), ("/owners", show_owners)],
)  # fmt: skip
def test_the_sentence_of_a_page_is_the_sentence_of_its_flow(browser, ws, url, show) -> None:
    heading = re.search(r"<h1>(.*?)</h1>", browser.get(url).text, re.DOTALL)[1]
    assert html.unescape(heading) == show(ws).sentence


@pytest.mark.parametrize(
    "query", ["", "group=team", "group=service&from=2026-10&to=2026-11&by=month&metric=BilledCost"]
)
def test_the_numbers_of_spend_are_those_of_the_flow_and_of_the_api(browser, ws, query) -> None:
    asked = asked_from(pair.split("=") for pair in query.split("&") if pair)
    shown = show_spend(ws, asked)
    page = text_of(browser.get(f"/spend?{query}").text)
    assert display(shown.total.value) in page
    for line in shown.lines:
        assert display(line.cost.value, 0) in page
    assert browser.get(f"/api/spend?{query}").json() == json.loads(json.dumps(to_json(shown)))


def test_a_number_opens_to_its_query_and_its_charges_and_their_sum(browser) -> None:
    page = browser.get("/number/spend?where.service=Amazon+SageMaker").text
    assert "94.08" in text_of(page)  # 19 x 5.333333 - 7.25, in USD alone
    assert "list_contains" in page
    assert "of 20 charges" in page


def test_currencies_stay_apart(browser) -> None:
    assert "3.00" in text_of(browser.get("/spend?currency=EUR").text)


def test_every_chart_has_its_table_with_the_same_numbers(browser, ws) -> None:
    page = browser.get("/spend").text
    island = json.loads(
        re.search(r'<script type="application/json" id="island-spend">(.*?)</script>', page, re.DOTALL)[1]
    )
    chart = show_spend(ws, asked_from([])).chart
    assert [one["name"] for one in island["series"]] == [one.name for one in chart.series]
    table = page[page.index("The same numbers as a table") :]
    for label in chart.labels:
        assert label in table


def test_a_question_that_is_not_understood_is_refused_with_a_remedy(browser) -> None:
    page = browser.get("/spend?gruop=team")
    assert page.status_code == 422
    assert "Did you mean group?" in page.text
    assert browser.get("/spend?group=serivce").status_code == 422
    assert browser.get("/spend?from=2026-13").status_code == 422
    assert browser.get("/spend?by=hour").status_code == 422


def test_a_page_that_does_not_exist_says_so_in_words(browser) -> None:
    page = browser.get("/nothing")
    assert page.status_code == 404
    assert "There is nothing at /nothing" in text_of(page.text)
    assert "AWS is an emulator on this machine" in page.text
    assert browser.get("/cases/case-none").status_code == 404
    assert browser.get("/actions/act-none").status_code == 404
    assert browser.get("/policies/decisions/none").status_code == 404


def test_only_live_people_can_be_chosen(browser) -> None:
    page = browser.get("/").text
    assert '<option value="lea"' in page
    assert 'value="cem"' not in page
    assert browser.send("/who", {"person": "cem", "here": "/"}).status_code == 404


def test_search_finds_by_words_and_ids(browser) -> None:
    found = text_of(browser.get("/find?q=STAGING").text)
    assert "budget" in found
    assert "case" in found
    assert "Nothing has these words." in browser.get("/find?q=zzz").text


def test_pages_that_were_built_are_kept_until_something_changes(browser, ws) -> None:
    assert "case-2" not in browser.get("/cases").text
    with ws.state.begin() as tx:
        tx.cases.put(case("case-2"))
        tx.evidence.append("case.opened", "case-2", FISCUS, {})
    assert "case-2" in browser.get("/cases").text


EMPTY = {
    "/": "No spend this month.",
    "/spend": "No charge matches.",
    "/budgets": "No budget has been judged.",
    "/cases": "No case here.",
    "/actions": "No action is planned.",
    "/policies": "Nothing was asked yet.",
    "/owners": "No charge of this month.",
    "/board": "No pack has been built.",
    "/data": "No bill has been delivered.",
    "/reports/spend-by-owner": "No row.",
}


@pytest.mark.parametrize(("url", "said"), EMPTY.items())
def test_an_empty_page_says_what_would_stand_there_and_how_to_get_it(nothing_yet, url, said) -> None:
    page = nothing_yet.get(url)
    assert page.status_code == 200
    assert said in page.text
    assert "would stand here" in page.text


def test_bills_that_are_late_are_said_at_the_top_of_every_page(ws) -> None:
    later = replace(ws, clock=SteppedClock(ws.clock.now() + timedelta(days=9)))
    page = Browser(build_server(ws.home, PORT, later)).get("/budgets")
    assert "1 of 1 sources behind" in page.text
    assert "chase bills, 9 days behind" in Browser(build_server(ws.home, PORT, later)).get("/data").text


def test_each_place_has_a_letter_of_its_own() -> None:
    letters = [letter for _, _, letter in NAVIGATION]
    assert len(set(letters)) == len(letters)
