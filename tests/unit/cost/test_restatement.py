"""A month is cut only when someone says so; versions are told by columns; a declared one may not contradict them."""

from __future__ import annotations

import csv
from decimal import Decimal
from pathlib import Path

import pytest
from tests.bills import deliver, write_csv
from tests.fixtures.effort import sampled

from fiscus.cost.types import IngestOptions, Source
from fiscus.flows.ingest_bills import ingest_bills
from fiscus.kernel.errors import BadInput
from fiscus.kernel.progress import Silent


def _month(path: Path, *costs: str) -> Path:
    return write_csv(path, [{"ResourceId": f"i-{n}", "BilledCost": cost} for n, cost in enumerate(costs)])


@pytest.mark.parametrize(
    ("old", "new", "refused"),
    sampled(
        [
            (("100", "0"), ("79.99", "0"), True),
            (("100", "0"), ("80", "0"), False),
            (("100", "0"), ("-100", "0"), True),
            (("-100", "0"), ("-79", "0"), True),
            (("-100", "0"), ("-121", "0"), True),
            (("-100", "0"), ("-120", "0"), False),
            (("100", "-100"), ("100", "-99"), False),
            (("1", "1", "1", "1", "1"), ("5", "0", "0", "0"), False),
            (("1", "1", "1", "1", "1"), ("5", "0", "0"), True),
        ],
        every=3,
    ),
)
def test_a_cut_of_more_than_a_fifth_needs_restate_credits_included(
    ws, tmp_path: Path, old: tuple[str, ...], new: tuple[str, ...], refused: bool
) -> None:
    deliver(ws, _month(tmp_path / "old.csv", *old))
    later = _month(tmp_path / "new.csv", *new)
    if refused:
        with pytest.raises(BadInput, match="would shrink") as told:
            deliver(ws, later)
        assert "--restate" in told.value.remedy
        assert ws.lake.query("SELECT sum(BilledCost) FROM charges").rows == ((sum(map(Decimal, old)),),)
    deliver(ws, later, restate=True)
    assert ws.lake.query("SELECT sum(BilledCost) FROM charges").rows == ((sum(map(Decimal, new)),),)


def test_a_currency_that_disappears_from_a_month_is_a_cut(ws, tmp_path: Path) -> None:
    euro = {"BillingCurrency": "EUR", "BillingAccountId": "9"}
    deliver(ws, write_csv(tmp_path / "a.csv", [{}] * 9 + [euro]))
    with pytest.raises(BadInput, match="EUR"):
        deliver(ws, write_csv(tmp_path / "b.csv", [{}] * 10))


def test_versions_are_told_apart_in_one_folder(ws, tmp_path: Path) -> None:
    since = {
        "1.0": {},
        "1.1": {"SkuMeter": "m"},
        "1.2": {"InvoiceId": "I1"},
        "1.3": {"HostProviderName": "AWS"},
        "1.4": {"InvoiceDetailId": "D1"},
    }
    folder = tmp_path / "mixed"
    folder.mkdir()
    for version, columns in since.items():
        write_csv(folder / f"v{version}.csv", [{"ResourceId": version, **columns}])
    delivery = deliver(ws, folder)
    assert delivery.focus_version == "1.0, 1.1, 1.2, 1.3, 1.4"
    rows = ws.lake.query("SELECT ResourceId, x_FocusVersion FROM charges ORDER BY 1").rows
    assert rows == tuple((version, version) for version in since)


def test_a_declared_version_older_than_the_columns_is_refused(ws, tmp_path: Path) -> None:
    path = write_csv(tmp_path / "a.csv", [{"InvoiceId": "I1"}])
    with pytest.raises(BadInput, match=r"declared FOCUS 1\.0, but InvoiceId came with 1\.2"):
        deliver(ws, path, source=Source("bills", focus="1.0"))
    deliver(ws, path, source=Source("bills", focus="1.3"))
    assert ws.lake.query("SELECT x_FocusVersion FROM charges").rows == (("1.3",),)


@pytest.mark.thorough
def test_every_official_file_loads_exactly_or_is_refused_with_its_reason(ws, shared_data: Path) -> None:
    files = sorted((shared_data / "focus").rglob("*.csv"))
    assert files
    loaded, refusals = 0, []
    for number, path in enumerate(files):
        try:
            delivery = deliver(ws, path, source=Source(f"official-{number}"))
        except BadInput as refused:
            refusals.append((path, refused))
            continue
        with path.open(newline="", encoding="utf-8-sig") as stream:
            exact = sum((Decimal(row["BilledCost"]) for row in csv.DictReader(stream)), Decimal(0))
        assert sum(sum(period.billed_cost.values()) for period in delivery.periods) == exact, path
        loaded += 1
    assert loaded >= 3
    for path, told in refusals:
        assert told.remedy, path
        assert told.where is not None, path
        assert told.where.file == str(path), path


def test_a_month_covered_by_commitments_is_cut_when_its_effective_cost_is(ws, tmp_path: Path) -> None:
    covered = {"BilledCost": "0", "EffectiveCost": "100"}
    deliver(ws, write_csv(tmp_path / "a.csv", [covered]))
    half = write_csv(tmp_path / "b.csv", [covered | {"EffectiveCost": "50"}])
    with pytest.raises(BadInput, match="would shrink"):
        deliver(ws, half)
    deliver(ws, half, restate=True)
    assert ws.lake.query("SELECT sum(EffectiveCost) FROM charges").rows == ((Decimal(50),),)


def test_months_delivered_before_and_after_a_tag_was_promoted_stand_together(ws, tmp_path: Path) -> None:
    september = {"BillingPeriodStart": "2026-09-01T00:00:00Z", "BillingPeriodEnd": "2026-10-01T00:00:00Z"}
    before = write_csv(tmp_path / "a.csv", [september])
    ingest_bills(ws, Source("bills"), [before], IngestOptions(), Silent())
    deliver(ws, write_csv(tmp_path / "b.csv", [{"Tags": '{"team": "web"}'}]))
    sql = "SELECT x_BillingMonth, x_Tag_team, BilledCost FROM charges ORDER BY 1"
    expected = (("2026-09", "platform", Decimal("1.5")), ("2026-10", "web", Decimal("1.5")))
    assert ws.lake.query(sql).rows == expected
    assert ws.lake.ask(sql).rows == expected
