"""SQL written for an older FOCUS version runs unchanged, whatever version the vendor sent."""

from __future__ import annotations

import json
from decimal import Decimal
from pathlib import Path

import pytest
from tests.bills import deliver, write_csv

from fiscus.cost import upgrade
from fiscus.cost.focus_names import FOCUS_VERSIONS, FocusVersion
from fiscus.cost.version_views import focus_columns, version_view
from fiscus.edges.cli import commands_data
from fiscus.kernel.errors import BadQuery

SOLD = {"ProviderName": "AWS", "PublisherName": "Snowflake", "InvoiceIssuerName": "Amazon Web Services, Inc."}
NEW = {  # as FOCUS 1.4 says it: sold by one, hosted and invoiced by another
    "ServiceProviderName": "MongoDB", "HostProviderName": "AWS",
    "ContractApplied": '{"ContractID": "c-1", "ContractCommitmentID": "cc-1"}',
    "InvoiceDetailId": "line-1", "BillingPeriodStart": "2026-09-01T00:00:00Z",
}  # fmt: skip


@pytest.fixture
def asked(ws, tmp_path: Path):
    deliver(ws, write_csv(tmp_path / "old.csv", [{}, SOLD]))
    deliver(ws, write_csv(tmp_path / "new.csv", [NEW], drop=("ProviderName", "PublisherName")))
    return ws


@pytest.mark.parametrize(("version", "columns"), [*zip(FOCUS_VERSIONS, (43, 50, 57, 65, 65), strict=True)])
def test_each_version_has_a_view_with_its_columns_and_ours(asked, version: FocusVersion, columns: int) -> None:
    rows = asked.lake.ask(f"SELECT * FROM {version_view(version)}")
    names = [name for name in rows.columns if not name.startswith("x_")]
    assert names == [column.name for column, _ in focus_columns(version)]
    assert len(names) == columns
    assert {"x_Owner", "x_Team", "x_SourceId", "x_Tag_team"} <= {*rows.columns}
    assert len(rows) == 3


def test_the_names_that_1_4_dropped_are_said_of_bills_of_any_version(asked) -> None:
    rows = asked.lake.ask(
        "SELECT ProviderName, PublisherName, sum(BilledCost) FROM charges GROUP BY ALL ORDER BY ALL", focus="1.2"
    )
    assert rows.rows == (
        ("AWS", "AWS", Decimal("1.50")), ("AWS", "MongoDB", Decimal("1.50")), ("AWS", "Snowflake", Decimal("1.50")),
    )  # fmt: skip


def test_a_version_does_not_show_what_it_does_not_know(asked) -> None:
    assert asked.lake.ask("SELECT count(InvoiceDetailId) FROM charges").rows == ((1,),)
    for version in ("1.0", "1.3"):
        with pytest.raises(BadQuery, match="InvoiceDetailId") as refused:
            asked.lake.ask("SELECT count(*)\nFROM charges\nWHERE InvoiceDetailId = ''", focus=version)
        assert refused.value.where.line == 3
    with pytest.raises(BadQuery, match="ProviderName"):
        asked.lake.ask("SELECT ProviderName FROM charges", focus="1.4")


@pytest.mark.parametrize(
    ("view", "key"),
    [
        ("charges", "ContractCommitmentId"),
        ("charges_1_4", "ContractCommitmentId"),
        ("charges_1_3", "ContractCommitmentID"),
    ],
)
def test_the_keys_of_a_contract_are_spelled_as_the_version_spells_them(asked, view: str, key: str) -> None:
    (said,) = asked.lake.ask(f"SELECT ContractApplied FROM {view} WHERE ContractApplied IS NOT NULL").rows
    assert json.loads(said[0]) == {"ContractId": "c-1", key: "cc-1"}


def test_what_an_earlier_release_rewrote_by_half_goes_out_whole(ws, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(upgrade, "CONTRACT_KEYS", (("ContractID", "ContractId"),))
    deliver(ws, write_csv(tmp_path / "new.csv", [NEW], drop=("ProviderName", "PublisherName")))
    for version, key in (("1_3", "ContractCommitmentID"), ("1_4", "ContractCommitmentId")):
        (said,) = ws.lake.ask(f"SELECT ContractApplied FROM charges_{version}").rows
        assert json.loads(said[0]) == {"ContractId": "c-1", key: "cc-1"}


def test_the_version_is_an_option_of_query(asked, capsys: pytest.CaptureFixture[str]) -> None:
    from fiscus.edges.cli.terminal import Common

    sql = "SELECT ProviderName, SUM(BilledCost) AS total FROM charges GROUP BY ProviderName"
    assert commands_data.query(sql, focus="1.0", common=Common(home=str(asked.home), json=True)) == 0
    assert json.loads(capsys.readouterr().out) == [{"ProviderName": "AWS", "total": "4.500000000000"}]
