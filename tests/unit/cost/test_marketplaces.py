"""Seller, operator and invoicer told apart; the same spend in two feeds counted once, and nothing lost to the last digit."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.bills import deliver, write_csv
from tests.fixtures.company import open_company
from tests.fixtures.judging import charge
from tests.spec_files import spec_rows

from fiscus.__main__ import command_line
from fiscus.app.loop import run_loop
from fiscus.app.workspace import open_workspace
from fiscus.cost.marketplaces.find_same import cell_counts, find_same, plain_name
from fiscus.cost.marketplaces.load_pairs import load_pairs
from fiscus.cost.marketplaces.types import Cell
from fiscus.cost.types import Source
from fiscus.flows.find_marketplaces import marketplace_findings
from fiscus.flows.keep_same_spend import keep_same_spend, seen_twice
from fiscus.flows.show_marketplaces import show_marketplaces
from fiscus.kernel.errors import BadConfig, BadInput
from fiscus.kernel.progress import Silent

AURA = {"InvoiceIssuerName": "Aura Web", "ServiceProviderName": "Solora AI", "HostProviderName": "Aura Web"}
OWN = {
    "InvoiceIssuerName": "Solora AI",
    "ServiceProviderName": "Solora AI",
    "HostProviderName": "Solora AI",
    "BillingAccountId": "s-1",
}
AURA_ITSELF = {"InvoiceIssuerName": "Aura Web", "ServiceProviderName": "Aura Web", "HostProviderName": "Aura Web"}
DROP = ("ProviderName", "PublisherName")
ONCE = (
    "SELECT sum(BilledCost), sum(EffectiveCost), sum(x_BilledCostOnce), sum(x_EffectiveCostOnce), count(*) "
    "FROM charges_counted_once"
)


def feed(home: Path, source: str, rows, ws=None):
    ws = ws or open_company(home)
    deliver(ws, write_csv(home / f"{source}.csv", rows, drop=DROP), source=Source(source))
    return ws


def row(day: date, cost: str, who: dict[str, str], **more: str) -> dict[str, str]:
    return {**charge(day, cost), "BilledCost": cost, **who, **more}


def two_feeds(home: Path, market: str, vendor: str, **vendors_own: str):
    """Aura Web's bills with Solora's spend of October on them, and Solora's own feed of the same month."""
    day = date(2026, 10, 5)
    ws = feed(home, "aura", [row(day, market, AURA), row(day, "900", AURA_ITSELF)])
    return feed(home, "solora", [row(day, vendor, OWN, **vendors_own)], ws)


def test_a_bill_that_is_brought_in_is_counted_once_before_the_next_run(tmp_path: Path, capsys) -> None:
    def fiscus(*arguments: str) -> str:
        capsys.readouterr()
        assert command_line()([*arguments], result_action="return_value") in {0, None}
        return str(capsys.readouterr().out)

    home, day = str(tmp_path / "home"), date(2026, 10, 5)
    fiscus("init", home)
    for source, who in (("aura", AURA), ("solora", OWN)):
        bill = write_csv(tmp_path / f"{source}.csv", [row(day, "100", who)], drop=DROP)
        said = fiscus("ingest", str(bill), "--source", source, "--home", home)
        assert "100.000000000000 USD" in said
    nothing = write_csv(tmp_path / "free.csv", [row(day, "0", AURA_ITSELF)], drop=DROP)
    assert "0.000000000000 USD" in fiscus("ingest", str(nothing), "--source", "free", "--home", home)
    answer = fiscus("query", ONCE, "--home", home, "--format", "json")
    assert [Decimal(value) for value in json.loads(answer)[0].values()] == [200, 200, 100, 100, 3]


@pytest.fixture
def with_two_feeds(home: Path) -> Path:
    """A workspace that was delivered both, and not run yet."""
    ws = open_workspace(home)
    for source, who in (("aura", AURA), ("solora", OWN)):
        bill = write_csv(home / f"{source}.csv", [row(date(2026, 10, 5), "100", who)], drop=DROP)
        deliver(ws, bill, source=Source(source))
    return home


@pytest.mark.thorough
def test_a_run_says_of_owners_what_counts_once(with_two_feeds: Path) -> None:
    ws = open_workspace(with_two_feeds, date(2026, 11, 1))
    owners = run_loop(ws, Silent()).owners
    assert sum(owners.owned.values()) + sum(owners.unowned.values()) == 100
    assert run_loop(ws, Silent()).owners == owners


def test_a_run_as_of_a_day_before_all_charges_is_refused_and_closes_nothing(with_two_feeds: Path) -> None:
    ws = open_workspace(with_two_feeds, date(2026, 10, 1))
    with pytest.raises(BadInput, match=r"no charge before 2026-10-01.*first month is 2026-10"):
        run_loop(ws, Silent())
    with ws.state.read() as tx:
        assert not list(tx.evidence_records(["run.completed", "owners.assigned"]))


class TestSeenByBoth:
    def test_the_specifications_marketplace_case_beside_the_vendors_own_feed(self, tmp_path, shared_data) -> None:
        """FOCUS 1.5 draft: 10.00 + 37.50 of Solora AI, hosted and invoiced by Aura Web; Solora's own feed says 47.50 too."""
        rows = spec_rows(shared_data / "focus" / "ai-1.5-draft" / "cached_tokens_via_csp_marketplace.csv")
        ws = feed(tmp_path, "aura", [*rows, row(date(2025, 5, 2), "900", AURA_ITSELF)])
        feed(tmp_path, "solora", [row(date(2025, 5, 9), "47.50", OWN)], ws)
        (link,) = [one for one in keep_same_spend(ws) if one.seller == "Solora AI"]
        assert (link.month, link.confidence, link.counts) == ("2025-05", "high", "focus")
        ((billed, effective, billed_once, effective_once, count),) = ws.lake.query(ONCE).rows
        assert (billed, effective, count) == (995, 995, 4)
        assert (billed_once, effective_once) == (Decimal("947.50"), Decimal("947.50"))
        counts = ws.lake.query(
            "SELECT x_SourceId, x_SeenTwiceIn, x_CountsBilledCost, x_CountsEffectiveCost FROM charges_counted_once "
            "WHERE x_SeenTwice IS NOT NULL GROUP BY ALL ORDER BY ALL"
        ).rows
        assert counts == (("aura", "solora", True, False), ("solora", "aura", False, True))

    def test_totals_with_and_without_reconcile_to_the_last_digit(self, tmp_path: Path) -> None:
        ws = two_feeds(tmp_path, "100.123456789012", "100.123456789012")
        keep_same_spend(ws)
        shown = show_marketplaces(ws)
        (money,) = shown.totals
        assert (money.billed, money.billed_once) == (Decimal("1100.246913578024"), Decimal("1000.123456789012"))
        assert money.billed_once + money.billed_not_counted == money.billed
        assert money.effective_once + money.effective_not_counted == money.effective
        assert shown.kept
        (link,) = shown.links
        assert (link.marketplace, link.marketplace_billed, link.vendor, link.vendor_effective) == (
            "aura", Decimal("100.123456789012"), "solora", Decimal("100.123456789012"),
        )  # fmt: skip
        assert "apart by 0.00" in link.evidence

    def test_what_is_found_is_kept_once_and_looked_at_again_it_changes_nothing(self, tmp_path: Path) -> None:
        ws = two_feeds(tmp_path, "100", "100")
        assert not show_marketplaces(ws).kept
        keep_same_spend(ws)
        version = ws.lake.version()
        keep_same_spend(ws)
        assert ws.lake.version() == version
        with ws.state.read() as tx:
            assert len(list(tx.evidence_records(["same_spend.kept"]))) == 1

    def test_a_run_that_died_before_its_evidence_leaves_it_to_the_next(self, tmp_path: Path) -> None:
        ws = two_feeds(tmp_path, "100", "100")
        ws.lake.write_same_spend(cell_counts(seen_twice(ws)))
        version = ws.lake.version()
        keep_same_spend(ws)
        assert ws.lake.version() == version
        with ws.state.read() as tx:
            (told,) = tx.evidence_records(["same_spend.kept"])
        assert told.subject == f"t{version.same_spend}"

    def test_feeds_that_keep_to_focus_count_once_by_themselves(self, tmp_path: Path) -> None:
        """The vendor does not invoice, so it bills nothing; the marketplace has no usage, so it counts nothing."""
        day = date(2026, 10, 5)
        ws = feed(tmp_path, "aura", [row(day, "100", AURA, EffectiveCost="0"), row(day, "900", AURA_ITSELF)])
        feed(tmp_path, "solora", [row(day, "100", OWN, BilledCost="0")], ws)
        (link,) = keep_same_spend(ws)
        assert (link.confidence, link.counted_once) == ("by_the_feeds", False)
        ((billed, effective, *once, _),) = ws.lake.query(ONCE).rows
        assert (billed, effective) == tuple(once) == (1000, 1000)
        assert marketplace_findings(ws) == []

    def test_amounts_that_differ_are_told_and_all_of_them_count(self, tmp_path: Path) -> None:
        ws = two_feeds(tmp_path, "100", "160")
        (link,) = keep_same_spend(ws)
        assert link.confidence == "possible"
        (finding,) = marketplace_findings(ws)
        assert (finding.kind, finding.level, finding.amount) == ("seen_twice", "warn", 100)
        ((_, effective, _, once, _),) = ws.lake.query(ONCE).rows
        assert effective == once

    def test_a_running_month_that_has_landed_further_in_one_feed_goes_on_as_the_month_before(
        self, tmp_path: Path
    ) -> None:
        """And once a newer month is there, it is held against its own money again."""
        first, running = date(2026, 9, 5), [date(2026, 10, day) for day in (2, 3, 4)]
        both = [row(first, "100", AURA), *(row(day, "10", AURA) for day in running), row(first, "900", AURA_ITSELF)]
        ws = feed(tmp_path, "aura", both)
        feed(tmp_path, "solora", [row(first, "100", OWN), row(running[0], "10", OWN)], ws)
        links = {link.month: link for link in keep_same_spend(ws)}
        assert {month: link.confidence for month, link in links.items()} == {"2026-09": "high", "2026-10": "medium"}
        assert "2026-09 was the same in the same accounts" in links["2026-10"].evidence
        ((_, _, billed, effective, _),) = ws.lake.query(ONCE).rows
        assert (billed, effective) == (1030, 1010)
        later = row(date(2026, 11, 1), "7", AURA), row(date(2026, 11, 1), "7", OWN)
        feed(tmp_path, "aura", [*both, later[0]], ws)
        feed(tmp_path, "solora", [row(first, "100", OWN), row(running[0], "10", OWN), later[1]], ws)
        assert {link.month: link.confidence for link in seen_twice(ws)}["2026-10"] == "possible"

    def test_one_account_of_the_vendor_is_bought_there_and_the_other_is_not(self, tmp_path: Path) -> None:
        day = date(2026, 10, 5)
        ws = two_feeds(tmp_path, "100", "100")
        feed(tmp_path, "solora", [row(day, "100", OWN), row(day, "250", OWN, BillingAccountId="s-2")], ws)
        (link,) = keep_same_spend(ws)
        assert ([cell.account for cell in link.vendor], link.confidence) == (["s-1"], "high")
        ((_, effective, _, once, _),) = ws.lake.query(ONCE).rows
        assert (effective, once) == (1350, 1250)

    def test_people_say_what_is_the_same_and_which_rows_count(self, tmp_path: Path) -> None:
        ws = two_feeds(tmp_path, "100", "160")
        pairs = (
            "pairs:\n  - {seller: Solora AI Inc., marketplace: aura, vendor: solora, same: true, counts: marketplace}\n"
        )
        told = replace(ws, config=replace(ws.config, marketplaces=load_pairs(pairs)))
        (link,) = keep_same_spend(told)
        assert (link.confidence, link.counts) == ("declared", "marketplace")
        assert link.evidence.startswith("marketplace.yaml, line 2, says so.")
        ((_, _, billed, effective, _),) = ws.lake.query(ONCE).rows
        assert (billed, effective) == (1000, 1000)
        (finding,) = marketplace_findings(told)
        assert finding.level == "observe"
        assert finding.amount == 0, "it counts once: nothing is at risk"
        apart = pairs.replace("true, counts: marketplace", "false")
        assert keep_same_spend(replace(ws, config=replace(ws.config, marketplaces=load_pairs(apart)))) == []
        ((_, _, billed, effective, _),) = ws.lake.query(ONCE).rows
        assert (billed, effective) == (1160, 1160)

    def test_tax_on_a_marketplaces_invoice_counts_whatever_its_spend_does(self, tmp_path: Path) -> None:
        day = date(2026, 10, 5)
        rows = [row(day, "100", AURA), row(day, "20", AURA, ChargeCategory="Tax"), row(day, "900", AURA_ITSELF)]
        ws = feed(tmp_path, "aura", rows)
        feed(tmp_path, "solora", [row(day, "100", OWN)], ws)
        keep_same_spend(ws)
        ((_, _, billed, effective, _),) = ws.lake.query(ONCE).rows
        assert (billed, effective) == (1020, 1020)


def test_who_sells_operates_invoices_and_made_it_stand_apart(tmp_path: Path) -> None:
    day = date(2026, 10, 5)
    hosted = {"SkuPriceDetails": '{"ModelDeveloper": "Solora AI"}'}
    ws = feed(
        tmp_path, "aura", [row(day, "100", AURA), row(day, "7", AURA_ITSELF, **hosted), row(day, "900", AURA_ITSELF)]
    )
    roles = {(one.seller, one.operator, one.invoicer, one.maker): one.channel for one in show_marketplaces(ws).roles}
    assert roles == {
        ("Solora AI", "Aura Web", "Aura Web", ""): "marketplace",
        ("Aura Web", "Aura Web", "Aura Web", "Solora AI"): "hosted",
        ("Aura Web", "Aura Web", "Aura Web", ""): "direct",
    }


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("pairs:\n  - {seller: a, marketplace: x, vendor: x, same: true}", "the same source"),
        ("pairs:\n  - {seller: a, marketplace: x, vendor: y, same: false, counts: vendor}", "beside same: false"),
        (
            "pairs:\n  - {seller: a, marketplace: x, vendor: y, same: true, from: 2026-05, to: 2026-01}",
            "before it begins",
        ),
        ("pairs:\n  - {seller: a, marketplace: x}", "vendor"),
    ],
)
def test_a_file_that_says_nothing_clear_is_refused_by_line(text: str, said: str) -> None:
    with pytest.raises(BadConfig, match=said) as refused:
        load_pairs(text)
    assert (refused.value.where.file, refused.value.where.line) == ("marketplace.yaml", 2)


def test_one_seller_is_called_many_things() -> None:
    assert len({plain_name(name) for name in ("Datadog, Inc.", "datadog", "DATADOG INC")}) == 1
    assert plain_name("Amazon Web Services, Inc.") == plain_name("AWS")
    assert plain_name("Labs") == "labs"


@pytest.mark.parametrize(
    ("currency", "market", "vendor", "sure"),
    [
        ("USD", "100", "101", "high"), ("USD", "100", "101.01", "possible"), ("JPY", "10000", "10100", "high"),
        ("JPY", "10000", "10101", "possible"), ("KWD", "100", "100.100", "high"), ("KWD", "100", "100.101", "possible"),
    ],
)  # fmt: skip
def test_what_is_the_same_but_for_rounding_is_told_by_the_coin_of_the_currency(
    currency: str, market: str, vendor: str, sure: str
) -> None:
    """MAX(100 x subunit, SQRT(rows) x 0.5 x subunit), as invoices are held against charges."""
    cells = [
        Cell(source, "Solora AI", invoicer, "2026-10", currency, source, "", Decimal(cost), Decimal(cost), 30, others)
        for source, invoicer, cost, others in (("aura", "Aura Web", market, 3), ("solora", "Solora AI", vendor, 0))
    ]
    assert [one.confidence for one in find_same(cells)] == [sure]


money = st.decimals(0, 1000, places=2)
cells = st.lists(
    st.builds(
        Cell, source=st.sampled_from(["m", "v", "w"]), seller=st.just("S"), invoicer=st.sampled_from(["S", "Market"]),
        month=st.sampled_from(["2026-09", "2026-10"]), currency=st.sampled_from(["USD", "EUR"]),
        account=st.sampled_from(["1", "2"]), sub_account=st.just(""), billed=money, effective=money,
        charges=st.integers(1, 50), others=st.integers(0, 2),
    ),
    max_size=8, unique_by=lambda one: (one.source, one.month, one.currency, one.account),
)  # fmt: skip


@given(cells)
def test_each_cell_is_claimed_once_and_each_metric_of_a_link_counts_on_one_side_alone(parts: list[Cell]) -> None:
    found = find_same(parts)
    claimed = cell_counts(found)
    assert len({(one.source, one.month, one.currency, one.account) for one in claimed}) == len(claimed)
    for link in {one.link for one in claimed}:
        sides = {(one.side, one.counts_billed, one.counts_effective) for one in claimed if one.link == link}
        assert sides <= {("marketplace", True, False), ("vendor", False, True)}
        assert len({one.currency for one in claimed if one.link == link}) == 1
