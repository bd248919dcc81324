"""What every state store must do, on SQLite and on a real PostgreSQL alike."""

from __future__ import annotations

import multiprocessing
import threading
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from multiprocessing.synchronize import Event
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext

from fiscus.actions.machine import move, propose
from fiscus.actions.types import Action, Plan, Target
from fiscus.cost.types import Delivery, LakeVersion, PeriodWritten, QualityFinding
from fiscus.guardrails.types import BudgetStatus, Finding
from fiscus.kernel.actor import FISCUS, Actor
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import BadConfig, Conflict, FiscusError, IntegrityBroken, Unavailable
from fiscus.kernel.evidence import GENESIS, verify_chain
from fiscus.kernel.periods import Period
from fiscus.ownership.types import Case, CaseEvent, CaseSubject, Notice
from fiscus.signals.types import Anomaly, Contribution
from fiscus.stores.state import SqlState, open_state
from fiscus.stores.state.schema import VERSION_TABLE, metadata

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
FORK = multiprocessing.get_context("fork")
MANY_DIGITS = Decimal("1234567890123456.123456789012")


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'state.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(NOON)


@pytest.fixture
def state(url: str, clock: SteppedClock) -> Iterator[SqlState]:
    opened = open_state(url, clock)
    yield opened
    opened.close()


def raw(url: str) -> sqlalchemy.Engine:
    return sqlalchemy.create_engine(url.replace("postgresql://", "postgresql+psycopg://"))


def a_case(case_id: str = "case-1", key: str = "k1") -> Case:
    subject = CaseSubject(
        "finding", key, "GPU on", "d", MANY_DIGITS, "USD", "high", "ml", {"q": "SELECT 1", "n": Decimal("1.10")}
    )
    events = (CaseEvent(NOON, "opened", "fiscus", "n"),)
    return Case(case_id, subject, "open", "owner", "ana", NOON, NOON + timedelta(hours=8), events)


def a_finding(finding_id: str = "f-1", **changes: object) -> Finding:
    finding = Finding(
        id=finding_id,
        kind="policy",
        policy_id="p",
        policy_version="v",
        level="soft",
        title="t",
        detail="d",
        amount=MANY_DIGITS,
        currency="USD",
        owner="ana",
        team="ml",
        environment="staging",
        period_label="2026-11",
        first_seen=date(2026, 11, 3),
        last_seen=date(2026, 11, 19),
        rows=4,
        query="SELECT $a",
        params={"a": Decimal("0.10"), "day": date(2026, 11, 1), "at": NOON, "many": ("x", "y"), "list": ["z"]},
        targets=("i-1",),
        action="aws.ec2.stop",
    )
    return replace(finding, **changes)  # type: ignore[arg-type]


def a_status(budget_id: str = "b") -> BudgetStatus:
    period = Period("month", "2026-11", date(2026, 11, 1), date(2026, 12, 1))
    money = [Decimal(n) for n in range(10)]
    return BudgetStatus(
        budget_id, "t", "ml", period, NOON.date(), "USD", *money[:9], Decimal("0.25"), None, "ok", "c1.a1", "hard"
    )


def an_action(action_id: str = "act-1") -> Action:
    target = Target("i-1", "gpu", "ml", "staging", {"state": "running", "tags": {"team": "ml"}})
    plan = Plan(
        "aws.ec2.stop",
        (target,),
        {"n": Decimal("1.0")},
        "r",
        "f-1",
        "p",
        "v",
        Decimal("12.5"),
        "USD",
        "R1",
        "one",
        NOON,
        "d" * 64,
    )
    return propose(action_id, plan, FISCUS, NOON)


def a_delivery(delivery_id: str = "del-1") -> Delivery:
    period = PeriodWritten("2026-10", 3, {"USD": MANY_DIGITS}, {"USD": Decimal("-0.000000000001")}, 0, True)
    quality = (QualityFinding("nulls", "Tags", 3, "m"),)
    return Delivery(delivery_id, "aws", "1.2", NOON, ("a.csv",), 3, (period,), quality, LakeVersion(4, 2), True)


def an_anomaly(anomaly_id: str = "an-1", end: date = date(2026, 11, 10)) -> Anomaly:
    five = [Decimal("1.000000000001")] * 6
    return Anomaly(
        anomaly_id, "ana", "ml", "s", "p", "e", "USD", date(2026, 11, 7), end, *five, (Contribution("d", "v", five[0]),)
    )


class TestWhatComesBackEqualsWhatWasPut:
    def test_a_case_its_subject_and_its_history(self, state: SqlState) -> None:
        with state.begin() as tx:
            tx.cases.put(a_case())
        with state.read() as tx:
            assert tx.cases.get("case-1") == tx.cases.by_subject("k1") == a_case()
            assert tx.cases.get("other") is None
            assert [case.id for case in tx.cases.all(["open"])] == ["case-1"]
            assert tx.cases.all(["closed"]) == []

    def test_a_finding_with_dates_decimals_and_tuples_in_its_parameters(self, state: SqlState) -> None:
        with state.begin() as tx:
            tx.findings.replace_open([a_finding()])
        with state.read() as tx:
            assert tx.findings.get("f-1") == a_finding()

    def test_a_delivery_an_anomaly_and_a_budget_status(self, state: SqlState) -> None:
        with state.begin() as tx:
            tx.deliveries.put(a_delivery())
            tx.anomalies.put_all([an_anomaly()], "run-1")
            tx.budget_statuses.put_all([a_status()], "run-1")
        with state.read() as tx:
            assert tx.deliveries.all() == [a_delivery()]
            assert tx.anomalies.all() == [an_anomaly()]
            assert tx.budget_statuses.newest() == [a_status()]

    def test_an_action_with_its_journal(self, state: SqlState) -> None:
        action = move(an_action(), "APPROVED", NOON, Actor("ana"), "yes", {"x": Decimal("1.20")})
        with state.begin() as tx:
            tx.actions.put(action)
        with state.read() as tx:
            assert tx.actions.get(action.id) == action
            assert tx.actions.all(["APPROVED"]) == [action]
            assert tx.actions.all(["PROPOSED"]) == []

    @pytest.mark.parametrize(
        "value",
        [
            None,
            0,
            "x",
            [1, {"a": Decimal("1.50")}],
            {"$decimal": "not ours"},
            {"at": NOON, "t": (1, 2)},
            Decimal("0.10"),
        ],
    )
    def test_a_fact(self, state: SqlState, value: object) -> None:
        with state.begin() as tx:
            tx.facts.put("a.b", value)
        with state.read() as tx:
            assert tx.facts.get("a.b") == value
            assert tx.facts.matching("a.") == {"a.b": value}


class TestEachTableKeepsItsRule:
    def test_a_subject_never_has_two_cases(self, state: SqlState) -> None:
        def both() -> None:
            with state.begin() as tx:
                tx.cases.put(a_case("case-1", "same"))
                tx.cases.put(a_case("case-2", "same"))

        with pytest.raises(IntegrityBroken):
            both()
        with state.read() as tx:
            assert tx.cases.all() == []

    def test_a_notice_is_queued_once_and_leaves_when_it_was_sent(self, state: SqlState) -> None:
        first = Notice("n1", "email", "a@x.example", "s", "b", {"amount": Decimal("1.10")})
        with state.begin() as tx:
            assert tx.outbox.put(first)
            assert not tx.outbox.put(first)
            tx.outbox.put(Notice("n2", "email", "a@x.example", "s", "b"))
            tx.outbox.mark_failed("n1", "refused")
        with state.begin() as tx:
            assert [notice.key for notice in tx.outbox.waiting()] == ["n2", "n1"]
            assert tx.outbox.waiting()[1] == first
            tx.outbox.mark_sent("n2", "250 ok")
            assert [notice.key for notice in tx.outbox.waiting()] == ["n1"]
            assert not tx.outbox.put(Notice("n2", "email", "a@x.example", "s", "b"))

    def test_what_waits_is_told_by_channel_and_by_key(self, state: SqlState) -> None:
        with state.begin() as tx:
            for key, channel in (("n1", "email"), ("n2", "webhook"), ("n3", "webhook")):
                tx.outbox.put(Notice(key, channel, "to", "s", "b"))
            tx.outbox.mark_sent("n3", "HTTP 204")
        with state.read() as tx:
            assert tx.outbox.waiting_counts() == {"email": 1, "webhook": 1}
            assert [notice.key for notice in tx.outbox.waiting(channels=("webhook",))] == ["n2"]
            assert tx.outbox.waiting(channels=()) == []
            assert [tx.outbox.is_waiting(key) for key in ("n2", "n3", "n9")] == [True, False, False]

    def test_findings_open_resolve_and_reopen_and_keep_the_day_first_seen(self, state: SqlState) -> None:
        with state.begin() as tx:
            opened, resolved = tx.findings.replace_open([a_finding("f-1"), a_finding("f-2")])
            assert ([f.id for f in opened], resolved) == (["f-1", "f-2"], [])
            opened, resolved = tx.findings.replace_open([a_finding("f-1", first_seen=date(2026, 11, 9), rows=9)])
            assert (opened, [f.id for f in resolved]) == ([], ["f-2"])
            stored = tx.findings.get("f-1")
            assert stored is not None
            assert (stored.first_seen, stored.rows) == (date(2026, 11, 3), 9)
            opened, _ = tx.findings.replace_open([a_finding("f-1"), a_finding("f-2")])
            assert [f.id for f in opened] == ["f-2"]
            assert len(tx.findings.all(state="resolved")) == 0
            assert len(tx.findings.all(state=None)) == 2

    def test_the_newest_budget_statuses_are_those_of_the_newest_run(self, state: SqlState) -> None:
        with state.begin() as tx:
            tx.budget_statuses.put_all([a_status("old"), a_status("kept")], "run-1")
            tx.budget_statuses.put_all([a_status("kept")], "run-2")
            tx.budget_statuses.put_all([a_status("kept")], "run-2")
            assert [status.budget_id for status in tx.budget_statuses.newest()] == ["kept"]

    def test_deliveries_are_newest_first(self, state: SqlState) -> None:
        with state.begin() as tx:
            for n in range(3):
                tx.deliveries.put(a_delivery(f"del-{n}"))
            tx.deliveries.put(a_delivery("del-0"))
            assert [d.id for d in tx.deliveries.all(limit=2)] == ["del-0", "del-2"]

    def test_an_anomaly_is_new_once(self, state: SqlState) -> None:
        with state.begin() as tx:
            assert [a.id for a in tx.anomalies.put_all([an_anomaly("a"), an_anomaly("b")], "r1")] == ["a", "b"]
            assert tx.anomalies.put_all([an_anomaly("a", date(2026, 11, 15))], "r2") == []
            assert [a.id for a in tx.anomalies.all(since=datetime(2026, 11, 12, tzinfo=UTC))] == ["a"]

    def test_a_prefix_with_wildcards_means_itself(self, state: SqlState) -> None:
        with state.begin() as tx:
            tx.facts.put("a_b", 1)
            tx.facts.put("axb", 2)
            tx.facts.put("A_b", 3)
            assert tx.facts.matching("a_") == {"a_b": 1}

    def test_a_journal_only_grows(self, state: SqlState) -> None:
        with state.begin() as tx:
            tx.actions.put(an_action())
        rewritten = replace(an_action(), journal=(replace(an_action().journal[0], note="something else"),))
        with pytest.raises(IntegrityBroken), state.begin() as tx:
            tx.actions.put(rewritten)

    def test_a_claim_is_won_once_and_the_loser_can_no_longer_write(self, state: SqlState) -> None:
        with state.begin() as tx:
            tx.actions.put(an_action())
            assert tx.actions.claim("act-1", 0)
            assert not tx.actions.claim("act-1", 0)
            claimed = tx.actions.get("act-1")
            assert claimed is not None
            assert claimed.epoch == 1
        with pytest.raises(Conflict), state.begin() as tx:
            tx.actions.put(move(an_action(), "APPROVED", NOON, FISCUS, ""))


class TestATransactionIsAllOrNothing:
    def test_an_error_leaves_neither_the_change_nor_its_evidence(self, state: SqlState) -> None:
        def fails_at_the_end() -> None:
            with state.begin() as tx:
                tx.facts.put("x", 1)
                tx.evidence.append("case.opened", "c", FISCUS, {})
                raise ZeroDivisionError

        with pytest.raises(ZeroDivisionError):
            fails_at_the_end()
        with state.read() as tx:
            assert tx.facts.get("x") is None
            assert tx.evidence_head() == (0, GENESIS)

    def test_a_reader_sees_one_moment_and_cannot_write(self, state: SqlState) -> None:
        with state.read() as before:
            assert before.facts.get("x") is None
            with state.begin() as tx:
                tx.facts.put("x", 1)
            assert before.facts.get("x") is None
        with pytest.raises(FiscusError), state.read() as tx:
            tx.facts.put("x", 2)
        with state.read() as tx:
            assert tx.facts.get("x") == 1

    def test_no_update_is_lost_when_many_read_and_then_write(self, state: SqlState) -> None:
        def count_up() -> None:
            for _ in range(10):
                with state.begin() as tx:
                    tx.facts.put("n", int(str(tx.facts.get("n") or 0)) + 1)

        run_together([count_up] * 6)
        with state.read() as tx:
            assert tx.facts.get("n") == 60


class TestEvidence:
    def test_records_are_chained_and_the_head_follows(self, state: SqlState, clock: SteppedClock) -> None:
        with state.begin() as tx:
            for n in range(5):
                clock.advance(timedelta(microseconds=1))
                tx.evidence.append(
                    "run.completed", f"r{n}", Actor("ana"), {"n": Decimal("1.10"), "ü": [None, True, 0.5]}
                )
        with state.read() as tx:
            count, head, breaks = verify_chain(tx.evidence_records())
            assert (count, breaks) == (5, [])
            assert tx.evidence_head() == (5, head)
            assert [r.seq for r in tx.evidence_records(["run.completed"])] == [1, 2, 3, 4, 5]
            assert list(tx.evidence_records(["other"])) == []

    @pytest.mark.thorough
    def test_eight_processes_append_without_gap_or_fork(self, state: SqlState, url: str) -> None:
        start = FORK.Event()
        workers = [FORK.Process(target=append_ten, args=(url, f"w{n}", start)) for n in range(8)]
        for worker in workers:
            worker.start()
        start.set()
        for worker in workers:
            worker.join(60)
        assert [worker.exitcode for worker in workers] == [0] * 8
        with state.read() as tx:
            count, head, breaks = verify_chain(tx.evidence_records())
            assert (count, breaks, tx.evidence_head()) == (80, [], (80, head))
            by_worker = {
                f"w{n}": [r.body["n"] for r in tx.evidence_records() if r.subject == f"w{n}"] for n in range(8)
            }
        assert by_worker == {f"w{n}": list(range(10)) for n in range(8)}


class TestTheSchema:
    def test_opening_again_changes_nothing_and_keeps_the_data(
        self, state: SqlState, url: str, clock: SteppedClock
    ) -> None:
        with state.begin() as tx:
            tx.facts.put("x", 1)
        again = open_state(url, clock)
        with again.read() as tx:
            assert tx.facts.get("x") == 1
        again.close()

    def test_two_that_open_a_new_store_at_once_create_it_once(self, url: str, clock: SteppedClock) -> None:
        opened: list[SqlState] = []
        run_together([lambda: opened.append(open_state(url, clock))] * 4)
        assert len(opened) == 4
        for one in opened:
            one.close()

    def test_a_newer_schema_is_refused_with_what_to_do(self, state: SqlState, url: str, clock: SteppedClock) -> None:
        with raw(url).begin() as connection:
            connection.execute(sqlalchemy.text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
        with pytest.raises(BadConfig, match=r"9999.*upgrade"):
            open_state(url, clock)

    def test_the_migrations_build_exactly_the_tables_that_the_code_uses(self, state: SqlState, url: str) -> None:
        with raw(url).connect() as connection:
            context = MigrationContext.configure(
                connection, opts={"version_table": VERSION_TABLE, "compare_type": False}
            )
            assert compare_metadata(context, metadata) == []


class TestAStoreThatCannotBe:
    @pytest.mark.parametrize("bad", ["mysql://x/y", "nonsense", "sqlite://", "sqlite:///:memory:"])
    def test_a_url_that_names_no_store_is_refused(self, bad: str, clock: SteppedClock) -> None:
        with pytest.raises(BadConfig, match="sqlite:///"):
            open_state(bad, clock)

    def test_a_server_that_is_down_is_unavailable_and_no_password_is_shown(self, clock: SteppedClock) -> None:
        with pytest.raises(Unavailable) as caught:
            open_state("postgresql://fiscus:s3cret@127.0.0.1:1/x", clock)
        assert "s3cret" not in str(caught.value)

    def test_a_file_that_is_no_database_is_named(self, tmp_path: Path, clock: SteppedClock) -> None:
        (tmp_path / "state.db").write_bytes(b"not a database at all" * 100)
        with pytest.raises(IntegrityBroken, match=r"state\.db"):
            open_state(f"sqlite:///{tmp_path / 'state.db'}", clock)


def append_ten(url: str, name: str, start: Event) -> None:
    own = open_state(url, SteppedClock(NOON))
    start.wait()
    for n in range(10):
        with own.begin() as tx:
            tx.evidence.append("run.completed", name, FISCUS, {"n": n})
    own.close()


def run_together(work: list[Callable[[], object]]) -> None:
    failures: list[Exception] = []

    def guarded(one: Callable[[], object]) -> None:
        try:
            one()
        except Exception as failed:  # noqa: BLE001  shown by the assertion below
            failures.append(failed)

    threads = [threading.Thread(target=guarded, args=(one,)) for one in work]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == []
