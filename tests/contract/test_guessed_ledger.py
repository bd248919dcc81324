"""Two that write one PostgreSQL ledger without having looked: whoever guessed wrong changes nothing and judges again."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import psycopg
import pytest
from tests.fixtures.ledgers import NOON, USD, account, ask, hold, reserve, sync

from fiscus.guardrails.ledger.commands import Release, Reserve, Reserved, Settle, Settled, Thaw, Verdict
from fiscus.guardrails.ledger.ledger import Ledger
from fiscus.guardrails.ledger.types import Account, Frozen
from fiscus.kernel.actor import Actor
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.evidence import verify_chain
from fiscus.stores.ledger import open_ledger
from fiscus.stores.ledger.locked_ledger import RECORDS_UNTABLED_MAX
from fiscus.stores.ledger.sql_ledger import UNLUCKY_FOR


@dataclass
class Two:
    """The ledgers of two processes, and what the first one's judge was shown."""

    one: Ledger
    other: Ledger
    shown: list[int] = field(default_factory=list)

    def reserve(self, hold_id: str, amount: int, *, between: Sequence[Any] = ()) -> Reserved:
        """The first asks; the second asks what is `between` while the first one judges, or before it where that has the lock."""
        store: Any = self.one.store
        waiting = list(between)
        while waiting and store._unlucky:
            ask(self.other, waiting.pop(0))

        def judge(accounts: Sequence[Account], frozen: Mapping[str, Frozen]) -> Verdict:
            (team,) = accounts
            self.shown.append(team.headroom)
            verdict = Verdict(hold=team.headroom >= amount and not frozen)
            while waiting:
                ask(self.other, waiting.pop(0))
            return verdict

        answer = ask(self.one, Reserve(hold(hold_id, amount, "team", subjects=("key:k",)), judge))
        assert isinstance(answer, Reserved)
        return answer


@pytest.fixture
def two(postgres_url: str) -> Iterator[Two]:
    one, other = (Ledger(open_ledger(postgres_url, SteppedClock(NOON))) for _ in range(2))
    ask(one, sync({"team": 10 * USD}))
    ask(one, reserve("first", USD, "team"))  # who has written knows what stands, and guesses from then on
    yield Two(one, other)
    one.close()
    other.close()


def test_what_another_one_held_meanwhile_is_seen_before_anything_is_held(two: Two) -> None:
    answer = two.reserve("h1", 5 * USD, between=[reserve("theirs", 6 * USD, "team")])
    assert (answer.hold, two.shown) == (None, [9 * USD, 3 * USD])
    assert account(two.one, "team").held == 7 * USD
    assert [one.id for one in two.one.store.holds()] == ["first", "theirs"]


@pytest.mark.parametrize(
    ("between", "left"),
    [
        ([Release("first", "not sent")], 10 * USD),
        ([Settle("first", 0)], 10 * USD),
        ([sync({"team": 20 * USD})], 19 * USD),
        ([reserve("a", USD, "team"), reserve("b", USD, "team"), Release("a", "not sent")], 8 * USD),
    ],
)
def test_whatever_another_one_changed_meanwhile_is_what_is_judged(two: Two, between: list[Any], left: int) -> None:
    assert two.reserve("h1", USD, between=between).hold is not None
    assert two.shown == [9 * USD, left]
    assert account(two.one, "team").headroom == left - USD


def test_what_another_one_froze_meanwhile_is_frozen(two: Two) -> None:
    overrun = [reserve("small", 1, "team", subjects=("key:k",)), Settle("small", USD)]
    assert two.reserve("h1", USD, between=overrun).hold is None
    ask(two.other, Thaw("key:k", Actor("max"), "found out why"))
    assert two.reserve("h2", USD).hold is not None


def test_one_that_is_refused_is_refused_by_what_stands_now(two: Two) -> None:
    ask(two.one, reserve("much", 9 * USD, "team"))
    assert two.reserve("h1", USD, between=[Release("much", "not sent")]).hold is not None
    assert two.shown == [0, 9 * USD]


def test_both_go_on_in_one_chain_however_they_take_turns(two: Two) -> None:
    for n in range(UNLUCKY_FOR + RECORDS_UNTABLED_MAX):
        between = [reserve(f"t{n}", 1, "team")] if n % 5 == 0 else []
        assert two.reserve(f"h{n}", 1, between=between).hold is not None
        if n % 7 == 0:
            assert isinstance(ask(two.one, Settle(f"h{n}", 1)), Settled)
    records = list(two.other.store.evidence_records())
    assert verify_chain(records)[2] == []
    assert all(before.seq + 1 == after.seq for before, after in pairwise(records))
    assert two.one.store.evidence_head() == (records[-1].seq, records[-1].digest)
    assert account(two.one, "team") == account(two.other, "team")
    held = sum(one.bound for one in two.one.store.every_hold() if one.state == "held")
    assert account(two.one, "team").held == held


def test_a_server_connection_that_keeps_no_statements_is_asked_in_plain_words(two: Two) -> None:
    """As behind a pooler that hands each transaction to another connection."""
    assert two.reserve("h1", USD).hold is not None
    writer: Any = two.one.store._driver._writer  # type: ignore[attr-defined]  # the connection itself
    writer.execute("DEALLOCATE ALL")
    assert two.reserve("h2", USD).hold is not None
    assert two.reserve("h3", USD).hold is not None
    assert account(two.other, "team").held == 4 * USD
    assert verify_chain(two.one.store.evidence_records())[2] == []


def test_a_hold_that_stands_in_the_table_already_stops_nobody(two: Two, postgres_url: str) -> None:
    """Whoever put it there: rows are copied in as new ones, and written one by one where one is not."""
    for n in range(40):
        assert two.reserve(f"h{n:02}", 1).hold is not None
    with psycopg.connect(postgres_url) as server:
        server.execute("INSERT INTO ledger_reserved VALUES ('h07', 1)")
    assert isinstance(ask(two.other, Settle("h39", 1)), Settled)
    assert account(two.one, "team").held == USD + 39
    assert {one.id for one in two.one.store.every_hold()} == {"first", *(f"h{n:02}" for n in range(40))}
