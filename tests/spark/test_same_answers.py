"""What DuckDB answers, Spark answers: the same columns, rows and digits, from the same files and the same SQL text."""

from __future__ import annotations

import os
from pathlib import Path
from random import Random
from typing import Final

import pytest
from tests.bills import deliver, write_csv
from tests.fixtures.company import Settings, open_company
from tests.fixtures.spark_company import CompanyAsked
from tests.spark.same_rows import shown

from fiscus.cost.books.types import ClosedMonth
from fiscus.cost.types import Source
from fiscus.flows.assign_owners import assign_owners
from fiscus.stores.lake.delta_lake import DeltaLake
from fiscus.stores.lake.engine_address import EngineAddress
from fiscus.stores.lake.spark_lake import SparkLake

NUMBERED: Final = """(SELECT *,
    row_number() OVER (ORDER BY BilledCost, EffectiveCost, ResourceId, ChargePeriodStart) AS n FROM charges)"""


def _questions() -> dict[str, str]:
    """Title and SQL of each question in questions.sql."""
    _, *parts = Path(__file__).with_name("questions.sql").read_text(encoding="utf-8").split("\n--- ")
    return {title: sql.replace("{numbered}", NUMBERED) for title, _, sql in (part.partition("\n") for part in parts)}


QUESTIONS: Final = _questions()


@pytest.fixture(scope="module")
def both(tmp_path_factory: pytest.TempPathFactory, engine: EngineAddress) -> tuple[DeltaLake, SparkLake]:
    """One lake of odd bills, two engines. A second source lacks columns that the first one has."""
    home = tmp_path_factory.mktemp("odd")
    ws = open_company(home, Settings())
    deliver(ws, _odd_bill(home / "odd.csv"), source=Source("odd"))
    deliver(ws, _narrow_bill(home / "narrow.csv"), source=Source("narrow"))
    assign_owners(ws)
    then = ws.lake.version()
    ws.lake.write_closes([ClosedMonth("narrow", "2026-09", then.charges, "vendor", then.assignments)])
    owners = ws.lake.query("SELECT * REPLACE ('later' AS x_Owner) FROM assignments")
    ws.lake.write_assignments(owners, "later")
    return DeltaLake(home / "lake", ("team",)), SparkLake(home / "lake", ("team",), engine)


@pytest.mark.parametrize("name", QUESTIONS)
def test_a_question_has_one_answer(both: tuple[DeltaLake, SparkLake], name: str) -> None:
    duckdb, spark = both
    sql = QUESTIONS[name]
    assert shown(spark.ask(sql), sql) == shown(duckdb.ask(sql), sql)


def test_every_question_of_a_run_of_the_loop_has_one_answer(company: CompanyAsked, engine: EngineAddress) -> None:
    lake = company.home / ".fiscus" / "lake"
    duckdb, spark = DeltaLake(lake, company.promoted), SparkLake(lake, company.promoted, engine)
    assert len(company.questions) > 40
    asked = company.questions
    if os.environ.get("FISCUS_QUICK"):
        asked = Random(20261127).sample(asked, 8)
    for question in asked:
        theirs, ours = (
            getattr(each, question.way)(question.sql, question.params or None, **question.rest)
            for each in (duckdb, spark)
        )
        assert shown(ours, question.sql) == shown(theirs, question.sql), question.sql


def _odd_bill(path: Path) -> Path:
    """Refunds, many digits, absent tags, letters beyond ASCII, quotes and backslashes, a month's last microsecond."""
    rows: list[dict[str, str]] = [
        {"BilledCost": "0.000000000001", "EffectiveCost": "-3.333333333333", "ResourceId": "i-ü", "Tags": "{}"},
        {"BilledCost": "123456789012345.123456789012", "EffectiveCost": "0", "ResourceId": "I-2", "Tags": ""},
        {"BilledCost": "-1.5", "EffectiveCost": "2.675", "ResourceId": "it's \\ \"x\" ${y} %_", "RegionId": "eu-west-1"},
        {"EffectiveCost": "1e-9", "ResourceId": "", "SubAccountName": "", "RegionId": "EU-WEST-1"},
        {"EffectiveCost": "7.0000000005", "Tags": '{"team": "web", "env": "", "a.b": "ß"}', "PricingQuantity": "0.1"},
        {"ChargePeriodStart": "2026-10-31T23:59:59.999999Z", "ChargePeriodEnd": "2026-11-01T00:00:00Z"},
        {"ChargePeriodStart": "2026-10-25T02:30:00+02:00", "ServiceName": "Zürich 東京 🙂", "RegionId": "zz"},
        {"SkuPriceDetails": '{"InstanceType": "m5.large", "GpuCount": 4, "n": 1.50, "o": {"k": [1]}, "z": null}'},
        {"SkuPriceDetails": '{"InstanceType": "a/b~c", "GpuCount": "2"}', "ChargeCategory": "Tax"},
        {"ChargeCategory": "Credit", "BilledCost": "-0.01", "EffectiveCost": "-0.01", "ConsumedQuantity": "3",
         "ConsumedUnit": "GB"},
    ]  # fmt: skip
    rows += [{"ResourceId": f"r-{n % 7}", "EffectiveCost": f"{n}.{n:03d}", "BilledCost": f"0.{n + 1:06d}",
              "RegionId": "eu-west-1" if n % 3 else "", "PricingQuantity": f"{n}.5",
              "ChargePeriodStart": f"2026-10-{n % 28 + 1:02d}T0{n % 10}:00:00Z"} for n in range(60)]  # fmt: skip
    return write_csv(path, [{"ChargePeriodEnd": "2026-11-01T00:00:00Z", **row} for row in rows])


def _narrow_bill(path: Path) -> Path:
    september = {"BillingPeriodStart": "2026-09-01T00:00:00Z", "BillingPeriodEnd": "2026-10-01T00:00:00Z",
                 "ChargePeriodStart": "2026-09-05T00:00:00Z", "ChargePeriodEnd": "2026-09-06T00:00:00Z"}  # fmt: skip
    return write_csv(path, [{**september, "BillingCurrency": "JPY", "BilledCost": f"{n}"} for n in range(9)], ["Tags"])
