"""From a call through the gateway to the bill: charges, the vendors' own reports, and nothing counted twice."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pytest
import yaml
from tests.fixtures.commands import fiscus
from tests.fixtures.gateways import Gateway, all_calls, gateway_home, hard_cap, running_gateway, wait_for
from tests.fixtures.vendor_clients import ASKED, anthropic_client, mistral_client, openai_client

from fiscus.connectors.simulated_ai.server import LocalAi
from fiscus.cost.ai.hour_charges import cost_of
from fiscus.kernel.money import total

ADMIN = {"OPENAI_ADMIN_KEY": "sk-admin-simulated", "ANTHROPIC_ADMIN_KEY": "sk-admin-simulated"}


@pytest.fixture
def ai(tmp_path: Path) -> Iterator[LocalAi]:
    with LocalAi(bill=tmp_path / "bill.jsonl") as running:
        yield running


@pytest.mark.thorough
def test_every_call_is_charged_once_and_the_vendors_bills_match_to_the_cent(ai: LocalAi, tmp_path: Path) -> None:
    home = gateway_home(
        tmp_path / "home",
        ai,
        [hard_cap("50"), {**hard_cap("60", service_category="AI and Machine Learning"), "id": "tests-all"}],
    )
    with running_gateway(home) as gateway:
        use(gateway)
        gateway.calls(4)
        gateway.stop()
    calls = wait_for(lambda: all_calls(home), lambda found: len(found) == 4)
    cost = total([cost_of(call) for call in calls])

    before = lake(home)
    assert before == {"effective": cost, "contracted": cost, "billed": 0}
    assert budgets(home) == {"tests-cap": (0, rounded_up(calls)), "tests-all": (0, rounded_up(calls))}

    two_days_later(home, ai)
    with patch.dict(os.environ, ADMIN):
        fiscus(home, "run")
        after = lake(home)
        totals = {one["provider"]: one for one in fiscus(home, "ai", "reconcile")["totals"]}
    for provider, vendor in (("OpenAI", "openai"), ("Anthropic", "anthropic")):
        assert Decimal(totals[provider]["matched"]) == pytest.approx(ai.billed(vendor), abs=Decimal("1E-8"))
        assert totals[provider]["differs"] == 0
        assert Decimal(totals[provider]["estimated"]) == 0
    mistral = total([cost_of(call) for call in calls if call.upstream == "mistral"])
    assert Decimal(totals["Mistral AI"]["estimated"]) == mistral  # its bill comes as a file
    assert after["contracted"] - after["billed"] == cost  # bills have their own ContractedCost; ours stays
    assert after["billed"] == pytest.approx(ai.billed("openai") + ai.billed("anthropic"), abs=Decimal("1E-8"))
    assert after["effective"] == after["billed"] + mistral
    found = budgets(home)
    for name, actual in (
        ("tests-all", after["billed"]),
        ("tests-cap", 0),
    ):  # the bills name no team: its cap is not freed
        assert found[name][0] == pytest.approx(actual, abs=Decimal("1E-8"))
        assert sum(found[name]) == pytest.approx(after["effective"], abs=Decimal("1E-8"))

    fiscus(home, "ai", "outcome", "ticket=123", "resolved", "--customer", "acme")
    (line,) = [
        one for one in fiscus(home, "ai", "units", "ticket", "--by", "customer")["lines"] if one["group"] == "acme"
    ]
    assert Decimal(line["cost"]) == total([cost_of(call) for call in calls if call.units])
    assert (line["calls"], line["outcomes"]) == (2, 1)


def use(gateway: Gateway) -> None:
    """Four calls at three vendors, two of them for one ticket."""
    key = gateway.key()
    units = {"x-fiscus-unit": "ticket=123", "x-fiscus-user": "bob"}
    with openai_client(gateway.base("openai"), key) as openai:
        openai.chat.completions.create(model="gpt-4o-mini", messages=ASKED, max_tokens=400, extra_headers=units)
        list(openai.chat.completions.create(model="gpt-4o", messages=ASKED, max_tokens=300, stream=True))
    with anthropic_client(gateway.base("anthropic"), key) as anthropic:
        anthropic.messages.create(model="claude-haiku-4-5", messages=ASKED, max_tokens=300, extra_headers=units)
    with mistral_client(gateway.base("mistral"), key) as mistral:
        mistral.chat.complete(model="mistral-small-latest", messages=ASKED, max_tokens=200)


def lake(home: Path) -> Mapping[str, Decimal]:
    fiscus(home, "ai", "write")
    sums = "sum(EffectiveCost), sum(ContractedCost), sum(BilledCost)"
    sql = f"SELECT {sums} FROM charges WHERE ServiceCategory = 'AI and Machine Learning'"
    (row,) = fiscus(home, "query", sql)
    return dict(
        zip(("effective", "contracted", "billed"), (Decimal(value or 0) for value in row.values()), strict=True)
    )


def budgets(home: Path) -> Mapping[str, tuple[Decimal, Decimal]]:
    """(actual, what the ledger counts) of the two caps."""
    fiscus(home, "run")
    statuses = [line["status"] for line in fiscus(home, "budgets")["lines"]]
    return {
        one["budget_id"]: (Decimal(one["actual"]), Decimal(one["metered"]))
        for one in statuses
        if one["budget_id"].startswith("tests-")
    }


def rounded_up(calls: list[Any]) -> Decimal:
    """As the ledger keeps it: whole nano-units a call."""
    return total([Decimal(call.settled).scaleb(-9) for call in calls])


def two_days_later(home: Path, ai: LocalAi) -> None:
    """The clock is pinned, and the vendors' admin endpoints are told."""
    document = yaml.safe_load((home / "fiscus.yaml").read_text("utf-8"))
    document["as_of"] = str((datetime.now(UTC) + timedelta(days=2)).date())
    document["ai_accounts"] = [
        {"name": "openai-bill", "vendor": "openai", "base_url": ai.url("openai")},
        {"name": "anthropic-bill", "vendor": "anthropic", "base_url": ai.url("anthropic")},
    ]
    (home / "fiscus.yaml").write_text(yaml.safe_dump(document), "utf-8")
