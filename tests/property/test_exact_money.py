"""Promise P4: books balance to the last digit, whatever the digits."""

from __future__ import annotations

from decimal import ROUND_HALF_EVEN, Context, Decimal
from pathlib import Path
from tempfile import TemporaryDirectory

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.bills import ROW, write_csv
from tests.fixtures.effort import some

from fiscus.cost.datasets.plan_rows import plan_dataset
from fiscus.cost.types import InputFile, Source
from fiscus.cost.upgrade import plan_files

WIDE = Context(prec=80, rounding=ROUND_HALF_EVEN)
COSTS = st.decimals(min_value=-(10**9), max_value=10**9, allow_nan=False, allow_infinity=False, places=None).map(
    lambda d: format(d, "f")
)
LONG = st.tuples(
    st.sampled_from(["", "-"]), st.integers(0, 10**8), st.text("0123456789", min_size=13, max_size=40)
).map(lambda t: f"{t[0]}{t[1]}.{t[2]}")
TIES = st.integers(-(10**6), 10**6).map(lambda n: f"{n}.0000000000005" if n >= 0 else f"{n}.0000000000015")
EXPONENTS = st.tuples(st.integers(1, 999), st.integers(1, 9)).map(lambda t: f"{t[0]}E-{t[1]:02d}")


@pytest.fixture(scope="module")
def folder():
    with TemporaryDirectory() as name:
        yield Path(name)


@pytest.fixture(scope="module")
def db():
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone='UTC'; SET threads=1")
        yield connection


@settings(max_examples=some(60), deadline=None)
@given(values=st.lists(st.one_of(COSTS, LONG, TIES, EXPONENTS), min_size=1, max_size=200))
def test_costs_are_parsed_exactly_and_rounded_half_even(
    folder: Path, db: duckdb.DuckDBPyConnection, values: list[str]
) -> None:
    path = write_csv(folder / "a.csv", [{"BilledCost": value} for value in values])
    file = InputFile(str(path), "csv", tuple(ROW), ",", "0", has_null_text=False, sample={})
    plan = plan_files([file], Source("p"), "d", (), exact=True)
    types = ", ".join(f"'{name}': 'VARCHAR'" for name in ROW)
    db.execute(plan.prelude)
    select = plan.select.replace(
        " FROM input)",
        f" FROM read_csv('{path}', columns={{{types}}}, header=true, auto_detect=false, delim=',', quote='\"'))",
        1,
    )
    stored = [row[0] for row in db.execute(f"SELECT BilledCost FROM ({select})").fetchall()]
    step = Decimal(1).scaleb(-12)
    assert stored == [Decimal(value).quantize(step, context=WIDE) for value in values]


LINE = {
    "InvoiceDetailId": "L", "InvoiceId": "INV-1", "InvoiceIssuerName": "Nimbus", "BillingPeriodStart": "2026-10-01T00:00:00Z",
    "BillingPeriodEnd": "2026-11-01T00:00:00Z", "BilledCost": "1", "BillingCurrency": "USD",
}  # fmt: skip


@settings(max_examples=some(25), deadline=None)
@given(values=st.lists(st.one_of(COSTS, LONG, TIES, EXPONENTS), min_size=1, max_size=100))
def test_lines_of_invoices_are_parsed_as_exactly_as_charges(
    folder: Path, db: duckdb.DuckDBPyConnection, values: list[str]
) -> None:
    file = InputFile("i.csv", "csv", tuple(LINE), ",", "0", has_null_text=False, sample={})
    plan = plan_dataset([file], "invoice_detail", Source("p"), "d")
    db.execute(plan.prelude)
    given_columns = ", ".join(f"'{value}' AS \"{name}\"" for name, value in LINE.items() if name != "BilledCost")
    rows = f'(SELECT {given_columns}, v AS "BilledCost" FROM (SELECT unnest(CAST($values AS VARCHAR[])) AS v))'
    select = plan.select.replace(" FROM input)", f" FROM {rows})", 1)
    stored = db.execute(f"SELECT sum(BilledCost), bool_or(x__fault) FROM ({select})", {"values": values}).fetchone()
    step = Decimal(1).scaleb(-12)
    wanted = sum((WIDE.quantize(Decimal(value), step) for value in values), Decimal(0))
    assert stored == (wanted, False)
