"""What a person does on the pages: always somebody, never the one who may not, exactly what was shown."""

from __future__ import annotations

import re

import pytest
from tests.fixtures.web_company import case, machine

from fiscus.kernel.actor import FISCUS

from .conftest import ORIGIN, Browser


def state_of(ws, action_id: str):
    with ws.state.read() as tx:
        return tx.actions.get(action_id)


def digest_on(browser: Browser, action_id: str) -> str:
    return re.search(r'name="digest" value="([0-9a-f]+)"', browser.get(f"/actions/{action_id}").text)[1]


@pytest.fixture
def action(ws, cloud, request):
    return machine(ws, cloud, f"i-{abs(hash(request.node.name)) % 10**6 + 100}")


def test_nobody_can_act(browser, ws, action) -> None:
    page = browser.get(f"/actions/{action.id}").text
    assert "Choose who you are" in page
    assert "Approve:" not in page
    answer = browser.send(f"/actions/{action.id}/approve", {"digest": action.plan.digest})
    assert answer.status_code == 403
    assert state_of(ws, action.id).state == "PROPOSED"


def test_the_approve_button_names_the_effect_the_money_and_the_way_back(browser, action) -> None:
    page = browser.acts_as("lea").get(f"/actions/{action.id}").text
    button = re.search(r'<button class="primary">(Approve:.*?)</button>', page, re.DOTALL)[1]
    assert button == f"Approve: stop {action.plan.targets[0].name}, saves ≈ 30 USD a month, undone with a restart"


def test_from_approval_to_undo_each_step_is_recorded_as_asserted(browser, ws, cloud, action) -> None:
    target = action.plan.targets[0].id
    lea = browser.acts_as("lea")
    assert lea.send(f"/actions/{action.id}/approve", {"digest": digest_on(lea, action.id)}).status_code == 303
    assert state_of(ws, action.id).approved_by == "lea"
    fay = lea.acts_as("fay")
    assert fay.send(f"/actions/{action.id}/apply").headers["location"].endswith("said=applied")
    assert cloud.machines[target]["state"] == "stopped"
    assert fay.send(f"/actions/{action.id}/undo").status_code == 303
    assert cloud.machines[target]["state"] == "running"
    page = fay.get(f"/actions/{action.id}").text
    assert "undone" in page
    with ws.state.read() as tx:
        steps = [r for r in tx.evidence_records() if r.subject == action.id]
    assert {r.actor.person_id for r in steps} == {"fiscus", "lea", "fay"}
    assert all(r.actor.proof == "asserted" for r in steps if r.actor.person_id != "fiscus")


def test_who_may_not_approve_has_no_button_and_gets_nowhere_without_it(browser, ws, action) -> None:
    otto = browser.acts_as("otto")
    page = otto.get(f"/actions/{action.id}").text
    assert "Otto may not approve this. May approve: fay, lea, vera." in page
    answer = otto.send(f"/actions/{action.id}/approve", {"digest": action.plan.digest})
    assert answer.status_code == 403
    assert "May approve: fay, lea, vera." in answer.text
    assert f'href="/actions/{action.id}"' in answer.text, "the way back"
    assert state_of(ws, action.id).state == "PROPOSED"


def test_a_plan_other_than_the_one_shown_is_not_approved(browser, ws, action) -> None:
    answer = browser.acts_as("lea").send(f"/actions/{action.id}/approve", {"digest": "f" * 64})
    assert answer.status_code == 409
    assert state_of(ws, action.id).state == "PROPOSED"


def test_a_second_yes_and_an_unknown_verb_are_said_so(browser, action) -> None:
    lea = browser.acts_as("lea")
    yes = {"digest": digest_on(lea, action.id)}
    assert lea.send(f"/actions/{action.id}/approve", yes).status_code == 303
    assert lea.send(f"/actions/{action.id}/approve", yes).status_code == 409
    assert lea.send(f"/actions/{action.id}/explode").status_code == 404


def test_no_needs_a_reason_on_the_page_and_is_kept(browser, ws, action) -> None:
    assert browser.acts_as("lea").send(f"/actions/{action.id}/reject", {"note": "it is needed"}).status_code == 303
    assert state_of(ws, action.id).state == "REJECTED"
    assert "it is needed" in browser.get(f"/actions/{action.id}").text


def test_the_kill_switch_stops_and_resumes(browser, ws, action) -> None:
    lea = browser.acts_as("lea")
    lea.send(f"/actions/{action.id}/approve", {"digest": digest_on(lea, action.id)})
    assert lea.send("/actions/pause", {"note": "audit"}).status_code == 303
    assert "All actions are paused" in lea.get("/actions").text
    assert lea.send(f"/actions/{action.id}/apply").status_code == 403
    assert lea.send("/actions/resume", {"note": "done"}).status_code == 303
    assert lea.send(f"/actions/{action.id}/apply").status_code == 303


def test_the_preview_shows_how_things_stand_now_and_sends_nothing(browser, cloud, action) -> None:
    before = list(cloud.changes)
    cloud.machines[action.plan.targets[0].id]["type"] = "m5.xlarge"
    assert "m5.xlarge" in browser.get(f"/actions/{action.id}/preview").text
    cloud.down = True
    try:
        assert "the cloud is down" in browser.get(f"/actions/{action.id}/preview").text
    finally:
        cloud.down = False
    assert cloud.changes == before


def test_a_case_is_acknowledged_and_closed_by_somebody(browser, ws) -> None:
    with ws.state.begin() as tx:
        tx.cases.put(case("case-9"))
        tx.evidence.append("case.opened", "case-9", FISCUS, {})
    maxs = browser.acts_as("max")
    assert maxs.send("/cases/case-9/acknowledge", {"note": "on it"}).status_code == 303
    assert "on it" in maxs.get("/cases/case-9").text
    assert maxs.send("/cases/case-9/close", {"note": "cut the load"}).status_code == 303
    with ws.state.read() as tx:
        assert tx.cases.get("case-9").state == "closed"
    assert maxs.send("/cases/case-9/forget").status_code == 404


def test_the_api_acts_in_the_same_words_and_under_the_same_rules(browser, ws, action) -> None:
    url = f"/api/actions/{action.id}/approve"
    refused = browser.http.post(url, json={"as": "otto"})
    assert (refused.status_code, refused.json()["error"]["remedy"]) == (403, "May approve: fay, lea, vera.")
    done = browser.http.post(url, json={"as": "lea"}, headers={"Origin": ORIGIN})
    assert (done.status_code, done.json()["state"]) == (200, "APPROVED")
