"""The demo is the real path: a simulated company's bills, the whole loop, what was found against what is known to be true."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.gateways import nanos

from fiscus.__main__ import command_line
from fiscus.app.demo import DemoPlan, DemoShown, demo
from fiscus.app.loop import run_loop
from fiscus.app.settings import load_settings
from fiscus.app.simulated_vendors import AI_BILL, TRUTH, SimulatedVendors, revived_vendors
from fiscus.app.workspace import open_workspace
from fiscus.connectors.simulated_ai.bill import cost_by_request, read_bill
from fiscus.flows.show_actions import show_action
from fiscus.flows.show_credits import show_credits
from fiscus.flows.show_marketplaces import show_marketplaces
from fiscus.flows.undo_actions import undo_action
from fiscus.flows.verify_evidence import verify_evidence
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import Conflict
from fiscus.kernel.money import total
from fiscus.kernel.progress import Silent
from fiscus.ownership.owned_totals import owned_totals

pytestmark = pytest.mark.thorough  # whoever works on it has `make demo`, the same whole way, before them
PLAN = DemoPlan(months=12, scale=0.05, seed=7)


@dataclass
class Shown:
    home: Path
    demo: DemoShown


@pytest.fixture(scope="module")
def shown(tmp_path_factory: pytest.TempPathFactory) -> Shown:
    home = tmp_path_factory.mktemp("demo") / "home"
    with demo(str(home), PLAN, Silent()) as made:
        return Shown(home, made)


@pytest.fixture(scope="module")
def after(shown: Shown) -> Iterator[tuple[Workspace, SimulatedVendors]]:
    """The demo's workspace on the day of the last bill, its vendors running again as `fiscus serve` starts them."""
    ws = open_workspace(shown.home)
    with revived_vendors(ws, load_settings(shown.home)) as vendors:
        yield ws, vendors


def test_every_feed_ties_out_to_the_last_digit(shown: Shown) -> None:
    assert (shown.demo.feeds_tied_out, shown.demo.feeds) == (13, 13)


def test_what_was_planted_is_found_with_few_false_alarms(shown: Shown) -> None:
    score = shown.demo.score
    assert score.planted == 14
    assert score.missed == ()
    assert score.false_alarms <= 3, score.false_alarm_titles


def test_every_focus_version_is_read(shown: Shown) -> None:
    versions = open_workspace(shown.home).lake.query("SELECT DISTINCT x_FocusVersion FROM charges ORDER BY 1").rows
    assert versions == (("1.0",), ("1.1",), ("1.2",), ("1.3",), ("1.4",))


def test_owned_and_unowned_are_the_lake(shown: Shown) -> None:
    ws = open_workspace(shown.home)
    for currency, cost in ws.lake.query(
        "SELECT BillingCurrency, sum(EffectiveCost) FROM counted_charges GROUP BY ALL"
    ).rows:
        mine = [line.effective_cost for line in owned_totals(ws.lake) if line.currency == currency]
        assert total(mine) == cost


def test_what_is_prepaid_and_what_two_feeds_show_is_what_the_simulation_says(shown: Shown) -> None:
    ws, truth = open_workspace(shown.home), json.loads((shown.home / TRUTH).read_text(encoding="utf-8"))
    with ws.state.read() as tx:
        kinds = {finding.kind: finding for finding in tx.findings.all()}
    (balance,) = show_credits(ws).pools
    said = truth["prepaid"]
    assert (balance.key.provider, balance.unit) == (said["provider"], said["unit"])
    assert balance.balance.bought == Decimal(said["bought"])
    assert kinds["credits_running_out"].title.startswith(
        "Perplexity's prepaid balance of Credits runs out about 2026-12-"
    )
    assert "Dogwatch stand in both feeds, aws and dogwatch" in kinds["seen_twice"].title
    assert {link.confidence for link in show_marketplaces(ws).links} == {"high"}
    assert balance.twice_billed == balance.twice_counted == 0


def test_the_action_is_approved_by_somebody_run_and_verified_by_the_next_bill(shown: Shown) -> None:
    ws = open_workspace(shown.home)
    with ws.state.read() as tx:
        action = tx.actions.get(shown.demo.story.action_id)
    assert action is not None
    assert [entry.state for entry in action.journal] == [
        "PROPOSED", "APPROVED", "CLAIMED", "INTENT", "SENT", "SUCCEEDED", "RECONCILED", "VERIFIED",
    ]  # fmt: skip
    assert action.approved_by not in {None, action.requested_by}
    assert action.verified_saving is not None
    assert action.verified_saving > 0


def test_people_were_told_by_mail_and_the_evidence_is_whole(shown: Shown) -> None:
    mails = list((shown.home / "mail").glob("*.eml"))
    ws = open_workspace(shown.home)
    with ws.state.read() as tx:
        sent = [record for record in tx.evidence_records(["notice.sent"]) if record.body.get("channel") == "email"]
        assert not tx.outbox.waiting()
    assert len(mails) == len(sent) > 10
    assert verify_evidence(ws).ok


def test_real_calls_through_the_gateway_are_denied_degraded_and_settled_to_the_vendors_bill(shown: Shown) -> None:
    ws = open_workspace(shown.home)
    calls = list(ws.calls.calls(ws.clock.now() - timedelta(days=1), ws.clock.now() + timedelta(days=1)))
    verdicts = Counter(call.verdict for call in calls)
    assert (verdicts["deny"], verdicts["degrade"], len(calls)) == (1, 1, 10)
    settled = sorted(call.settled for call in calls if call.state == "settled")
    assert settled == sorted(nanos(cost) for cost in cost_by_request(read_bill(shown.home / AI_BILL)).values())
    told = "\n".join(shown.demo.sentences)
    assert "in staging was refused with 402: Budget AI in staging" in told
    assert "answered by claude-haiku-4-5-20251001 instead" in told
    assert "exactly what their bills say" in told
    assert shown.demo.try_it.startswith("curl -i http://127.0.0.1:")


def test_the_same_day_again_changes_nothing(after: tuple[Workspace, SimulatedVendors]) -> None:
    ws, vendors = after

    def standing() -> tuple[object, ...]:
        with ws.state.read() as tx:
            kinds = Counter(record.kind for record in tx.evidence_records() if record.kind != "run.completed")
            return (
                tuple(tx.findings.all()),
                tuple(tx.cases.all()),
                tuple(tx.actions.all()),
                kinds,
                str(ws.lake.version()),
            )

    before = standing()
    again = run_loop(ws, Silent())
    assert standing() == before
    assert (again.notices_sent, len(vendors.mail.messages)) == (0, 0)


def test_undone_the_machine_runs_again(shown: Shown, after: tuple[Workspace, SimulatedVendors]) -> None:
    ws, vendors = after
    operator = ws.config.directory.teams[ws.config.directory.default_pool].lead
    undone = undo_action(ws, shown.demo.story.action_id, Actor(operator))
    assert undone.state == "ROLLED_BACK"
    machine = str(undone.plan.targets[0].observed.get("vendor_id", undone.plan.targets[0].id))
    assert vendors.aws.states([machine]) == {machine: "running"}


def fiscus(capsys: pytest.CaptureFixture[str], shown: Shown, *words: str) -> tuple[int, Any]:
    """(exit code, what it printed as JSON) of one command on the demo's workspace."""
    capsys.readouterr()
    code = command_line()([*words, "--home", str(shown.home), "--json"], result_action="return_value")
    return code or 0, json.loads(capsys.readouterr().out)


def test_the_machine_that_still_waits_is_approved_stopped_and_started_on_the_command_line(
    shown: Shown, after: tuple[Workspace, SimulatedVendors], capsys: pytest.CaptureFixture[str]
) -> None:
    ws, vendors = after
    _, listed = fiscus(capsys, shown, "actions")
    action = next(line["action"] for line in listed["lines"] if line["waits_for"] == "approval")
    machine = action["plan"]["targets"][0]["observed"].get("vendor_id", action["plan"]["targets"][0]["id"])
    allowed = show_action(ws, action["id"]).may_approve
    stranger = next(p for p, who in ws.config.directory.people.items() if p not in allowed and who.left_on is None)
    assert fiscus(capsys, shown, "approve", action["id"], "--as", stranger)[0] == 2
    assert fiscus(capsys, shown, "approve", action["id"], "--as", allowed[0])[1]["state"] == "APPROVED"
    _, (preview,) = fiscus(capsys, shown, "apply", "--as", stranger)
    assert (preview["targets"][0]["drift"], vendors.aws.states([machine])) == ("", {machine: "running"})
    _, (applied,) = fiscus(capsys, shown, "apply", "--yes", "--as", stranger)
    assert (applied["state"], vendors.aws.states([machine])) == ("SUCCEEDED", {machine: "stopped"})
    _, (undone,) = fiscus(capsys, shown, "undo", action["id"], "--as", stranger)
    assert (undone["state"], vendors.aws.states([machine])) == ("ROLLED_BACK", {machine: "running"})


def test_an_owner_gets_a_case_and_acts_on_it(shown: Shown, capsys: pytest.CaptureFixture[str]) -> None:
    _, listed = fiscus(capsys, shown, "cases")
    case = next(case for case in listed["cases"] if case["state"] == "open")
    code, taken = fiscus(capsys, shown, "case", "ack", case["id"], "--as", case["assignee"], "--note", "on it")
    assert (code, taken["state"], taken["next_escalation_at"]) == (0, "acknowledged", None)
    code, closed = fiscus(capsys, shown, "case", "close", case["id"], "--as", case["assignee"])
    assert (code, closed["state"]) == (0, "closed")
    assert fiscus(capsys, shown, "case", "close", case["id"], "--as", "nobody.here")[0] == 2


def test_what_the_demo_plants_would_not_have_been_bought(
    shown: Shown, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The marketplace purchase needs approval, the runaway agent's next call is denied by the cap that it broke."""
    asks = {"requested_by": "ana.silva", "currency": "USD"}
    purchase = {"kind": "marketplace.purchase", "environment": "prod", "amount": "18500.00", **asks}
    call = {"kind": "ai.request", "environment": "staging", "amount": "0.42", **asks}
    for intent, code, verdict in ((purchase, 3, "require_approval"), (call, 4, "deny")):
        monkeypatch.setattr("sys.stdin", StringIO(json.dumps(intent)))
        given, decision = fiscus(capsys, shown, "decide")
        assert (given, decision["verdict"], decision["money_held"]) == (code, verdict, False)


def test_a_folder_that_is_no_demo_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "thesis.txt").write_text("two years of work", encoding="utf-8")
    with pytest.raises(Conflict, match="no demo"), demo(str(tmp_path), PLAN, Silent()):
        pass
    assert (tmp_path / "thesis.txt").read_text(encoding="utf-8") == "two years of work"
