"""Whatever is billed and however it is shared, who bears it comes to the lake; a second, independent computation agrees."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.bills import deliver, write_csv
from tests.conftest import DAY
from tests.fixtures.effort import some

from fiscus.app.workspace import open_workspace
from fiscus.cost.types import Source
from fiscus.flows.allocate_costs import allocate_costs
from fiscus.flows.assign_owners import assign_owners

TEAMS = ("finops", "platform", "search", "checkout")
DIRECTORY = """
default_pool: finops
people: [{id: sam, name: Sam, email: s@example.com, team: finops}]
teams:
""" + "".join(f"  - {{id: {name}, name: {name}, lead: sam, cost_centre: CC-{name}}}\n" for name in TEAMS)
# Team, currency, BilledCost, EffectiveCost, day: credits, large and tiny amounts, sums that come to nothing.
CHARGES = [
    ("platform", "USD", "999999999.123456789012", "-0.000000000001", 2), ("platform", "USD", "-12.5", "333.333333333333", 3),
    ("platform", "EUR", "0.000000000007", "77.1", 20), ("search", "USD", "10", "99.999999999999", 5),
    ("search", "EUR", "3", "-4", 28), ("checkout", "USD", "7.7", "1234567.000000000001", 9),
    ("checkout", "EUR", "1", "1", 14), ("finops", "USD", "0.3", "0.7", 15), ("finops", "USD", "-0.3", "-0.7", 15),
]  # fmt: skip


@st.composite
def rule(draw: st.DrawFn, number: int) -> dict[str, object]:
    """A rule of any method that needs no file, circles and rules without a driver among them."""
    given_rule: dict[str, object] = {"id": f"r{number}", "to": "team", "share": {"team": draw(st.sampled_from(TEAMS))}}
    method = draw(st.sampled_from(["even", "fixed", "proportional", "metric"]))
    others = [*TEAMS, *(f"rule:r{n}" for n in range(3))]
    if draw(st.booleans()):
        given_rule["from"] = f"2026-10-{draw(st.integers(1, 28)):02d}"
    if method == "fixed":
        names = draw(st.lists(st.sampled_from(others), min_size=1, max_size=4, unique=True))
        given_rule["shares"] = {name: draw(st.integers(0, 100 // len(names))) for name in names}
    elif draw(st.booleans()):
        given_rule["targets"] = draw(st.lists(st.sampled_from(others), min_size=1, max_size=4, unique=True))
    if method == "metric":
        given_rule["metric"] = draw(
            st.sampled_from([{"column": "charges"}, {"column": "PricingQuantity", "unit": "Hours"}])
        )
    return {**given_rule, "method": method}


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    from fiscus.app.start import start_workspace

    folder = tmp_path_factory.mktemp("balances") / "home"
    start_workspace(folder)
    (folder / "owners" / "directory.yaml").write_text(DIRECTORY, "utf-8")
    (folder / "owners" / "rules.yaml").write_text(
        'rules: [{id: tag, match: {"tag:team": ["*"]}, team: "{tag:team}"}]\n', "utf-8"
    )
    (folder / "budgets" / "budgets.yaml").write_text("budgets: []\n", "utf-8")
    for policy in (folder / "policies").glob("*.yaml"):
        policy.unlink()
    ws = open_workspace(folder, DAY)
    for code in ("USD", "EUR"):
        rows = [
            {"Tags": json.dumps({"team": team}), "BilledCost": billed, "EffectiveCost": effective, "BillingCurrency": code,
             "ResourceId": str(n), "ChargePeriodStart": f"2026-10-{day:02d}T00:00:00Z",
             "ChargePeriodEnd": f"2026-10-{day + 1:02d}T00:00:00Z"}
            for n, (team, currency, billed, effective, day) in enumerate(CHARGES) if currency == code
        ]  # fmt: skip
        deliver(ws, write_csv(folder / f"{code}.csv", rows), source=Source(code.lower()))
    assign_owners(ws)
    return folder


@given(rule(0), rule(1), rule(2))
@settings(max_examples=some(30, least=3), deadline=None, suppress_health_check=list(HealthCheck))
def test_what_is_borne_is_what_is_billed_and_what_a_second_computation_says(home: Path, first, second, third) -> None:
    (home / "allocations" / "allocations.yaml").write_text(json.dumps({"allocations": [first, second, third]}), "utf-8")
    ws = open_workspace(home, DAY)
    allocate_costs(ws)
    sums = (
        "SELECT x_SourceId, x_BillingMonth, BillingCurrency, CAST(ChargePeriodStart AS DATE), sum(BilledCost), "
        "sum(EffectiveCost) FROM {} WHERE ChargePeriodStart IS NOT NULL GROUP BY ALL ORDER BY ALL"
    )
    assert ws.lake.query(sums.format("allocated_charges")).rows == ws.lake.query(sums.format("charges")).rows
    rounding = "SELECT x_AllocationRule, x_SourceId, sum(BilledCost), sum(EffectiveCost) FROM allocated_charges "
    assert all(
        row[2:] == (0, 0) for row in ws.lake.query(rounding + "WHERE x_AllocationKind = 'rounding' GROUP BY ALL").rows
    )
    _a_second_computation_agrees(ws)


def _a_second_computation_agrees(ws) -> None:
    """Amounts again from the links of the chain, as linear equations in floating point; the rules' exact fractions unseen."""
    links = ws.lake.query(
        "SELECT segment, BillingCurrency, x_AllocationRule, x_AllocatedDimension, x_AllocatedTo, into_rule, share "
        "FROM allocation_steps"
    ).rows
    decided = ws.lake.query(
        "SELECT segment, BillingCurrency, x_AllocationRule, x_AllocatedDimension, x_AllocatedTo, sum(EffectiveCost) "
        "FROM allocations GROUP BY ALL"
    ).rows
    keepers = {rule.id: (rule.keeper.dimension, rule.keeper.value) for rule in ws.config.allocations.rules}
    for segment, currency, start, *target, said in decided:
        whole = float(sum(row[5] for row in decided if row[:3] == (segment, currency, start)))
        here = [link[2:] for link in links if link[:2] == (segment, currency)]
        pools = sorted({start, *(link[0] for link in here), *(link[3] for link in here if link[3])})
        on, ends = np.eye(len(pools)), np.zeros(len(pools))
        for pool, dimension, value, into, share in here:
            if into:
                on[pools.index(pool), pools.index(into)] -= float(share)
                continue
            payer = keepers[pool] if dimension == "own" and pool != start else (dimension, value)
            if payer == tuple(target):
                ends[pools.index(pool)] += float(share)
        part = np.linalg.solve(on, ends)[pools.index(start)]
        assert float(said) == pytest.approx(whole * part, abs=1e-3 + abs(whole) / 1e6)
