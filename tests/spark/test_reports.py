"""Every report of the product, on both engines, over one company."""

from __future__ import annotations

import os
from random import Random
from typing import Final

import pytest
from tests.fixtures.report_company import report_company
from tests.spark.same_rows import shown

from fiscus.cost.reports.load_report import shipped_reports
from fiscus.cost.reports.parameter_values import bound_values
from fiscus.flows.report_tables import report_tables
from fiscus.flows.workspace import Workspace
from fiscus.stores.lake.delta_lake import DeltaLake
from fiscus.stores.lake.engine_address import EngineAddress
from fiscus.stores.lake.spark_lake import SparkLake

EVERY: Final = sorted(shipped_reports())
QUICK: Final = bool(os.environ.get("FISCUS_QUICK"))  # the gate asks a few, drawn by the seed; `make spark` asks all
NAMES: Final = sorted(Random(20261127).sample(EVERY, 4)) if QUICK else EVERY


@pytest.fixture(scope="module")
def ws(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    return report_company(tmp_path_factory.mktemp("reported") / "home")


@pytest.fixture(scope="module")
def spark(ws: Workspace, engine: EngineAddress) -> SparkLake:
    assert isinstance(ws.lake, DeltaLake)
    return SparkLake(ws.lake.root, ws.config.promoted_tags, engine)


@pytest.mark.parametrize("name", NAMES)
def test_a_report_says_the_same(ws: Workspace, spark: SparkLake, name: str) -> None:
    report = shipped_reports()[name]
    bound, beside = bound_values(report, {}, ws.as_of), report_tables(ws, report.beside)
    theirs, ours = (lake.ask(report.sql, bound, beside=beside) for lake in (ws.lake, spark))
    assert shown(ours, report.sql) == shown(theirs, report.sql)
