"""A closed month keeps what it reported; what came since is a correction, with its amount."""

from __future__ import annotations

import gzip
from decimal import Decimal
from pathlib import Path

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bills import ROW, deliver, write_csv
from tests.fixtures.effort import some
from tests.focus_deliveries import write_csv as write_rows

from fiscus.cost.books.types import ClosedMonth
from fiscus.cost.books.views import book_views_sql
from fiscus.cost.types import IngestOptions, Source
from fiscus.flows.evaluate import evaluate
from fiscus.flows.ingest_bills import ingest_files
from fiscus.flows.show_corrections import restatement_findings, show_corrections
from fiscus.kernel.periods import Month
from fiscus.kernel.progress import Silent

SEPTEMBER = {"BillingPeriodStart": "2026-09-01T00:00:00Z", "BillingPeriodEnd": "2026-10-01T00:00:00Z",
             "ChargePeriodStart": "2026-09-05T00:00:00Z", "ChargePeriodEnd": "2026-09-06T00:00:00Z"}  # fmt: skip
CORRECTION = {**SEPTEMBER, "ChargeClass": "Correction"}


def _closed(folder: Path, *months: str) -> Path:
    periods = [Month.parse(month) for month in months or ("2026-09",)]
    rows = [
        {"BillingPeriodStart": f"{one.start}T00:00:00Z", "BillingPeriodEnd": f"{one.end}T00:00:00Z",
         "BillingPeriodStatus": "Closed", "InvoiceIssuerName": ROW["InvoiceIssuerName"]} for one in periods
    ]  # fmt: skip
    return write_rows(folder / "periods.csv", rows)


def _costs(ws, view: str, month: str = "x_BillingMonth") -> dict[str, Decimal]:
    return dict(ws.lake.ask(f"SELECT {month}, sum(BilledCost) FROM {view} GROUP BY ALL").rows)


def test_a_vendor_that_restates_a_closed_month_makes_a_finding_and_what_was_reported_stays(ws, tmp_path: Path) -> None:
    deliver(ws, write_csv(tmp_path / "a.csv", [SEPTEMBER | {"BilledCost": "100.10"}, {"BilledCost": "7"}]))
    ingest_files(ws, Source("periods"), [_closed(tmp_path)], IngestOptions(), Silent())
    assert restatement_findings(ws) == []
    deliver(ws, write_csv(tmp_path / "b.csv", [SEPTEMBER | {"BilledCost": "99.99"}]))
    assert _costs(ws, "charges_as_reported") == {"2026-09": Decimal("100.10"), "2026-10": Decimal(7)}
    assert _costs(ws, "charges_restated", "x_RestatedMonth") == {"2026-09": Decimal("99.99"), "2026-10": Decimal(7)}
    (finding,) = [f for f in evaluate(ws, "run-2").findings if f.kind == "restatement"]
    assert (finding.amount, finding.currency, finding.period_label) == (Decimal("-0.11"), "USD", "2026-09")
    assert finding.title == "bills corrected 2026-09 after its close by 0.11 USD less"
    with ws.state.read() as tx:
        assert [r.subject for r in tx.evidence_records(["period.closed_by_vendor"])] == ["bills/2026-09"]


@pytest.mark.parametrize(
    ("style", "rows"),
    [
        ("delta", [CORRECTION | {"BilledCost": "-0.11"}]),
        ("ledger", [CORRECTION | {"BilledCost": "-100.10"}, CORRECTION | {"BilledCost": "99.99"}]),
    ],
)
def test_corrections_by_delta_and_by_ledger_stand_beside_what_they_correct(ws, tmp_path: Path, style, rows) -> None:
    source = Source("bills", corrections=style)
    first = write_csv(tmp_path / "a.csv", [SEPTEMBER | {"BilledCost": "100.10"}])
    deliver(ws, first, source=source)
    later = write_csv(tmp_path / "b.csv", rows)
    corrected = deliver(ws, later, source=source)
    assert (corrected.periods[0].added, corrected.periods[0].rows, corrected.quality) == (True, len(rows), ())
    assert _costs(ws, "charges") == {"2026-09": Decimal("99.99")}
    assert not deliver(ws, later, source=source).changed
    assert not deliver(ws, first, source=source).changed, "the first delivery still stands whole"
    assert _costs(ws, "charges") == {"2026-09": Decimal("99.99")}
    whole = write_csv(tmp_path / "c.csv", [SEPTEMBER | {"BilledCost": "98"}])
    assert not deliver(ws, whole, source=source, restate=True).periods[0].added
    assert _costs(ws, "charges") == {"2026-09": Decimal(98)}, "a whole month replaces, corrections and all"


def test_a_reversal_that_reverses_nothing_is_counted(ws, tmp_path: Path) -> None:
    source = Source("bills", corrections="ledger")
    deliver(ws, write_csv(tmp_path / "a.csv", [SEPTEMBER | {"BilledCost": "100.10"}]), source=source)
    delivery = deliver(ws, write_csv(tmp_path / "b.csv", [CORRECTION | {"BilledCost": "-5"}]), source=source)
    assert [(f.code, f.count) for f in delivery.quality] == [("unmatched_reversal", 1)]


def test_a_reversal_billed_later_finds_its_charge_and_reverses_it_once(ws, tmp_path: Path) -> None:
    """The charge stands under September. October's bill takes it back; November's takes it back again, and nothing is left."""
    source = Source("bills", corrections="ledger")
    months = {
        month: {
            "BillingPeriodStart": f"2026-{month}-01T00:00:00Z",
            "BillingPeriodEnd": f"2026-{month + 1}-01T00:00:00Z",
        }
        for month in (10, 11)
    }
    deliver(ws, write_csv(tmp_path / "a.csv", [SEPTEMBER | {"BilledCost": "10"}]), source=source)
    for month, name in months.items():
        deliver(ws, write_csv(tmp_path / f"{month}.csv", [name | {"BilledCost": "7"}]), source=source)
    reversal = CORRECTION | {"BilledCost": "-10"}
    first = deliver(ws, write_csv(tmp_path / "b.csv", [reversal | months[10]]), source=source)
    assert (first.periods[0].added, first.quality) == (True, ())
    for month in (10, 11):
        again = reversal | months[month] | {"ChargeDescription": "once more"}
        second = deliver(ws, write_csv(tmp_path / f"c{month}.csv", [again]), source=source)
        assert [(f.code, f.count) for f in second.quality] == [("unmatched_reversal", 1)]


def test_a_correction_billed_later_is_restated_in_the_month_that_it_corrects(ws, tmp_path: Path) -> None:
    deliver(ws, write_csv(tmp_path / "a.csv", [SEPTEMBER | {"BilledCost": "10"}]))
    ingest_files(ws, Source("periods"), [_closed(tmp_path)], IngestOptions(), Silent())
    late = {"ChargePeriodStart": SEPTEMBER["ChargePeriodStart"], "ChargePeriodEnd": SEPTEMBER["ChargePeriodEnd"]}
    deliver(
        ws,
        write_csv(tmp_path / "b.csv", [{"BilledCost": "5"}, late | {"ChargeClass": "Correction", "BilledCost": "-1"}]),
    )
    assert _costs(ws, "charges_as_reported") == {"2026-09": Decimal(10), "2026-10": Decimal(4)}
    assert _costs(ws, "charges_restated", "x_RestatedMonth") == {"2026-09": Decimal(9), "2026-10": Decimal(5)}
    ingest_files(ws, Source("periods"), [_closed(tmp_path, "2026-09", "2026-10")], IngestOptions(), Silent())
    (line,) = show_corrections(
        ws
    ).corrected  # October's own bill says what it said: it is not corrected by what it corrects
    assert (line.billing_month, line.reported_billed, line.correction_billed, line.restated_billed) == (
        "2026-09", Decimal(10), Decimal(-1), Decimal(9),
    )  # fmt: skip


def test_a_month_signed_for_every_source_has_nothing_of_a_source_that_came_later(ws, tmp_path: Path) -> None:
    deliver(ws, write_csv(tmp_path / "a.csv", [SEPTEMBER | {"BilledCost": "10"}]))
    signed = [ClosedMonth("", "2026-09", ws.lake.version().charges, "signed")]
    deliver(ws, write_csv(tmp_path / "b.csv", [SEPTEMBER | {"BilledCost": "3"}]), source=Source("late"))
    version = ws.lake.write_closes(signed)
    assert _costs(ws, "charges_as_reported") == {"2026-09": Decimal(10)}
    assert _costs(ws, "charges") == {"2026-09": Decimal(13)}
    assert ws.lake.write_closes(signed) == version, "equal content writes nothing"
    ws.lake.write_closes([])
    assert _costs(ws, "charges_as_reported") == {"2026-09": Decimal(13)}


ROWS = st.lists(
    st.tuples(
        st.sampled_from(["aws", "gcp"]),
        st.sampled_from(["2026-08", "2026-09", "2026-10"]),
        st.sampled_from(["2026-08", "2026-09", "2026-10"]),
        st.sampled_from([None, "Correction"]),
        st.sampled_from(["USD", "EUR", "JPY"]),
        st.decimals(-(10**6), 10**6, places=12),
    ),
    max_size=12,
)
TABLE = """CREATE OR REPLACE TABLE {name} (x_SourceId VARCHAR, x_BillingMonth VARCHAR, BillingPeriodStart TIMESTAMPTZ,
    ChargePeriodStart TIMESTAMPTZ, ChargeClass VARCHAR, BillingCurrency VARCHAR, BilledCost DECIMAL(28,12),
    EffectiveCost DECIMAL(28,12))"""


@pytest.fixture(scope="module")
def db():
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'")
        yield connection


def _fill(db, name: str, rows) -> dict[str, Decimal]:
    db.execute(TABLE.format(name=name))
    totals: dict[str, Decimal] = {}
    for source, month, of, kind, currency, cost in rows:
        db.execute(
            f"INSERT INTO {name} VALUES (?, ?, CAST(? AS TIMESTAMPTZ), CAST(? AS TIMESTAMPTZ), ?, ?, ?, ?)",
            [source, month, f"{month}-01", f"{of}-03", kind, currency, cost, -cost],
        )
        totals[currency] = totals.get(currency, Decimal(0)) + cost
    return totals


@settings(max_examples=some(60), deadline=None)
@given(ROWS, ROWS)
def test_as_reported_and_corrections_make_restated_to_the_last_digit_in_each_currency(db, reported, now) -> None:
    said, known = _fill(db, "bare_reported", reported), _fill(db, "bare_charges", now)
    *_, corrections = book_views_sql([], [], [], [])
    db.execute(book_views_sql([], None, [], [])[0])
    db.execute(corrections)
    lines = db.execute(
        "SELECT BillingCurrency, ReportedBilledCost, CorrectionBilledCost, RestatedBilledCost, CorrectionEffectiveCost, "
        "ChangedBilledCost, MovedBilledCost FROM corrections"
    ).fetchall()
    assert all(was + correction == is_now for _, was, correction, is_now, *_ in lines)
    assert all(correction == -effective for _, _, correction, _, effective, *_ in lines)
    assert all(correction == changed + moved for _, _, correction, _, _, changed, moved in lines)
    for currency in ("USD", "EUR", "JPY"):
        mine = [line for line in lines if line[0] == currency]
        assert sum((line[1] for line in mine), Decimal(0)) == said.get(currency, 0)
        assert sum((line[3] for line in mine), Decimal(0)) == known.get(currency, 0), "nothing is lost by moving months"


def test_a_folder_of_corrections_may_grow(ws, tmp_path: Path) -> None:
    """Each file adds what it holds once, though all of them come again with every new one, packed or alone."""
    source = Source("vendor", corrections="delta")
    deliver(ws, write_csv(tmp_path / "sep.csv", [SEPTEMBER | {"BilledCost": "10"}]), source=source)
    october = write_csv(tmp_path / "oct.csv", [{}])
    first = write_csv(tmp_path / "c1.csv", [CORRECTION | {"BilledCost": "-1"}])
    second = write_csv(tmp_path / "c2.csv", [CORRECTION | {"BilledCost": "-2", "ChargeDescription": "again"}])
    deliver(ws, october, first, source=source)
    assert _costs(ws, "charges")["2026-09"] == 9
    grown = deliver(ws, october, first, second, source=source)
    assert {p.billing_month: p.rows for p in grown.periods} == {"2026-09": 1, "2026-10": 1}
    (tmp_path / "c1.csv.gz").write_bytes(gzip.compress(first.read_bytes()))
    for paths in ([first], [second], [october, first, second], [tmp_path / "c1.csv.gz"]):
        assert deliver(ws, *paths, source=source).changed is False
    write_csv(october, [{}, {"ResourceId": "i-2"}])
    later = deliver(ws, october, first, second, source=source)
    assert [(p.billing_month, p.rows) for p in later.periods] == [("2026-10", 2)], (
        "the running month grows, and no other"
    )
    assert _costs(ws, "charges") == {"2026-09": Decimal(7), "2026-10": Decimal(3)}
    deliver(ws, write_csv(tmp_path / "sep.csv", [SEPTEMBER | {"BilledCost": "11"}]), source=source, restate=True)
    assert _costs(ws, "charges")["2026-09"] == 11, "the month came whole: what corrected it before is in it"
    deliver(ws, october, first, source=source)
    assert _costs(ws, "charges")["2026-09"] == 10
