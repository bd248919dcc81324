"""Azurite, Microsoft's emulator of Blob Storage, in a process of its own. Run by `make azure`; `make test` leaves it out."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pyarrow.fs as arrow
import pytest
from tests.fixtures.free_port import free_port
from tools.build_assets import find_program

HERE = Path(__file__).resolve().parent
ACCOUNT = "devstoreaccount1"
# Published by Microsoft for its emulator: it opens nothing else.
KEY = "Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=="
SECONDS_MAX = 60


@pytest.fixture(scope="session")
def azurite(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Its address; it has the containers `lake` and `bills`."""
    main = HERE / "node_modules" / "azurite" / "dist" / "src" / "blob" / "main.js"
    node = find_program("node")
    if node is None or not main.is_file():
        pytest.skip("Azurite is not installed: make azure")
    port = free_port()
    options = [
        "--inMemoryPersistence",
        "--silent",
        "--disableTelemetry",
        "--skipApiVersionCheck",
        "--blobPort",
        str(port),
    ]
    with subprocess.Popen([node, str(main), *options], cwd=tmp_path_factory.mktemp("azurite")) as process:
        try:
            url = f"http://127.0.0.1:{port}"
            _wait_for(url)
            for container in ("lake", "bills"):
                files(url).create_dir(container)
            yield url
        finally:
            process.terminate()


def files(url: str) -> arrow.AzureFileSystem:
    at = url.removeprefix("http://")
    return arrow.AzureFileSystem(
        ACCOUNT, account_key=KEY, blob_storage_authority=at, dfs_storage_authority=at, blob_storage_scheme="http",
        dfs_storage_scheme="http",
    )  # fmt: skip


@pytest.fixture(autouse=True)
def key(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LAKE_ACCOUNT_KEY", KEY)
    monkeypatch.setitem(os.environ, "AZURITE_BLOB_STORAGE_URL", "")


def _wait_for(url: str) -> None:
    until = time.monotonic() + SECONDS_MAX
    while time.monotonic() < until:
        try:
            urlopen(url, timeout=5).close()
        except HTTPError:
            return  # it answers, and asks who that is
        except OSError:
            time.sleep(0.2)
    raise TimeoutError(f"Azurite did not answer at {url}")
