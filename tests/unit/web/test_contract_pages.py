"""What was paid before it is used, on the pages, in the API and on the command line."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest
from tests.bills import deliver, write_csv
from tests.unit.cost.test_prepaid import tokens, used
from tests.unit.web.conftest import Browser, app_over

from fiscus.cost.types import Source
from fiscus.flows.evaluate import evaluate
from fiscus.flows.workspace import Workspace

TODAY = date(2026, 11, 20)
HOSTILE = "<b>x</b>"


@pytest.fixture
def ws(home) -> Workspace:
    from fiscus.app.workspace import open_workspace

    return open_workspace(home, TODAY)


@pytest.fixture
def pages(ws: Workspace) -> Browser:
    return Browser(app_over(ws))


def test_spend_in_two_feeds_stands_on_the_page_and_in_the_api_and_the_terminal_keeps_it(ws, pages, capsys) -> None:
    from tests.unit.cost.test_marketplaces import AURA, AURA_ITSELF, DROP, OWN, row

    from fiscus.edges.cli.commands_commitments import marketplace
    from fiscus.edges.cli.terminal import Common

    assert "No charge yet." in pages.get("/marketplaces").text
    day = date(2026, 10, 5)
    for source, rows in {
        "aura": [row(day, "100", AURA), row(day, "900", AURA_ITSELF)],
        "solora": [row(day, "100", OWN)],
    }.items():
        deliver(ws, write_csv(ws.home / f"{source}.csv", rows, drop=DROP), source=Source(source))
    page = pages.get("/marketplaces").text
    assert (
        "1 seller invoiced by a marketplace in twelve months; 100 USD of 1 month stand in two feeds and count once."
        in page
    )
    assert 'href="/purchases" data-jump="m" aria-current="page"' in page, "the room that it is in"
    assert "It rests on the last run" in page
    assert marketplace(common=Common(home=str(ws.home))) == 0
    assert "1,000.00" in capsys.readouterr().out
    ws.lake.refresh()
    shown = pages.get("/api/marketplaces").json()
    assert (shown["kept"], shown["totals"][0]["effective_once"]) == (True, "1000.000000000000")
    asked = "from=2026-10&to=2026-10&group=provider&metric="
    totals = [
        pages.get(f"/api/spend?{asked}{name}").json()["total"]["value"]
        for name in ("EffectiveCost", "EffectiveCostOnce", "EffectiveCostAllFeeds")
    ]
    assert totals == ["1000.000000000000", "1000.000000000000", "1100.000000000000"]
    assert "EffectiveCost, as each feed shows it" in pages.get(f"/spend?{asked}BilledCostAllFeeds").text
    assert pages.get(f"/number/spend?{asked}EffectiveCostAllFeeds").status_code == 200
    assert pages.get(f"/api/spend?{asked}EffectiveCostTwice").status_code == 422


def test_prices_that_changed_and_their_history_stand_on_the_page_and_in_the_api(ws, pages, capsys) -> None:
    from tests.unit.cost.test_price_history import ROSE, sold

    from fiscus.edges.cli.commands_price_history import changes, history
    from fiscus.edges.cli.terminal import Common

    assert "No unit price has changed." in pages.get("/prices").text
    rows = [
        sold(day, "0.10" if day < ROSE else "0.125", SkuMeter=HOSTILE, RegionId="")
        for day in (TODAY - timedelta(days=n) for n in range(1, 60))
    ]
    deliver(ws, write_csv(ws.home / "acme.csv", rows), source=Source("acme"))
    page = pages.get("/prices?name=logs").text
    assert HOSTILE not in page
    assert "1 contracted price changed" in page
    assert "0.125" in page
    assert "has &#39;nothing&#39;" in pages.get("/prices?name=nothing").text
    (change,) = pages.get("/api/prices/changes").json()["changes"]
    assert (change["step"]["since"], change["step"]["money"]) == ("2026-11-08", "7.500000000000")
    assert len(pages.get("/api/prices/history?name=logs").json()["series"][0]["series"]["months"]) == 3
    assert pages.get("/api/prices/rightsize?resource=i-1&size=x").status_code == 404
    common = Common(home=str(ws.home))
    assert (changes(common=common), history("logs", common=common), history("nothing", common=common)) == (0, 0, 2)
    assert "2026-11-08" in capsys.readouterr().out


def test_a_prepaid_balance_stands_on_the_page_in_the_api_and_in_the_terminal_and_is_a_finding(
    ws, pages, capsys
) -> None:
    from fiscus.edges.cli.commands_commitments import credits_
    from fiscus.edges.cli.terminal import Common

    assert "No prepaid balance." in pages.get("/credits").text
    first = TODAY - timedelta(days=40)
    rows = [tokens(first, TODAY + timedelta(days=300), "5000", "10000", ProviderName=HOSTILE, PublisherName=HOSTILE)]
    rows += [
        used(first + timedelta(days=n), "100", "200", ProviderName=HOSTILE, PublisherName=HOSTILE) for n in range(40)
    ]
    deliver(ws, write_csv(ws.home / "acme.csv", rows), source=Source("acme"))
    page = pages.get("/credits").text
    assert HOSTILE not in page
    assert "runs out about 2026-11-29, with 1,000.00 left." in page
    assert '<td class="main">2026-10</td>' in page
    (pool,) = pages.get("/api/credits").json()["pools"]
    assert (pool["balance"]["available"], pool["burn_per_day"], pool["runs_out"]["p50"]) == (
        "1000.000000000000000000", "100.0000", "2026-11-29",
    )  # fmt: skip
    assert pages.get("/api/credits?currency=EUR").json()["pools"] == []
    assert credits_(common=Common(home=str(ws.home))) == 0
    assert "2026-11-29" in capsys.readouterr().out
    assert credits_(common=Common(home=str(ws.home), json=True)) == 0
    assert json.loads(capsys.readouterr().out)["pools"][0]["unit"] == "Token"
    (found,) = [one for one in evaluate(ws, "run-1").opened if one.kind == "credits_running_out"]
    assert pages.get(f"/number/finding/{found.id}").status_code == 200
