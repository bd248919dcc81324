"""What the Spark engine cannot do is said, and never done by the other engine."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.bills import deliver, write_csv
from tests.fixtures.company import Settings, open_company

from fiscus.app.conformance import CheckRequest, check_delivery
from fiscus.kernel.errors import BadConfig, BadQuery, Unavailable
from fiscus.kernel.progress import Silent
from fiscus.stores.lake import engine_address, open_lake
from fiscus.stores.lake.delta_lake import DeltaLake
from fiscus.stores.lake.engine_address import EngineAddress
from fiscus.stores.lake.spark_lake import SparkLake


@pytest.fixture(scope="module")
def lake(tmp_path_factory: pytest.TempPathFactory, engine: EngineAddress) -> SparkLake:
    home = tmp_path_factory.mktemp("refused")
    deliver(open_company(home, Settings()), write_csv(home / "bill.csv", [{}]))
    return SparkLake(home / "lake", ("team",), engine)


@pytest.mark.parametrize(
    ("sql", "said"),
    [
        ("SELECT * FROM read_csv('/etc/passwd')", "reading from"),
        ("SELECT * FROM parquet.`/etc/passwd`", "parse|cannot be read"),
        ('SELECT * FROM parquet."/etc/passwd"', "cannot be read"),
        ("SELECT * FROM nosuch", "nosuch cannot be read"),
        ("SELECT nosuch FROM charges", "nosuch"),
        ("DROP VIEW charges", "Only one SELECT"),
        ("SELECT 1; SELECT 2", "Only one SELECT"),
        ("SET spark.sql.ansi.enabled = false", "Only one SELECT"),
        ("SELECT reflect('java.lang.System', 'exit', 1)", "the function reflect"),
        ("SELECT java_method('java.lang.System', 'getenv')", "the function java_method"),
        ("SELECT getenv('HOME')", "the function getenv"),
        ("SELECT median(EffectiveCost) FROM charges", "MEDIAN"),
        ("SELECT regexp_matches(ResourceId, SkuId) FROM charges", "pattern"),
        ("SELECT quantile_cont(EffectiveCost, 0.5) FROM charges", "QUANTILE_CONT"),
        ("SELECT sum(EffectiveCost", "does not parse"),
        ("SELECT CAST('x' AS INTEGER)", "cannot be cast"),
        ("SELECT $month", r"\$month has no value"),
    ],
)  # fmt: skip
def test_a_question_that_it_cannot_answer_is_refused_with_its_reason(lake: SparkLake, sql: str, said: str) -> None:
    with pytest.raises(BadQuery, match=said) as refused:
        lake.ask(sql)
    assert refused.value.remedy


def test_no_question_reaches_the_embedded_engine(lake: SparkLake, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(self: DeltaLake, *_: object) -> None:
        raise AssertionError("DuckDB was asked")

    for way in ("query", "ask", "query_at"):
        monkeypatch.setattr(DeltaLake, way, never)
    version = lake.version()
    assert lake.query("SELECT count(*) AS n FROM charges").rows == ((1,),)
    assert lake.ask("SELECT count(*) AS n FROM charges").rows == ((1,),)
    assert lake.query_at(version, "SELECT count(*) AS n FROM charges").rows == ((1,),)
    assert len(lake.assignment_keys("SELECT x_AssignmentKey FROM assignment_keys")) == 1
    assert [one.months for one in lake.freshness()] == [("2026-10",)]
    with pytest.raises(AssertionError, match="embedded engine"):
        lake._opened()


def test_what_was_committed_since_is_seen_after_a_refresh(engine: EngineAddress, tmp_path: Path) -> None:
    ws = open_company(tmp_path, Settings())
    spark = SparkLake(tmp_path / "lake", ("team",), engine)
    assert spark.ask("SELECT count(*) AS n, sum(BilledCost) AS c FROM charges").rows == ((0, None),)
    deliver(ws, write_csv(tmp_path / "bill.csv", [{}, {"ResourceId": "i-2"}]))
    assert spark.query("SELECT count(*) AS n FROM charges").rows == ((0,),)
    before = spark.version()
    spark.refresh()
    assert spark.query("SELECT count(*) AS n FROM charges").rows == ((2,),)
    assert spark.query_at(before, "SELECT count(*) AS n FROM charges").rows == ((0,),)


def test_nothing_is_asked_of_a_cluster_before_there_is_a_question(tmp_path: Path) -> None:
    lake = open_lake(tmp_path, (), "spark://127.0.0.1:1")
    assert isinstance(lake, SparkLake)
    assert lake.version().charges == -1


@pytest.mark.parametrize("url", ["spark://127.0.0.1:1", "spark://127.0.0.1:1,localhost:2"])
def test_a_cluster_that_is_away_is_told_at_once(url: str, tmp_path: Path) -> None:
    with pytest.raises(Unavailable, match="cannot be reached"):
        open_lake(tmp_path, (), url).ask("SELECT 1")


@pytest.mark.parametrize(("url", "extra"), [("spark://127.0.0.1:1", "spark"), ("sail://127.0.0.1:1", "sail")])
def test_an_engine_whose_packages_are_missing_says_what_to_install(
    url: str, extra: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(engine_address, "find_spec", lambda _: None)
    with pytest.raises(BadConfig, match="not installed") as refused:
        open_lake(tmp_path, (), url)
    assert f"fiscus[{extra}]" in refused.value.remedy


def test_sail_judges_no_rules(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "bill.csv", [{}])
    with pytest.raises(BadConfig, match="Sail's min_by"):
        check_delivery(CheckRequest([file], engine="sail://127.0.0.1:1"), Silent())
