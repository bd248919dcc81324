"""What the pages are made of, where no page shows it apart: addresses, packs, and each trouble named once."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import pytest
from tests.fixtures.company import idle_finding, open_company
from tests.fixtures.strict_cloud import StrictCloud
from tests.fixtures.web_company import budget, case, served_company

from fiscus.flows.keep_shown import KeptShown
from fiscus.flows.show_budgets import show_budgets
from fiscus.flows.show_packs import pack_file, show_packs
from fiscus.flows.show_spend import show_spend_rows
from fiscus.flows.show_today import show_today
from fiscus.flows.spend_dimensions import SpendAsked, asked_from, asked_pairs
from fiscus.guardrails.types import Budget, Scope
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.errors import BadInput, NotFound
from fiscus.kernel.money import chance
from fiscus.kernel.periods import Month


@pytest.mark.parametrize(
    "asked",
    [
        SpendAsked(),
        SpendAsked(
            "tag:a=b&c",
            "month",
            Month(2026, 1),
            Month(2026, 3),
            "BilledCost",
            "EUR",
            (("tag:x=y", "1"), ("team", "ml")),
        ),
        SpendAsked(filters=(("service", "a"), ("service", "b"), ("team", "(none)"))),
    ],
)
def test_a_question_survives_its_address(asked) -> None:
    assert asked_from(asked_pairs(asked)) == asked


def test_a_chance_is_never_a_certainty() -> None:
    said = [chance(Decimal(text)) for text in ("0", "0.0049", "0.0051", "0.5", "0.9949", "0.9951", "1")]
    assert said == ["< 0.01", "< 0.01", "= 0.01", "= 0.50", "= 0.99", "> 0.99", "> 0.99"]


class TestToday:
    @pytest.fixture
    def ws(self, tmp_path):
        ws = open_company(tmp_path)
        with ws.state.begin() as tx:
            tx.budget_statuses.put_all([budget("staging", "Staging", 1000, 1200)], "run-1")
        return ws

    def items(self, ws, kind: str) -> list[str]:
        return [item.id for item in show_today(ws).items if item.kind == kind]

    def test_a_budget_without_a_case_is_named_with_what_it_is_over_by(self, ws) -> None:
        item = show_today(ws).items[0]
        assert (item.kind, item.amount, item.estimate) == ("budget", Decimal(200), False)
        assert show_today(ws).sentence.startswith(
            "Staging is over budget (200 USD): ml must cut spend or have it raised."
        )

    @pytest.mark.parametrize("state", ["open", "acknowledged"])
    def test_a_budget_that_a_case_has_taken_up_is_named_once(self, ws, state) -> None:
        about = case()
        subject = replace(about.subject, key="budget|staging|2026-11", evidence={"budget": "staging"})
        with ws.state.begin() as tx:
            tx.cases.put(replace(about, subject=subject, state=state))
        assert self.items(ws, "budget") == []

    def test_a_closed_case_does_not_hide_a_budget_that_is_still_over(self, ws) -> None:
        about = case()
        subject = replace(about.subject, key="budget|staging|2026-11", evidence={"budget": "staging"})
        with ws.state.begin() as tx:
            tx.cases.put(replace(about, subject=subject, state="closed"))
        assert self.items(ws, "budget") == ["staging"]

    def test_a_finding_about_a_budget_is_the_budget(self, ws) -> None:
        with ws.state.begin() as tx:
            tx.findings.replace_open(
                [idle_finding(params={"budget_id": "staging"}), idle_finding(id="f-2", policy_id="other")]
            )
        assert self.items(ws, "finding") == ["f-2"]

    def test_nothing_to_do_is_said(self, tmp_path) -> None:
        assert show_today(open_company(tmp_path)).sentence.startswith("Nothing needs you now.")


@pytest.mark.parametrize(
    ("with_credits", "money"), [(False, "101.333327"), (True, "94.083327")]
)  # 19 x 5.333333, less 7.25
def test_the_actual_of_a_budget_opens_to_the_charges_that_it_counts(tmp_path, with_credits, money) -> None:
    ws = served_company(tmp_path, StrictCloud())
    ai = Budget(
        "staging", "Staging", Scope({"service_category": ("AI and Machine Learning",)}), "month", "USD", Decimal(1000), {},
        "EffectiveCost", False, with_credits, (), None, "ml", "budgets/x.yaml", 1,
    )  # fmt: skip
    ws = replace(ws, config=replace(ws.config, budgets=(ai,)))
    lines = {line.status.budget_id: line for line in show_budgets(ws).lines}
    assert show_spend_rows(ws, lines["staging"].asked).cost.value == Decimal(money)
    assert lines["web"].asked is None, "its file is gone"


class TestPacks:
    def test_the_newest_of_each_month_with_the_files_that_stand(self, tmp_path) -> None:
        ws = open_company(tmp_path)
        assert show_packs(ws).lines == ()
        body = {"contents": "c", "lake": "c1.a0", "as_of": "2026-11-20", "sentence": "All is well."}
        with ws.state.begin() as tx:
            tx.evidence.append("pack.built", "2026-10", FISCUS, {**body, "sentence": "Earlier."})
            tx.evidence.append("pack.built", "2026-10", FISCUS, body)
            tx.evidence.append("pack.built", "2026-11", FISCUS, body)
        folder = ws.home / ".fiscus" / "packs" / "2026-10"
        folder.mkdir(parents=True)
        (folder / "board.pdf").write_bytes(b"%PDF-")
        shown = show_packs(ws)
        assert [(line.period, line.sentence, line.files) for line in shown.lines] == [
            ("2026-11", "All is well.", ()),
            ("2026-10", "All is well.", ("board.pdf",)),
        ]
        assert pack_file(ws, "2026-10", "board.pdf").read_bytes() == b"%PDF-"

    def test_no_other_file_can_be_had(self, tmp_path) -> None:
        ws = open_company(tmp_path)
        (ws.home / ".fiscus" / "packs" / "2026-10").mkdir(parents=True)
        (ws.home / ".fiscus" / "packs" / "2026-10" / "secret.txt").write_text("x")
        for name in ("secret.txt", "../../state.db", "board.xlsx"):
            with pytest.raises(NotFound):
                pack_file(ws, "2026-10", name)
        for period in ("..", "../..", "2026-1", ""):
            with pytest.raises(BadInput):
                pack_file(ws, period, "board.pdf")


def test_what_was_shown_is_built_again_only_when_the_world_moved(tmp_path) -> None:
    ws, built = open_company(tmp_path), []
    kept = KeptShown()

    def build() -> int:
        built.append(1)
        return len(built)

    assert [kept.get(ws, "page", build), kept.get(ws, "page", build)] == [1, 1]
    with ws.state.begin() as tx:
        tx.evidence.append("case.opened", "case-1", FISCUS, {})
    assert kept.get(ws, "page", build) == 2
    assert kept.get(ws, "another", build) == 3
    assert kept.get(replace(ws, config=replace(ws.config, digest="1" * 64)), "page", build) == 4
