"""Packs of workspaces that have little in them, and what a pack must never do."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from pypdf import PdfReader
from tests.bills import deliver, write_csv
from tests.fixtures.company import open_company
from tests.fixtures.judging import budgets_of

from fiscus.board.assurance import controls_exhibit
from fiscus.board.figures import moved, plural, share
from fiscus.board.frame import Frame
from fiscus.board.types import Kpi, Outcome, Pack
from fiscus.flows.build_pack import build_pack, pack_digest
from fiscus.flows.evaluate import evaluate
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.policies.policy_set import PolicySet
from fiscus.kernel.charts import ChartSeries, ChartSpec
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import NotFound, Unavailable
from fiscus.kernel.money import chance
from fiscus.kernel.periods import FiscalCalendar, Month
from fiscus.stores.render import chart_svg, render_pdf, render_xlsx
from fiscus.stores.render.figures import cell
from fiscus.stores.render.fonts_at import fonts_folder
from fiscus.stores.render.table_widths import PADDING_MM, column_widths, text_mm

OCTOBER = Month(2026, 10)


@pytest.fixture
def company(tmp_path: Path) -> Workspace:
    """One bill of October, no budget, policy, action or outcome."""
    ws = open_company(tmp_path)
    deliver(
        ws, write_csv(tmp_path / "october.csv", [{"ResourceId": "i-1"}, {"ResourceId": "i-2", "EffectiveCost": "3"}])
    )
    return ws


def _kpi(pack: Pack, name: str) -> Kpi:
    return next(one for one in pack.kpis if one.id == name)


def test_a_workspace_without_budgets_actions_or_outcomes_has_a_pack_that_says_what_to_do(company, tmp_path) -> None:
    pack = build_pack(company, OCTOBER)
    assert _kpi(pack, "spend").value == Decimal("4.25")
    assert _kpi(pack, "budget-used").value is None
    assert "budgets/" in _kpi(pack, "budget-used").finding
    assert "outcomes" in _kpi(pack, "outcome").finding
    titles = {table.id: table.title for table in pack.exhibits}
    assert titles["controls"].startswith("No control is configured")
    assert titles["action-funnel"].startswith("No action has been proposed")
    render_pdf(pack, tmp_path / "board.pdf")
    render_xlsx(pack, tmp_path / "board.xlsx")
    assert "no company budget" in PdfReader(tmp_path / "board.pdf").pages[0].extract_text().replace("\n", " ")


def test_a_month_that_the_lake_does_not_hold_is_not_found(company) -> None:
    for month in (Month(2026, 9), Month(2026, 12)):
        with pytest.raises(NotFound, match="2026-10"):
            build_pack(company, month)


def test_an_empty_lake_says_what_to_do(tmp_path) -> None:
    with pytest.raises(NotFound, match="Ingest a bill first"):
        build_pack(open_company(tmp_path), OCTOBER)


def test_a_pack_is_evidence_once_until_its_contents_change(company, tmp_path) -> None:
    first = build_pack(company, OCTOBER)
    assert build_pack(company, OCTOBER) == first
    deliver(
        company, write_csv(tmp_path / "more.csv", [{"ResourceId": "i-1"}, {"ResourceId": "i-2", "EffectiveCost": "4"}])
    )
    second = build_pack(company, OCTOBER)
    assert pack_digest(second) != pack_digest(first)
    with company.state.read() as tx:
        built = list(tx.evidence_records(["pack.built"]))
    assert [record.body["contents"] for record in built] == [pack_digest(first), pack_digest(second)]


def test_what_is_not_known_is_open_and_never_zero() -> None:
    facts = {
        "policy.a": {"title": "A", "level": "hard", "ran": True},
        "policy.b": "broken",
        "policy.c": {"retired": True},
    }
    table, kpi = controls_exhibit(facts, PolicySet())
    rows = {row[0]: row for row in table.rows}
    assert set(rows) == {"a", "b"}
    assert rows["a"][4:8] == (None, None, None, None)
    assert rows["a"][8] == "no test"
    assert rows["b"][8] == "failed"
    assert kpi.value == 1


def test_a_control_fails_when_its_test_does_or_when_it_has_no_answer() -> None:
    well = {
        "title": "T",
        "ran": True,
        "passed": True,
        "errors": 0,
        "fired": 2,
        "overridden": 0,
        "last_tested": date(2026, 11, 20),
    }
    facts = {"policy.ok": well, "policy.test": {**well, "passed": False}, "policy.rows": {**well, "errors": 3}}
    table, kpi = controls_exhibit(facts, PolicySet())
    assert {row[0]: row[8] for row in table.rows} == {"ok": "works", "test": "failed", "rows": "failed"}
    assert kpi.value == 2


def test_an_outcome_without_a_volume_of_a_whole_month_says_so(company) -> None:
    outcome = Outcome("orders", {"tag:team": ("platform",)}, {"2026-11": 10})
    pack = build_pack(replace(company, config=replace(company.config, outcomes=(outcome,))), OCTOBER)
    assert _kpi(pack, "outcome-orders").value is None
    assert "volumes" in _kpi(pack, "outcome-orders").finding


def test_an_outcome_divides_its_scope_by_its_volume(company) -> None:
    outcome = Outcome("orders", {"tag:team": ("platform",)}, {"2026-10": 10})
    pack = build_pack(replace(company, config=replace(company.config, outcomes=(outcome,))), OCTOBER)
    assert _kpi(pack, "outcome-orders").value == Decimal("0.4250")


def test_a_running_month_is_compared_with_as_many_days() -> None:
    frame = Frame("X", "USD", FiscalCalendar(1), Month(2026, 11), date(2026, 11, 20))
    assert (frame.start, frame.end, frame.partial) == (date(2026, 11, 1), date(2026, 11, 20), True)
    assert (frame.before, frame.before_end) == (date(2026, 10, 1), date(2026, 10, 20))
    march = Frame("X", "USD", FiscalCalendar(1), Month(2026, 3), date(2026, 3, 31))
    assert march.before_end == date(2026, 3, 1)  # February is shorter: it never reaches into March
    whole = Frame("X", "USD", FiscalCalendar(1), OCTOBER, date(2026, 11, 20))
    assert (whole.partial, whole.before_end) == (False, date(2026, 10, 1))


@pytest.mark.parametrize(
    ("value", "unit", "want"),
    [
        (Decimal("1234.5"), "USD", "1,234"),
        (Decimal("-1234.56"), "USD", "(1,235)"),
        (Decimal("0.2"), "USD", "< 1"),
        (Decimal("-0.2"), "USD", "(< 1)"),
        (Decimal(0), "USD", "0"),
        (Decimal("98.55"), "%", "98.6"),
        (Decimal("0.999"), "P", "> 0.99"),
        (Decimal("0.5"), "P", "0.50"),
        (Decimal(1500), "≈ USD", "≈ 1,500"),
        (Decimal("0.35591"), "USD per million tokens", "0.3559"),
        (None, "USD", "–"),
        (date(2026, 11, 1), "date", "1 Nov 2026"),
    ],
)
def test_numbers_read_as_in_a_ledger(value, unit, want) -> None:
    assert cell(value, unit) == want


def test_sentences_count_and_move_in_words() -> None:
    assert (plural(1, "budget"), plural(3, "anomaly", "anomalies")) == ("1 budget", "3 anomalies")
    assert (moved(Decimal("2.24")), moved(Decimal(-3)), moved(None)) == ("up 2.2 %", "down 3.0 %", "new")
    assert (chance(Decimal(1)), chance(Decimal(0)), chance(Decimal("0.4"))) == ("> 0.99", "< 0.01", "= 0.40")
    assert share(Decimal(1), Decimal(0)) is None


def test_a_pack_of_another_day_than_the_budgets_were_judged_on_says_so(company: Workspace, tmp_path: Path) -> None:
    assert build_pack(company, OCTOBER).judged_as_of is None
    budget = budgets_of("budgets: [{id: b, title: B, period: month, currency: USD, amount: 100, owner: finops}]")
    ws = replace(company, config=replace(company.config, budgets=budget))
    evaluate(replace(ws, clock=SteppedClock(datetime(2026, 11, 12, 12, tzinfo=UTC))), "run-1")
    pack = build_pack(ws, OCTOBER)
    assert (pack.as_of, pack.judged_as_of) == (ws.as_of, date(2026, 11, 12))
    render_pdf(pack, tmp_path / "board.pdf")
    assert "budgets as judged on 12 Nov 2026" in PdfReader(tmp_path / "board.pdf").pages[0].extract_text().replace(
        "\n", " "
    )


def test_a_table_never_takes_its_first_column_away() -> None:
    heads = ["budget", *(f"n{n}" for n in range(8))]
    rows = [["Team with a long name that wraps", *(["≈ 1,234,567"] * 8)]]
    widths, size = column_widths(["text", *(["USD"] * 8)], heads, rows, 178)
    assert widths[0] == 0
    assert sum(widths) + size * (text_mm("Team ") + PADDING_MM) <= 178


@pytest.mark.parametrize("owner", ["platform", "security-engineering", "customer-relationship-management"])
def test_a_table_that_has_no_room_is_set_smaller_and_prints_nothing_over_its_neighbour(owner: str) -> None:
    units = ["text", "text", "text", *(["USD"] * 5), "chance", "date", "text"]
    rows = [["Everywhere, quarter", owner, "FY2027-Q4", *(["≈ 13,600,000"] * 5), "> 0.99", "21 Nov 2026", "breached"]]
    widths, size = column_widths(units, [f"head {n}" for n in range(len(units))], rows, 178)
    assert size < 1
    longest = ["Everywhere, ", owner.partition("-")[0], "FY2027-", *rows[0][3:]]
    widths[0] = 178 - sum(widths)
    assert all(width >= size * text_mm(word) for width, word in zip(widths, longest, strict=True))


def test_without_its_fonts_nothing_is_set(tmp_path) -> None:
    with pytest.raises(Unavailable, match="make"):
        fonts_folder(tmp_path)


@pytest.mark.parametrize("kind", ["stacked_bars", "fan", "bullet", "band", "line_and_bars", "contribution"])
def test_every_kind_of_chart_is_drawn_in_inter_the_same_each_time(kind) -> None:
    labels = ("2026-09", "2026-10", "<b>&2026-11")
    numbers = (Decimal(10), Decimal(20), Decimal(30))
    roles = ("actual", "budget", "p10", "p50", "p90", "low", "high", "volume", "other")
    spec = ChartSpec("x", kind, "A finding", "USD", labels, tuple(ChartSeries(role, numbers, role) for role in roles))
    svg = chart_svg(spec)
    assert svg == chart_svg(spec)
    assert "Inter" in svg
    assert "<b>" not in svg
