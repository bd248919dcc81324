"""A report's file is read whole or refused with its line; what a person gives is bound by its type, never pasted."""

from __future__ import annotations

import json
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bills import deliver, write_csv

from fiscus.cost.reports.load_report import load_report, shipped_reports
from fiscus.cost.reports.parameter_values import bound_value, bound_values
from fiscus.cost.reports.types import Parameter, ParameterType
from fiscus.edges.cli import commands_report
from fiscus.edges.cli.terminal import Common
from fiscus.flows.run_report import all_reports, listed_reports, run_report
from fiscus.kernel.canonical import to_json
from fiscus.kernel.errors import BadConfig, BadInput, NotFound

TODAY = date(2026, 11, 20)
WHOLE = """/*
title: Cost of a service
persona: Owner
question: What did it cost?
parameters:
  service: {type: text, default: '', about: A ServiceName}
columns: {ServiceName: text, BillingCurrency: currency, Cost: money}
*/
SELECT ServiceName, BillingCurrency, sum(EffectiveCost) AS Cost
FROM charges
WHERE $service = '' OR ServiceName = $service
GROUP BY ALL;
"""


def own(ws, name: str, text: str) -> Path:
    path = ws.home / "reports" / f"{name}.sql"
    path.parent.mkdir(exist_ok=True)
    path.write_text(text, encoding="utf-8")
    return path


def test_a_report_of_the_workspace_is_asked_like_any_other(ws, tmp_path: Path) -> None:
    deliver(ws, write_csv(tmp_path / "a.csv", [{}, {"ServiceName": "Other", "EffectiveCost": "2"}]))
    own(ws, "my-cost", WHOLE)
    assert [one.name for one in listed_reports(ws) if one.own] == ["my-cost"]
    answer = run_report(ws, "my-cost", {"service": "Other"})
    assert answer.rows.rows == (("Other", "USD", Decimal(2)),)
    assert answer.totals == {"Cost": {"USD": Decimal(2)}}
    assert run_report(ws, "my-cost", {}, rows_max=1).more


@pytest.mark.parametrize(
    ("old", "new", "line", "said"),
    [
        ("persona: Owner", "persona: Boss", 3, "'Boss' is not one of"),
        ("persona: Owner", "persona: Owner\ncolour: red", 4, "Unknown key 'colour'"),
        ("columns:", "\tcolumns:", 7, "Not valid YAML"),
        ("type: text, default: ''", "type: month, default: soon", 6, "'soon' is not a month"),
        ("type: text, default: ''", "type: choice, default: ''", 6, "a choice of nothing"),
        ("BillingCurrency: currency, ", "", 7, "no currency beside it"),
        ("FROM charges", "FROM charges WHERE ServiceName = $servce OR", 10, "$servce is no parameter"),
        ("$service = '' OR ServiceName = $service", "true", 6, "$service is never used"),
        ("FROM charges", "FROM chages", 10, "chages"),
        ("AS Cost", "AS Costs", 1, "gives the columns ServiceName, BillingCurrency, Costs"),
        ("sum(EffectiveCost)", "sum(EffektiveCost)", 9, "EffektiveCost"),
        ("FROM charges", "FROM read_csv('/etc/passwd')", 10, ""),
        ("GROUP BY ALL;", "GROUP BY ALL; SELECT 1", 12, "parse"),
        ("/*\ntitle", "--\ntitle", 1, "does not start with what the report is"),
    ],
)
def test_a_file_at_fault_is_refused_with_its_line(ws, old: str, new: str, line: int, said: str) -> None:
    own(ws, "mine", WHOLE.replace(old, new, 1))
    with pytest.raises(BadConfig) as refused:
        all_reports(ws)
    assert said in refused.value.message
    assert refused.value.where.file == "reports/mine.sql"
    assert refused.value.where.line in {line, None} if not said else refused.value.where.line == line
    assert refused.value.remedy


def test_the_command_gives_the_answer_that_everybody_gets(ws, tmp_path: Path, capsys) -> None:
    deliver(ws, write_csv(tmp_path / "a.csv", [{}, {"ServiceName": "Other", "EffectiveCost": "2"}]))
    months = {"first": "2026-10", "last": "2026-11"}
    pairs = [f"{name}={value}" for name, value in months.items()]
    home = str(ws.home)
    assert commands_report.run("costs-service-name", param=pairs, common=Common(home=home, json=True)) == 0
    said = json.loads(capsys.readouterr().out)
    answer = run_report(ws, "costs-service-name", months)
    assert said["rows"]["rows"] == to_json(answer.rows.rows)
    assert said["bound"] == {**months, "provider": ""}
    for form in ("csv", "json", "parquet"):
        out = tmp_path / f"answer.{form}"
        assert (
            commands_report.run("costs-service-name", param=pairs, format=form, out=out, common=Common(home=home)) == 0
        )
        assert out.stat().st_size > 0
    assert commands_report.run("costs-service-name", param=["first"], common=Common(home=home)) == 2
    assert "Write --param name=value" in capsys.readouterr().err


def test_the_command_lists_and_explains(ws, capsys) -> None:
    common = Common(home=str(ws.home))
    assert commands_report.list_reports(persona="procurement", common=common) == 0
    listed = capsys.readouterr().out
    assert "marketplace-vendors-costs" in listed
    assert "unowned-spend" not in listed
    assert commands_report.show("unowned-spend", common=common) == 0
    assert "Which money has no owner" in capsys.readouterr().out
    assert commands_report.show("unowned-spend", sql=True, common=common) == 0
    assert "x_Owner = 'unowned'" in capsys.readouterr().out


def test_a_name_is_taken_once(ws) -> None:
    own(ws, "spend-by-owner", WHOLE)
    with pytest.raises(BadConfig, match="is the name of a report that is there"):
        all_reports(ws)
    (ws.home / "reports" / "spend-by-owner.sql").unlink()
    with pytest.raises(NotFound, match="no report"):
        run_report(ws, "spend-by-ownr", {})


@pytest.mark.parametrize("text", ["' OR 1 = 1 --", "'; DROP VIEW charges; --", "$service", "*/ SELECT 1", "\x00"])
def test_what_a_person_gives_is_a_value_and_no_sql(ws, tmp_path: Path, text: str) -> None:
    deliver(ws, write_csv(tmp_path / "a.csv", [{}]))
    assert run_report(ws, "service-costs-subaccount", {"service": text}).rows.rows == ()


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("month", "2026-09", "2026-09"), ("month", "this month", "2026-11"), ("month", "last month", "2026-10"),
        ("month", "11 months ago", "2025-12"), ("day", "2026-09-30", date(2026, 9, 30)), ("day", "today", TODAY),
        ("day", "30 days ago", date(2026, 10, 21)), ("day", "90 days ahead", date(2027, 2, 18)),
        ("day", "start of last month", date(2026, 10, 1)), ("integer", "12", 12), ("decimal", "0.10", Decimal("0.10")),
        ("text", " as it is ", " as it is "),
    ],
)  # fmt: skip
def test_a_value_has_the_type_of_its_parameter(kind: ParameterType, text: str, value: object) -> None:
    assert bound_value(Parameter("p", kind, "", ""), text, TODAY) == value


@given(kind=st.sampled_from(["month", "day", "integer", "decimal"]), text=st.text(max_size=30))
def test_whatever_is_written_is_bound_or_refused_by_its_name(kind: ParameterType, text: str) -> None:
    refused: BadInput | None = None
    bound: object = None
    try:
        bound = bound_value(Parameter("p", kind, "", ""), text, TODAY)
    except BadInput as said:
        refused = said
    if refused is None:
        assert isinstance(bound, {"month": str, "day": date, "integer": int, "decimal": Decimal}[kind])
    else:
        assert refused.where is not None
        assert refused.where.key == "p"


@pytest.mark.parametrize("kind", ["text", "month", "integer"])
def test_what_is_no_text_at_all_is_refused_by_its_name(kind: ParameterType) -> None:
    """A terminal hands bytes that are no UTF-8 over as halves of surrogate pairs, which no engine takes."""
    with pytest.raises(BadInput, match="is not a") as refused:
        bound_value(Parameter("of", kind, "", ""), "Z\udcfcrich", TODAY)
    assert refused.value.where is not None
    assert refused.value.where.key == "of"


def test_a_share_of_next_to_nothing_is_a_large_number_and_no_error(ws, tmp_path: Path) -> None:
    """Credits that eat a bill up to its last digits: what is divided by is as small as the lake can hold."""
    month = {"ListCost": "900000000", "PricingQuantity": "0.000000000001", "ConsumedQuantity": "0.000000000001"}
    used = {
        **month,
        "EffectiveCost": "900000000.000000000001",
        "BilledCost": "900000000.000000000001",
        "ConsumedUnit": "GB",
    }
    back = {"EffectiveCost": "-900000000", "BilledCost": "-900000000", "ListCost": "-899999999.999999999999"}
    tax = {"ChargeCategory": "Tax", "EffectiveCost": "5000000", "BilledCost": "5000000", "BillingAccountId": "t"}
    other = {**used, "ListCost": "1", "ServiceName": "Other", "ResourceId": "i-2"}
    later = {
        "BillingPeriodStart": "2026-11-01T00:00:00Z", "BillingPeriodEnd": "2026-12-01T00:00:00Z",
        "ChargePeriodStart": "2026-11-05T00:00:00Z", "ChargePeriodEnd": "2026-11-06T00:00:00Z", "ConsumedUnit": "GB",
        "ConsumedQuantity": "90000000000000000000", "ContractedUnitPrice": "90000000000", "SkuPriceId": "P",
    }  # fmt: skip
    before = {"ContractedUnitPrice": "0.000000000001", "SkuPriceId": "P"}
    rows = [
        used,
        back,
        {**back, "ChargeCategory": "Credit", "EffectiveCost": "-0.5"},
        tax,
        other,
        before,
        later,
        {**later},
    ]
    deliver(ws, write_csv(tmp_path / "a.csv", rows))
    wide = {"month": {"first": "2026-10", "last": "2026-11", "before": "2026-10", "month": "2026-11"}}
    dates = {"since": "2026-10-01", "until": "2026-12-01"}
    for name, report in shipped_reports().items():
        chosen = {p.name: (wide["month"] | dates)[p.name] for p in report.parameters if p.name in wide["month"] | dates}
        assert run_report(ws, name, chosen).rows.columns == tuple(report.columns), name
    usage = run_report(ws, "compare-usage-month-over-month", {"first": "2026-10", "last": "2026-11"}).rows.rows
    assert max(row[5] for row in usage) == Decimal(180000000000000000000), "two numbers of twenty digits add up"


@pytest.mark.thorough
def test_rows_that_tie_stand_in_one_order_however_they_came(ws, tmp_path: Path) -> None:
    """Else the page, the command and the API show them otherwise, and the first hundred are not the same hundred."""
    others = {
        "ServiceProviderName": "B", "InvoiceIssuerName": "B", "SubAccountId": "2", "SubAccountName": "B", "RegionName": "B",
        "BillingAccountName": "B", "ResourceName": "B", "ResourceType": "B", "PricingUnit": "B", "ServiceSubcategory": "B",
        "SkuMeter": "B", "RegionId": "B", "HostProviderName": "B", "CommitmentDiscountName": "B", "ServiceCategory": "Storage",
        "CommitmentDiscountType": "B", "CommitmentDiscountUnit": "B", "ContractedUnitPrice": "3", "ServiceName": "B",
        "ChargeFrequency": "Recurring", "InvoiceId": "B", "SubAccountType": "B", "BillingAccountType": "B", "SkuId": "B",
    }  # fmt: skip
    plain = {
        **dict.fromkeys(others, "A"),
        "ContractedUnitPrice": "4",
        "ServiceCategory": "Compute",
        "ChargeFrequency": "One-Time",
    }
    plain |= {"ListUnitPrice": "5", "SkuPriceId": "P", "CommitmentDiscountId": "c", "CommitmentDiscountStatus": "Used"}
    plain |= {"ConsumedQuantity": "1", "ConsumedUnit": "Hours", "SkuPriceDetails": '{"CoreCount": 1, "ModelId": "m"}'}
    rows = [plain, *({**plain, name: value} for name, value in others.items())]
    rows += [{**row, "ChargeCategory": "Purchase"} for row in rows] + [
        {**row, "ChargeClass": "Correction"} for row in rows
    ]
    wide = {"first": "2026-10", "last": "2026-11", "since": "2026-10-01", "until": "2026-12-01", "top": "7"}
    said = []
    for ordered in (rows, rows[::-1]):
        deliver(ws, write_csv(tmp_path / "a.csv", ordered, drop=["ProviderName", "PublisherName"]))
        asked = {
            name: {p.name: wide[p.name] for p in one.parameters if p.name in wide}
            for name, one in shipped_reports().items()
        }
        said.append({name: run_report(ws, name, given).rows.rows for name, given in asked.items()})
    assert said[0] == said[1]


def test_what_no_bill_tells_is_neither_saved_nor_lost(ws, tmp_path: Path) -> None:
    """A feed without contracted or list cost beside one that has them: what is missing was taken for nothing paid."""
    told = {"ListCost": "10", "ContractedCost": "8", "EffectiveCost": "6"}
    unused = {**told, "EffectiveCost": "3", "CommitmentDiscountId": "c", "CommitmentDiscountStatus": "Unused"}
    missing = ({**told, "ContractedCost": ""}, {**told, "ListCost": ""}, {**told, "ListCost": "", "ContractedCost": ""})
    taxed = {**told, "ChargeCategory": "Tax", "EffectiveCost": "1"}
    deliver(ws, write_csv(tmp_path / "a.csv", [told, *missing, unused, taxed]))
    ((_, _, listed, negotiated, committed, idle, effective, _, tax),) = run_report(ws, "price-to-pay", {}).rows.rows
    assert (listed, negotiated, committed, idle, effective, tax) == (34, -2, -8, 3, 28, 1)
    assert listed + negotiated + committed + idle + tax == effective, "nothing else is in it"
    ((_, _, at_list, contracted, paid, by_contract, by_commitment, _),) = run_report(
        ws, "effective-savings-rate", {}
    ).rows.rows
    assert (at_list, contracted, paid, by_contract, by_commitment) == (30, 26, 15, 4, 11)
    (discounted,) = run_report(ws, "verify-discounts-applied", {}).rows.rows
    assert discounted[6:10] == (30, Decimal("7.5"), 27, 15), "of what has a list price"


@pytest.mark.parametrize("given", ["", 'a"b', "\\", '"', "$.x"])
def test_any_property_of_a_price_may_be_asked_for(ws, tmp_path: Path, given: str) -> None:
    deliver(ws, write_csv(tmp_path / "a.csv", [{"SkuPriceDetails": '{"CoreCount": 4}'}]))
    for name in ("quantify-usage-of-a-component-resource", "calculate-average-rate-of-a-component-resource"):
        assert not run_report(ws, name, {"property": given}).rows.rows
        assert run_report(ws, name, {}).rows.rows


def test_a_chance_beyond_any_is_asked_like_any_other(ws) -> None:
    assert not run_report(ws, "budgets-at-risk", {"chance": "5000"}).rows.rows


def test_a_parameter_that_is_not_there_is_refused() -> None:
    report = load_report(WHOLE, "reports/x.sql")
    assert bound_values(report, {}, TODAY) == {"service": ""}
    with pytest.raises(BadInput, match="no parameter 'servce'") as refused:
        bound_values(report, {"servce": "x"}, TODAY)
    assert refused.value.remedy == "Did you mean service?"


def test_on_the_first_of_a_month_the_running_one_is_the_last_with_days_in_it() -> None:
    assert bound_value(Parameter("p", "month", "", ""), "this month", date(2026, 12, 1)) == "2026-11"


def test_the_product_answers_the_use_cases_of_focus_and_more() -> None:
    reports = shipped_reports().values()
    assert len({one.use_case for one in reports if one.use_case}) == 53
    assert sum(not one.use_case for one in reports) >= 20
