"""The views of the lake take the short way only where it is proven, and give the same money either way."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from tests.bills import deliver, write_csv

from fiscus.cost.types import IngestOptions, Source
from fiscus.cost.views import ALIKE_GROUPS_MAX
from fiscus.flows.assign_owners import assign_owners
from fiscus.flows.ingest_bills import ingest_bills
from fiscus.flows.workspace import Workspace
from fiscus.kernel.progress import Silent
from fiscus.stores.lake import open_lake, tables
from fiscus.stores.lake.owned_mark import MARK

OWNED = "SELECT x_Owner, sum(BilledCost) FROM charges GROUP BY ALL ORDER BY ALL"
LATE = {"BillingPeriodStart": "2026-09-01T00:00:00Z", "ResourceId": "i-9", "BilledCost": "9"}


def joins_left(ws: Workspace) -> bool:
    (view,) = [sql for sql in ws.lake.view_statements(ws.lake.version()) if " VIEW charges AS " in sql]
    return "LEFT JOIN" in view


def test_owners_are_joined_without_a_question_once_every_charge_has_its_row(ws: Workspace, tmp_path: Path) -> None:
    deliver(ws, write_csv(tmp_path / "a.csv", [{}, {"ResourceId": "i-2", "Tags": ""}]))
    assert joins_left(ws)
    before = ws.lake.query(OWNED), ws.lake.ask(OWNED)
    assert before[0].rows == (("unowned", Decimal(3)),)
    assign_owners(ws)
    assert not joins_left(ws)
    assert ws.lake.ask(OWNED) == ws.lake.query(OWNED)
    assert sum(row[1] for row in ws.lake.query(OWNED).rows) == Decimal(3)


def test_a_charge_that_came_since_is_unowned_and_never_lost(ws: Workspace, tmp_path: Path) -> None:
    deliver(ws, write_csv(tmp_path / "a.csv", [{}]))
    assign_owners(ws)
    deliver(ws, write_csv(tmp_path / "b.csv", [LATE]))
    assert joins_left(ws), "the mark is of the version before"
    for rows in (ws.lake.query(OWNED).rows, ws.lake.ask(OWNED).rows):
        assert ("unowned", Decimal(9)) in rows
        assert sum(row[1] for row in rows) == Decimal("10.5")
    assign_owners(ws)
    assert not joins_left(ws)
    assert sum(row[1] for row in ws.lake.ask(OWNED).rows) == Decimal("10.5")


def test_a_mark_that_cannot_be_read_proves_nothing(ws: Workspace, tmp_path: Path) -> None:
    deliver(ws, write_csv(tmp_path / "a.csv", [{}]))
    assign_owners(ws)
    (mark,) = ws.home.rglob(MARK)
    for text in ("", "{", "[]", '{"charges": 99, "assignments": 0}'):
        mark.write_text(text)
        assert joins_left(ws)
        assert ws.lake.ask(OWNED) == ws.lake.query(OWNED)
    assign_owners(ws)
    assert not joins_left(ws), "it is written anew, though no owner changed"


def test_a_delivery_that_died_between_its_columns_and_its_rows_leaves_a_lake_that_answers(
    ws: Workspace, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A tag that is promoted is a column first, in a commit of its own. Before the first row, and before the first of the tag."""
    team = 'SELECT sum(BilledCost), max("x_Tag_team"), max("x_Tag_environment") FROM charges'
    lake = open_lake(ws.home / ".fiscus" / "lake", ("team", "environment"))

    class Died(Exception): ...

    def dies(*_: object, **__: object) -> None:
        raise Died

    def brought(bill: Path, tag: str) -> None:
        with monkeypatch.context() as killed:
            killed.setattr(tables, "_refuse_what_was_not_seen", dies)
            with pytest.raises(Died):
                ingest_bills(ws, Source("bills"), [bill], IngestOptions(promote=(tag,)), Silent())
        lake.refresh()

    bill = write_csv(tmp_path / "a.csv", [{}])
    brought(bill, "team")
    assert lake.query(team).rows == ((None, None, None),)
    ingest_bills(ws, Source("bills"), [bill], IngestOptions(promote=("team",)), Silent())
    brought(write_csv(tmp_path / "b.csv", [{}, LATE]), "environment")
    assert lake.query(team).rows == ((Decimal("1.5"), "platform", "production"),)


def test_a_promoted_tag_is_read_alone_where_every_file_has_it(ws: Workspace, tmp_path: Path) -> None:
    deliver(ws, write_csv(tmp_path / "a.csv", [{}]))

    def reads_tags(*promoted: str) -> list[bool]:
        lake = open_lake(ws.home / ".fiscus" / "lake", promoted)
        (view,) = [sql for sql in lake.view_statements(lake.version()) if " VIEW bare_charges AS " in sql]
        names = ", ".join(f'"x_Tag_{key}"' for key in promoted)
        rows = lake.query(f"SELECT {names} FROM charges").rows
        assert rows == (tuple({"team": "platform", "environment": "production"}[key] for key in promoted),)
        return [f"Tags['{key}']" in view for key in promoted]

    assert reads_tags("team", "environment") == [False, True], "only the first was promoted when the bill came"


@pytest.mark.parametrize("tags", [2, ALIKE_GROUPS_MAX + 1])
def test_files_with_other_columns_are_asked_together_to_the_last_digit(
    ws: Workspace, tmp_path: Path, tags: int
) -> None:
    """Each month promotes another tag, as a company does that finds its tags one after the other."""
    for n in range(tags):
        row = {
            "BillingPeriodStart": f"2026-{n + 1:02d}-01T00:00:00Z",
            "BilledCost": f"0.{n + 1}",
            "Tags": '{"t0": "a"}',
        }
        bill = write_csv(tmp_path / f"{n}.csv", [row])
        promoted = IngestOptions(promote=tuple(f"t{tag}" for tag in range(n + 1)))
        ingest_bills(ws, Source("bills"), [bill], promoted, Silent())
    (view,) = [sql for sql in ws.lake.view_statements(ws.lake.version()) if " VIEW lake_charges AS " in sql]
    assert view.count("read_parquet") == (tags if tags <= ALIKE_GROUPS_MAX else 1)
    asked = 'SELECT x_BillingMonth, "x_Tag_t0", sum(BilledCost) FROM lake_charges GROUP BY ALL ORDER BY ALL'
    expected = tuple((f"2026-{n + 1:02d}", "a", Decimal(n + 1) / 10) for n in range(tags))
    assert ws.lake.query(asked).rows == expected
    assert ws.lake.ask(asked).rows == expected
