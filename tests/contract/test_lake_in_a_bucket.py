"""The lake in a bucket is the lake: what can be asked, what a commit promises, and what is said when the store fails.

Each `machine` has a folder of its own beside the one bucket.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from tests.bills import deliver
from tests.fixtures.bucket_store import WRONG_KEY, BucketStore, bucket_store, set_keys
from tests.fixtures.company import Settings, open_company
from tests.fixtures.google_store import google_store
from tests.fixtures.lake_machines import (
    COUNT,
    Machine,
    bill,
    delivers_restates_and_remembers,
    what_a_killed_delivery_left_is_swept,
)

from fiscus.cost.types import Source
from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import BadConfig, BadQuery, Conflict, OutcomeUnknown, Unavailable
from fiscus.kernel.rows import Query
from fiscus.stores.lake import LakeAddress, open_lake
from fiscus.stores.lake.lake_aside import LakeAside
from fiscus.stores.lake.lake_part import charge_files


@pytest.fixture(scope="module")
def served() -> Iterator[BucketStore]:
    with bucket_store() as store:
        yield store


@pytest.fixture
def store(served: BucketStore, monkeypatch: pytest.MonkeyPatch) -> Iterator[BucketStore]:
    set_keys(monkeypatch, served.url)
    yield served
    served.heal()


@pytest.fixture
def machine(store: BucketStore, tmp_path: Path) -> Machine:
    def opened(name: str = "one", prefix: str = tmp_path.name, **settings: str) -> Workspace:
        home = tmp_path / name
        home.mkdir(exist_ok=True)
        lake = open_lake(LakeAddress(f"s3://lake/{prefix}", settings, home / "aside"), ("team",))
        return replace(open_company(home, Settings()), lake=lake)

    return opened


def _counted(ws: Workspace) -> tuple[Any, ...]:
    ws.lake.refresh()
    return ws.lake.query(COUNT).rows[0]


def test_a_delivery_its_owners_its_restatement_and_what_was_reported_before(machine: Machine, tmp_path: Path) -> None:
    delivers_restates_and_remembers(machine, tmp_path)


@pytest.mark.thorough
def test_a_gateway_sees_its_version_and_waits_for_no_bucket(
    machine: Machine, store: BucketStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ws = machine()
    deliver(ws, bill(tmp_path, "i-1"))
    seen = LakeAside(LakeAddress(f"s3://lake/{tmp_path.name}", {}, tmp_path / "aside"))
    assert seen.refresh() == ws.lake.version()
    asked = len(store.asked)
    seen.refresh()
    assert len(store.asked) == asked, "not every second"
    deliver(ws, bill(tmp_path, "i-1", "i-2"))
    monkeypatch.setattr(seen, "_look_at", 1e-9)
    seen.refresh()
    with seen._looking:  # it is looked for beside what goes on
        assert seen.version() == ws.lake.version()


@pytest.mark.thorough
def test_people_reach_the_files_of_the_lake_and_nothing_else(machine: Machine, tmp_path: Path) -> None:
    ws = machine()
    deliver(ws, bill(tmp_path, "i-1"))
    (file,) = {path for table in ws.lake._tables(ws.lake.version()).values() for path in table.files}
    assert ws.lake.ask("SELECT ResourceId FROM charges").rows == (("i-1",),)
    assert ws.lake.ask(f"SELECT ResourceId FROM '{file}'").rows == (("i-1",),), "a view is no more than this"
    for path in ("/etc/passwd", "lake://charges/**", f"{file}/../../x", f"s3://lake/{tmp_path.name}/x", "lake://../x"):
        with pytest.raises(BadQuery, match=r"operations are disabled|Permission"):
            ws.lake.ask(f"SELECT * FROM read_parquet('{path}')")
    with pytest.raises(BadQuery):
        ws.lake.ask(f"COPY (SELECT 1) TO '{file}'")


def test_it_is_exported_and_fetched_to_be_checked(machine: Machine, tmp_path: Path) -> None:
    ws = machine()
    deliver(ws, bill(tmp_path, "i-1", "i-2"))
    ws.lake.write_out(Query("SELECT ResourceId FROM charges ORDER BY ALL", {}), tmp_path / "out.csv", "csv")
    assert (tmp_path / "out.csv").read_text() == "ResourceId\ni-1\ni-2\n"
    (path,) = charge_files(LakeAddress(f"s3://lake/{tmp_path.name}", {}, tmp_path / "aside").place(), "bills")
    assert path.parent.name == "x_BillingMonth=2026-10"
    assert path.is_relative_to(tmp_path / "aside")


@pytest.mark.thorough
def test_what_was_read_once_is_not_fetched_again(machine: Machine, store: BucketStore, tmp_path: Path) -> None:
    ws = machine()
    deliver(ws, bill(tmp_path, *(f"i-{n}" for n in range(50))))
    ws.lake.query("SELECT sum(BilledCost), max(ResourceId) FROM charges")
    fetched = [path for method, path, _ in store.asked if method == "GET" and "part-" in path]
    ws.lake.forget_answers()
    ws.lake.query("SELECT sum(BilledCost), max(ResourceId) FROM charges")
    assert [path for method, path, _ in store.asked if method == "GET" and "part-" in path] == fetched
    assert len(fetched) == 1


def test_two_machines_at_once_lose_no_commit(machine: Machine, tmp_path: Path) -> None:
    """Of sources that are not the same: every delivery of both lands, whoever commits first."""
    deliver(machine(), bill(tmp_path, "i-0"), source=Source("first"))
    failed: list[BaseException] = []

    def deliveries(name: str) -> None:
        folder = tmp_path / name
        ws = machine(name)
        try:
            for number in range(2):
                deliver(ws, bill(folder, "i-1", "i-2"), source=Source(f"{name}-{number}"))
        except Exception as error:  # noqa: BLE001  told in the test's own thread
            failed.append(error)

    both = [threading.Thread(target=deliveries, args=(name,)) for name in ("one", "two")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert failed == []
    assert _counted(machine("three")) == (1 + 2 * 2 * 2, 1 + 2 * 2)
    assert machine("three").lake.version().charges == 5


@pytest.mark.thorough
def test_of_two_machines_with_the_same_month_the_later_is_told(
    machine: Machine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was held against what stood before: whether it shrinks the month, and what a correction is added to."""
    one, two = machine("one"), machine("two")
    from fiscus.stores.lake import delivery_staging

    commit = delivery_staging.replace_partitions

    def raced(*arguments: Any) -> int:
        monkeypatch.setattr(delivery_staging, "replace_partitions", commit)
        deliver(two, bill(tmp_path / "two", "i-1", "i-2"))
        return commit(*arguments)

    monkeypatch.setattr(delivery_staging, "replace_partitions", raced)
    with pytest.raises(Conflict, match="at the same time"):
        deliver(one, bill(tmp_path / "one", "i-9"))
    assert _counted(one) == (2, 1)


def test_a_bucket_that_is_not_there_is_no_empty_lake(store: BucketStore, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="no bucket nothing-here"):
        open_lake(LakeAddress("s3://nothing-here/lake", {}, tmp_path))


def test_wrong_missing_and_unknown_credentials_are_told_apart(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LAKE_KEY", WRONG_KEY)
    monkeypatch.setenv("LAKE_SECRET", "x")
    named = {"access_key_id_env": "LAKE_KEY", "secret_access_key_env": "LAKE_SECRET"}
    with pytest.raises(Unavailable, match="INVALID_ACCESS_KEY_ID"):
        machine(**named)
    with pytest.raises(Unavailable, match=r"LAKE_OTHER .* is empty"):
        machine(**(named | {"secret_access_key_env": "LAKE_OTHER"}))
    with pytest.raises(Unavailable, match="profile"):
        machine(profile="nobody")


def test_a_store_that_goes_away_in_mid_commit_leaves_the_lake_as_it_was(
    machine: Machine, store: BucketStore, tmp_path: Path
) -> None:
    ws = machine()
    deliver(ws, bill(tmp_path, "i-1", "i-2"))
    store.gone_at = "/_delta_log/"
    with pytest.raises(OutcomeUnknown, match="not known whether the commit landed"):
        deliver(ws, bill(tmp_path, "i-1", "i-2", "i-3"))
    with pytest.raises(Unavailable, match="cannot be reached"):
        ws.lake.refresh()
    store.heal()
    assert _counted(ws) == (2, 1)
    assert deliver(ws, bill(tmp_path, "i-1", "i-2", "i-3")).changed is True
    assert _counted(ws) == (3, 1)


def test_what_a_killed_delivery_left_is_swept(
    machine: Machine, store: BucketStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stored() -> list[str]:
        listed = store.client().list_objects_v2(Bucket="lake", Prefix=f"{tmp_path.name}/")
        return [one["Key"] for one in listed["Contents"]]

    what_a_killed_delivery_left_is_swept(machine, tmp_path, stored, monkeypatch)


@pytest.mark.thorough
def test_a_commit_whose_answer_is_lost_is_found_to_have_landed(
    machine: Machine, store: BucketStore, tmp_path: Path
) -> None:
    ws = machine()
    deliver(ws, bill(tmp_path, "i-1"))
    store.lost_at = "/_delta_log/"
    assert deliver(ws, bill(tmp_path, "i-1", "i-2")).rows == 2
    assert (_counted(ws), ws.lake.version().charges) == ((2, 1), 2), "the table, the first delivery, the second: once"


def test_a_store_that_goes_away_while_it_is_read_is_said_as_that(
    machine: Machine, store: BucketStore, tmp_path: Path
) -> None:
    ws = machine()
    deliver(ws, bill(tmp_path, "i-1"))
    ws.lake.refresh()
    store.gone = True
    with pytest.raises(Unavailable, match="cannot be re"):
        ws.lake.query(COUNT)


def test_a_store_that_overwrites_in_silence_is_refused_before_anything_is_committed(
    machine: Machine, store: BucketStore, tmp_path: Path
) -> None:
    store.overwrites = True
    with pytest.raises(BadConfig, match="one would be lost"):
        deliver(machine(), bill(tmp_path, "i-1"))
    store.heal()
    assert machine().lake.version().charges == -1


def test_a_slow_store_is_waited_for_within_bounds(
    machine: Machine, store: BucketStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    from fiscus.stores.lake import bucket_clients

    monkeypatch.setattr(bucket_clients, "STORE_REQUEST_SECONDS_MAX", 1)
    monkeypatch.setattr(bucket_clients, "STORE_TRIES_MAX", 1)
    store.slow_seconds = 0.2
    assert machine().lake.version().charges == -1
    store.slow_seconds = 3
    with pytest.raises(Unavailable, match="cannot be reached"):
        machine("two")


@pytest.mark.thorough
def test_google_cloud_storage_holds_it_too(tmp_path: Path) -> None:
    with google_store() as url:

        def opened(name: str, bucket: str = "lake") -> Workspace:
            home = tmp_path / name
            home.mkdir(exist_ok=True)
            lake = open_lake(LakeAddress(f"gs://{bucket}/acme", {"endpoint": url}, home), ("team",))
            return replace(open_company(home, Settings()), lake=lake)

        one, two = opened("one"), opened("two")
        deliver(one, bill(tmp_path, "i-1", "i-2"))
        deliver(two, bill(tmp_path, "i-1"), source=Source("other"))
        before = one.lake.refresh()
        deliver(two, bill(tmp_path, "i-1", "i-2", "i-3"))
        assert _counted(one) == (4, 2)
        assert one.lake.query_at(before, COUNT).rows == ((3, 2),)
        note = "_placing/0.json"
        place = LakeAddress("gs://lake/acme", {"endpoint": url}, tmp_path / "one").place()
        place.write(note, b"{}")
        assert list(place.names("_placing")) == [note]
        place.remove(note)
        place.remove(note)
        assert not place.names("_placing")
        with pytest.raises(Unavailable, match="cannot be reached"):
            opened("three", "nowhere")
