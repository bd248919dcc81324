"""The data source, compiled once and kept: what genai-prices says and what our table says are the same money."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest
from genai_prices import Usage as TheirUsage
from genai_prices import calc_price
from tests.fixtures.built import with_prices

from fiscus.app.ai_prices import FOLDER, load_ai_prices
from fiscus.connectors.genai_prices.compile_prices import compile_prices
from fiscus.cost.ai.price_table import price_table_of
from fiscus.cost.ai.price_usage import bound_nanos, priced
from fiscus.cost.ai.types import Usage
from fiscus.kernel.errors import BadConfig

DAY = date(2026, 11, 26)


@pytest.fixture(scope="module")
def document():
    return compile_prices(["openai", "anthropic", "mistral", "huggingface_groq", "huggingface_together"])


@pytest.fixture(scope="module")
def table(document):
    return price_table_of(document)


def test_no_price_carries_the_noise_of_a_float(document) -> None:
    rates = json.dumps(document["providers"])
    noisy = [one for one in re.findall(r'"(\d+\.\d+)"', rates) if re.search(r"0{6}\d{1,3}$|9{6}\d{0,3}$", one)]
    assert not noisy


@pytest.mark.parametrize("provider", ["openai", "anthropic", "mistral"])
@pytest.mark.parametrize("tokens", [1_000, 250_000, 300_000])
def test_every_model_costs_what_the_source_says(table, document, provider: str, tokens: int) -> None:
    asked = 0
    for model in document["providers"][provider]:
        price = table.price(provider, model["id"], DAY)
        if price is None:
            continue  # an id that is no name of the model
        rates = {meter for tier, meter in price.rates if tier == "standard"}
        if not {"input", "output"} <= rates or "requests" in rates:
            continue
        mine = sum((line.cost for line in priced(price, Usage({"input": tokens, "output": 777}))), Decimal(0))
        theirs = calc_price(
            TheirUsage(input_tokens=tokens, output_tokens=777),
            model_ref=model["id"],
            provider_id=provider,
            genai_request_timestamp=datetime(2026, 11, 26, tzinfo=UTC),
        )
        assert mine == theirs.total_price, model["id"]
        asked += 1
    assert asked > 15


def test_cache_writes_of_an_hour_batches_and_searches_keep_their_prices(table) -> None:
    price = table.price("anthropic", "claude-sonnet-4-5-20250929", DAY)
    costs = {line.meter: line.per_million for line in priced(price, Usage({"cache_write_1h": 1, "searches": 1}))}
    assert costs == {"cache_write_1h": 6, "searches": 10_000}
    assert priced(price, Usage({"output": 1}, tier="batch"))[0].per_million == Decimal("7.5")


def test_the_router_of_hugging_face_costs_what_the_named_provider_or_the_dearest_costs(table) -> None:
    usage = Usage({"input": 1_000_000, "output": 1_000_000})
    names = (
        "openai/gpt-oss-120b:groq",
        "openai/gpt-oss-120b:together",
        "openai/gpt-oss-120b",
        "openai/gpt-oss-120b:fastest",
    )
    groq, together, bare, fastest = (bound_nanos(table.price("huggingface", name, DAY), usage) for name in names)
    assert bare == fastest >= max(groq, together)
    assert table.price("huggingface", "openai/gpt-oss-120b:nobody", DAY) is None


def test_the_compiled_table_is_kept_and_a_broken_copy_is_made_anew(tmp_path) -> None:
    first = load_ai_prices(with_prices(tmp_path))
    (kept,) = (tmp_path / FOLDER).iterdir()
    assert json.loads(kept.read_text())["format"] == "fiscus/ai-prices/1"
    kept.write_text('{"half": ')
    assert load_ai_prices(tmp_path).version == first.version
    (tmp_path / "prices").mkdir()
    (tmp_path / "prices" / "ai.yaml").write_text(
        "prices: [{provider: openai, model: gpt-4o-mini, rates: {input: 9}, reason: x}]"
    )
    changed = load_ai_prices(tmp_path)
    assert changed.version != first.version
    assert changed.price("openai", "gpt-4o-mini", DAY).rates["standard", "input"][0].per_million == 9
    (tmp_path / "prices" / "ai.yaml").write_text("prices: [{}]")
    with pytest.raises(BadConfig, match="required"):
        load_ai_prices(tmp_path)


def test_a_long_context_that_its_vendor_ended_costs_no_more_since(tmp_path) -> None:
    long = Usage({"input": 250_000, "output": 1_000})
    table = load_ai_prices(with_prices(tmp_path))
    before = table.price("anthropic", "claude-sonnet-4-5", date(2026, 4, 29))
    after = table.price("anthropic", "claude-sonnet-4-5-20250929", DAY)
    assert [line.per_million for line in priced(before, long)] == [6, Decimal("22.5")]
    assert [line.per_million for line in priced(after, long)] == [3, 15]
    assert priced(after, Usage({"output": 1}, tier="batch"))[0].per_million == Decimal("7.5")
