"""What went through the gateway in the lake: exact, once, past the vendor's bills only, and never in two places of a budget."""

from __future__ import annotations

import multiprocessing
import os
import signal
import threading
from collections.abc import Mapping
from datetime import date, timedelta
from decimal import Decimal
from pathlib import Path

import pytest
from tests.bills import deliver, write_csv
from tests.fixtures.ai_calls import AT, ai_call
from tests.fixtures.effort import some
from tests.fixtures.judging import AS_OF, charge, days, judged_by, open_with_rules, tags

from fiscus.__main__ import command_line
from fiscus.app.settings import load_settings
from fiscus.cost.ai.hour_charges import calls_behind, cost_of
from fiscus.cost.ai.types import VendorCost
from fiscus.cost.types import Source
from fiscus.flows.assign_owners import assign_owners
from fiscus.flows.decide_intent import decide_intent
from fiscus.flows.evaluate import evaluate
from fiscus.flows.fetch_ai_bills import land_report
from fiscus.flows.settle_hold import settle_hold
from fiscus.flows.workspace import Workspace
from fiscus.flows.write_ai_charges import write_ai_charges
from fiscus.guardrails.decisions.intent import parse_intent
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import BadConfig, BadInput
from fiscus.kernel.money import to_nanos, total
from fiscus.kernel.periods import midnight
from fiscus.kernel.progress import Silent
from fiscus.kernel.sql_text import sql_text

SPAWN = multiprocessing.get_context("spawn")  # the lake has threads, which a fork does not bring along
BUDGET = """
budgets:
  - {id: ai, title: AI, scope: {team: ml, service_category: AI and Machine Learning}, period: month, currency: USD, amount: 50,
     thresholds: [], cap: hard, owner: ml}
"""
SUMS = """
SELECT sum(EffectiveCost), sum(ContractedCost), sum(BilledCost), count(*) FROM charges WHERE x_SourceId = 'gateway-openai'
"""


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    return open_with_rules(tmp_path)


def write(ws: Workspace) -> int:
    written = write_ai_charges(ws, Silent())
    assign_owners(ws)
    return sum(one.days for one in written)


def sums(ws: Workspace) -> tuple[object, ...]:
    return ws.lake.query(SUMS).rows[0]


def test_the_rows_come_to_what_the_calls_cost_to_the_last_digit(ws: Workspace) -> None:
    calls = [
        ai_call(f"c{n}", AT - timedelta(hours=n * 7), {"input": 1 + n * 17, "cached_input": n, "output": 3 * n})
        for n in range(200)
    ]
    ws.calls.append(calls)
    write(ws)
    whole = total([cost_of(call) for call in calls])
    effective, contracted, billed, _ = sums(ws)
    assert (effective, contracted, billed) == (whole, whole, 0)
    months = ws.lake.query("SELECT DISTINCT x_BillingMonth FROM charges ORDER BY 1").rows
    assert [month for (month,) in months] == ["2026-09", "2026-10", "2026-11"]


def test_again_changes_nothing_and_a_late_call_replaces_its_hour(ws: Workspace) -> None:
    ws.calls.append([ai_call("c1"), ai_call("c2", AT + timedelta(hours=1))])
    assert write(ws) == 1
    version, before = ws.lake.version(), sums(ws)
    assert write(ws) == 0
    assert (ws.lake.version(), sums(ws)) == (version, before)
    ws.calls.append([ai_call("late", AT - timedelta(minutes=3))])
    assert write(ws) == 1
    assert sums(ws)[1] == 3 * cost_of(ai_call("c1"))
    hours = ws.lake.query("SELECT count(DISTINCT ChargePeriodStart), count(*) FROM charges").rows
    assert list(hours) == [(2, 4)]


def test_each_charge_leads_to_its_calls(ws: Workspace) -> None:
    ws.calls.append([ai_call("c1"), ai_call("c2", key_id="key-2"), ai_call("c3")])
    write(ws)
    found = ws.lake.query(
        "SELECT x_Extra['x_GatewayCharge'], x_Extra['x_GatewayCalls'] FROM charges "
        "WHERE x_AiKey = 'key-1' AND SkuMeter = 'Input Tokens'"
    ).rows
    ((charge_id, count),) = found
    behind = calls_behind(str(charge_id), ws.calls.calls(AT.replace(minute=0), AT + timedelta(hours=1)))
    assert [call.id for call in behind] == ["c1", "c3"]
    assert count == "2"


def test_team_environment_and_product_are_those_of_the_call_whatever_the_rules_say(ws: Workspace) -> None:
    ws.calls.append([ai_call("c1"), ai_call("c2", team="gone", environment="staging")])
    write(ws)
    found = ws.lake.query(
        "SELECT DISTINCT x_Team, x_Environment, x_Product, x_AssignmentRule FROM charges ORDER BY 1"
    ).rows
    assert list(found) == [("ml", "dev", "search", "gateway"), ("unowned", "staging", "search", "default-pool")]


def test_what_the_vendors_bill_covers_counts_there_and_not_here(ws: Workspace) -> None:
    calls = [ai_call(f"c{n}", AT - timedelta(days=n)) for n in range(5)]
    ws.calls.append(calls)
    write(ws)
    one = cost_of(calls[0])
    assert sums(ws)[0] == 5 * one
    bill(ws, date(2026, 11, 18), {"SkuPriceDetails": '{"ModelId": "gpt-4o-mini"}'}, "0.01")
    assert write(ws) == 3  # the 16th, 17th and 18th are billed now
    effective, contracted, billed, _ = sums(ws)
    assert (effective, contracted, billed) == (2 * one, 5 * one, 0)
    whole = ws.lake.query("SELECT sum(EffectiveCost) FROM charges WHERE ServiceProviderName = 'OpenAI'").rows
    assert list(whole) == [(Decimal("0.01") + 2 * one,)]
    assert write(ws) == 0


def test_a_bill_of_another_vendor_covers_nothing(ws: Workspace) -> None:
    ws.calls.append([ai_call("c1")])
    write(ws)
    bill(ws, AS_OF, {"ServiceProviderName": "Mistral AI"}, "9")
    assert write(ws) == 0
    assert sums(ws)[0] == cost_of(ai_call("c1"))


def test_money_stands_in_one_place_of_a_budget_before_and_after_the_bill(tmp_path: Path) -> None:
    """Settled in the ledger, written to the lake, then billed: what is used is 12.50 all the time."""
    ws = _spent(tmp_path, "12.5", settle_only=True)
    assert used(ws) == (0, Decimal("12.5"))
    write(ws)
    assert used(ws) == (0, Decimal("12.5"))
    assert spend(ws) == Decimal("12.5")
    assert isinstance(ws.clock, SteppedClock)
    ws.clock.advance(timedelta(days=1))
    assert used(ws) == (0, Decimal("12.5"))
    bill(ws, AS_OF, {}, "12.5")
    write(ws)
    assert used(ws) == (Decimal("12.5"), 0)
    assert spend(ws) == Decimal("12.5")


@pytest.mark.thorough
def test_a_bill_that_knows_another_team_gives_no_team_its_money_back(tmp_path: Path) -> None:
    """ML spends 12.50 of its cap through the gateway; the vendor bills it to a project that is nobody's."""
    ws = _spent(tmp_path, "12.5")
    bill(ws, AS_OF, {"Tags": "{}"}, "12.5")
    write(ws)
    assert used(ws) == (0, Decimal("12.5"))
    assert spend(ws) == Decimal("12.5")
    assert used(ws) == (0, Decimal("12.5"))


@pytest.mark.thorough
def test_a_bill_that_is_lower_than_the_estimate_lowers_it_for_whoever_it_does_not_name(tmp_path: Path) -> None:
    ws = _spent(tmp_path, "12.5")
    bill(ws, AS_OF, {"Tags": "{}"}, "5")
    write(ws)
    assert used(ws) == (0, Decimal(5))


@pytest.mark.thorough
def test_what_a_bill_names_in_part_counts_for_the_rest(tmp_path: Path) -> None:
    ws = _spent(tmp_path, "12.5")
    rows = [
        charge(AS_OF, cost, Tags=team, ServiceProviderName="OpenAI", ServiceCategory="AI and Machine Learning", ResourceId=cost)
        for cost, team in (("4.5", tags("ml")), ("8", "{}"))
    ]  # fmt: skip
    deliver(ws, write_csv(ws.home / "openai.csv", rows), source=Source("openai"))
    assign_owners(ws)
    write(ws)
    assert used(ws) == (Decimal("4.5"), Decimal(8))


def test_a_crash_at_any_step_is_mended_by_the_next_run(ws: Workspace, monkeypatch: pytest.MonkeyPatch) -> None:
    ws.calls.append([ai_call("c1")])
    write(ws)
    ws.calls.append([ai_call("c2")])
    for step in ("fiscus.flows.write_ai_charges.hour_charges", "fiscus.flows.write_ai_charges.ingest_bills",
                 "fiscus.flows.write_ai_charges.os.fsync", "fiscus.flows.write_ai_charges._summary"):  # fmt: skip

        def die(*_: object, **__: object) -> None:
            raise OSError("the machine is gone")

        with monkeypatch.context() as broken:
            broken.setattr(step, die)
            if step.endswith("_summary"):
                ws.calls.append([ai_call("c3")])
            with pytest.raises(OSError, match="gone"):
                write_ai_charges(ws, Silent())
    write(ws)
    assert sums(ws)[1] == 3 * cost_of(ai_call("c1"))
    assert write(ws) == 0


def test_files_that_were_deleted_are_written_again(ws: Workspace) -> None:
    ws.calls.append([ai_call("c1"), ai_call("c2", AT - timedelta(days=1))])
    write(ws)
    (ws.home / ".fiscus" / "ai" / "gateway-openai" / "2026-11-19.csv").unlink()
    ws.calls.append([ai_call("c3")])
    assert write(ws) == 2
    assert sums(ws)[1] == 3 * cost_of(ai_call("c1"))


def test_two_at_once_write_it_once(ws: Workspace) -> None:
    ws.calls.append([ai_call(f"c{n}", AT - timedelta(days=n % 3)) for n in range(30)])
    failed: list[BaseException] = []

    def run() -> None:
        try:
            write_ai_charges(ws, Silent())
        except Exception as error:  # noqa: BLE001 a thread's failure is the test's
            failed.append(error)

    threads = [threading.Thread(target=run) for _ in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failed
    assert sums(ws)[1] == 30 * cost_of(ai_call("c1"))


def test_upstreams_are_sources_of_their_own_and_currencies_stay_apart(ws: Workspace) -> None:
    ws.calls.append([
        ai_call("c1"), ai_call("c2", currency="EUR"), ai_call("c3", upstream="mistral", provider="Mistral AI", currency="EUR"),
    ])  # fmt: skip
    write(ws)
    found = ws.lake.query(
        "SELECT x_SourceId, BillingCurrency, ServiceProviderName, sum(EffectiveCost) FROM charges GROUP BY ALL ORDER BY ALL"
    ).rows
    one = cost_of(ai_call("c1"))
    assert list(found) == [
        ("gateway-mistral", "EUR", "Mistral AI", one), ("gateway-openai", "EUR", "OpenAI", one),
        ("gateway-openai", "USD", "OpenAI", one),
    ]  # fmt: skip


def test_calls_that_cost_nothing_make_no_charge(ws: Workspace) -> None:
    ws.calls.append([ai_call("c1", state="refused", lines=(), settled=0)])
    assert write(ws) == 1
    assert sums(ws)[3] == 0
    assert write(ws) == 0


def test_text_that_a_client_may_send_breaks_no_file(ws: Workspace) -> None:
    ws.calls.append([ai_call("c1", user='a "b", c\nd;NULL', model='mödel, "x"', key_id="NULL")])
    write(ws)
    assert sums(ws)[0] == cost_of(ai_call("c1"))


def test_a_source_of_bills_may_not_take_the_gateways_name(tmp_path: Path) -> None:
    text = "version: 1\ncompany: {name: X, currency: USD}\nsources: [{name: gateway-openai, paths: [bills]}]\n"
    (tmp_path / "fiscus.yaml").write_text(text, "utf-8")
    with pytest.raises(BadConfig, match="begins as the gateway's own sources do"):
        load_settings(tmp_path)
    (tmp_path / "home").mkdir()
    ws, file = open_with_rules(tmp_path / "home"), write_csv(tmp_path / "x.csv", [charge(AS_OF, "1")])
    with pytest.raises(BadInput, match="begins as the gateway's own sources do"):
        deliver(ws, file, source=Source("gateway-openai"))


def test_the_files_break_no_rule_of_focus(ws: Workspace, capsys: pytest.CaptureFixture[str]) -> None:
    """Of the newest version whose rules are published for machines, 1.3; what only 1.4 has is checked by the lake."""
    ws.calls.append([
        ai_call(f"c{n}", AT - timedelta(hours=n), {"input": 1 + n, "cached_input": n, "output": 3 * n, "searches": n % 2},
                **({"settled": 5 * 10**6} if n % 5 == 0 else {}))
        for n in range(40)
    ])  # fmt: skip
    write(ws)
    land_report(ws, "openai-bill", "OpenAI", [
        VendorCost(AS_OF - timedelta(days=3), Decimal("1.25"), "USD", "gpt-4o-mini, input", "gpt-4o-mini", "proj", "key",
                   Decimal(9)),
        VendorCost(AS_OF - timedelta(days=2), Decimal("-0.5"), "USD", "Web Search"),
    ])  # fmt: skip
    for folder in ("ai/gateway-openai", "ai-bills/openai-bill"):
        words = ["check", str(ws.home / ".fiscus" / folder), "--focus", "1.3"]
        assert not command_line()(words, result_action="return_value"), capsys.readouterr().out


def test_a_token_that_the_bill_has_is_not_counted_again_where_tokens_are_divided_by(ws: Workspace) -> None:
    """The cost of a million tokens, on the board and in the price book, is the bill's own."""
    ws.calls.append([
        ai_call("c1", AT - timedelta(days=2), {"input": 1_000_000}, model="m"), ai_call("c2", usage={"input": 500}, model="m"),
    ])  # fmt: skip
    land_report(ws, "openai-bill", "OpenAI", [
        VendorCost(AS_OF - timedelta(days=2), Decimal("0.15"), "USD", "m, input", "m", quantity=Decimal(1_000_000), unit="Tokens")
    ])  # fmt: skip
    write(ws)
    params = {"currency": "USD", "start": midnight(date(2026, 11, 1)), "before": midnight(date(2026, 10, 1)),
              "until": midnight(date(2026, 12, 1))}  # fmt: skip
    (row,) = ws.lake.query(sql_text("fiscus.board", "ai_unit_cost"), params).rows
    assert (row[1], row[2], row[3]) == ("m", Decimal("0.150075"), 1_000_500)


@pytest.mark.thorough
def test_killed_at_any_moment_the_next_run_writes_what_is_missing(tmp_path: Path) -> None:
    ws = open_with_rules(tmp_path)
    calls = [ai_call(f"c{n}", AT - timedelta(hours=n % 60), {"input": 1 + n}) for n in range(300)]
    for round_ in range(some(10, least=2)):
        ws.calls.append(calls[round_ * 30 : round_ * 30 + 30])
        begun = tmp_path / f"begun-{round_}"
        process = SPAWN.Process(target=_write_in, args=(tmp_path, begun))
        process.start()
        while not begun.exists():
            process.join(0.005)
        process.join(0.03 * (round_ % 7))
        if process.is_alive():
            os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
    ws.calls.append(calls)
    again = open_with_rules(tmp_path)
    write(again)
    assert sums(again)[1] == total([cost_of(call) for call in calls])
    assert write(again) == 0


def _write_in(home: Path, begun: Path) -> None:
    ws = open_with_rules(home)
    begun.touch()
    write_ai_charges(ws, Silent())


def _spent(home: Path, money: str, *, settle_only: bool = False) -> Workspace:
    """ML asked for 20 USD of AI through the gateway, which came to `money`; the next day, unless only settled."""
    ws = judged_by(open_with_rules(home), BUDGET)
    rows = [charge(day, "10", Tags=tags("ml")) for day in days(date(2026, 9, 1), AS_OF)]
    deliver(ws, write_csv(ws.home / "aws.csv", rows), source=Source("aws"))
    assign_owners(ws)
    evaluate(ws, "run-1")
    asked = decide_intent(ws, parse_intent({
        "kind": "ai.request", "requested_by": "max", "environment": "prod", "provider": "OpenAI", "amount": "20",
        "currency": "USD", "attributes": {"model": "gpt-4o-mini"},
    }))  # fmt: skip
    settle_hold(ws, asked.id, Decimal(money))
    ws.calls.append([ai_call("c1", decision_id=asked.id, usage={}, settled=to_nanos(Decimal(money)))])
    if not settle_only:
        write(ws)
        assert isinstance(ws.clock, SteppedClock)
        ws.clock.advance(timedelta(days=1))
        assert used(ws) == (0, Decimal(money))
    return ws


def used(ws: Workspace) -> tuple[Decimal, Decimal]:
    """(actual, metered) of the budget."""
    (status,) = evaluate(ws, "again").statuses
    assert status.headroom == status.amount - status.actual - status.unbilled
    return status.actual, status.metered


def spend(ws: Workspace) -> Decimal:
    (found,) = ws.lake.query("SELECT sum(EffectiveCost) FROM charges WHERE ServiceProviderName = 'OpenAI'").rows
    return Decimal(str(found[0]))


def bill(ws: Workspace, day: date, columns: Mapping[str, str], cost: str) -> None:
    row = charge(day, cost, **{"Tags": tags("ml"), "ServiceProviderName": "OpenAI", "ServiceName": "API",
                               "ServiceCategory": "AI and Machine Learning", **columns})  # fmt: skip
    deliver(ws, write_csv(ws.home / "openai.csv", [row]), source=Source("openai"))
    assign_owners(ws)
