"""What every store of AI calls must do, on SQLite and on a real PostgreSQL alike."""

from __future__ import annotations

import multiprocessing
import os
import signal
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType

import psycopg
import pytest
from tests.fixtures.ai_calls import AT, ai_call
from tests.fixtures.postgres import start_postgres

from fiscus.cost.ai.ports import CallStore
from fiscus.cost.ai.types import AskedAs, CallFacts, UnitOutcome
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import BadConfig, Unavailable
from fiscus.stores.calls import open_calls

FORK = multiprocessing.get_context("fork")
CLOCK = SteppedClock(AT)
HOUR = AT.replace(minute=0)
EVER = (datetime(2000, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC))


@pytest.fixture(params=["sqlite", "postgres"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path / 'gateway.db'}"
    return str(request.getfixturevalue("postgres_url"))


@pytest.fixture
def store(url: str) -> Iterator[CallStore]:
    opened = open_calls(url, CLOCK)
    yield opened
    opened.close()


def ids(calls: Iterator[object]) -> list[str]:
    return [call.id for call in calls]  # type: ignore[attr-defined]


class TestCalls:
    def test_a_call_comes_back_as_it_was_to_the_last_digit(self, store: CallStore) -> None:
        call = ai_call("c1", units=MappingProxyType({"ticket": "123"}), usage={"input": 1, "searches": 2})
        store.append([call])
        assert store.call("c1") == call
        assert store.call("c1").lines[0].cost == Decimal("1.5E-7")  # type: ignore[union-attr]
        assert store.call("c2") is None

    def test_what_calls_share_is_kept_once(self, store: CallStore) -> None:
        facts = CallFacts("f1", "book-1", [["p-1", "v1"]], {"kind": "ai.request", "attributes": {}}, {"roles": ["cfo"]})
        store.put_facts([facts, facts])
        store.put_facts([facts])
        assert store.facts("f1") == facts
        assert store.facts("f2") is None
        asked = ai_call("c1", asked=AskedAs("f1", 80, None, stream=True, past=("team@2026-11",)))
        store.append([asked])
        assert store.call("c1") == asked

    def test_the_same_id_again_changes_nothing(self, store: CallStore) -> None:
        store.append([ai_call("c1")])
        before = store.hours()
        store.append([ai_call("c1", settled=7, state="estimated"), ai_call("c2"), ai_call("c2")])
        assert store.call("c1") == ai_call("c1")
        assert before == {("openai", HOUR): 1}
        assert store.hours() == {("openai", HOUR): 2}

    def test_a_span_of_time_is_half_open_and_in_order(self, store: CallStore) -> None:
        moments = [AT, AT + timedelta(microseconds=1), AT + timedelta(hours=1)]
        store.append([ai_call(f"c{n}", at) for n, at in reversed(list(enumerate(moments)))])
        assert ids(store.calls(AT, moments[2])) == ["c0", "c1"]
        assert ids(store.calls(moments[1], moments[2] + timedelta(seconds=1))) == ["c1", "c2"]

    def test_more_than_a_page_is_read_whole_and_once_even_in_one_instant(self, store: CallStore) -> None:
        store.append([ai_call(f"c{n:04}", AT + timedelta(seconds=n // 700)) for n in range(1501)])
        assert ids(store.calls(*EVER)) == [f"c{n:04}" for n in range(1501)]

    def test_the_newest_come_first_of_all_or_of_one_key(self, store: CallStore) -> None:
        store.append([ai_call(f"call-{n}", AT + timedelta(seconds=n), key_id=f"key-{n % 2}") for n in range(5)])
        assert ids(iter(store.newest(2))) == ["call-4", "call-3"]
        assert ids(iter(store.newest(9, "key-1"))) == ["call-3", "call-1"]
        assert not store.newest(9, "nobody")

    def test_calls_are_found_by_upstream_key_decision_and_unit(self, store: CallStore) -> None:
        store.append([
            ai_call("c1", units={"ticket": "123", "customer": "a"}),
            ai_call("c2", key_id="key-2", upstream="mistral", units={"ticket": "123"}),
            ai_call("c3", key_id=""),
        ])  # fmt: skip
        assert ids(store.calls(*EVER, "mistral")) == ["c2"]
        assert ids(store.calls_of_key("key-2", *EVER)) == ["c2"]
        assert ids(store.calls_of_key("", *EVER)) == ["c3"]
        assert ids(store.calls_of_unit("ticket", "123")) == ["c1", "c2"]
        assert ids(store.calls_of_unit("ticket", "12")) == []
        found = store.call_of_decision("dec-c3")
        assert found is not None
        assert found.id == "c3"

    def test_a_zone_is_no_other_instant(self, store: CallStore) -> None:
        store.append([ai_call("c1", datetime.fromisoformat("2026-11-20T01:30:00+02:00"))])
        assert store.hours() == {("openai", datetime(2026, 11, 19, 23, tzinfo=UTC)): 1}
        assert ids(store.calls(datetime(2026, 11, 19, 23, tzinfo=UTC), datetime(2026, 11, 20, tzinfo=UTC))) == ["c1"]

    def test_a_late_call_makes_its_hour_grow(self, store: CallStore) -> None:
        store.append([ai_call("c1"), ai_call("c2", AT + timedelta(hours=1))])
        store.append([ai_call("c3")])
        assert store.hours() == {("openai", HOUR): 2, ("openai", HOUR + timedelta(hours=1)): 1}

    def test_what_is_told_of_a_unit_again_replaces_what_was_told_before(self, store: CallStore) -> None:
        said = UnitOutcome("o1", "ticket", "123", "resolved", AT, customer="acme")
        store.put_outcomes([said])
        store.put_outcomes(
            [UnitOutcome("o1", "ticket", "123", "reopened", AT), UnitOutcome("o2", "pr", "9", "merged", AT)]
        )
        assert [(one.id, one.result) for one in store.outcomes(*EVER)] == [("o1", "reopened"), ("o2", "merged")]
        assert list(store.outcomes(AT + timedelta(seconds=1), EVER[1])) == []


class TestTogether:
    def test_many_gateways_append_at_once_and_nothing_is_lost_or_stored_twice(self, url: str) -> None:
        def gateway(number: int) -> None:
            own = open_calls(url, CLOCK)
            for part in range(10):
                own.append([ai_call(f"{(number + k) % 4}-{part}", upstream=f"u{k}") for k in range(3)])
            own.close()

        threads = [threading.Thread(target=gateway, args=(n,)) for n in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        with closing(open_calls(url, CLOCK)) as store:
            assert sorted(ids(store.calls(*EVER))) == sorted(f"{n}-{part}" for n in range(4) for part in range(10))
            assert sum(store.hours().values()) >= 40

    def test_what_was_appended_survives_kill_9_and_a_batch_is_whole_or_not_there(
        self, url: str, tmp_path: Path
    ) -> None:
        told = tmp_path / "told"

        def gateway() -> None:
            own = open_calls(url, CLOCK)
            for batch in range(100_000):
                own.append([ai_call(f"{batch}-{n}") for n in range(3)])
                with told.open("a") as file:
                    file.write(f"{batch}\n")

        process = FORK.Process(target=gateway)
        process.start()
        while not told.exists() or told.read_text().count("\n") < 5:
            assert process.is_alive()
            process.join(0.01)
        os.kill(process.pid or 0, signal.SIGKILL)
        process.join()
        with closing(open_calls(url, CLOCK)) as store:
            stored = ids(store.calls(*EVER))
            assert len(stored) % 3 == 0
            assert {f"{batch}-0" for batch in told.read_text().split()} <= set(stored)
            assert sum(store.hours().values()) == len(stored)


class TestTroubles:
    def test_a_store_of_a_newer_fiscus_is_left_alone(self, url: str, store: CallStore) -> None:
        if url.startswith("sqlite"):
            with sqlite3.connect(url.removeprefix("sqlite:///")) as database:
                database.execute("INSERT INTO ai_version VALUES (99)")
        else:
            with psycopg.connect(url) as server:
                server.execute("INSERT INTO ai_version VALUES (99)")
        with pytest.raises(BadConfig, match="The store of AI calls has schema 99"):
            open_calls(url, CLOCK)

    def test_an_address_of_no_database_is_refused_by_its_setting(self) -> None:
        with pytest.raises(BadConfig, match="neither SQLite nor PostgreSQL") as refused:
            open_calls("mysql://x", CLOCK)
        assert "stores.gateway" in str(refused.value)

    def test_a_database_that_is_gone_says_so_and_the_same_batch_goes_in_once_it_is_back(self) -> None:
        with start_postgres(fsync=False) as server:
            store = open_calls(server.url, CLOCK)
            store.append([ai_call("c1")])
            server.crash()
            with pytest.raises(Unavailable, match="The store of AI calls cannot be reached") as gone:
                store.append([ai_call("c1"), ai_call("c2")])
            assert "not stored twice" in gone.value.remedy
            server.start()
            store.append([ai_call("c1"), ai_call("c2")])
            assert ids(store.calls(*EVER)) == ["c1", "c2"]
            store.close()


def test_the_gateway_can_open_it_without_loading_an_orm_or_a_lake() -> None:
    """Each worker of the gateway carries what this imports."""
    heavy = "{'sqlalchemy', 'pydantic', 'duckdb', 'deltalake', 'pyarrow', 'numpy', 'psycopg', 'fastapi'}"
    code = f"import sys, fiscus.stores.calls.sql_calls; print(sorted({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "[]\n"
