"""The lake and its sources in Azure Blob Storage, as far as Azurite speaks its protocol."""

from __future__ import annotations

import threading
from dataclasses import replace
from pathlib import Path

import pytest
from tests.azure.conftest import ACCOUNT, KEY, files
from tests.bills import deliver
from tests.fixtures.company import Settings, open_company
from tests.fixtures.lake_machines import COUNT, Machine, bill, delivers_restates_and_remembers

from fiscus.cost.types import Source
from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import Unavailable
from fiscus.stores.lake import LakeAddress, open_lake


@pytest.fixture
def machine(azurite: str, tmp_path: Path) -> Machine:
    def opened(name: str = "one", container: str = "lake") -> Workspace:
        home = tmp_path / name
        home.mkdir(exist_ok=True)
        url = f"abfss://{container}@{ACCOUNT}.dfs.core.windows.net/{tmp_path.name}"
        settings = {"endpoint": azurite, "account_key_env": "LAKE_ACCOUNT_KEY"}
        return replace(open_company(home, Settings()), lake=open_lake(LakeAddress(url, settings, home), ("team",)))

    return opened


def test_a_delivery_its_owners_its_restatement_and_what_was_reported_before(machine: Machine, tmp_path: Path) -> None:
    delivers_restates_and_remembers(machine, tmp_path)


def test_two_machines_at_once_lose_no_commit(machine: Machine, tmp_path: Path) -> None:
    def deliveries(name: str) -> None:
        ws = machine(name)
        for number in range(3):
            deliver(ws, bill(tmp_path / name, "i-1", "i-2"), source=Source(f"{name}-{number}"))

    both = [threading.Thread(target=deliveries, args=(name,)) for name in ("one", "two")]
    for thread in both:
        thread.start()
    for thread in both:
        thread.join()
    assert machine("three").lake.query(COUNT).rows == ((12, 6),)


def test_a_container_that_is_not_there_is_no_empty_lake(machine: Machine) -> None:
    with pytest.raises(Unavailable, match="nothing-here"):
        machine(container="nothing-here")


def test_a_source_in_azure_is_read_as_a_folder(azurite: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("AZURE_STORAGE_ACCOUNT_KEY", KEY)
    delivered = bill(tmp_path, "i-1", "i-2")
    with files(azurite).open_output_stream("bills/focus/2026-10/bill.csv") as out:
        out.write(delivered.read_bytes())
    home = tmp_path / "home"
    home.mkdir()
    ws = open_company(home, Settings())
    host = azurite.removeprefix("http://")
    address = f"abfss://bills@{ACCOUNT}.dfs.core.windows.net/focus?scheme=http&endpoint_override={host}"
    assert deliver(ws, Path(address)).rows == 2
    assert deliver(ws, Path(address)).changed is False
