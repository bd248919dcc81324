"""What a workspace knows better than the data source: contracts, limits, disputed prices."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from fiscus.app.configuration import load_configuration
from fiscus.app.start import start_workspace
from fiscus.cost.ai.load_overrides import load_overrides, shipped_overrides
from fiscus.cost.ai.price_overrides import with_overrides
from fiscus.cost.ai.price_table import price_table_of
from fiscus.kernel.errors import BadConfig

OLD, NEW = date(2026, 1, 1), date(2026, 11, 26)


def _model(name: str, **more):
    prices = [
        {"rates": {"standard": {"input": "4", "output": [[0, "8"], [200_001, "16"]]}}},
        {"from": "2026-06-01", "rates": {"standard": {"input": "2", "output": "4"}, "batch": {"input": "1"}}},
    ]
    return {"id": name, "match": ["^", name], "prices": prices, **more}


DOCUMENT = {
    "format": "fiscus/ai-prices/1",
    "source": "a test",
    "currency": "USD",
    "providers": {"openai": [_model("sol"), _model("solar")]},
}


def _table(text: str):
    return price_table_of(with_overrides(DOCUMENT, load_overrides(text, "prices/ai.yaml")))


def _rates(table, model: str, day: date, provider: str = "openai"):
    price = table.price(provider, model, day)
    return None if price is None else {key: rates[-1].per_million for key, rates in price.rates.items()}


def test_a_contract_holds_from_its_day_on_and_leaves_the_rest_as_it_was() -> None:
    table = _table(
        """
prices:
  - {provider: openai, model: sol, from: 2026-10-01, rates: {input: 1.5}, reason: Our contract of September}
"""
    )
    assert _rates(table, "sol", date(2026, 9, 30))["standard", "input"] == 2
    after = _rates(table, "sol", date(2026, 10, 1))
    assert after == {("standard", "input"): Decimal("1.5"), ("standard", "output"): 4, ("batch", "input"): 1}
    assert table.price("openai", "sol", NEW).note == "Our contract of September"
    assert _rates(table, "sol-2026", NEW)["standard", "input"] == 2, "another name than the one that was said"


def test_a_discount_is_taken_off_every_rate_of_every_model() -> None:
    table = _table('prices: [{provider: openai, model: "*", discount_percent: 12.5, reason: Volume}]')
    assert _rates(table, "solar", OLD) == {("standard", "input"): Decimal("3.5"), ("standard", "output"): 14}
    assert _rates(table, "sol", NEW)["batch", "input"] == Decimal("0.875")


def test_a_model_of_your_own_gets_a_price() -> None:
    table = _table(
        """
prices:
  - provider: our-gpus
    model: llama-4*
    rates: {input: 0.2, output: [{from: 0, price: 0.6}, {from: 100001, price: "1.2"}]}
    context_tokens_max: 131072
    reason: What the machines cost, over what they answer
"""
    )
    price = table.price("our-gpus", "Llama-4-Scout", NEW)
    assert price.context_tokens_max == 131_072
    assert [rate.context_from for rate in price.rates["standard", "output"]] == [0, 100_001]


def test_a_later_line_wins() -> None:
    table = _table(
        """
prices:
  - {provider: openai, model: sol, rates: {input: 1}, reason: a}
  - {provider: openai, model: sol, rates: {input: 9}, reason: b}
"""
    )
    assert _rates(table, "sol", NEW)["standard", "input"] == 9


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("{provider: openai, model: sol, reason: x}", "not valid"),
        ("{provider: openai, model: sol, rates: {input: 1}}", "reason"),
        ("{provider: openai, model: sol, rates: {inputs: 1}, reason: x}", "inputs"),
        ("{provider: openai, model: sol, rates: {input: -1}, reason: x}", "minimum"),
        ("{provider: openai, model: sol, rates: {input: cheap}, reason: x}", "no price"),
        ("{provider: openai, model: sol, from: tomorrow, rates: {input: 1}, reason: x}", "not a date"),
        ("{provider: openai, model: sol, discount_percent: 100, reason: x}", "100"),
    ],
)
def test_a_line_that_does_not_hold_is_named(line: str, said: str) -> None:
    with pytest.raises(BadConfig, match=said) as fault:
        _table(f"prices:\n  - {line}\n")
    assert fault.value.where.file == "prices/ai.yaml"
    assert fault.value.where.line


def test_what_is_shipped_is_read_and_says_why() -> None:
    shipped = shipped_overrides()
    assert all(override.reason for override in shipped)
    assert all(override.rates or override.output_tokens_max or not override.verified for override in shipped)
    assert any(not override.verified and override.provider == "mistral" for override in shipped)


def test_a_workspace_with_a_broken_line_of_prices_does_not_load(tmp_path) -> None:
    start_workspace(tmp_path)
    before = load_configuration(tmp_path)[1].digest
    (tmp_path / "prices").mkdir()
    file = tmp_path / "prices" / "ai.yaml"
    file.write_text("prices: [{provider: openai, model: sol, rates: {input: 1}, reason: x}]", encoding="utf-8")
    assert load_configuration(tmp_path)[1].digest != before
    file.write_text("prices:\n  - {provider: openai, model: sol, rate: {input: 1}, reason: x}\n", encoding="utf-8")
    with pytest.raises(BadConfig, match="rate") as fault:
        load_configuration(tmp_path)
    assert fault.value.where.line == 2
