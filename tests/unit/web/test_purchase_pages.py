"""What was bought and promised, on the pages and in the API."""

from __future__ import annotations

import re
from datetime import date, timedelta
from typing import Any

import pytest
from tests.bills import deliver, write_csv
from tests.fixtures.judging import charge
from tests.unit.web.conftest import Browser, app_over

from fiscus.cost.types import Source
from fiscus.flows.approve_intent import approve_intent
from fiscus.flows.request_purchase import record_purchase, request_purchase
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.purchases.purchase_request import parse_purchase
from fiscus.kernel.actor import Actor

HOSTILE = "<script>alert('x')</script>"
ASK: dict[str, Any] = {
    "requested_by": "ana.silva", "environment": "prod", "vendor": "VectorForge Inc.", "product": "VectorForge Index",
    "channel": "aws_marketplace", "amount": "1500.00", "billing": "monthly", "currency": "USD", "term_months": 12,
    "renewal": "automatic", "notice_days": 60, "po": "PO-2026-77",
}  # fmt: skip


@pytest.fixture
def pages(ws: Workspace) -> Browser:
    return Browser(app_over(ws))


@pytest.fixture
def ws(home, tmp_path) -> Workspace:
    from fiscus.app.workspace import open_workspace

    return open_workspace(home, date(2026, 11, 20))


def ask(ws: Workspace, past: bool = False, **changes: Any) -> Any:
    return parse_purchase({**ASK, **changes}, ws.as_of, past=past)


def test_the_register_says_what_to_do_until_when_and_who_approved(ws, pages) -> None:
    record_purchase(ws, ask(ws, past=True, starts="2026-02-01"), Actor("sam.lee"))
    purchase, _ = request_purchase(ws, ask(ws, product="Other Index"))
    page = pages.get("/purchases").text
    assert "Approve or reject Other Index of VectorForge Inc. (18,000 USD)." in page
    assert "Give notice on VectorForge Index of VectorForge Inc. (18,000 USD) by 3 Dec 2026." in page
    assert f'href="/purchases/{purchase.id}"' in page
    assert "nobody here" in page
    assert "3 Dec 2026, 13 days" in page


def test_one_purchase_shows_what_was_looked_at_and_the_buttons_name_the_money(ws, pages) -> None:
    purchase, decision = request_purchase(ws, ask(ws))
    page = pages.acts_as("ana.silva").get(f"/purchases/{purchase.id}").text
    assert "VectorForge Inc. is new" in page
    assert f'href="/approvals/{decision.approval_id}"' in page
    assert "Do not buy it: 18,000.00 USD stay unspent" in page
    assert "It was bought" not in page
    sam = pages.acts_as("sam.lee")
    digest = re.search(r'name="digest" value="([0-9a-f]+)"', sam.get(f"/approvals/{decision.approval_id}").text)
    assert digest is not None
    assert sam.send(f"/approvals/{decision.approval_id}/approve", {"digest": digest[1]}).status_code == 303
    page = sam.get(f"/purchases/{purchase.id}").text
    assert "It was bought: 18,000.00 USD are committed" in page, "it went on by itself"
    assert "Approved by sam.lee" in page
    assert sam.send(f"/purchases/{purchase.id}/bought", {"note": "order 1"}).headers["location"].endswith("said=bought")
    assert sam.send(f"/purchases/{purchase.id}/bought", {"note": "again"}).status_code == 409
    assert sam.send(f"/purchases/{purchase.id}/explode").status_code == 404
    assert sam.send(f"/purchases/{purchase.id}/end", {"note": "notice given"}).status_code == 303


def test_nobody_acts_on_a_purchase(ws, pages) -> None:
    purchase, _ = request_purchase(ws, ask(ws))
    assert pages.send(f"/purchases/{purchase.id}/withdraw", {"note": "x"}).status_code == 403


def test_a_hostile_name_is_text(ws, pages) -> None:
    purchase, decision = request_purchase(ws, ask(ws, vendor=HOSTILE, product=HOSTILE, reason=HOSTILE))
    for url in ("/purchases", f"/purchases/{purchase.id}", f"/approvals/{decision.approval_id}", "/", "/find?q=script"):
        text = pages.get(url).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text, url


def test_what_waits_for_a_yes_stands_on_today_and_is_found(ws, pages) -> None:
    _, decision = request_purchase(ws, ask(ws))
    assert f'href="/approvals/{decision.approval_id}"' in pages.get("/").text
    assert f'href="/approvals/{decision.approval_id}"' in pages.acts_as("sam.lee").get("/?mine=1").text
    assert f'href="/approvals/{decision.approval_id}"' not in pages.acts_as("ana.silva").get("/?mine=1").text
    assert f'href="/approvals/{decision.approval_id}"' in pages.get("/find?q=vectorforge").text
    assert f'href="/approvals/{decision.approval_id}"' in pages.get(f"/policies/decisions/{decision.id}").text
    approve_intent(ws, decision.approval_id, Actor("sam.lee"))
    assert "approved, not yet used" in pages.get(f"/policies/decisions/{decision.id}").text
    assert f'href="/approvals/{decision.approval_id}"' not in pages.get("/").text


def test_commitments_say_what_is_used_what_is_not_and_what_stopped(ws, pages) -> None:
    rows = []
    for n in range(30):
        day = date(2026, 10, 20) + timedelta(days=n)
        sp = {"CommitmentDiscountId": "sp-1", "CommitmentDiscountName": "SP one", "PricingCategory": "Committed"}
        rows.append(charge(day, 60, **sp, CommitmentDiscountStatus="Used"))
        rows.append(charge(day, 40, **sp, CommitmentDiscountStatus="Unused"))
        if n < 20:
            rows.append(charge(day, 10, **{**sp, "CommitmentDiscountId": "ri-2", "CommitmentDiscountName": "RI two"},
                               CommitmentDiscountStatus="Used"))  # fmt: skip
    deliver(ws, write_csv(ws.home / "c.csv", rows), source=Source("c"))
    page = pages.get("/commitments").text
    assert "2 commitments cost ≈ 3,346 USD a month; ≈ 1,217 of it is not used, most by SP one (used to 60.0 %)." in page
    assert "stopped covering on 8 Nov 2026" in page
    assert "has no purchase here" in page
    assert "Who uses them, and what each leaves uncovered" in page
    assert "No bill of the last 28 days names a commitment." in pages.get("/commitments?currency=EUR").text
    use = pages.get("/api/commitments").json()
    assert [(one["id"], one["utilisation"], one["stopped"]) for one in use["lines"]] == [
        ("sp-1", "60.0", False),
        ("ri-2", "100.0", True),
    ]


def test_empty_pages_say_what_would_stand_there(nothing_yet) -> None:
    assert "The register is empty." in nothing_yet.get("/purchases").text
    page = nothing_yet.get("/commitments").text
    assert "No commitment was asked for." in page
    assert "No bill of the last 28 days names a commitment." in page


class TestTheApi:
    def test_asked_approved_and_bought(self, ws, pages) -> None:
        answer = pages.http.post("/api/purchases", json=ASK)
        assert answer.status_code == 200
        purchase, decision = answer.json()["purchase"], answer.json()["decision"]
        assert (purchase["state"], decision["verdict"]) == ("asked", "require_approval")
        assert (
            pages.http.post(f"/api/approvals/{decision['approval_id']}/approve", json={"as": "sam.lee"}).status_code
            == 200
        )
        one = pages.get(f"/api/purchases/{purchase['id']}").json()["line"]["purchase"]
        assert (one["state"], one["artefact"]["answer"]) == ("allowed", "accept")
        done = pages.http.post(f"/api/purchases/{purchase['id']}/bought", json={"as": "ana.silva", "cost": "17500.00"})
        assert done.json()["state"] == "bought"
        assert len(pages.get("/api/purchases").json()["lines"]) == 1

    def test_a_decision_comes_with_its_approval(self, ws, pages) -> None:
        intent = {"kind": "marketplace.purchase", "requested_by": "ana.silva", "environment": "prod", "provider": "AWS",
                  "amount": "900", "currency": "USD", "attributes": {"vendor": "V"}}  # fmt: skip
        asked = pages.http.post("/api/decisions", json=intent).json()
        assert asked["next_step"].startswith(
            f"Have it approved, by somebody else: fiscus approve {asked['approval_id']}"
        )
        pages.http.post(f"/api/approvals/{asked['approval_id']}/approve", json={"as": "sam.lee"})
        body = {"intent": intent, "approval_id": asked["approval_id"]}
        assert pages.http.post("/api/decisions", json=body).json()["verdict"] == "allow"
        assert pages.http.post("/api/decisions", json=body).json()["verdict"] == "require_approval"
        for wrong in ({**body, "extra": 1}, {**body, "approval_id": 7}):
            assert pages.http.post("/api/decisions", json=wrong).status_code == 422

    def test_an_old_contract_is_recorded(self, ws, pages) -> None:
        body = {"entry": {**ASK, "starts": "2026-01-01"}, "act": {"as": "sam.lee"}}
        assert pages.http.post("/api/purchases/record", json=body).json()["recorded"] is True

    def test_a_commitment_without_bills_is_refused_by_name(self, ws, pages) -> None:
        body = {"requested_by": "ana.silva", "environment": "prod", "provider": "AWS", "commitment_kind": "cud",
                "term_months": 12, "hourly_commitment": "1", "discount_percent": 10, "currency": "USD"}  # fmt: skip
        answer = pages.http.post("/api/commitments", json=body)
        assert (answer.status_code, "0 days of bills" in answer.json()["error"]["message"]) == (422, True)

    def test_what_is_wrong_in_a_request_is_named(self, ws, pages) -> None:
        answer = pages.http.post("/api/purchases", json={**ASK, "amount": 1.5})
        assert (answer.status_code, answer.json()["error"]["where"]) == (422, {"key": "amount"})
        assert pages.http.post("/api/purchases/pur-none/bought", json={"as": "ana.silva"}).status_code == 404
