"""OpenCost's answer as its API gives it: what each namespace cost, who bears what is idle, and what is refused."""

from __future__ import annotations

import json
from decimal import Decimal

import pytest

from fiscus.cost.allocation.read_opencost import OpenCostReading, read_opencost
from fiscus.cost.allocation.read_telemetry import read_telemetry, team_named
from fiscus.cost.allocation.types import STAYS, Target
from fiscus.kernel.errors import BadInput
from fiscus.kernel.periods import FiscalCalendar

TEAMS = {"search": "search", "find": "search", "checkout": "checkout"}
LONG = {"start": "2026-10-30T00:00:00Z", "end": "2026-11-02T00:00:00Z"}
OCTOBER = {"start": "2026-10-01T00:00:00Z", "end": "2026-11-01T00:00:00Z"}


def allocation(total: float | None, name: str = "", **more: object) -> dict[str, object]:
    properties = {"cluster": "prod", **({"namespace": name} if name else {})}
    return {"name": name, "properties": properties, "window": OCTOBER, "totalCost": total, **more}


def answer(*sets: dict[str, object] | None, code: int = 200) -> str:
    return json.dumps({"code": code, "data": list(sets)})


def reading(**more: object) -> OpenCostReading:
    return OpenCostReading("namespace", team_named(TEAMS, "team", {"shop": "checkout"}), **more)  # type: ignore[arg-type]


def team(name: str) -> Target:
    return Target("team", name)


MONTH = {
    "search": allocation(60.25, "search"), "shop": allocation(20.125, "shop"), "kube-system": allocation(8, "kube-system"),
    "experiments": allocation(3, "experiments"), "__idle__": allocation(10), "prod/__unmounted__": allocation(2),
}  # fmt: skip


def test_names_become_targets_and_what_is_nobodys_stays() -> None:
    found = read_opencost(answer(MONTH), "o.json", reading(shared=frozenset({"kube-system"})))
    assert found == {
        "2026-10": {STAYS: Decimal(5), team("search"): Decimal("60.25"), team("checkout"): Decimal("20.125")}
    }


@pytest.mark.parametrize(
    ("idle", "search", "stays"), [("weighted", "60.25", 13), ("even", "65.25", 13), ("keep", "60.25", 23)]
)
def test_idle_cost_is_borne_as_the_rule_says(idle: str, search: str, stays: int) -> None:
    (costs,) = read_opencost(answer(MONTH), "o.json", reading(idle=idle)).values()
    assert (costs[team("search")], costs[STAYS]) == (Decimal(search), stays)


def test_steps_of_one_month_are_added_and_workloads_are_told_by_their_labels() -> None:
    day = {"start": "2026-10-02T00:00:00Z", "end": "2026-10-03T00:00:00Z"}
    pods = {
        "prod/n1/a/pod-1/c": {"properties": {"labels": {"team": "find"}}, "start": day["start"], "end": day["end"],
                              "cpuCost": 1.5, "cpuCostAdjustment": -0.25, "ramCost": 0.5, "gpuCost": None},
        "prod/n1/a/pod-2/c": {"properties": {"labels": {"app": "x"}}, "window": day, "totalCost": 4},
    }  # fmt: skip
    by_label = OpenCostReading("label:team", team_named(TEAMS, "team", {}))
    assert read_opencost(answer(pods, None, pods), "o.json", by_label) == {
        "2026-10": {STAYS: Decimal(8), team("search"): Decimal("3.50")}
    }


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", "Not JSON"),
        (answer(MONTH, code=500), "code 500"),
        (json.dumps({"code": 200, "data": [[]]}), "data.0"),
        (answer({"search": {"totalCost": 1}}), "no window"),
        (answer({"search": allocation(1, "search", window=LONG)}), "two months"),
        (answer({"search": allocation(None, "search")}), "no cost that is a number"),
        (answer({"search": {**allocation(1, "search"), "totalCost": "12"}}), "search.totalCost"),
        ("[" * 100_000, "Not JSON"),
        (answer({"search": allocation(1, "search", window="2026-10")}), "data.0.search.window"),
        (answer({"search": allocation(1, "search", properties=["x"])}), "data.0.search.properties"),
        (answer({"search": allocation(1, "search", window={"start": OCTOBER["start"], "end": "2026-11-01"})}), "no window"),
        (answer({"search": allocation(1, "search", window={"start": LONG["end"], "end": LONG["start"]})}), "before it begins"),
        (answer({"search": allocation(1, "search", window=dict.fromkeys(LONG, "0001-01-01T00:00:00"), totalCost=None)}), "cost"),
        (answer(MONTH).replace("60.25", "1e999999999"), "search.totalCost"),
    ],
)  # fmt: skip
def test_what_is_no_such_answer_is_refused_with_its_place(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=r"opencost/o\.json") as refused:
        read_opencost(text, "opencost/o.json", reading())
    assert says in str(refused.value)


def test_properties_of_any_other_shape_name_nobody() -> None:
    odd = allocation(1, properties={"labels": ["team"], "services": "search"})
    for by in ("label:team", "service"):
        named = OpenCostReading(by, team_named(TEAMS, "team", {}))
        assert read_opencost(answer({"prod/odd": odd}), "o.json", named) == {"2026-10": {STAYS: Decimal(1)}}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("period,target,cpu\n2026-10,search,1,250\n", "row 1"),
        ('period,target,cpu\n2026-10,search,1\n2026-10,"search,1\n', "row 2"),
        ("period,target,cpu,cpu\n2026-10,search,1,250\n", "column cpu"),
        ("period,target,cpu\n2026-10,search,1e99999\n", "row 1, column cpu"),
        ("period,target,cpu\n2026-10,search,1e-99999\n", "row 1, column cpu"),
        ("period,target,cpu\n2026-10,search,1_250\n", "row 1, column cpu"),
    ],
)
def test_a_number_that_a_comma_cut_in_two_is_no_number_to_share_by(text: str, says: str) -> None:
    with pytest.raises(BadInput, match=r"t\.csv") as refused:
        read_telemetry(text, "t.csv", "cpu", team_named(TEAMS, "team", {}), FiscalCalendar(1))
    assert says in str(refused.value)
