"""Buying, from the question to the renewal: bills, policies, ledger and register together."""

from __future__ import annotations

import json
import sqlite3
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from tests.bills import deliver, write_csv
from tests.fixtures.asking import Letterbox
from tests.fixtures.judging import charge
from tests.fixtures.purchases import ANA, SAM, stored
from tests.fixtures.purchases import ASK as PURCHASE

from fiscus.__main__ import command_line
from fiscus.app.workspace import open_workspace
from fiscus.cost.types import Source
from fiscus.flows.after_answer import after_answer
from fiscus.flows.approve_intent import approve_intent, reject_intent
from fiscus.flows.escalate_cases import escalate_cases
from fiscus.flows.keep_approvals import keep_approvals
from fiscus.flows.keep_purchases import keep_purchases
from fiscus.flows.request_purchase import (
    end_purchase,
    mark_bought,
    proceed_purchases,
    record_purchase,
    request_commitment,
    request_purchase,
    withdraw_purchase,
)
from fiscus.flows.show_purchases import show_purchase, show_purchases
from fiscus.flows.verify_evidence import verify_evidence
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.commitments.commitment_request import parse_commitment
from fiscus.guardrails.doors.purchases.purchase_request import parse_purchase
from fiscus.guardrails.doors.purchases.types import Purchase
from fiscus.kernel.actor import Actor
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import BadInput, Conflict, NotAllowed

ASK: dict[str, Any] = {**PURCHASE, "reference": "agmt-1"}


def ask(**changes: Any) -> Any:
    return parse_purchase({**ASK, **changes}, date(2026, 11, 20))


def evidence(ws: Workspace, purchase: Purchase) -> list[str]:
    with ws.state.read() as tx:
        return [r.kind.removeprefix("purchase.") for r in tx.evidence_records() if r.subject == purchase.id]


def later(ws: Workspace, days: int) -> None:
    assert isinstance(ws.clock, SteppedClock)
    ws.clock.advance(timedelta(days=days))


def approved(ws: Workspace, **changes: Any) -> Purchase:
    purchase, _ = request_purchase(ws, ask(**changes))
    approve_intent(ws, purchase.approval_id, SAM)
    after_answer(ws, purchase.approval_id)
    return stored(ws, purchase)


class TestAsking:
    def test_what_a_policy_holds_waits_for_a_yes_and_goes_on_by_itself_once_it_is_given(self, ws) -> None:
        purchase, decision = request_purchase(ws, ask())
        assert (purchase.state, decision.verdict, purchase.approval_id) == (
            "asked",
            "require_approval",
            decision.approval_id,
        )
        assert purchase.intent.amount == 18000, "a contract is judged whole"
        assert proceed_purchases(ws) == [], "nobody said yes yet"
        approve_intent(ws, purchase.approval_id, SAM)
        after_answer(ws, purchase.approval_id)
        done = stored(ws, purchase)
        assert (done.state, evidence(ws, purchase)) == ("allowed", ["asked", "allowed"])
        assert done.artefact is not None
        assert (done.artefact.answer, done.artefact.po, done.artefact.reference) == ("accept", "PO-2026-77", "agmt-1")
        assert done.artefact.approved_by == ("sam.lee",)
        assert done.artefact.reason.startswith("Approved by sam.lee")
        assert proceed_purchases(ws) == [], "it goes on once"
        assert verify_evidence(ws).ok

    def test_a_small_one_may_be_bought_at_once(self, ws) -> None:
        purchase, decision = request_purchase(ws, ask(amount="20.00"))
        assert (decision.verdict, purchase.state) == ("allow", "allowed")
        assert purchase.artefact is not None
        assert purchase.artefact.reason.startswith("Allowed by the policies")

    def test_what_a_policy_denies_is_answered_with_why(self, ws) -> None:
        purchase, decision = request_purchase(ws, ask(term_months=60))
        assert (decision.verdict, purchase.state) == ("deny", "denied")
        assert purchase.artefact is not None
        assert (purchase.artefact.answer, "No marketplace term over 36 months" in purchase.artefact.reason) == (
            "reject",
            True,
        )

    def test_a_no_and_no_answer_in_time_are_answered_too(self, ws) -> None:
        no, _ = request_purchase(ws, ask())
        reject_intent(ws, no.approval_id, SAM, "we have one already")
        after_answer(ws, no.approval_id)
        late, _ = request_purchase(ws, ask(amount="1600.00"))
        later(ws, 4)
        keep_approvals(ws)
        keep_purchases(ws)
        for purchase, why in ((no, "Rejected by sam.lee: we have one already"), (late, "Nobody said yes in time")):
            artefact = stored(ws, purchase).artefact
            assert artefact is not None
            assert (artefact.answer, artefact.reason.startswith(why)) == ("reject", True)

    def test_the_facts_are_those_of_the_question_although_the_bills_move_on(self, ws) -> None:
        purchase, _ = request_purchase(ws, ask())
        rows = [
            charge(
                date(2026, 11, 3),
                900,
                ServiceName="VectorForge Index",
                ProviderName="AWS",
                PublisherName="VectorForge Inc.",
            )
        ]
        deliver(ws, write_csv(ws.home / "new.csv", rows), source=Source("new"))
        approve_intent(ws, purchase.approval_id, SAM)
        after_answer(ws, purchase.approval_id)
        assert stored(ws, purchase).state == "allowed"

    def test_policies_that_move_after_the_yes_ask_anew_and_the_yes_to_that_lets_it_through(self, ws, home) -> None:
        purchase, _ = request_purchase(ws, ask())
        approve_intent(ws, purchase.approval_id, SAM)
        file = home / "policies" / "marketplace.yaml"
        file.write_text(file.read_text().replace("500.00 USD", "501.00 USD"))
        moved = open_workspace(home, ws.as_of)
        assert proceed_purchases(moved) == []
        anew = stored(moved, purchase)
        assert (anew.state, anew.approval_id != purchase.approval_id) == ("asked", True)
        assert f"Approval {purchase.approval_id} is stale" in anew.steps[-1].note
        approve_intent(moved, anew.approval_id, SAM)
        after_answer(moved, anew.approval_id)
        assert (stored(moved, purchase).state, evidence(moved, purchase)) == ("allowed", ["asked", "asked", "allowed"])

    def test_one_whose_requester_has_left_is_denied_and_stops_nobody_else(self, ws) -> None:
        purchase, _ = request_purchase(ws, ask())
        approve_intent(ws, purchase.approval_id, SAM)
        people = dict(ws.config.directory.people)
        people["ana.silva"] = replace(people["ana.silva"], left_on="2026-11-20")
        after = replace(ws, config=replace(ws.config, directory=replace(ws.config.directory, people=people)))
        assert [one.id for one in proceed_purchases(after)] == [purchase.id]
        done = stored(after, purchase)
        assert done.artefact is not None
        assert (done.state, done.artefact.answer) == ("denied", "reject")
        assert done.artefact.reason == f"Ana Silva left on 2026-11-20 ({purchase.approval_id})."

    def test_what_was_approved_waits_for_a_ledger_that_is_away(self, ws, home) -> None:
        purchase, _ = request_purchase(ws, ask())
        approve_intent(ws, purchase.approval_id, SAM)
        full = "CREATE TRIGGER full BEFORE INSERT ON ledger_evidence BEGIN SELECT raise(ABORT, 'the log is full'); END"
        (ledger,) = (home / ".fiscus").glob("ledger*.db")
        with sqlite3.connect(ledger) as database:
            database.execute(full)
        assert proceed_purchases(ws) == []
        assert stored(ws, purchase).state == "asked"
        with sqlite3.connect(ledger) as database:
            database.execute("DROP TRIGGER full")
        assert [one.state for one in proceed_purchases(ws)] == ["allowed"]

    def test_a_requester_that_nobody_knows_is_refused_and_nothing_is_entered(self, ws) -> None:
        with pytest.raises(BadInput):
            request_purchase(ws, ask(requested_by="mallory"))
        assert show_purchases(ws).lines == ()

    def test_what_the_bills_show_is_said_with_its_money(self, ws) -> None:
        rows = [charge(date(2026, 10, 3), 450, ServiceName="Pinecone Serverless", ProviderName="Pinecone",
                       PublisherName="Pinecone",
                       InvoiceIssuerName="Pinecone", ServiceCategory="Databases")]  # fmt: skip
        deliver(ws, write_csv(ws.home / "saas.csv", rows), source=Source("saas"))
        purchase, decision = request_purchase(ws, ask())
        assert (
            "same capability already: Pinecone Serverless of Pinecone (900 USD in twelve months)"
            in purchase.checks[0].sentence
        )
        assert decision.intent.attributes["existing_product"] == "Pinecone Serverless"

    def test_what_was_paid_in_another_currency_is_known_too(self, ws) -> None:
        rows = [charge(date(2026, 10, 3), 450, ServiceName="VectorForge Index", ProviderName="VectorForge Inc.",
                       PublisherName="VectorForge Inc.", BillingCurrency="EUR")]  # fmt: skip
        deliver(ws, write_csv(ws.home / "euro.csv", rows), source=Source("euro"))
        purchase, decision = request_purchase(ws, ask())
        assert "(900 EUR in twelve months)" in purchase.checks[0].sentence
        facts = decision.intent.attributes
        assert (facts["vendor_known"], facts["existing_product"], facts["duplicate_amount"]) == (
            True,
            "VectorForge Index",
            "0.00",
        )


class TestTheRegister:
    def test_what_was_bought_is_committed_and_what_is_not_is_free_again(self, ws) -> None:
        one, other = approved(ws), approved(ws, amount="1600.00")
        assert mark_bought(ws, one.id, ANA, "order 4711").state == "bought"
        assert withdraw_purchase(ws, other.id, ANA, "no longer needed").state == "withdrawn"
        totals = ws.ledger.store.totals()
        assert (totals.settled.get("USD"), totals.held.get("USD", 0)) == (18000 * 10**9, 0)
        with pytest.raises(Conflict):
            mark_bought(ws, one.id, ANA, "again")
        with pytest.raises(Conflict, match="cannot become bought"):
            mark_bought(ws, other.id, ANA, "")

    def test_nothing_is_bought_that_nobody_allowed_nor_by_nobody(self, ws) -> None:
        asked, _ = request_purchase(ws, ask())
        with pytest.raises(Conflict, match="is asked and cannot become bought"):
            mark_bought(ws, asked.id, ANA, "")
        with pytest.raises(NotAllowed):
            withdraw_purchase(ws, asked.id, Actor("mallory"), "")

    def test_an_old_contract_is_entered_with_its_renewal_and_named_as_approved_by_nobody_here(self, ws) -> None:
        old = parse_purchase({**ASK, "starts": "2026-01-15"}, ws.as_of, past=True)
        entered = record_purchase(ws, old, SAM)
        assert (entered.state, entered.recorded, evidence(ws, entered)) == ("bought", True, ["bought"])
        shown = show_purchases(ws)
        assert (shown.running, shown.unapproved) == (18000, 18000)
        assert shown.sentence == "1 contract runs over 18,000 USD.", "notice was due four days ago"

    def test_notice_is_a_case_before_it_is_due_and_over_once_it_was_given(self, ws) -> None:
        entered = record_purchase(ws, parse_purchase({**ASK, "starts": "2026-03-01"}, ws.as_of, past=True), SAM)
        assert show_purchase(ws, entered.id).line.due == date(2026, 12, 31)
        escalate_cases(ws)
        with ws.state.read() as tx:
            (case,) = [one for one in tx.cases.all() if one.subject.kind == "renewal"]
        assert case.subject.title == (
            "VectorForge Index of VectorForge Inc. renews by itself on 2027-03-01 for 18,000.00 USD: "
            "to end it, give notice by 2026-12-31"
        )
        assert case.subject.owner == "platform"
        end_purchase(ws, entered.id, ANA, "notice given by letter")
        escalate_cases(ws)
        with ws.state.read() as tx:
            after = tx.cases.get(case.id)
        assert after is not None
        assert after.state == "closed"

    def test_far_ahead_is_no_case(self, ws) -> None:
        record_purchase(ws, parse_purchase({**ASK, "starts": "2026-06-01"}, ws.as_of, past=True), SAM)
        escalate_cases(ws)
        with ws.state.read() as tx:
            assert not [one for one in tx.cases.all() if one.subject.kind == "renewal"]

    def test_what_renews_by_itself_goes_on_and_what_does_not_ends(self, ws) -> None:
        goes = record_purchase(
            ws, parse_purchase({**ASK, "starts": "2024-11-10", "notice_days": 0}, ws.as_of, past=True), SAM
        )
        stops = record_purchase(
            ws, parse_purchase({**ASK, "starts": "2025-11-10", "renewal": "manual"}, ws.as_of, past=True), SAM
        )
        kept = keep_purchases(ws)
        assert (kept.renewed, kept.ended) == ((goes.id,), (stops.id,))
        assert (stored(ws, goes).request.renews, stored(ws, stops).state) == (date(2027, 11, 10), "ended")
        again = keep_purchases(ws)
        assert (again.renewed, again.ended) == ((), ())


class TestCommitments:
    @pytest.fixture
    def used(self, ws: Workspace) -> Workspace:
        rows = [charge(date(2026, 10, 1) + timedelta(days=n), 100, ContractedCost="100", PricingCategory="Standard",
                       ServiceName="Amazon EC2", RegionId="eu-west-1") for n in range(45)]  # fmt: skip
        deliver(ws, write_csv(ws.home / "use.csv", rows), source=Source("use"))
        return ws

    def request(self, ws: Workspace, **changes: Any) -> Any:
        base = {"requested_by": "ana.silva", "environment": "prod", "provider": "AWS", "commitment_kind": "savings_plan",
                "service": "Amazon EC2", "term_months": 12, "hourly_commitment": "2.00", "discount_percent": 28,
                "currency": "USD"}  # fmt: skip
        return request_commitment(ws, parse_commitment({**base, **changes}, ws.as_of))

    def test_it_is_judged_decided_and_in_the_register_with_its_end(self, used) -> None:
        judged, purchase, decision = self.request(used)
        assert decision.intent.attributes["utilisation_after"] == "1.00"
        assert decision.intent.attributes["coverage_after"] == str(judged.outlook.coverage_after)
        assert (purchase.request.category, purchase.request.renews) == ("Commitment", date(2027, 11, 20))
        assert purchase.intent.amount == Decimal(2) * 24 * 365
        assert (len(purchase.owed), stored(used, purchase).owed) == (13, judged.outlook.owed)
        shown = show_purchases(used, "commitments")
        assert [line.purchase.id for line in shown.lines] == [purchase.id]
        assert show_purchases(used, "purchases").lines == ()

    def test_one_that_would_stand_idle_says_so_where_it_is_decided(self, used) -> None:
        judged, purchase, decision = self.request(used, hourly_commitment="20.00")
        assert judged.sentence.startswith("Do not buy it as it is")
        assert [one.name for one in purchase.checks if one.state == "fail"] == ["utilisation", "break_even"]
        assert Decimal(str(decision.intent.attributes["utilisation_after"])) < Decimal("0.2")


class TestTheCommands:
    def run(self, *words: str) -> int:
        return command_line()(list(words), result_action="return_value") or 0

    def test_from_the_request_to_the_register(self, home: Path, tmp_path, capsys) -> None:
        path, at = tmp_path / "request.json", ("--home", str(home))
        body = {name: value for name, value in ASK.items() if name != "starts"}
        path.write_text(json.dumps(body))
        assert self.run("request", "purchase", str(path), *at) == 3
        said = capsys.readouterr().out
        purchase_id = said.split()[0]
        assert "require approval: VectorForge Index of VectorForge Inc., 18,000.00 USD" in said
        assert "! VectorForge Inc. is new" in said
        with open_workspace(home).state.read() as tx:
            found = tx.purchases.get(purchase_id)
        assert found is not None
        assert self.run("approve", found.approval_id, "--as", "sam.lee", *at) == 0
        assert self.run("purchases", "bought", purchase_id, "--as", "ana.silva", *at) == 0
        capsys.readouterr()
        assert self.run("purchases", *at) == 0
        assert "sam.lee" in capsys.readouterr().out
        assert self.run("purchases", "show", purchase_id, *at) == 0
        assert '"answer": "accept"' in capsys.readouterr().out
        assert self.run("purchases", "record", str(path), "--as", "sam.lee", *at) == 0
        assert self.run("purchases", "end", purchase_id, "--as", "ana.silva", "--note", "over", *at) == 0

    def test_what_is_no_request_is_named(self, home: Path, tmp_path, capsys) -> None:
        path = tmp_path / "broken.json"
        path.write_text("{")
        assert self.run("request", "purchase", str(path), "--home", str(home)) == 2
        path.write_text(json.dumps({**ASK, "amount": "much"}))
        assert self.run("request", "purchase", str(path), "--home", str(home)) == 2
        assert "where: key amount" in capsys.readouterr().err
        path.write_text(json.dumps({"provider": "AWS"}))
        assert self.run("request", "commitment", str(path), "--home", str(home)) == 2


def test_who_may_approve_hears_of_a_purchase_by_mail(ws) -> None:
    letters = Letterbox()
    mailed = replace(ws, channels={"email": letters})
    purchase, _ = request_purchase(mailed, ask())
    after_answer(mailed, purchase.approval_id)
    (mail,) = letters.notices
    assert mail.to == "sam.lee@example.com"
    for part in ("18,000.00 USD", "VectorForge Index", "Notice days:", "Renews on:", "Vendor known:"):
        assert part in mail.body
