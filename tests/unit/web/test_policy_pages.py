"""The page of one policy and its API: what it demands, what it would have done, and the rows one click away."""

from __future__ import annotations

import html
import re
from dataclasses import replace
from decimal import Decimal

import pytest
from tests.fixtures.judging import AS_OF, charge, company_with_bills, days, tags
from tests.fixtures.policy_text import policy, policy_set, policy_text

from fiscus.flows.workspace import Workspace
from fiscus.guardrails.backtests.enforced_level import enforced

from .conftest import ORIGIN, Browser, app_over

AI = {
    "ServiceCategory": "AI and Machine Learning",
    "ServiceName": "Claude <b>API</b>",
    "ServiceProviderName": "Anthropic",
}
DEAR = policy(
    "dear-ai", on=["ai.request"], effect="deny", level="hard", on_error="hold",
    when='intent.environment == "staging" && intent.amount > money("5.00 USD")',
)  # fmt: skip
WEB = policy("web", title="what web spends")


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    rows = []
    for day in days(AS_OF.replace(month=10, day=1), AS_OF):
        rows.append(charge(day, "10", Tags=tags("web"), ResourceId="i-web"))
        rows.append(charge(day, "7", Tags=tags("ml", "staging"), ResourceId="key-1", **AI))
    ws = company_with_bills(tmp_path_factory.mktemp("company"), {"usd": rows})
    written = policy_set(DEAR, WEB)
    config = replace(ws.config, policies=enforced(written, frozenset()), written=written)
    return replace(ws, config=config)


def _served(company: Workspace) -> Browser:
    """A server over the company as it is now; one that is open opens its files anew once a proof is recorded."""
    return Browser(app_over(company))


@pytest.fixture
def browser(company: Workspace) -> Browser:
    return _served(company)


def _post(browser: Browser, url: str, body: object):
    return browser.http.post(url, json=body, headers={"Origin": ORIGIN})


def test_a_policy_that_does_not_count_as_hard_says_so_and_what_to_do(browser: Browser) -> None:
    page = browser.get("/policies/dear-ai")
    assert page.status_code == 200
    assert "try it on history, then it is hard. Until then it is soft." in page.text
    assert "soft, written at hard" in page.text
    assert "fiscus policy backtest dear-ai" in page.text
    assert 'hx-get="/policies/dear-ai/backtest?months=3"' in page.text


def test_the_backtest_names_money_months_and_people_and_each_line_opens_its_rows(browser: Browser) -> None:
    page = browser.get("/policies/dear-ai/backtest?months=2").text
    assert "dear-ai would have denied 50 of 50 intents that history would have asked, 350.00 USD." in page
    assert "lea (ml)" in page
    assert "<b>API</b>" not in page
    links = re.findall(r'href="(/policies/dear-ai/backtest/hit-[^"]+)"', page)
    assert len(links) == 20
    rows = browser.get(html.unescape(links[0]))
    assert rows.status_code == 200
    assert "key-1" in rows.text
    assert "The query" in rows.text
    assert browser.get("/policies/dear-ai/backtest/hit-none").status_code == 404


def test_the_list_of_policies_links_to_each(browser: Browser) -> None:
    assert 'href="/policies/web"' in browser.get("/policies").text
    assert browser.get("/policies/nothing").status_code == 404
    assert browser.get("/policies/web?months=x").status_code == 422


def test_the_api_gives_the_query_of_each_line(browser: Browser, company: Workspace) -> None:
    found = browser.get("/api/policies/web/backtest?months=1").json()
    (part,) = found["backtest"]["parts"]
    (hit,) = part["largest"]
    assert (hit["amount"], part["matched"], found["months"]) == ("190.000000000000", 19, 1)
    assert hit["query"]["sql"].lstrip().startswith("--")
    assert company.lake.ask("SELECT count(*) FROM charges").rows, "the lake stands"
    assert browser.get("/api/policies/web/backtest?months=99").status_code == 422


def test_the_api_explains_an_intent_and_a_charge(browser: Browser) -> None:
    intent = {"kind": "ai.request", "requested_by": "lea", "environment": "staging", "amount": "9", "currency": "USD"}
    said = _post(browser, "/api/policies/dear-ai/explain", {"intent": intent}).json()
    assert (said["result"], said["verdict"]) == ("match", "require_approval")
    assert [term["answer"] for term in said["terms"]] == ["true", "true"]
    charged = _post(browser, "/api/policies/web/explain", {"charge": "ResourceId = 'i-web'"}).json()
    assert charged["result"] == "match"
    assert _post(browser, "/api/policies/web/explain", {}).status_code == 422
    assert _post(browser, "/api/policies/web/explain", {"charge": "1; DROP TABLE x"}).status_code == 400


def test_the_api_tries_a_file_and_compares_it_without_recording(browser: Browser, company: Workspace) -> None:
    changed = policy_text({**WEB, "when": 'charge.team in ["web", "ml"]'})
    (tried,) = _post(browser, "/api/policies/backtest", {"text": changed, "months": 1}).json()
    assert tried["backtest"]["parts"][0]["matched"] == 38
    diff = _post(browser, "/api/policies/diff", {"new": changed, "months": 1}).json()
    assert {one["policy_id"]: one["change"] for one in diff["changes"]} == {"dear-ai": "removed", "web": "changed"}
    web = next(one for one in diff["changes"] if one["policy_id"] == "web")
    assert Decimal(web["newly"][0]["totals"][0]["amount"]) == 19 * 7
    refused = _post(browser, "/api/policies/backtest", {"text": "policies: 5"})
    assert (refused.status_code, refused.json()["error"]["code"]) == (422, "bad_config")
    with company.state.read() as tx:
        assert not list(tx.evidence_records(["policy.backtested"]))


def test_what_the_page_showed_is_recorded_and_nothing_else(browser: Browser, company: Workspace) -> None:
    browser.acts_as("pia")
    page = browser.get("/policies/web/backtest?months=1").text
    assert "it stays at warn" in page
    digest = re.search(r'name="digest" value="(\w+)"', page)
    assert digest
    assert browser.send("/policies/web/backtest", {"digest": "0" * 64, "months": "1"}).status_code == 409
    with company.state.read() as tx:
        assert not list(tx.evidence_records(["policy.backtested"]))
    done = browser.send("/policies/web/backtest", {"digest": digest[1], "months": "1"})
    assert (done.status_code, done.headers["location"]) == (303, "/policies/web?months=1&said=tried")
    with company.state.read() as tx:
        (record,) = tx.evidence_records(["policy.backtested"])
    assert (record.actor.person_id, record.body["result"]) == ("pia", digest[1])


def test_recording_names_who_tried_it(browser: Browser, company: Workspace) -> None:
    browser = _served(company)
    assert _post(browser, "/api/policies/dear-ai/backtest", {"as": "nobody"}).status_code == 404
    recorded = _post(browser, "/api/policies/dear-ai/backtest", {"as": "pia", "months": 2}).json()
    assert (recorded["how"], recorded["by"], recorded["policy_id"]) == ("backtest", "pia", "dear-ai")
    forced = _post(_served(company), "/api/policies/dear-ai/force", {"as": "pia", "reason": "It runs away now."}).json()
    assert forced["how"] == "force"
    assert "forced" in _served(company).get("/policies/dear-ai").text
    with company.state.read() as tx:
        records = tx.evidence_records(["policy.backtested", "policy.forced"])
        kinds = [record.kind for record in records if record.subject == "dear-ai"]
    assert kinds == ["policy.backtested", "policy.forced"]
