"""What every spend ledger must do, on SQLite and on a real PostgreSQL alike."""

from __future__ import annotations

import multiprocessing
import sqlite3
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import psycopg
import pytest
from tests.fixtures.ledgers import NOON, TODAY, USD, account, ask, hold, key, reserve, sync

from fiscus.guardrails.ledger.book import fits
from fiscus.guardrails.ledger.commands import (
    Done,
    Expire,
    Overran,
    Release,
    Reserve,
    Reserved,
    Settle,
    Settled,
    Spent,
    Standing,
    Sync,
    Thaw,
    Verdict,
)
from fiscus.guardrails.ledger.group_commit import GroupCommit
from fiscus.guardrails.ledger.leases import LeasedAccounts
from fiscus.guardrails.ledger.ledger import Ledger
from fiscus.guardrails.ledger.recount import Recount
from fiscus.guardrails.ledger.types import Account, Hold, Rulebook
from fiscus.kernel.actor import Actor
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import BadConfig, BadInput, Conflict, IntegrityBroken, LimitExceeded, NotFound, Unavailable
from fiscus.kernel.evidence import verify_chain
from fiscus.kernel.periods import FiscalCalendar
from fiscus.stores.ledger import open_ledger
from fiscus.stores.ledger.locked_ledger import HOLDS_UNTABLED_MAX, RECORDS_UNTABLED_MAX

FORK = multiprocessing.get_context("fork")


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'ledger.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def clock() -> SteppedClock:
    return SteppedClock(NOON)


@pytest.fixture
def ledger(url: str, clock: SteppedClock) -> Iterator[Ledger]:
    opened = Ledger(open_ledger(url, clock))
    ask(opened, sync({"org": 100 * USD, "team": 10 * USD}))
    yield opened
    opened.close()


def change(url: str, sql: str) -> None:
    """What somebody with rights on the database may do behind its back."""
    if url.startswith("sqlite"):
        with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
            database.execute(sql)
    else:
        with psycopg.connect(url) as server:
            server.execute(sql)


class TestReserving:
    def test_money_is_held_over_every_account_or_over_none(self, ledger: Ledger) -> None:
        assert ask(ledger, reserve("h1", 9 * USD, "org", "team")).hold is not None  # type: ignore[union-attr]
        refused = ask(ledger, reserve("h2", 2 * USD, "org", "team"))
        assert isinstance(refused, Reserved)
        assert refused.hold is None
        assert (account(ledger, "org").held, account(ledger, "team").held) == (9 * USD, 9 * USD)
        assert ledger.store.hold("h2") is None

    def test_what_fits_to_the_last_nano_unit_is_held_and_one_more_is_not(self, ledger: Ledger) -> None:
        assert ask(ledger, reserve("h1", 10 * USD, "team")).hold is not None  # type: ignore[union-attr]
        assert ask(ledger, reserve("h2", 1, "team")).hold is None  # type: ignore[union-attr]

    def test_a_batch_is_judged_one_after_the_other(self, ledger: Ledger) -> None:
        answers = ledger.transact([reserve(f"h{n}", 3 * USD, "team") for n in range(5)])
        assert [one.hold is not None for one in answers if isinstance(one, Reserved)] == [True] * 3 + [False] * 2

    def test_the_same_key_is_answered_once_and_held_once(self, ledger: Ledger) -> None:
        first = ask(ledger, reserve("h1", USD, "team", key="k", digest="d"))
        again = ask(ledger, reserve("h2", USD, "team", key="k", digest="d"))
        assert isinstance(first, Reserved)
        assert isinstance(again, Reserved)
        assert again.repeated
        assert again.hold == first.hold
        assert account(ledger, "team").held == USD

    def test_a_key_tells_what_was_answered_to_it_and_how_its_hold_stands_now(self, ledger: Ledger) -> None:
        ask(ledger, reserve("h1", USD, "team", key="k", digest="d"))
        ask(ledger, Release("h1", "not sent"))
        answered = ledger.store.answered("k")
        assert answered is not None
        assert answered.hold is not None
        assert (answered.digest, answered.hold.id, answered.hold.state) == ("d", "h1", "released")
        assert ledger.store.answered("another") is None

    def test_the_same_key_for_something_else_is_refused(self, ledger: Ledger) -> None:
        ask(ledger, reserve("h1", USD, "team", key="k", digest="d"))
        with pytest.raises(Conflict, match="used for another request"):
            ask(ledger, reserve("h2", 2 * USD, "team", key="k", digest="e"))

    def test_a_key_is_told_again_within_one_batch(self, ledger: Ledger) -> None:
        ledger.transact([reserve(f"h{n}", USD, "team", key="k", digest="d") for n in range(3)])
        assert account(ledger, "team").held == USD

    def test_an_account_that_nobody_opened_is_refused_and_the_rest_of_the_batch_goes_on(self, ledger: Ledger) -> None:
        first, second = ledger.transact([reserve("h1", USD, "ghost"), reserve("h2", USD, "team")])
        assert isinstance(first, NotFound)
        assert isinstance(second, Reserved)
        assert second.hold is not None

    def test_a_new_period_is_opened_by_the_request_that_comes_first(self, ledger: Ledger) -> None:
        opened = Account("team", "2026-12", "USD", "hard", 10 * USD, billed_until=TODAY)
        asked = replace(hold("h1", USD), accounts=(opened.key,))
        ask(ledger, Reserve(asked, fits(USD), opens={opened.key: opened}.get))
        found = ledger.store.account("team@2026-12")
        assert found is not None
        assert (found.held, opened.held) == (USD, 0)

    def test_currencies_are_never_mixed(self, ledger: Ledger) -> None:
        with pytest.raises(BadInput, match="EUR cannot be held"):
            ask(ledger, reserve("h1", USD, "team", currency="EUR"))

    def test_a_judge_that_is_wrong_does_not_pass_a_hard_cap(self, ledger: Ledger) -> None:
        with pytest.raises(LimitExceeded, match=r"^11\.00 USD do not fit"):
            ask(ledger, Reserve(hold("h1", 11 * USD, "team"), lambda accounts, frozen: Verdict(hold=True)))

    def test_a_cap_that_is_only_watched_may_be_passed(self, ledger: Ledger) -> None:
        ask(ledger, sync({"soft": USD}, cap="soft"))
        assert ask(ledger, Reserve(hold("h1", 5 * USD, "soft"), fits(5 * USD))).hold is not None  # type: ignore[union-attr]
        assert account(ledger, "soft").headroom == -4 * USD


class TestTablesThatFollowTheEvidence:
    """A reservation commits its record alone; the tables say it later. Nobody can tell."""

    @staticmethod
    def lag(url: str) -> int:
        """Records that the tables do not say yet."""
        sql = "SELECT seq - tabled FROM ledger_head"
        if url.startswith("sqlite"):
            with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
                return int(database.execute(sql).fetchone()[0])
        with psycopg.connect(url) as server:
            found = server.execute(sql).fetchone()
            assert found is not None
            return int(found[0])

    def test_reservations_leave_them_behind_and_whoever_looks_sees_everything(self, ledger: Ledger, url: str) -> None:
        def seen() -> tuple[object, ...]:
            store = ledger.store
            every = sorted(store.every_account(), key=lambda one: one.key)
            return (
                store.totals(),
                store.holds(),
                sorted(store.every_hold(), key=lambda one: one.id),
                every,
                store.hold("h1"),
            )

        for n in range(3):
            ask(ledger, reserve(f"h{n}", USD, "org", "team"))
        before = seen()
        assert self.lag(url) == 3
        assert (ledger.store.totals().open, account(ledger, "team").held) == (3, 3 * USD)
        ask(ledger, Expire())  # looks at what is due, and so brings them
        assert self.lag(url) == 0
        assert seen() == before

    def test_another_process_goes_on_from_the_evidence(self, ledger: Ledger, url: str, clock: SteppedClock) -> None:
        ask(ledger, reserve("h1", 6 * USD, "org", "team"))
        other = Ledger(open_ledger(url, clock))
        assert ask(other, reserve("h2", 6 * USD, "team")).hold is None  # type: ignore[union-attr]
        assert ask(other, reserve("h3", 4 * USD, "team")).hold is not None  # type: ignore[union-attr]
        assert self.lag(url) == 3
        assert isinstance(ask(ledger, Settle("h3", USD)), Settled)
        assert isinstance(ask(other, Release("h1", "not sent")), Settled)
        other.close()
        assert (account(ledger, "team").held, account(ledger, "team").unbilled) == (0, USD)
        assert [ledger.store.hold(one).state for one in ("h1", "h3")] == ["released", "settled"]  # type: ignore[union-attr]

    def test_a_hold_that_only_the_evidence_says_is_the_hold_that_was_given(
        self, ledger: Ledger, url: str, clock: SteppedClock
    ) -> None:
        given = ask(ledger, Reserve(replace(hold("h1", USD), decision_id="dec-1", price_version="v"), fits(USD)))
        assert isinstance(given, Reserved)
        other = open_ledger(url, clock)
        assert other.hold("h1") == given.hold
        other.close()

    def test_they_never_lag_by_more_than_one_process_can_read_at_once(self, ledger: Ledger, url: str) -> None:
        for n in range(RECORDS_UNTABLED_MAX + 2):
            ask(ledger, reserve(f"h{n}", 1, "team"))
            assert self.lag(url) <= RECORDS_UNTABLED_MAX
        ledger.transact([reserve(f"g{n}", 1, "team") for n in range(HOLDS_UNTABLED_MAX + 1)])
        assert self.lag(url) == 0
        assert account(ledger, "team").held == RECORDS_UNTABLED_MAX + 2 + HOLDS_UNTABLED_MAX + 1

    def test_what_expires_is_found_though_the_tables_lag(self, ledger: Ledger, url: str, clock: SteppedClock) -> None:
        ask(ledger, reserve("h1", USD, "team"))
        clock.advance(timedelta(days=2))
        assert ask(ledger, Expire()) == Done(1)
        assert self.lag(url) == 0

    def test_a_ledger_of_before_opens_with_its_holds_and_its_chain(
        self, ledger: Ledger, url: str, clock: SteppedClock
    ) -> None:
        ask(ledger, reserve("h1", USD, "team"))
        ask(ledger, Expire())
        given = ledger.store.hold("h1")
        assert given is not None
        document, until = msgspec.json.encode(given).decode(), given.expires_at.isoformat()
        change(url, f"INSERT INTO ledger_holds VALUES ('h1', 'held', 'USD', '{USD}', '0', '{until}', '{document}')")
        change(url, "DROP TABLE ledger_reserved")
        change(url, "DROP TABLE ledger_due")
        change(url, "ALTER TABLE ledger_head DROP COLUMN tabled")
        change(url, "DELETE FROM ledger_version WHERE version >= 3")
        opened = Ledger(open_ledger(url, clock))
        assert self.lag(url) == 0
        assert ask(opened, reserve("h2", 9 * USD, "team")).hold is not None  # type: ignore[union-attr]
        assert ask(opened, reserve("h3", 1, "team")).hold is None  # type: ignore[union-attr]
        assert isinstance(ask(opened, Settle("h1", USD // 2)), Settled)
        assert account(opened, "team").unbilled == USD // 2
        assert verify_chain(opened.store.evidence_records())[2] == []
        opened.close()

    def test_a_hold_whose_row_only_names_its_record_is_read_from_there(
        self, ledger: Ledger, url: str, clock: SteppedClock
    ) -> None:
        given = ask(ledger, reserve("h1", USD, "team"))
        ask(ledger, Expire())
        other = Ledger(open_ledger(url, clock))
        assert other.store.hold("h1") == given.hold  # type: ignore[union-attr]
        assert [*other.store.every_hold()] == [*other.store.holds()] == [given.hold]  # type: ignore[union-attr]
        assert isinstance(ask(other, Settle("h1", USD // 2)), Settled)
        assert other.store.hold("h1").settled == USD // 2  # type: ignore[union-attr]
        other.close()

    def test_what_one_record_reserved_expires_each_hold_at_its_time(self, ledger: Ledger, clock: SteppedClock) -> None:
        until = {f"h{n}": NOON + timedelta(hours=1 + n % 3) for n in range(9)}
        ledger.transact([reserve(one, USD, "team", expires_at=at) for one, at in until.items()])
        ask(ledger, Settle("h3", USD))
        asked = [
            (59, 1, 0),
            (61, 1, 1),
            (62, 1, 1),
            (63, 1, 0),
            (119, 9, 0),
            (121, 9, 3),
            (179, 9, 0),
            (181, 9, 3),
            (999, 9, 0),
        ]
        for minute, limit, charged in asked:
            clock.advance(NOON + timedelta(minutes=minute) - clock.now())
            assert ask(ledger, Expire(limit)) == Done(charged), minute
        assert account(ledger, "team").held == 0
        assert account(ledger, "team").unbilled == 9 * USD

    def test_holds_that_this_process_reserved_long_ago_are_read_like_those_of_another(
        self, ledger: Ledger, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr("fiscus.stores.ledger.reserved_holds.LATELY_MAX", 4)
        for first in range(0, 18, 3):
            ledger.transact([reserve(f"h{n}", USD // 3, "team") for n in range(first, first + 3)])
            ask(ledger, Expire())
        answers = ledger.transact([Settle(f"h{n}", USD // 3 - n) for n in range(18)])
        assert all(isinstance(one, Settled) for one in answers)
        assert (account(ledger, "team").held, account(ledger, "team").unbilled) == (0, 18 * (USD // 3) - sum(range(18)))

    def test_a_hold_whose_record_is_gone_is_settled_for_nobody(
        self, ledger: Ledger, url: str, clock: SteppedClock
    ) -> None:
        ask(ledger, reserve("h1", USD, "team"))
        ask(ledger, Expire())
        change(url, "UPDATE ledger_evidence SET body = replace(body, 'h1', 'h2') WHERE seq > 1")
        other = Ledger(open_ledger(url, clock))
        assert other.store.hold("h1") is None  # to look at
        with pytest.raises(IntegrityBroken, match="reserved hold h1 is gone"):
            ask(other, Settle("h1", 1))
        assert account(other, "team").held == USD
        other.close()

    def test_evidence_that_cannot_be_read_stops_the_ledger_instead_of_forgetting_a_hold(
        self, ledger: Ledger, url: str, clock: SteppedClock
    ) -> None:
        ask(ledger, reserve("h1", USD, "team"))
        change(url, "UPDATE ledger_evidence SET body = 'x' WHERE seq = (SELECT max(seq) FROM ledger_evidence)")
        other = Ledger(open_ledger(url, clock))
        with pytest.raises(IntegrityBroken, match="evidence cannot be read"):
            ask(other, reserve("h2", USD, "team"))
        other.close()


class TestTheEndOfAHold:
    def test_settled_below_the_bound_gives_the_rest_back(self, ledger: Ledger) -> None:
        ask(ledger, reserve("h1", 5 * USD, "org", "team"))
        ask(ledger, Settle("h1", 2 * USD))
        assert (account(ledger, "team").held, account(ledger, "team").unbilled) == (0, 2 * USD)
        assert account(ledger, "org").headroom == 98 * USD

    def test_settling_twice_at_the_same_amount_is_once_and_at_another_is_refused(self, ledger: Ledger) -> None:
        ask(ledger, reserve("h1", 5 * USD, "team"))
        ask(ledger, Settle("h1", 2 * USD))
        again = ask(ledger, Settle("h1", 2 * USD))
        assert isinstance(again, Settled)
        assert again.repeated
        with pytest.raises(Conflict):
            ask(ledger, Settle("h1", 3 * USD))
        assert account(ledger, "team").unbilled == 2 * USD

    def test_an_estimate_is_replaced_and_never_added(self, ledger: Ledger) -> None:
        ask(ledger, reserve("h1", 5 * USD, "team"))
        ask(ledger, Settle("h1", 3 * USD, estimate=True))
        ask(ledger, Settle("h1", 2 * USD))
        assert account(ledger, "team").unbilled == 2 * USD

    def test_released_is_free_again_and_only_once(self, ledger: Ledger) -> None:
        ask(ledger, reserve("h1", 5 * USD, "team"))
        ask(ledger, Release("h1", "nothing was sent"))
        ask(ledger, Release("h1", "nothing was sent"))
        assert account(ledger, "team").headroom == 10 * USD

    def test_what_was_settled_cannot_be_released(self, ledger: Ledger) -> None:
        ask(ledger, reserve("h1", 5 * USD, "team"))
        ask(ledger, Settle("h1", USD))
        with pytest.raises(Conflict, match="may have been spent"):
            ask(ledger, Release("h1", "changed my mind"))

    def test_an_unknown_outcome_is_charged_at_the_bound_when_its_time_is_over(
        self, ledger: Ledger, clock: SteppedClock
    ) -> None:
        ask(ledger, reserve("h1", 5 * USD, "team"))
        clock.advance(timedelta(minutes=61))
        ask(ledger, Expire())
        ask(ledger, Expire())
        found = ledger.store.hold("h1")
        assert found is not None
        assert (found.state, found.settled) == ("charged", 5 * USD)
        assert account(ledger, "team").headroom == 5 * USD
        assert ledger.store.totals().charged_unknown == {"USD": 5 * USD}

    def test_an_outcome_that_comes_late_replaces_the_charge(self, ledger: Ledger, clock: SteppedClock) -> None:
        ask(ledger, reserve("h1", 5 * USD, "team"))
        clock.advance(timedelta(minutes=61))
        ledger.transact([Expire(), Settle("h1", USD)])
        assert account(ledger, "team").unbilled == USD

    def test_a_clock_that_steps_back_frees_nothing_and_expires_nothing(
        self, ledger: Ledger, clock: SteppedClock
    ) -> None:
        ask(ledger, reserve("h1", 5 * USD, "team"))
        clock.advance(timedelta(days=-400))
        ask(ledger, Expire())
        assert account(ledger, "team").held == 5 * USD
        times = [record.at for record in ledger.store.evidence_records()]
        assert times == sorted(times)


class TestAnOverrun:
    def test_it_is_charged_in_full_recorded_apart_and_freezes_its_narrowest_cause(self, ledger: Ledger) -> None:
        ask(ledger, reserve("h1", USD, "org", "team", subjects=("key:k1", "model:m")))
        settled = ask(ledger, Settle("h1", 3 * USD))
        assert isinstance(settled, Settled)
        assert (settled.overrun, settled.frozen) == (2 * USD, ("key:k1",))
        assert [one.reason for one in ledger.store.frozen()] == ["billed 2.00 USD above the bound of h1"]
        assert account(ledger, "team").unbilled == 3 * USD
        assert ledger.store.totals().overruns == {"USD": 2 * USD}
        assert ask(ledger, reserve("h2", 1, "team", subjects=("key:k1",))).hold is None  # type: ignore[union-attr]
        assert ask(ledger, reserve("h3", 1, "team", subjects=("key:k2", "model:m"))).hold is not None  # type: ignore[union-attr]

    def test_an_account_is_frozen_only_once_its_cap_is_passed(self, ledger: Ledger) -> None:
        ask(ledger, reserve("h1", USD, "org", "team"))
        settled = ask(ledger, Settle("h1", 11 * USD))
        assert isinstance(settled, Settled)
        assert settled.frozen == (key("team"),)
        assert ask(ledger, reserve("h2", 0, "team")).hold is None  # type: ignore[union-attr]
        assert ask(ledger, reserve("h3", USD, "org")).hold is not None  # type: ignore[union-attr]

    def test_a_seal_stands_in_the_record_that_settles_and_is_found_by_its_hold(self, ledger: Ledger) -> None:
        ask(ledger, reserve("h1", USD, "org", "team"))
        ask(ledger, reserve("h2", USD, "team"))
        ask(ledger, Settle("h1", USD, seal="2:ab"))
        records = ledger.store.evidence_of("h1")
        assert records[-1].body["entries"][-1]["seal"] == "2:ab"  # type: ignore[index, call-overload]
        assert [one.seq for one in records] == [2, 4]
        assert not ledger.store.evidence_of("h3")

    def test_a_person_lifts_a_freeze_and_that_is_evidence(self, ledger: Ledger) -> None:
        ask(ledger, reserve("h1", USD, "team", subjects=("key:k1",)))
        ask(ledger, Settle("h1", 2 * USD))
        assert [one.subject for one in ledger.store.frozen()] == ["key:k1"]
        ask(ledger, Thaw("key:k1", Actor("ana"), "the vendor corrected its bill"))
        assert not ledger.store.frozen()
        assert list(ledger.store.evidence_records())[-1].actor == Actor("ana")
        with pytest.raises(NotFound, match="is not frozen"):
            ask(ledger, Thaw("key:k1", Actor("ana"), "again"))


class TestTheBills:
    def test_what_the_bill_covers_is_no_longer_unbilled(self, ledger: Ledger) -> None:
        ask(ledger, reserve("h1", 4 * USD, "team"))
        ask(ledger, Settle("h1", 4 * USD))
        landed = sync({"team": 10 * USD}, billed={"OpenAI": TODAY + timedelta(days=1)})
        (standing,) = landed.standings
        ask(ledger, Sync([replace(standing, actual=4 * USD)], landed.billed))
        found = account(ledger, "team")
        assert (found.actual, found.unbilled, found.headroom) == (4 * USD, 0, 6 * USD)

    def test_a_provider_that_no_bill_names_keeps_what_it_settled(self, ledger: Ledger) -> None:
        ask(ledger, reserve("h1", 4 * USD, "team"))
        ask(ledger, Settle("h1", 4 * USD))
        ask(ledger, sync({"team": 10 * USD}, billed={"Anthropic": TODAY + timedelta(days=5)}))
        assert account(ledger, "team").unbilled == 4 * USD

    def test_a_purchase_counts_until_its_whole_month_is_billed(self, ledger: Ledger) -> None:
        ask(ledger, reserve("h1", 4 * USD, "team", nature="commitment"))
        ask(ledger, Settle("h1", 4 * USD))
        ask(ledger, sync({"team": 10 * USD}, billed={"OpenAI": date(2026, 11, 30)}))
        assert account(ledger, "team").committed == 4 * USD
        ask(ledger, sync({"team": 10 * USD}, billed={"OpenAI": date(2026, 12, 1)}))
        assert account(ledger, "team").committed == 0

    def test_an_outcome_for_a_day_that_is_billed_already_is_not_counted_twice(self, ledger: Ledger) -> None:
        ask(ledger, reserve("h1", 4 * USD, "team"))
        ask(ledger, sync({"team": 10 * USD}, billed={"OpenAI": TODAY + timedelta(days=1)}))
        ask(ledger, Settle("h1", 4 * USD))
        assert (account(ledger, "team").held, account(ledger, "team").unbilled) == (0, 0)


class TestManyAtOnce:
    def test_threads_that_wait_together_never_pass_the_cap(self, ledger: Ledger) -> None:
        group, held = GroupCommit(ledger.transact), list[str]()

        def spend(worker: int) -> None:
            for n in range(10):
                answer = group.ask(reserve(f"w{worker}-{n}", USD // 4, "org", "team"))
                if isinstance(answer, Reserved) and answer.hold:
                    held.append(answer.hold.id)

        workers = [threading.Thread(target=spend, args=(n,)) for n in range(8)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert len(held) == 40
        assert account(ledger, "team").headroom == 0

    def test_a_judge_that_raises_fails_alone(self, ledger: Ledger) -> None:
        def broken(accounts: object, frozen: object) -> Verdict:
            raise RuntimeError("boom")

        group = GroupCommit(ledger.transact)
        with pytest.raises(Unavailable, match="boom"):
            group.ask(Reserve(hold("h1", USD, "team"), broken))
        assert account(ledger, "team").held == 0

    def test_processes_share_one_cap(self, url: str, ledger: Ledger) -> None:
        workers = [FORK.Process(target=_spend, args=(url, f"p{n}")) for n in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert [worker.exitcode for worker in workers] == [0] * 4
        assert account(ledger, "team").held == 10 * USD
        assert len(ledger.store.holds()) == 20

    def test_two_that_open_a_new_ledger_at_once_create_it_once(self, url: str, clock: SteppedClock) -> None:
        opened = list[Ledger]()
        workers = [threading.Thread(target=lambda: opened.append(Ledger(open_ledger(url, clock)))) for _ in range(4)]
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        assert len(opened) == 4
        for one in opened:
            one.close()


def _spend(url: str, name: str) -> None:
    ledger = Ledger(open_ledger(url, SteppedClock(NOON)))
    for n in range(10):
        ask(ledger, reserve(f"{name}-{n}", USD // 2, "org", "team"))
    ledger.close()


class TestLeases:
    def test_a_worker_spends_from_its_chunk_without_asking_and_hands_the_rest_back(
        self, ledger: Ledger, clock: SteppedClock
    ) -> None:
        asked = list[object]()

        def counted(command: Any) -> Any:
            asked.append(command)
            return ask(ledger, command)

        worker = LeasedAccounts(counted, _chunk("w1"), clock, workers=2, requests_min=10)
        for n in range(10):
            assert worker.reserve(f"r{n}", USD // 20)
            assert worker.settle(f"r{n}", USD // 20) == 0
        assert len(asked) == 1
        assert account(ledger, "team").held == USD
        worker.close()
        assert (account(ledger, "team").held, account(ledger, "team").unbilled) == (0, USD // 2)

    def test_chunks_shrink_near_the_cap_and_never_pass_it(self, ledger: Ledger, clock: SteppedClock) -> None:
        workers = [LeasedAccounts(lambda c: ask(ledger, c), _chunk(f"w{n}"), clock, workers=4) for n in range(4)]
        spent = 0
        for n in range(400):
            if workers[n % 4].reserve(f"r{n}", USD // 10):
                spent += USD // 10 + workers[n % 4].settle(f"r{n}", USD // 10)
            assert account(ledger, "team").headroom >= 0
            clock.advance(timedelta(milliseconds=100))
        for worker in workers:
            worker.close()
        assert account(ledger, "team").unbilled == spent <= 10 * USD
        assert spent >= 8 * USD  # what is left is below a chunk, for direct requests

    def test_a_dead_worker_s_chunk_is_charged_in_full(self, ledger: Ledger, clock: SteppedClock) -> None:
        worker = LeasedAccounts(lambda c: ask(ledger, c), _chunk("w1"), clock, workers=1, requests_min=2)
        assert worker.reserve("r1", USD // 4)
        clock.advance(timedelta(hours=2))
        ask(ledger, Expire())
        assert account(ledger, "team").unbilled == USD

    def test_a_chunk_that_nobody_draws_on_goes_back(self, ledger: Ledger, clock: SteppedClock) -> None:
        worker = LeasedAccounts(lambda c: ask(ledger, c), _chunk("w1"), clock, workers=1, requests_min=2)
        assert worker.reserve("r1", USD // 4)
        worker.settle("r1", USD // 8)
        worker.rest()
        assert account(ledger, "team").held == USD
        worker.rest()
        assert (account(ledger, "team").held, account(ledger, "team").unbilled) == (0, USD // 8)

    def test_what_a_leased_request_was_billed_above_its_bound_is_charged_apart_and_freezes_its_cause(
        self, ledger: Ledger, clock: SteppedClock
    ) -> None:
        worker = LeasedAccounts(lambda c: ask(ledger, c), _chunk("w1"), clock, workers=1, requests_min=2)
        assert worker.reserve("r1", USD // 4)
        excess = worker.settle("r1", USD)
        assert excess == USD - USD // 4
        over = replace(hold("over-r1", 0, "org", "team"), subjects=("key:k1",))
        for _ in range(2):  # said twice it is charged once
            ask(ledger, Overran(over, excess))
        worker.close()
        assert account(ledger, "team").unbilled == USD
        assert [one.subject for one in ledger.store.frozen()] == ["key:k1"]
        assert ledger.store.totals().overruns == {"USD": excess}
        _recounted(ledger)

    def test_what_was_spent_while_the_ledger_was_away_is_charged_once_past_a_cap_too_and_freezes_nothing(
        self, ledger: Ledger
    ) -> None:
        for _ in range(2):
            ask(ledger, Spent(replace(hold("spent-r1", 20 * USD, "org", "team"), subjects=("key:k1",)), 12 * USD))
        assert account(ledger, "team").unbilled == account(ledger, "org").unbilled == 12 * USD
        assert not ledger.store.frozen()
        assert not account(ledger, "team").frozen
        assert ask(ledger, reserve("h1", 1, "team")).hold is None  # type: ignore[union-attr]
        _recounted(ledger)


def _recounted(ledger: Ledger) -> None:
    """Its evidence adds up to what its tables say."""
    recount = Recount()
    list(recount.records(ledger.store.evidence_records()))
    assert not recount.faults
    assert not recount.compare(ledger.store.every_hold(), ledger.store.every_account())


def _chunk(worker: str) -> Any:
    numbers = iter(range(10_000))

    def new_hold(amount: int) -> Hold:
        return hold(f"{worker}-{next(numbers)}", amount, "org", "team")

    return new_hold


class TestItsEvidence:
    def test_every_transition_is_in_a_chain_that_verifies(self, ledger: Ledger) -> None:
        ledger.transact([reserve(f"h{n}", USD, "team", subjects=(f"key:ü{n}\n",)) for n in range(3)])
        ledger.transact([Settle("h0", USD // 3), Release("h1", "tab\there ☃"), Settle("h2", 2 * USD)])
        records, head, breaks = verify_chain(ledger.store.evidence_records())
        assert not breaks
        assert (records, head) == ledger.store.evidence_head()

    @pytest.mark.parametrize(
        "sql",
        [
            "UPDATE ledger_evidence SET body = replace(body, 'h0', 'h9') WHERE seq = 2",
            "DELETE FROM ledger_evidence WHERE seq = 2",
            "UPDATE ledger_evidence SET actor = 'mallory' WHERE seq = 2",
            "UPDATE ledger_evidence SET at = '2020-01-01T00:00:00+00:00' WHERE seq = 3",
            "DELETE FROM ledger_evidence WHERE seq = 3",
        ],
    )
    def test_a_change_behind_its_back_is_found(self, url: str, ledger: Ledger, sql: str) -> None:
        for n in range(2):
            ask(ledger, reserve(f"h{n}", USD, "team"))
        change(url, sql)
        records, head, breaks = verify_chain(ledger.store.evidence_records())
        assert breaks or (records, head) != ledger.store.evidence_head()

    def test_a_rulebook_is_kept_once_and_found_by_its_digest(self, ledger: Ledger) -> None:
        book = Rulebook("d1", {"policies/a.yaml": "policies: []"}, {}, FiscalCalendar(2))
        ledger.store.keep_rulebook(book)
        ledger.store.keep_rulebook(book)
        assert ledger.store.rulebook("d1") == book
        assert ledger.store.rulebook("d2") is None


class TestTheStore:
    def test_a_newer_schema_is_refused_with_what_to_do(self, url: str, ledger: Ledger, clock: SteppedClock) -> None:
        change(url, "INSERT INTO ledger_version VALUES (99)")
        with pytest.raises(BadConfig, match="newer Fiscus"):
            Ledger(open_ledger(url, clock))

    def test_a_url_of_neither_database_is_refused(self, clock: SteppedClock) -> None:
        with pytest.raises(BadConfig, match="neither SQLite nor PostgreSQL"):
            open_ledger("redis://localhost", clock)

    def test_one_that_cannot_be_reached_is_unavailable(self, clock: SteppedClock, tmp_path: Path) -> None:
        with pytest.raises(Unavailable, match="Do not spend"):
            Ledger(open_ledger(f"postgresql://nobody@/none?host={tmp_path}", clock))

    def test_amounts_beyond_64_bits_stay_exact(self, ledger: Ledger) -> None:
        ask(ledger, sync({"vast": 10**25 + 1}))
        ask(ledger, reserve("h1", 10**18, "vast"))
        assert account(ledger, "vast").headroom == 10**25 + 1 - 10**18


class TestWhatMovesWhileMoneyIsHeld:
    def test_a_price_that_changes_in_flight_is_settled_at_what_it_came_to_and_names_its_version(
        self, ledger: Ledger
    ) -> None:
        ask(ledger, reserve("h1", 5 * USD, "team", price_version="2026-11-01"))
        settled = ask(ledger, Settle("h1", 4 * USD, price_version="2026-11-20"))
        assert isinstance(settled, Settled)
        assert (settled.hold.price_version, settled.hold.bound) == ("2026-11-20", 5 * USD)
        assert account(ledger, "team").unbilled == 4 * USD

    def test_a_hold_of_last_month_is_settled_in_last_month(self, ledger: Ledger, clock: SteppedClock) -> None:
        ask(ledger, reserve("h1", 5 * USD, "team", expires_at=NOON + timedelta(days=30)))
        clock.advance(timedelta(days=15))
        ask(ledger, Sync([Standing("team", "2026-12", "USD", "hard", 10 * USD, 0, 0, TODAY)], {}))
        ask(ledger, Settle("h1", 5 * USD))
        december = ledger.store.account("team@2026-12")
        assert december is not None
        assert (december.headroom, account(ledger, "team").unbilled) == (10 * USD, 5 * USD)

    def test_a_budget_that_is_lowered_holds_what_it_holds_and_takes_no_more(self, ledger: Ledger) -> None:
        ask(ledger, reserve("h1", 5 * USD, "team"))
        ask(ledger, sync({"team": 4 * USD}))
        assert account(ledger, "team").headroom == -USD
        assert ask(ledger, reserve("h2", 1, "team")).hold is None  # type: ignore[union-attr]
