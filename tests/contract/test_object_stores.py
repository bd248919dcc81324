"""Bills are read out of an object store as out of a folder. S3 is moto's server, which speaks S3's own protocol."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.request import Request, urlopen

import boto3
import pytest
from gcp_storage_emulator.server import create_server
from moto.server import ThreadedMotoServer
from tests.bills import deliver, write_csv
from tests.fixtures.company import Settings, open_company
from tests.fixtures.free_port import free_port

from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import BadInput, Unavailable
from fiscus.stores.lake.object_address import object_url

COUNT = "SELECT count(*) AS n, count(DISTINCT ResourceId) AS things FROM charges"


@pytest.fixture(scope="module")
def endpoint() -> Iterator[str]:
    server = ThreadedMotoServer(port=0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"{host}:{port}"
    server.stop()


@pytest.fixture
def bucket(endpoint: str, monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    for name, value in {
        "AWS_ACCESS_KEY_ID": "x",
        "AWS_SECRET_ACCESS_KEY": "x",
        "AWS_EC2_METADATA_DISABLED": "true",
    }.items():
        monkeypatch.setenv(name, value)
        os.putenv(name, value)  # Arrow reads the process's environment, not Python's
    made = boto3.resource("s3", endpoint_url=f"http://{endpoint}", region_name="us-east-1").Bucket("bills")
    made.create()
    yield made
    made.objects.all().delete()
    made.delete()


@pytest.fixture
def ws(tmp_path: Path) -> Workspace:
    home = tmp_path / "home"
    home.mkdir()
    return open_company(home, Settings())


def _url(endpoint: str, prefix: str) -> Path:
    return Path(f"s3://bills/{prefix}?endpoint_override={endpoint}&scheme=http&region=us-east-1")


def _put(bucket, tmp_path: Path, key: str, *resources: str) -> None:
    path = write_csv(tmp_path / "put.csv", [{"ResourceId": name} for name in resources])
    bucket.put_object(Key=key, Body=path.read_bytes())


def _counted(ws: Workspace) -> tuple[object, ...]:
    ws.lake.refresh()
    return ws.lake.query(COUNT).rows[0]


def test_a_prefix_is_a_folder_and_the_same_objects_are_the_same_delivery(
    ws, bucket, endpoint: str, tmp_path: Path
) -> None:
    _put(bucket, tmp_path, "focus/2026-10/a.csv", "i-1", "i-2")
    _put(bucket, tmp_path, "focus/2026-10/b.csv", "i-3")
    _put(bucket, tmp_path, "other/c.csv", "i-9")
    assert deliver(ws, _url(endpoint, "focus")).rows == 3
    assert _counted(ws) == (3, 3)
    assert deliver(ws, _url(endpoint, "focus")).changed is False
    _put(bucket, tmp_path, "focus/2026-10/b.csv", "i-3", "i-4")
    bucket.Object("focus/2026-10/a.csv").delete()
    assert deliver(ws, _url(endpoint, "focus"), restate=True).rows == 2
    assert _counted(ws) == (2, 2)


def test_one_object_is_a_file(ws, bucket, endpoint: str, tmp_path: Path) -> None:
    _put(bucket, tmp_path, "focus/a.csv", "i-1")
    _put(bucket, tmp_path, "focus/b.csv", "i-2")
    assert deliver(ws, _url(endpoint, "focus/a.csv")).rows == 1


def test_what_is_not_there_or_cannot_be_reached_is_told_and_changes_nothing(
    ws, bucket, endpoint: str, tmp_path: Path
) -> None:
    _put(bucket, tmp_path, "focus/a.csv", "i-1")
    deliver(ws, _url(endpoint, "focus"))
    before = ws.lake.refresh()
    with pytest.raises(BadInput, match="no object here"):
        deliver(ws, _url(endpoint, "nothing"))
    with pytest.raises(Unavailable, match="s3://bills/focus cannot be read"):
        deliver(ws, Path("s3://bills/focus?endpoint_override=127.0.0.1:1&scheme=http&region=us-east-1"))
    assert ws.lake.refresh() == before


def test_a_key_that_leads_elsewhere_is_refused(ws, bucket, endpoint: str, tmp_path: Path) -> None:
    _put(bucket, tmp_path, "focus/../../../out.csv", "i-1")
    with pytest.raises((BadInput, Unavailable)):
        deliver(ws, _url(endpoint, "focus"))
    assert not list(tmp_path.rglob("out.csv"))


def test_google_cloud_storage_is_read_the_same_way(ws: Workspace, tmp_path: Path) -> None:
    host, port = "127.0.0.1", free_port()
    server = create_server(host, port, in_memory=True, default_bucket="bills")
    server.start()
    try:
        bill = write_csv(tmp_path / "put.csv", [{}, {"ResourceId": "i-2"}]).read_bytes()
        upload = f"http://{host}:{port}/upload/storage/v1/b/bills/o?uploadType=media&name=focus/a.csv"
        with urlopen(Request(upload, data=bill, method="POST", headers={"Content-Type": "text/csv"})) as answer:
            assert answer.status == 200
        address = f"gs://anonymous@bills/focus?scheme=http&endpoint_override={host}:{port}&retry_limit_seconds=5"
        assert deliver(ws, Path(address)).rows == 2
        assert deliver(ws, Path(address)).changed is False
    finally:
        server.stop()


@pytest.mark.parametrize(
    ("path", "url"),
    [
        ("s3://b/x", "s3://b/x"),
        ("gs://b/x/y.csv", "gs://b/x/y.csv"),
        ("abfss://c@a.dfs.core.windows.net/x", None),
        ("s3/b", "-"),
    ],
)
def test_an_address_survives_being_a_path(path: str, url: str | None) -> None:
    assert object_url(Path(path)) == (None if url == "-" else url or path)
