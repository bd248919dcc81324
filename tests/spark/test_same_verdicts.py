"""What DuckDB finds in a delivery, Spark finds: every verdict, count, sum of money and first row, from the same files."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Final

import pytest
from tests.bills import deliver
from tests.bills import write_csv as write_bill
from tests.fixtures.company import Settings, open_company
from tests.focus_deliveries import contract_commitment, cost_and_usage, invoice_detail, price_list, spoilt, write_csv
from tests.focus_deliveries_1_4 import (
    billing_period,
    contract_commitment_1_4,
    cost_and_usage_1_4,
    invoice_detail_1_4,
)
from tests.unit.cost.conformance.test_deliveries import typed

from fiscus.app.conformance import CheckRequest, check_delivery
from fiscus.cost.conformance.types import Report
from fiscus.cost.focus_names import Dataset, FocusVersion
from fiscus.kernel.errors import Unavailable
from fiscus.kernel.progress import Silent
from fiscus.stores.lake.engine_address import EngineAddress
from fiscus.stores.lake.lake_part import charge_files
from fiscus.stores.lake.places import FolderPlace

BROKEN_MIN: Final = 100
thorough = pytest.mark.thorough  # the gate asks the lake; `make spark` asks files too


def both(request: CheckRequest, engine: EngineAddress) -> Report:
    """The report of both engines, which is one."""
    theirs = check_delivery(request, Silent())
    ours = check_delivery(replace(request, engine=engine.url, engine_settings=dict(engine.settings)), Silent())
    assert (ours.rows, ours.files, ours.version, ours.dataset) == (
        theirs.rows, theirs.files, theirs.version, theirs.dataset,
    )  # fmt: skip
    assert [(one, other) for one, other in zip(ours.verdicts, theirs.verdicts, strict=True) if one != other] == []
    assert ours.warnings == theirs.warnings
    return ours


def beside(folder: Path, version: str) -> Mapping[str, Path]:
    rows = cost_and_usage(version)
    return {
        "invoice_detail": write_csv(folder / "invoice.csv", invoice_detail(rows)),
        "price_list": write_csv(folder / "prices.csv", price_list(rows)),
        "contract_commitment": write_csv(folder / "commitments.csv", contract_commitment()),
        "previous": write_csv(folder / "previous.csv", rows),
    }


@thorough
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_a_good_delivery_is_good_on_both(version: FocusVersion, tmp_path: Path, engine: EngineAddress) -> None:
    file = write_csv(tmp_path / "bill.csv", cost_and_usage(version))
    report = both(CheckRequest([file], version, beside=beside(tmp_path, version)), engine)
    assert not report.count("fail")
    assert report.count("pass") > BROKEN_MIN


@thorough
@pytest.mark.parametrize("version", ["1.2", "1.3"])
def test_every_rule_that_a_bad_delivery_breaks_is_broken_alike(
    version: FocusVersion, tmp_path: Path, engine: EngineAddress
) -> None:
    file = write_csv(tmp_path / "bill.csv", spoilt(cost_and_usage(version))[::20])
    report = both(CheckRequest([file], version, beside=beside(tmp_path, version), heuristics=True), engine)
    assert report.count("fail") > BROKEN_MIN


@thorough
@pytest.mark.parametrize("dataset", ["cost_and_usage", "invoice_detail", "billing_period", "contract_commitment"])
def test_the_datasets_of_1_4_are_judged_alike(dataset: Dataset, tmp_path: Path, engine: EngineAddress) -> None:
    rows = {
        "cost_and_usage": cost_and_usage_1_4(), "invoice_detail": invoice_detail_1_4(cost_and_usage_1_4()),
        "billing_period": billing_period(), "contract_commitment": contract_commitment_1_4(),
    }  # fmt: skip
    others = {
        name: write_csv(tmp_path / f"{name}.csv", other) for name, other in rows.items() if name != "cost_and_usage"
    }
    others = {**others, "previous": write_csv(tmp_path / "previous.csv", rows[dataset])}
    file = write_csv(tmp_path / "bad.csv", spoilt(rows[dataset])[::5])
    assert both(CheckRequest([file], "1.4", dataset, beside=others, heuristics=True), engine).count("fail")


@thorough
def test_parquet_with_types_is_judged_where_it_lies(tmp_path: Path, engine: EngineAddress) -> None:
    first = typed(tmp_path / "a bill 1.parquet", write_csv(tmp_path / "a.csv", cost_and_usage("1.2")))
    rows = [row | {"ChargeCategory": "Rent", "EffectiveCost": "0.5"} for row in cost_and_usage("1.2")[:9]]
    second = typed(tmp_path / "a bill 2.parquet", write_csv(tmp_path / "b.csv", rows))
    report = both(CheckRequest([first, second], "1.2", heuristics=True), engine)
    (wrong,) = [verdict for verdict in report.verdicts if verdict.rule == "ChargeCategory-C-003-M"]
    assert wrong.rows == tuple(f"a bill 2.parquet row {n}" for n in (1, 2, 3))


def test_what_stands_in_the_lake_is_judged_alike(tmp_path: Path, engine: EngineAddress) -> None:
    ws = open_company(tmp_path, Settings())
    rows = [{"Tags": '{"team": "web"}', "ResourceId": f"i-{n}"} for n in range(5)]
    deliver(ws, write_bill(tmp_path / "bill.csv", [*rows, {"BilledCost": "-1", "ChargeCategory": "Credit"}]))
    files = charge_files(FolderPlace(tmp_path / "lake"), month="2026-10")
    report = both(CheckRequest(files, heuristics=True), engine)
    assert (report.version, report.rows) == ("1.4", 6)
    assert report.count("pass") > BROKEN_MIN


def test_a_cluster_that_is_away_is_told_and_nothing_is_left(tmp_path: Path) -> None:
    file = write_csv(tmp_path / "bill.csv", cost_and_usage("1.2"))
    with pytest.raises(Unavailable, match="cannot be reached"):
        check_delivery(CheckRequest([file], "1.2", engine="spark://127.0.0.1:1"), Silent())
    assert [path.name for path in tmp_path.iterdir()] == ["bill.csv"]
