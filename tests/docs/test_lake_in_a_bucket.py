"""What the page of the lake in a bucket says to write and to type works as it stands there, in a store that speaks S3."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from tests.bills import write_csv
from tests.docs.fences import blocks
from tests.fixtures.bucket_store import bucket_store, set_keys

from fiscus.__main__ import command_line
from fiscus.app.settings import load_settings
from fiscus.kernel.errors import BadConfig

PAGE = Path(__file__).resolve().parents[2] / "docs" / "how-to" / "lake-in-a-bucket.md"


def _fiscus(*arguments: str) -> None:
    """A check of a bill with faults ends with 1."""
    wanted = {0, 1, None} if "check" in arguments else {0, None}
    assert command_line()(list(arguments), result_action="return_value") in wanted


@pytest.mark.thorough
def test_the_commands_of_the_page_work_with_its_settings(tmp_path: Path, monkeypatch, capsys) -> None:
    settings, commands = (next(b.text for b in blocks(PAGE) if b.language == kind) for kind in ("yaml", "sh"))
    with bucket_store() as store:
        store.client().create_bucket(Bucket="acme-finops")
        set_keys(monkeypatch, store.url)
        monkeypatch.chdir(tmp_path)
        _fiscus("init", "co")
        monkeypatch.chdir(tmp_path / "co")
        whole, own = Path("fiscus.yaml"), settings.removeprefix("stores:\n")
        text = whole.read_text("utf-8")
        whole.write_text(re.sub(r"^  lake: .*\n", lambda _: own, text, flags=re.MULTILINE), "utf-8")
        assert own in whole.read_text("utf-8")
        write_csv(Path("october.csv"), [{}, {"ResourceId": "i-2"}])
        capsys.readouterr()
        for command in commands.splitlines():
            _fiscus(*shlex.split(command)[1:])
        assert "2" in capsys.readouterr().out
    assert Path("charges.parquet").is_file()
    assert not list(Path(".fiscus/lake").glob("charges")), "the lake is in the bucket"


@pytest.mark.parametrize(
    ("lines", "said"),
    [
        ("stores: {lake: 's3://acme'}", "not complete"),
        ("stores: {lake: 's3://acme/lake?region=x'}", "settings or credentials in it"),
        ("stores: {lake: 's3://key:secret@acme/lake'}", "settings or credentials in it"),
        ("stores: {lake: 'https://acme/lake'}", "no store that a lake can be in"),
        ("stores: {lake: 's3://acme/../lake'}", "not complete"),
        ("stores: {lake: 'gs://acme/lake', lake_settings: {region: x}}", "takes no lake_settings region"),
        ("stores: {lake: here, lake_settings: {region: x}}", "folder has no settings"),
        ("stores: {lake: 's3://acme/lake', lake_settings: {secret_access_key: x}}", "secret_access_key"),
        ("engine: spark://h:7077\nstores: {lake: 's3://acme/lake'}", "hadoop-aws"),
        ("engine: sail://h:1\nstores: {lake: 's3://acme/lake'}", "Sail is not proven"),
    ],
)
def test_what_cannot_be_is_refused_with_its_line(lines: str, said: str, tmp_path: Path) -> None:
    (tmp_path / "fiscus.yaml").write_text(f"version: 1\ncompany: {{name: Acme, currency: USD}}\n{lines}\n")
    with pytest.raises(BadConfig) as refused:
        load_settings(tmp_path)
    assert said in str(refused.value)
    assert refused.value.where is not None
    assert refused.value.where.line is not None


def test_spark_with_its_jar_is_taken(tmp_path: Path) -> None:
    text = "engine: spark://h:7077\nengine_settings: {spark.jars.packages: 'org.apache.hadoop:hadoop-aws:3.4.2'}"
    stores = "stores: {lake: 's3://acme/lake'}"
    (tmp_path / "fiscus.yaml").write_text(f"version: 1\ncompany: {{name: Acme, currency: USD}}\n{text}\n{stores}\n")
    assert load_settings(tmp_path).lake == "s3://acme/lake"
