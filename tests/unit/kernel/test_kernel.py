"""Money, periods, documents and the chain of evidence."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal, localcontext

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiscus.kernel.actor import FISCUS
from fiscus.kernel.documents import load_document
from fiscus.kernel.errors import BadConfig, BadInput
from fiscus.kernel.evidence import GENESIS, EvidenceRecord, seal, verify_chain
from fiscus.kernel.money import EXACT, Money, display, display_small, from_nanos, to_nanos, total
from fiscus.kernel.periods import FiscalCalendar, Month, day_named

SCHEMA = {
    "type": "object",
    "properties": {"amount": {"type": "number"}, "level": {"enum": ["warn", "soft"]}},
    "additionalProperties": False,
}


def test_currencies_are_never_added() -> None:
    with pytest.raises(BadInput, match="cannot be combined"):
        Money(Decimal(1), "USD") + Money(Decimal(1), "EUR")


@given(st.lists(st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**16), max_value=10**16, places=12)))
def test_a_sum_loses_no_digit_whatever_the_callers_context(amounts: list[Decimal]) -> None:
    with localcontext() as context:
        context.prec = 5
        result = total(amounts)
    assert int(EXACT.scaleb(result, 12)) == sum(int(EXACT.scaleb(amount, 12)) for amount in amounts)


@given(st.integers(-(10**18), 10**18))
def test_nanos_go_there_and_back(nanos: int) -> None:
    assert to_nanos(from_nanos(nanos)) == nanos


def test_money_finer_than_a_nano_is_rounded_only_when_asked() -> None:
    fine = Decimal("0.0000000001")
    with pytest.raises(BadInput):
        to_nanos(fine)
    assert to_nanos(fine, round_up=True) == 1


def test_negative_money_stands_in_parentheses() -> None:
    assert display(Decimal("-1234.5")) == "(1,234.50)"


@pytest.mark.parametrize(
    ("kind", "day", "label", "start", "end"),
    [
        ("month", date(2026, 1, 15), "2026-01", date(2026, 1, 1), date(2026, 2, 1)),
        ("quarter", date(2026, 1, 15), "FY2026-Q4", date(2025, 11, 1), date(2026, 2, 1)),
        ("year", date(2026, 2, 1), "FY2027", date(2026, 2, 1), date(2027, 2, 1)),
    ],
)
def test_a_fiscal_year_that_starts_in_february(kind, day: date, label: str, start: date, end: date) -> None:
    period = FiscalCalendar(2).period(kind, day)
    assert (period.label, period.start, period.end) == (label, start, end)


def test_a_month_is_parsed_or_refused() -> None:
    assert str(Month.parse("2026-12").shift(1)) == "2027-01"
    with pytest.raises(BadInput, match="is not a month"):
        Month.parse("2026-13")
    for beyond in ("0000-01", "9999-12", "\u0662\u0660\u0662\u0666-10"):
        with pytest.raises(BadInput, match="is not a month"):
            Month.parse(beyond)
    for beyond in ("0001-01-01", "9999-12-31", "2026-02-30"):
        with pytest.raises(BadInput, match="is not a date"):
            day_named(beyond)


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("amount: 1\namount: 2", 2, "stands here twice"),
        ("amount: 1\nlevel: hard", 2, "is not one of"),
        ("\n\nlevle: warn", 3, "Did you mean level"),
        ("amount: [", 1, "Not valid YAML"),
        ("amount: !!python/object:os.system 1", 1, "is not a value"),
        ("amount: .inf", 1, "is not a value"),
    ],
)
def test_a_document_is_refused_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(BadConfig, match=message) as refused:
        load_document(text, "a.yaml", SCHEMA)
    assert refused.value.where is not None
    assert refused.value.where.file == "a.yaml"
    assert abs((refused.value.where.line or 0) - line) <= 1


def test_money_in_a_document_never_passes_a_float() -> None:
    assert load_document("amount: 0.1", "a.yaml", SCHEMA).data == {"amount": Decimal("0.1")}


def _chain(count: int) -> list[EvidenceRecord]:
    records, previous = [], GENESIS
    for n in range(1, count + 1):
        record = seal(n, datetime(2026, 11, 20, tzinfo=UTC), "run.completed", f"run-{n}", FISCUS, {"n": n}, previous)
        records.append(record)
        previous = record.digest
    return records


def test_a_whole_chain_has_no_breaks() -> None:
    records = _chain(5)
    assert verify_chain(records) == (5, records[-1].digest, [])


@pytest.mark.parametrize("at", [0, 2, 4])
def test_a_changed_removed_or_moved_record_is_found(at: int) -> None:
    records = _chain(6)
    changed = [*records[:at], replace(records[at], body={"n": 99}), *records[at + 1 :]]
    removed = records[:at] + records[at + 1 :]
    moved = [*records[:at], records[at + 1], records[at], *records[at + 2 :]]
    for broken in (changed, removed, moved):
        assert verify_chain(broken)[2]


@pytest.mark.parametrize(
    ("amount", "shown"),
    [
        ("0", "0.00"),
        ("0.005", "0.0050"),
        ("0.0049", "0.0049"),
        ("0.000421", "0.00042"),
        ("-0.00001", "(0.000010)"),
        ("12", "12.00"),
    ],
)
def test_a_small_amount_is_not_shown_as_nothing(amount: str, shown: str) -> None:
    assert display_small(Decimal(amount)) == shown
