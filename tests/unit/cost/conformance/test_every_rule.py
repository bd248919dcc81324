"""Every rule of FOCUS 1.2 and 1.3 gets an answer: the good delivery passes them all, and there is a delivery that breaks each."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

import duckdb
import pytest
from tests.focus_deliveries import (
    Row,
    contract_commitment,
    cost_and_usage,
    invoice_detail,
    price_list,
    spoilt,
    write_csv,
)

from fiscus.app.conformance import CheckRequest, check_delivery
from fiscus.cost.conformance.criteria import EVIDENCE
from fiscus.cost.conformance.load_rules import executions, focus_columns, load_rules
from fiscus.cost.conformance.rule_tree import parts
from fiscus.cost.conformance.types import Declared, Report, Verdict
from fiscus.cost.focus_names import Dataset, FocusVersion
from fiscus.kernel.progress import Silent

VERSIONS: tuple[FocusVersion, ...] = ("1.2", "1.3")
TOPICS = {how.when for how in executions().values() if how.method == "documented"}
NEVER_TRUE_HERE = {"BillingAccountType-C-004-C", "ContractAppliedObject-O-023-C", "ContractAppliedObject-O-033-C"}
"""Rules whose condition another rule forbids (an account without an id), or that good data has no reason to meet."""


def judged(
    folder: Path,
    rows: Sequence[Row],
    version: FocusVersion,
    *,
    documented: bool = True,
    like: Sequence[Row] | None = None,
) -> Report:
    """The Cost and Usage report of `rows`, with everything beside that a rule can ask for, made of `like`."""
    source = cost_and_usage(version) if like is None else like
    beside = {
        "invoice_detail": write_csv(folder / "invoice.csv", invoice_detail(source)),
        "price_list": write_csv(folder / "prices.csv", price_list(source)),
        "contract_commitment": write_csv(folder / "commitments.csv", contract_commitment()),
        "previous": write_csv(folder / "previous.csv", source),
    }
    file = write_csv(folder / "bill.csv", rows)
    declared = Declared({}, dict.fromkeys(TOPICS, documented))
    return check_delivery(CheckRequest([file], version, "cost_and_usage", declared, beside), Silent())


def commitments_judged(folder: Path, rows: Sequence[Row], *, documented: bool = True) -> Report:
    file = write_csv(folder / "contract.csv", rows)
    beside = {"invoice_detail": write_csv(folder / "invoice.csv", invoice_detail(cost_and_usage("1.3")))}
    declared = Declared({}, dict.fromkeys(TOPICS, documented))
    return check_delivery(CheckRequest([file], "1.3", "contract_commitment", declared, beside), Silent())


def broken(report: Report) -> set[str]:
    return {verdict.rule for verdict in report.verdicts if verdict.outcome == "fail"}


def said(verdicts: Sequence[Verdict]) -> list[str]:
    return [f"{v.rule}: {v.outcome}, {v.broken} of {v.judged}: {v.title} {v.rows} {v.reason}" for v in verdicts]


@pytest.mark.parametrize("version", VERSIONS)
def test_a_good_delivery_keeps_every_rule_and_each_has_looked_at_it(version: FocusVersion, tmp_path: Path) -> None:
    report = judged(tmp_path, cost_and_usage(version), version)
    assert not said([v for v in report.verdicts if v.outcome in {"fail", "needs_data"}])
    silent = {v.rule.removeprefix("CAU-") for v in report.verdicts if v.outcome == "not_applicable"}
    assert silent <= NEVER_TRUE_HERE
    assert report.count("pass") >= 0.95 * len(report.verdicts)


def test_a_good_contract_commitment_delivery_keeps_every_rule(tmp_path: Path) -> None:
    report = commitments_judged(tmp_path, contract_commitment())
    assert not said([v for v in report.verdicts if v.outcome in {"fail", "needs_data"}])
    own = [verdict for verdict in report.verdicts if verdict.rule.startswith("CCT-")]
    assert sum(verdict.outcome == "pass" for verdict in own) >= 0.95 * len(own)


def without_columns(folder: Path, version: FocusVersion, dataset: Dataset, column: str) -> set[str]:
    """A file of one column from a vendor that supports everything."""
    file = folder / "narrow.csv"
    file.write_text(f"{column}\nzzz\n", encoding="utf-8")
    declared = Declared(dict.fromkeys(EVIDENCE, True), {})
    return broken(check_delivery(CheckRequest([file], version, dataset, declared), Silent()))


def odd_headers(folder: Path, version: FocusVersion) -> Iterator[set[str]]:
    """Columns that are named, ordered or missing against the rules."""
    rows = cost_and_usage(version)
    acronym, space = "XQZWABCD", "Odd Name"
    long = "x_" + "Long" * 15
    odd = [
        {acronym: "1", **row, "billedcost_": "1", space: "1", long: "1", "BilledC": "1", "x_Odd": "1", "x_OddId": "1"}
        for row in rows
    ]
    yield broken(judged(folder, odd, version))
    if version == "1.3":
        lost = {"AllocatedMethodDetails", "AllocatedResourceName"}
        yield broken(judged(folder, [{k: v for k, v in row.items() if k not in lost} for row in rows], version))


def odd_types(folder: Path, version: FocusVersion, dataset: Dataset, criteria: Mapping[str, bool]) -> set[str]:
    """A Parquet file whose text is numbers, and whose numbers and times are text."""
    cells = [
        f"""{"7" if c.type in {"String", "JSON"} else "TRUE" if c.type == "Decimal" else "'zzz'"} AS "{c.name}\""""
        for c in focus_columns(version, dataset).values()
    ]
    file = folder / "types.parquet"
    duckdb.execute(f"COPY (SELECT {', '.join(cells)}) TO '{file}' (FORMAT parquet)")
    return broken(check_delivery(CheckRequest([file], version, dataset, Declared(criteria, {})), Silent()))


def by_hand(folder: Path, version: FocusVersion) -> Iterator[set[str]]:
    """Faults that more than one field makes."""
    rows = cost_and_usage(version)
    back = dict.fromkeys(("ContractedCost", "ListCost", "EffectiveCost"), "-1.10")
    flipped = [r | back if r["ChargeCategory"] == "Tax" else r for r in rows]
    negated = {**rows[0], "BilledCost": "-0.48", "ContractedCost": "-0.48", "PricingQuantity": "-4"}
    full = [
        r for r in rows if r["CommitmentDiscountStatus"] != "Unused" or r["CommitmentDiscountType"] != "Savings Plan"
    ]
    yield broken(judged(folder, [*flipped, negated], version))
    yield broken(judged(folder, full, version))
    richer = [{**r, "SkuPriceDetails": '{"CoreCount":4,"GpuCount":1}'} if r["SkuPriceDetails"] else r for r in rows]
    yield broken(judged(folder, rows, version, like=richer))
    yield broken(judged(folder, [{**r, "InvoiceId": "INV-2026-99"} for r in rows], version, like=rows))


@pytest.mark.thorough
@pytest.mark.parametrize("version", VERSIONS)
def test_each_rule_of_cost_and_usage_is_broken_by_a_bad_delivery(version: FocusVersion, tmp_path: Path) -> None:
    found = broken(
        judged(tmp_path, spoilt(cost_and_usage(version)), version, documented=False, like=cost_and_usage(version))
    )
    found |= without_columns(tmp_path, version, "cost_and_usage", "x_Nothing")
    for more in (*odd_headers(tmp_path, version), *by_hand(tmp_path, version)):
        found |= more
    found |= odd_types(tmp_path, version, "cost_and_usage", dict.fromkeys(EVIDENCE, True))
    rules = load_rules(version, "cost_and_usage")
    free = {rule.id for rule in rules if rule.severity != "error"}
    binding = [r for r in rules if r.keyword != "MAY" and not (set(parts(r.check)) and set(parts(r.check)) <= free)]
    assert not [f"{rule.id} {rule.entity}" for rule in binding if rule.id not in found]


def test_each_rule_of_contract_commitment_is_broken_by_a_bad_delivery(tmp_path: Path) -> None:
    found = broken(commitments_judged(tmp_path, spoilt(contract_commitment()), documented=False))
    found |= without_columns(tmp_path, "1.3", "contract_commitment", "x_Nothing")
    found |= odd_types(tmp_path, "1.3", "contract_commitment", dict.fromkeys(EVIDENCE, True))
    own = [
        rule
        for rule in load_rules("1.3", "contract_commitment")
        if rule.id.startswith("CCT-") and rule.keyword != "MAY"
    ]
    assert not [rule.id for rule in own if rule.id not in found]
