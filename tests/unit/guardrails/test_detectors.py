"""A price that stepped up and a commitment that ended are found with the money a month; look-alikes are not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Final

import pytest
from tests.fixtures.judging import AS_OF, Row, charge, company_with_bills, days, judged_by, policy_of, tags

from fiscus.flows.evaluate import evaluate
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.findings.detect_series import detector_query
from fiscus.guardrails.findings.finding_subject import subject_of
from fiscus.guardrails.types import Finding
from fiscus.kernel.errors import NotFound

SINCE: Final = date(2026, 9, 20)
STEP: Final = date(2026, 11, 8)
END: Final = date(2026, 10, 18)
DAYS: Final = days(SINCE, AS_OF)
PRICES = policy_of("prices", "", detector="price_change", finding="price_change")
COMMITMENTS = policy_of("commitments", "", detector="commitment_expired", finding="commitment_expired")


def _priced(day: date, price: str, **columns: str) -> Row:
    """Ten units of a SKU."""
    given = {
        "PricingUnit": "GB", "PricingQuantity": "10", "ListUnitPrice": price, "ContractedUnitPrice": price,
        "ProviderName": "Dogwatch", "ServiceName": "Logs", "PricingCategory": "Standard", "Tags": tags("web"),
    }  # fmt: skip
    return charge(day, Decimal(price) * 10, **(given | columns))


def _step(day: date, before: str = "0.10", after: str = "0.125", on: date = STEP) -> str:
    return after if day >= on else before


# SKU -> its charges.
SKUS: Final[Mapping[str, Callable[[], list[Row]]]] = {
    "logs": lambda: [_priced(day, _step(day), ChargeDescription="Log ingestion") for day in DAYS],
    "contract": lambda: [_priced(day, _step(day), ListUnitPrice="0.20") for day in DAYS],
    "it-fell": lambda: [_priced(day, _step(day, "0.125", "0.10")) for day in DAYS],
    "by-half-a-per-cent": lambda: [_priced(day, _step(day, after="0.1005")) for day in DAYS],
    "two-tiers-all-along": lambda: [_priced(day, price) for day in DAYS for price in ("0.125", "0.10")],
    "one-day-only": lambda: [_priced(day, "0.125" if day == STEP else "0.10") for day in DAYS],
    "never-seen-before": lambda: [_priced(day, "0.125") for day in DAYS[-3:]],
    "spot": lambda: [_priced(day, _step(day), PricingCategory="Dynamic") for day in DAYS],
    "another-unit": lambda: [_priced(day, _step(day), PricingUnit="GB" if day < STEP else "1000 GB") for day in DAYS],
    "old-news": lambda: [_priced(day, _step(day, on=date(2026, 10, 5))) for day in DAYS],
    "correction": lambda: [_priced(day, _step(day), ChargeClass="Correction") for day in DAYS],
}


def _hours(day: date, price: str, hours: str = "24", **columns: str) -> Row:
    """Hours of a machine on demand."""
    given = {
        "SkuId": "vm",
        "PricingUnit": "Hours",
        "PricingQuantity": hours,
        "PricingCategory": "Standard",
        "Tags": tags("web"),
    }
    return charge(day, Decimal(price) * Decimal(hours), **(given | columns))


def _covered(day: date, plan: str, hours: str = "24") -> Row:
    """Hours of the same machine, covered by a plan at 0.60."""
    commitment = {
        "CommitmentDiscountId": plan, "CommitmentDiscountName": f"Plan {plan}", "CommitmentDiscountType": "Compute Savings Plans",
        "CommitmentDiscountCategory": "Spend", "CommitmentDiscountStatus": "Used", "PricingCategory": "Committed",
    }  # fmt: skip
    return _hours(day, "0.6", hours, **commitment)


def _until(plan: str, end: date, after: str | None, hours: str = "24") -> list[Row]:
    """Covered until `end`, then on demand at the price `after`, if any."""
    then = [_hours(day, after, hours) for day in days(end, AS_OF)] if after else []
    return [_covered(day, plan, hours) for day in days(SINCE, end)] + then


# Plan -> the charges of its machine.
PLANS: Final[Mapping[str, Callable[[], list[Row]]]] = {
    "fleet": lambda: _until("fleet", END, "1"),
    "third": lambda: _until("third", END, "1", "8") + [_hours(day, "1", "16") for day in DAYS],
    "switched-off": lambda: _until("switched-off", END, None),
    "on-demand-is-cheaper": lambda: _until("on-demand-is-cheaper", END, "0.5"),
    "still-covers": lambda: _until("still-covers", AS_OF, None),
    "one-day-without": lambda: _until("one-day-without", AS_OF - timedelta(days=1), "1"),
    "another-took-over": lambda: [_covered(day, "another-took-over" if day < END else "heir") for day in DAYS],
}


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Workspace:
    """Every SKU and every plan, each plan with a machine of its own; one plan's bills come from a source that is late."""
    prices = [{**row, "SkuId": sku, "ResourceId": ""} for sku, rows in SKUS.items() for row in rows()]
    machines = [{**row, "ResourceId": f"i-{plan}"} for plan, rows in PLANS.items() for row in rows()]
    late = [{**_covered(day, "late"), "ResourceId": "i-late"} for day in days(SINCE, AS_OF - timedelta(days=4))]
    return company_with_bills(tmp_path_factory.mktemp("company"), {"usd": [*prices, *machines], "late": late})


@pytest.fixture(scope="module")
def found(company: Workspace) -> Sequence[Finding]:
    return evaluate(judged_by(company, "", (PRICES, COMMITMENTS)), "run").findings


def _one(found: Sequence[Finding], key: str, value: str) -> Finding:
    (finding,) = [finding for finding in found if subject_of(finding).get(key) == value]
    return finding


def test_nothing_but_what_was_planted_is_found(found: Sequence[Finding]) -> None:
    subjects = [subject_of(finding) for finding in found]
    assert sorted(str(s["sku"]) for s in subjects if s["kind"] == "price_change") == ["contract", "logs"]
    assert sorted(str(s["commitment"]) for s in subjects if s["kind"] == "commitment_expired") == ["fleet", "third"]


@pytest.mark.parametrize("sku", sorted(set(SKUS) - {"logs", "contract"}))
def test_what_only_looks_like_a_rise_is_left_alone(found: Sequence[Finding], sku: str) -> None:
    assert not [finding for finding in found if subject_of(finding).get("sku") == sku]


@pytest.mark.parametrize("plan", sorted({*PLANS, "late", "heir"} - {"fleet", "third"}))
def test_an_end_that_costs_nothing_is_no_finding(found: Sequence[Finding], plan: str) -> None:
    assert not [finding for finding in found if subject_of(finding).get("commitment") == plan]


def test_a_price_that_stepped_up_is_found_with_what_it_costs_a_month(found: Sequence[Finding]) -> None:
    finding = _one(found, "sku", "logs")
    assert finding.amount == Decimal("7.50")  # 0.025 more a GB, 10 GB a day, 30 days
    assert finding.title == "Dogwatch raised the price of Log ingestion by 25.0 % on 2026-11-08: ≈ 8 USD more a month"
    assert "0.1 → 0.125 USD per GB, list price." in finding.detail
    assert (finding.first_seen, finding.rows) == (STEP, 12)


def test_a_discount_that_ended_is_told_from_a_list_price_that_rose(found: Sequence[Finding]) -> None:
    assert "contracted price, the list price is as it was" in _one(found, "sku", "contract").detail


def test_a_commitment_that_ended_is_found_with_what_its_end_costs_a_month(found: Sequence[Finding]) -> None:
    finding = _one(found, "commitment", "fleet")
    assert finding.amount == Decimal("288.00")  # 0.40 an hour, 24 hours, 30 days
    assert finding.title == (
        "Plan fleet covers nothing since 2026-10-18: what it covered runs on demand and costs ≈ 288 USD more a month"
    )
    assert finding.targets == ("fleet", "i-fleet")
    assert (finding.team, finding.owner, finding.environment) == ("web", "otto", "prod")


def test_only_as_much_as_was_covered_counts(found: Sequence[Finding]) -> None:
    """A plan that covered a third of a machine's hours loses that third, not all that it runs."""
    assert _one(found, "commitment", "third").amount == Decimal("96.00")


def test_what_a_finding_says_can_be_asked_again(company: Workspace, found: Sequence[Finding]) -> None:
    for finding in found:
        rows = list(company.lake.ask(finding.query, finding.params).dicts())
        assert {row.get("sku") for row in rows} == {finding.params.get("sku", "vm")}
        assert sum(row["charges"] for row in rows) == finding.rows


def test_a_setting_and_a_minimum_bound_the_detector(company: Workspace) -> None:
    strict = replace(PRICES, settings={"percent_min": 30})
    assert not evaluate(judged_by(company, "", [strict]), "run-2").findings
    dear = replace(PRICES, policy=replace(PRICES.policy, min_amount=Decimal("7.51")))
    assert not evaluate(judged_by(company, "", [dear]), "run-3").findings


def test_a_detector_is_tested_with_a_known_answer_each_time_it_runs(company: Workspace) -> None:
    works = evaluate(judged_by(company, "", (PRICES, COMMITMENTS)), "run-4").controls
    assert {(c.policy_id, c.tests, c.passed, c.last_tested) for c in works} == {
        ("prices", 1, True, AS_OF),
        ("commitments", 1, True, AS_OF),
    }


def test_a_detector_that_can_no_longer_detect_fails_its_test(company: Workspace) -> None:
    """A setting can switch a detector off without anybody noticing, but for the probe."""
    blind = (
        replace(PRICES, settings={"history_days": 3}),
        replace(COMMITMENTS, settings={"quiet_days": 30}),
    )
    controls = {control.policy_id: control for control in evaluate(judged_by(company, "", blind), "run-5").controls}
    assert controls["prices"].test_failures == ("policies/test.yaml, line 3: expected rises, found nothing",)
    assert controls["commitments"].passed is False
    dear = replace(PRICES, policy=replace(PRICES.policy, min_amount=Decimal(10**9)), settings={"percent_min": 80})
    (control,) = evaluate(judged_by(company, "", [dear]), "run-6").controls
    assert control.passed


def test_an_unknown_detector_is_refused() -> None:
    with pytest.raises(NotFound, match="commitment_expired, price_change"):
        detector_query(policy_of("x", "", detector="prices"), AS_OF)
