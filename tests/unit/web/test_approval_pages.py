"""Money that waits for a yes, on the pages, behind a link in a mail, and in the API."""

from __future__ import annotations

import re
from dataclasses import replace
from decimal import Decimal
from itertools import count

import pytest
from tests.fixtures.asking import asked_for, intent

from fiscus.flows.link_secret import link_secret
from fiscus.guardrails.approvals.signed_link import sign_link
from fiscus.guardrails.types import ApprovalNeeded

from .conftest import Browser

AMOUNTS = count(1000)


@pytest.fixture
def approval(ws):
    """A question of its own."""
    return asked_for(ws, intent(amount=Decimal(next(AMOUNTS))))


def stored(ws, approval):
    with ws.state.read() as tx:
        return tx.approvals.get(approval.id)


def digest_on(page: str) -> str:
    return re.search(r'name="digest" value="([0-9a-f]{64})"', page)[1]


def buttons(page: str) -> list[str]:
    found = re.findall(r"<button[^>]*>(.*?)</button>", page, re.DOTALL)
    return [text for text in found if text.startswith(("Approve", "Reject", "Take"))]


def link_of(ws, approval, person: str) -> str:
    return f"/approvals/link/{sign_link(link_secret(ws.home), approval, person)}"


class TestThePage:
    def test_the_list_leads_with_what_waits(self, browser, approval) -> None:
        page = browser.get("/approvals").text
        assert f'href="/approvals/{approval.id}"' in page
        assert "lea, vera, fay, pia" in page

    def test_changes_that_wait_for_a_yes_stand_below(self, browser, approval) -> None:
        page = browser.get("/approvals").text
        assert "Changes that wait for a yes, too" in page
        assert "Stop i-1</a>" in page

    def test_the_buttons_name_the_effect_and_the_money(self, browser, approval) -> None:
        page = browser.acts_as("lea").get(f"/approvals/{approval.id}").text
        money = f"{approval.intent.amount:,.2f} USD"
        assert buttons(page) == [
            f"Approve: a marketplace purchase of index from VectorForge Inc. for at most {money}",
            f"Reject: {money} stay unspent",
        ]
        for part in ("PO-2026-77", "over 500 USD", "ml-all", approval.digest, "asserted, not proven"):
            assert part in page

    def test_a_yes_is_for_what_was_shown_and_is_recorded(self, browser, ws, approval) -> None:
        lea = browser.acts_as("lea")
        at = f"/approvals/{approval.id}"
        assert lea.send(f"{at}/approve", {"digest": "f" * 64}).status_code == 409
        assert lea.send(f"{at}/approve", {}).status_code == 422
        answer = lea.send(f"{at}/approve", {"digest": digest_on(lea.get(at).text)})
        assert answer.headers["location"] == f"{at}?said=said-yes"
        assert stored(ws, approval).yes == ("lea",)
        assert buttons(lea.get(at).text) == [f"Take the yes back: {approval.intent.amount:,.2f} USD stay unspent"]

    @pytest.mark.parametrize("person", ["max", "otto"])
    def test_who_may_not_has_no_button_and_gets_nowhere_without_it(self, browser, ws, approval, person) -> None:
        theirs = browser.acts_as(person)
        page = theirs.get(f"/approvals/{approval.id}").text
        assert "may not approve this. May approve: lea, vera, fay, pia." in page
        assert not any(text.startswith("Approve") for text in buttons(page))
        assert theirs.send(f"/approvals/{approval.id}/approve", {"digest": approval.digest}).status_code == 403
        assert stored(ws, approval).state == "asked"

    def test_who_asked_may_take_it_back(self, browser, ws, approval) -> None:
        maxs = browser.acts_as("max")
        fields = {"digest": approval.digest, "note": "not needed"}
        assert maxs.send(f"/approvals/{approval.id}/reject", fields).status_code == 303
        assert stored(ws, approval).steps[-1].note == "not needed"

    def test_nobody_an_unknown_verb_and_an_unknown_approval(self, browser, approval) -> None:
        assert browser.send(f"/approvals/{approval.id}/approve", {"digest": approval.digest}).status_code == 403
        lea = browser.acts_as("lea")
        assert lea.send(f"/approvals/{approval.id}/explode", {"digest": approval.digest}).status_code == 404
        assert lea.get("/approvals/apr-none").status_code == 404

    def test_a_page_without_any_says_what_would_stand_there(self, nothing_yet) -> None:
        assert "Nobody has asked for an approval." in nothing_yet.get("/approvals").text


class TestTheLink:
    def test_opening_it_however_often_decides_nothing(self, app, ws, approval) -> None:
        link = link_of(ws, approval, "lea")
        for _ in range(3):
            page = Browser(app).get(link)
            assert page.status_code == 200
            assert page.headers["cache-control"] == "no-store"
        Browser(app).http.head(link)
        assert "Opening it decided nothing." in page.text
        assert stored(ws, approval).state == "asked"

    def test_its_form_says_yes_in_the_name_of_its_reader(self, browser, ws, approval) -> None:
        link = link_of(ws, approval, "lea")
        answer = browser.send(f"{link}/approve", {"digest": digest_on(browser.get(link).text)})
        assert answer.headers["location"] == f"/approvals/{approval.id}?said=said-yes"
        step = stored(ws, approval).steps[-1]
        assert (step.kind, step.actor, step.proof) == ("approved", "lea", "link")
        with ws.state.read() as tx:
            last = [r for r in tx.evidence_records() if r.subject == approval.id][-1]
        assert (last.kind, last.actor.proof) == ("approval.approved", "link")
        assert "by the signed link" in browser.get(f"/approvals/{approval.id}").text
        assert browser.get(link).status_code == 403, "it is dead now"

    def test_a_post_without_a_form_of_ours_does_nothing(self, browser, ws, approval) -> None:
        link = link_of(ws, approval, "lea")
        assert browser.send(f"{link}/approve", {"digest": approval.digest}, token="forged").status_code == 403
        assert (
            browser.send(f"{link}/approve", {"digest": approval.digest}, origin="http://mail.example").status_code
            == 403
        )
        assert stored(ws, approval).state == "asked"

    @pytest.mark.parametrize("person", ["max", "otto", "pia-nobody"])
    def test_a_link_for_who_may_not_gets_nowhere(self, browser, ws, approval, person) -> None:
        link = link_of(ws, approval, person)
        assert browser.get(link).status_code == 403
        assert browser.send(f"{link}/approve", {"digest": approval.digest}).status_code == 403
        assert stored(ws, approval).state == "asked"

    def test_a_broken_one_is_said_so(self, browser, ws, approval) -> None:
        link = link_of(ws, approval, "lea")
        answer = browser.get(link[:-3])
        assert answer.status_code == 403
        assert "not made by this workspace" in answer.text


class TestTheApi:
    def test_it_lists_shows_and_takes_a_yes(self, browser, ws, approval) -> None:
        listed = browser.get("/api/approvals").json()
        assert approval.id in [line["approval"]["id"] for line in listed["lines"]]
        one = browser.get(f"/api/approvals/{approval.id}").json()["line"]
        assert (one["may_approve"], one["missing"]) == (["lea", "vera", "fay", "pia"], 1)
        answer = browser.http.post(f"/api/approvals/{approval.id}/approve", json={"as": "lea"})
        assert (answer.status_code, answer.json()["state"]) == (200, "approved")

    def test_who_asked_may_not_approve_it_there_either(self, browser, ws, approval) -> None:
        answer = browser.http.post(f"/api/approvals/{approval.id}/approve", json={"as": "max"})
        assert (answer.status_code, answer.json()["error"]["remedy"]) == (403, "May approve: lea, vera, fay, pia.")
        assert (
            browser.http.post(f"/api/approvals/{approval.id}/reject", json={"as": "max", "note": "n"}).status_code
            == 200
        )
        assert browser.http.post(f"/api/approvals/{approval.id}/bless", json={"as": "lea"}).status_code == 404

    def test_several_at_once_each_by_itself(self, browser, ws, approval) -> None:
        own = asked_for(ws, intent(requested_by="lea", amount=Decimal(next(AMOUNTS))))
        two = asked_for(ws, intent(amount=Decimal(next(AMOUNTS))), ApprovalNeeded((), 2))
        sent = {"as": "lea", "ids": [own.id, approval.id, two.id]}
        answer = browser.http.post("/api/approvals/approve", json=sent).json()
        assert answer["approved"] == 1
        assert [one["error"] and one["error"]["code"] for one in answer["answers"]] == ["not_allowed", None, None]
        assert [stored(ws, one).state for one in (own, approval, two)] == ["asked", "approved", "asked"]


def test_a_hostile_name_in_a_question_is_text(browser, ws) -> None:
    hostile = "<script>alert('x')</script>"
    asked = asked_for(ws, replace(intent(amount=Decimal(next(AMOUNTS))), product=hostile))
    for page in (f"/approvals/{asked.id}", "/approvals", link_of(ws, asked, "lea")):
        text = browser.acts_as("lea").get(page).text
        assert "<script>alert" not in text
        assert "&lt;script&gt;alert" in text
