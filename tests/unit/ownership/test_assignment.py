"""Owned + unowned = total, and the first rule that resolves to a live person wins."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import pytest
from tests.bills import deliver, write_csv

from fiscus.flows.assign_owners import assign_owners
from fiscus.kernel.errors import BadConfig, NotFound
from fiscus.kernel.money import total
from fiscus.ownership.load_directory import load_directory
from fiscus.ownership.load_rules import load_rules
from fiscus.ownership.owned_totals import owned_totals
from fiscus.ownership.people import answerable, require_live

DIRECTORY = """
default_pool: finops
people:
  - {id: chief, name: Chief, email: chief@x.example, team: finops}
  - {id: ana, name: Ana, email: ana@x.example, team: web, manager: chief}
  - {id: bob, name: Bob, email: bob@x.example, team: web, manager: ana, left_on: 2026-01-31}
teams:
  - {id: finops, name: FinOps, lead: chief, cost_centre: CC-9}
  - {id: web, name: Web, lead: bob, cost_centre: CC-1, parent: finops, aliases: [front-end]}
"""


def _directory():
    return load_directory(DIRECTORY, "owners/directory.yaml")


def test_every_charge_is_owned_or_counted_as_unowned(ws, tmp_path: Path) -> None:
    rows = [
        {},
        {"Tags": '{"team": "PLAT"}', "ResourceId": "i-2"},
        {"Tags": '{"team": "ghosts"}', "SubAccountId": "5", "ResourceId": "i-3"},
    ]
    deliver(ws, write_csv(tmp_path / "a.csv", rows))
    summary = assign_owners(ws)
    lines = {(line.owner, line.team, line.rule): line for line in owned_totals(ws.lake)}
    assert set(lines) == {("ana.silva", "platform", "team-tag"), ("unowned", "unowned", "default-pool")}
    assert (
        total([line.effective_cost for line in lines.values()])
        == ws.lake.query("SELECT sum(EffectiveCost) FROM lake_charges").rows[0][0]
    )
    assert ws.lake.query("SELECT DISTINCT x_Environment FROM charges ORDER BY 1").rows == (("prod",), ("unknown",))
    assert summary.rules_unused == ("owner-tag", "platform-accounts")


def test_assigning_twice_writes_once(ws, tmp_path: Path) -> None:
    deliver(ws, write_csv(tmp_path / "a.csv", [{}]))
    first = assign_owners(ws)
    assert assign_owners(ws).lake_version == first.lake_version


def test_a_name_that_resolves_to_nobody_falls_to_the_next_rule(ws, tmp_path: Path) -> None:
    deliver(ws, write_csv(tmp_path / "a.csv", [{"Tags": '{"team": "ghosts"}'}]))
    assign_owners(ws)
    assert ws.lake.query("SELECT x_AssignmentRule, x_Team FROM charges").rows == (("platform-accounts", "platform"),)


def test_one_who_left_hands_over_up_the_chain() -> None:
    directory = _directory()
    found = answerable(directory, "bob", None, date(2026, 11, 20))
    assert found is not None
    assert found.person.id == "ana"
    assert (
        answerable(directory, None, "FRONT-END", date(2026, 11, 20)).person.id == "ana"
    )  # the lead left: their manager
    assert answerable(directory, "bob", None, date(2026, 1, 1)).person.id == "bob"


def test_who_acts_must_be_somebody_who_is_here() -> None:
    with pytest.raises(NotFound, match="left on"):
        require_live(_directory(), "bob", date(2026, 11, 20))
    with pytest.raises(NotFound, match="Nobody is called"):
        require_live(_directory(), "anna", date(2026, 11, 20))


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        (DIRECTORY.replace("lead: bob", "lead: bib"), 9, "nobody is called 'bib'"),
        (DIRECTORY.replace("default_pool: finops", "default_pool: fnops"), 2, "There is no team"),
        (DIRECTORY.replace("team: finops}", "team: finops, manager: ana}"), 4, "circle"),
        (DIRECTORY.replace("aliases: [front-end]", "aliases: [finops]"), 9, "means both"),
        (DIRECTORY.replace("email: ana@x.example", "email: nowhere"), 5, "does not match"),
        (DIRECTORY.replace("cost_centre: CC-9", "cost_center: CC-9"), 8, "Did you mean cost_centre"),
    ],
)
def test_a_directory_that_does_not_hold_together_is_refused_with_its_line(text: str, line: int, message: str) -> None:
    with pytest.raises(BadConfig, match=message) as refused:
        load_directory(text, "owners/directory.yaml")
    assert refused.value.where is not None
    assert refused.value.where.line == line


def test_an_unknown_field_of_a_rule_is_refused() -> None:
    with pytest.raises(BadConfig, match="Did you mean service"):
        load_rules('rules:\n  - {id: a, match: {servce: ["x"]}, team: web}\n', "owners/rules.yaml", _directory())


def test_a_rules_text_cannot_become_sql(ws, tmp_path: Path) -> None:
    hostile = """rules:\n  - {id: a, match: {"tag:x' OR 1=1 --": ["*') OR (1=1"]}, team: platform}\n"""
    (ws.home / "owners" / "rules.yaml").write_text(hostile)
    from fiscus.app.workspace import open_workspace

    again = open_workspace(ws.home, date(2026, 11, 20))
    deliver(again, write_csv(tmp_path / "a.csv", [{}]))
    assign_owners(again)
    assert again.lake.query("SELECT x_Owner FROM charges").rows == (("unowned",),)
