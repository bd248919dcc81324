"""Shared cost on a real lake: the views balance to the last digit, a run is kept once, and what was reported can be had again."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from decimal import Decimal
from pathlib import Path

import pytest
from tests.bills import deliver, write_csv
from tests.conftest import DAY

from fiscus.app.workspace import open_workspace
from fiscus.cost.allocation.load_allocations import allocation_schema
from fiscus.cost.types import Source
from fiscus.flows.allocate_costs import allocate_costs, reproduce
from fiscus.flows.assign_owners import assign_owners
from fiscus.flows.show_allocations import runs_kept, show_versions
from fiscus.kernel.documents import load_document
from fiscus.kernel.errors import BadConfig, BadInput

DIRECTORY = """
default_pool: finops
people: [{id: sam.lee, name: Sam Lee, email: s@example.com, team: finops}]
teams:
  - {id: finops, name: FinOps, lead: sam.lee, cost_centre: CC-900}
  - {id: networking, name: Networking, lead: sam.lee, cost_centre: CC-1}
  - {id: platform, name: Platform, lead: sam.lee, cost_centre: CC-2}
  - {id: search, name: Search, lead: sam.lee, cost_centre: CC-3, aliases: [find]}
  - {id: checkout, name: Checkout, lead: sam.lee, cost_centre: CC-4}
"""
RULES = """
allocations:
  - id: network
    share: {team: networking}
    to: team
    method: proportional
  - id: cluster
    title: The cluster, by seats
    share: {team: platform, service: Kubernetes}
    to: team
    method: telemetry
    from: 2026-10-04
    telemetry: {file: seats.csv, column: seats}
  - id: pods
    share: {service: EKS split}
    to: team
    method: split
    split: {by: "allocated_tag:team"}
"""
SEATS = "period,target,seats\n2026-10,find,2\n2026-10,checkout,1\n2026-10,rule:network,1\n"


def charge(team: str, cost: str, **more: str) -> dict[str, str]:
    return {"Tags": f'{{"team": "{team}"}}', "BilledCost": cost, "EffectiveCost": cost, **more}


CHARGES = [
    charge("networking", "100.000000000001"), charge("networking", "33.33", BillingCurrency="EUR"),
    charge("platform", "9.99", ServiceName="Kubernetes"),
    charge("platform", "-0.5", ServiceName="Kubernetes", ChargeCategory="Credit"),
    charge("platform", "7", ServiceName="Kubernetes", ChargePeriodStart="2026-10-02T00:00:00Z"),
    charge("platform", "4"), charge("search", "70.7"), charge("checkout", "11.13"),
    charge("checkout", "5", BillingCurrency="EUR"),
    charge("platform", "3", ServiceName="EKS split", AllocatedMethodId="CPU", AllocatedTags='{"team": "find"}'),
    charge("platform", "2", ServiceName="EKS split", AllocatedMethodId="CPU", AllocatedTags='{"team": "nobody"}'),
]  # fmt: skip
LATE = charge("networking", "5000.000000000009")
TOTALS = (
    "SELECT x_SourceId, x_BillingMonth, BillingCurrency, sum(BilledCost), sum(EffectiveCost) "
    "FROM {} GROUP BY ALL ORDER BY ALL"
)
DECIDED = (
    "SELECT x_AllocationRule, x_SourceId, BillingCurrency, x_AllocatedTo, sum(EffectiveCost), sum(BilledCost) "
    "FROM {} GROUP BY ALL ORDER BY ALL"
)
BY_TEAM = (
    "SELECT x_Team, sum(EffectiveCost) FROM allocated_charges WHERE BillingCurrency = 'USD' GROUP BY ALL ORDER BY ALL"
)


def arrange(home: Path, rules: str = RULES, seats: str = SEATS):
    (home / "owners" / "directory.yaml").write_text(DIRECTORY, encoding="utf-8")
    (home / "budgets" / "budgets.yaml").write_text("budgets: []\n", encoding="utf-8")
    for policy in (home / "policies").glob("*.yaml"):
        policy.unlink()
    (home / "allocations").mkdir(exist_ok=True)
    for example in (home / "allocations").iterdir():
        example.unlink()
    (home / "allocations" / "rules.yaml").write_text(rules, encoding="utf-8")
    (home / "allocations" / "seats.csv").write_text(seats, encoding="utf-8")
    return open_workspace(home, DAY)


@pytest.fixture
def billed(home: Path, tmp_path: Path):
    """A workspace with two feeds of one month, in two currencies for one of them."""
    ws = arrange(home)
    usd = [row for row in CHARGES if row.get("BillingCurrency", "USD") == "USD"]
    deliver(ws, write_csv(tmp_path / "usd.csv", usd))
    deliver(ws, write_csv(tmp_path / "eur.csv", [row for row in CHARGES if row not in usd]), source=Source("eur"))
    assign_owners(ws)
    return ws


def test_direct_and_allocated_come_to_the_lake_for_each_source_month_and_currency(billed) -> None:
    lake = billed.lake
    assert (
        lake.query(TOTALS.format("allocated_charges")).rows == lake.query(TOTALS.format("charges")).rows
    )  # before any run
    allocate_costs(billed)
    assert lake.query(TOTALS.format("allocated_charges")).rows == lake.query(TOTALS.format("charges")).rows
    kinds = {row[0] for row in lake.query("SELECT DISTINCT x_AllocationKind FROM allocated_charges").rows}
    assert {"direct", "allocated", "kept"} <= kinds
    split = DECIDED.format("allocated_charges WHERE x_AllocationRule IS NOT NULL")
    assert lake.ask(split).rows == lake.ask(DECIDED.format("allocations")).rows  # to the last digit


def test_who_bears_it_is_what_one_works_out_by_hand(billed) -> None:
    allocate_costs(billed)
    teams = dict(billed.lake.query(BY_TEAM).rows)
    # EKS split: 3 to search by its alias; 2 names nobody and stays. The cluster before the 4th stays; after it 9.49 goes
    # 2:1:1, a quarter of it to the network, whose 100.000000000001 and that quarter go by direct cost: platform 25.49,
    # search 70.7, checkout 11.13
    shared = Decimal("100.000000000001") + Decimal("9.49") / 4
    whole = Decimal("25.49") + Decimal("70.7") + Decimal("11.13")
    # platform is not shared whole: what the network gives it stays with it
    assert teams["platform"] == pytest.approx(Decimal(13) + shared * Decimal("25.49") / whole, abs=Decimal("1e-11"))
    assert teams["search"] == pytest.approx(
        Decimal("73.7") + Decimal("9.49") / 2 + shared * Decimal("70.7") / whole, abs=Decimal("1e-11")
    )
    assert "networking" not in teams
    euro = billed.lake.query(
        "SELECT x_Team, x_CostCentre, sum(EffectiveCost) FROM allocated_charges WHERE BillingCurrency = 'EUR' GROUP BY ALL"
    )
    assert euro.rows == (("checkout", "CC-4", Decimal("38.330000000000")),)  # euros go by euros


def test_running_it_again_keeps_nothing_and_a_changed_file_restates_the_month(billed, home: Path) -> None:
    first = allocate_costs(billed)
    version = billed.lake.version()
    again = allocate_costs(billed)
    assert [one.changed for one in first.months] == [True]
    assert [one.changed for one in again.months] == [False]
    assert billed.lake.version() == version
    before = billed.lake.query("SELECT * FROM allocation_history").rows
    later = arrange(home, seats=SEATS.replace("checkout,1", "checkout,5"))
    (month,) = allocate_costs(later).months
    assert (month.changed, month.version) == (True, 2)
    usd = [one for one in show_versions(later).lines if one.currency == "USD"]
    assert [(one.version, one.shared) for one in usd] == [(1, usd[0].shared), (2, usd[0].shared)]
    assert usd[1].more is not None
    assert usd[1].more == -usd[1].less > Decimal(1)  # of seats 2:1:1 became 2:5:1, and nothing else changed
    kept = later.lake.query("SELECT * REPLACE (true AS newest) FROM allocation_history WHERE version = 1").rows
    assert sorted(map(repr, kept)) == sorted(map(repr, before))
    assert later.lake.query(TOTALS.format("allocated_charges")).rows == later.lake.query(TOTALS.format("charges")).rows


def test_an_old_run_is_decided_again_from_the_lake_and_the_rules_of_then(billed, home: Path, tmp_path: Path) -> None:
    allocate_costs(billed)
    deliver(billed, write_csv(tmp_path / "more.csv", [*CHARGES[2:8], charge("search", "1000")]), restate=True)
    later = arrange(home, RULES.replace("proportional", "even"), SEATS.replace("find,2", "find,9"))
    assign_owners(later)
    allocate_costs(later)
    runs = runs_kept(later)
    assert [run.version for run in runs] == [1, 2]
    assert all(reproduce(later, run) for run in runs)


def test_rules_taken_away_give_everything_back(billed, home: Path) -> None:
    allocate_costs(billed)
    later = arrange(home, "allocations: []\n")
    (month,) = allocate_costs(later).months
    assert (month.version, month.shared) == (2, {})
    same = "SELECT x_Team, sum(EffectiveCost) FROM {} GROUP BY ALL ORDER BY ALL"
    assert later.lake.query(same.format("allocated_charges")).rows == later.lake.query(same.format("charges")).rows


@pytest.mark.parametrize(
    ("rules", "seats", "says"),
    [
        (RULES.replace("team: networking", "tema: networking"), SEATS, "Did you mean team"),
        (RULES.replace("file: seats.csv", "file: ../fiscus.yaml"), SEATS, "outside the folder"),
        (RULES.replace("file: seats.csv", "file: none.csv"), SEATS, "is missing"),
        (RULES.replace("column: seats", "column: chairs"), SEATS, "There is no column 'chairs'"),
        (RULES, SEATS.replace("find,2", "fnd,2"), "row 1, column target"),
        (RULES, SEATS.replace("find,2", "find,-2"), "row 1, column seats"),
        (RULES, SEATS.replace("2026-10,find", "2026-13,find"), "row 1, column period"),
        (RULES, SEATS.replace("rule:network", "rule:netwrk"), "Did you mean network"),
        (RULES.replace("from: 2026-10-04", "from: 2026-10-04\n    until: 2026-10-03"), SEATS, "ends before it begins"),
        (RULES.replace("method: proportional", "method: fixed\n    shares: {search: 60, checkout: 41}"), SEATS, "101 %"),
        (RULES.replace("method: proportional", "method: metric\n    metric: {column: ConsumedQuantity}"), SEATS, "many units"),
    ],
)  # fmt: skip
def test_what_cannot_be_meant_is_refused_with_its_place_and_nothing_is_loaded(
    home: Path, rules: str, seats: str, says: str
) -> None:
    with pytest.raises((BadConfig, BadInput), match="allocations/") as refused:
        arrange(home, rules, seats)
    assert says in str(refused.value)


def test_two_at_once_keep_one_version_and_what_died_before_its_evidence_is_completed(billed, home: Path) -> None:
    with ThreadPoolExecutor(2) as both:
        found = list(both.map(lambda _: allocate_costs(open_workspace(home, DAY)), range(2)))
    assert sorted(one.months[0].changed for one in found) == [False, True]
    billed.lake.refresh()
    assert [run.version for run in runs_kept(billed)] == [1]
    with billed.state.begin() as tx:
        tx.facts.put("allocation.recorded.2026-10", None)  # as a run leaves it that died after its commit
    allocate_costs(billed)
    with billed.state.read() as tx:
        assert [one.subject for one in tx.evidence_records(["allocation.decided"])] == [runs_kept(billed)[0].run_id] * 2


def test_bills_that_came_after_the_decision_balance_as_well(billed, tmp_path: Path) -> None:
    allocate_costs(billed)
    deliver(billed, write_csv(tmp_path / "more.csv", [*CHARGES[2:8], LATE]), restate=True)
    assign_owners(billed)
    assert (
        billed.lake.query(TOTALS.format("allocated_charges")).rows == billed.lake.query(TOTALS.format("charges")).rows
    )


def test_a_quantity_of_the_lake_shares_and_a_tag_names(home: Path, tmp_path: Path) -> None:
    ws = arrange(
        home,
        """
allocations:
  - {id: net, share: {team: networking}, to: team, method: metric, except: [finops],
     metric: {column: ConsumedQuantity, unit: Hours, where: {service_category: Compute}}}
  - {id: tools, share: {service: Tools}, to: product, method: split, split: {by: "tag:for", names: {x: shop}}}
  - {id: plan, share: {service: Support}, to: team, method: even, targets: [search, platform, "rule:net"], until: 2026-10-05}
""",
    )
    rows = [
        charge("networking", "10"), charge("search", "1", ConsumedQuantity="30", ConsumedUnit="Hours"),
        charge("checkout", "1", ConsumedQuantity="10", ConsumedUnit="Hours"),
        charge("finops", "1", ConsumedQuantity="9", ConsumedUnit="Hours"),
        charge("platform", "1", ConsumedQuantity="900", ConsumedUnit="GB"),
        charge("platform", "2", ServiceName="Tools", Tags='{"for": "x"}'),
        charge("platform", "9", ServiceName="Support"),
        charge("platform", "9", ServiceName="Support", ChargePeriodStart="2026-10-06T00:00:00Z",
               ChargePeriodEnd="2026-10-07T00:00:00Z"),
    ]  # fmt: skip
    deliver(ws, write_csv(tmp_path / "bills.csv", rows))
    assign_owners(ws)
    allocate_costs(ws)
    teams = dict(ws.lake.query(BY_TEAM).rows)
    assert teams["search"] == 1 + Decimal("7.5") + 3 + Decimal(
        "2.25"
    )  # three quarters of ten and of three; a third of nine
    assert teams["checkout"] == 1 + Decimal("2.5") + Decimal("0.75")
    assert teams["platform"] == 1 + 3 + 9 + 2  # the rule ended on the 5th; a product says nothing of the team
    assert ws.lake.query("SELECT EffectiveCost FROM allocated_charges WHERE x_Product = 'shop'").rows == (
        (Decimal(2),),
    )
    assert ws.lake.query(TOTALS.format("allocated_charges")).rows == ws.lake.query(TOTALS.format("charges")).rows


def test_the_example_that_init_writes_is_valid_as_it_is_and_without_its_marks(home: Path) -> None:
    text = (home / "allocations" / "allocations.yaml").read_text("utf-8")
    assert open_workspace(home, DAY).config.allocations.rules == ()
    marked = text.partition("allocations: []\n")[2]
    plain = "\n".join(line.removeprefix("#").removeprefix(" ") for line in marked.splitlines())
    document = load_document(plain, "allocations/allocations.yaml", allocation_schema())
    assert len(document.data["allocations"]) == 6  # type: ignore[index, call-overload]
