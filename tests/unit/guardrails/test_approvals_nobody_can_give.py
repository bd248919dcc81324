"""A question that fewer people may say yes to than must: said at once, with why and what to change, not found out by waiting."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from tests.fixtures.asking import asked_for, decision
from tests.fixtures.company import open_company

from fiscus.flows.approve_intent import approve_intent
from fiscus.flows.claim_approval import conclude
from fiscus.flows.show_approvals import show_approval, show_approvals
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.begun import Begun
from fiscus.guardrails.types import ApprovalNeeded
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import NotAllowed

TWO = ApprovalNeeded(("finops",), 2, 24)  # pia and fay have the role


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    opened = open_company(tmp_path)
    return replace(opened, config=replace(opened.config, policy_owners={"purchases": "fay"}))


def test_where_the_author_is_one_of_the_two_who_must_the_question_says_so(ws: Workspace) -> None:
    asked = asked_for(ws, needed=TWO)
    assert asked.authors == {"fay": "the policy purchases"}
    line = show_approval(ws, asked.id).line
    assert (line.may_approve, line.missing) == (("pia",), 2)
    assert line.stuck.startswith(
        "It cannot be approved as it stands: 2 must say yes, and only pia may (fay wrote the policy purchases). "
    )
    assert show_approval(ws, asked.id).sentence.endswith(line.stuck)
    assert show_approvals(ws).sentence.startswith("Nobody can approve 18,500.00 USD for a marketplace purchase")


def test_whoever_asks_is_told_with_the_verdict(ws: Workspace) -> None:
    given = decision(needed=TWO, ws=ws)
    begun = Begun(given.id, given.at, given.intent, given.intent_digest, "", {})
    assert "only pia may (fay wrote the policy purchases)" in conclude(ws, begun, given, None).next_step


def test_a_yes_that_cannot_become_enough_is_taken_and_the_rest_said(ws: Workspace) -> None:
    asked = asked_for(ws, needed=TWO)
    approve_intent(ws, asked.id, Actor("pia"))
    stuck = show_approval(ws, asked.id).line.stuck
    assert "1 more must say yes, and nobody in the directory may (fay wrote the policy purchases)" in stuck
    with pytest.raises(NotAllowed) as refused:
        approve_intent(ws, asked.id, Actor("fay"))
    assert refused.value.remedy == "May approve: nobody in the directory.", "pia said yes already"


def test_where_enough_may_nothing_is_said(ws: Workspace) -> None:
    free = replace(ws, config=replace(ws.config, policy_owners={"purchases": "ml"}))
    asked = asked_for(free, needed=TWO)
    assert show_approval(free, asked.id).line.stuck == ""
    approve_intent(free, asked.id, Actor("pia"))
    approve_intent(free, asked.id, Actor("fay"))
    assert show_approval(free, asked.id).line.stuck == ""
