"""What usage costs at a dated price: bounded before, exact after."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiscus.cost.ai.price_table import price_table_of
from fiscus.cost.ai.price_usage import bound_nanos, charged, nanos_of, priced, unpriced
from fiscus.cost.ai.types import RATE_FACTOR_NONE, Usage
from fiscus.kernel.errors import BadConfig

DAY = date(2026, 11, 26)
RATES = {
    "input": [[0, "2"], [272_001, "4"]],
    "cached_input": [[0, "0.2"], [272_001, "0.4"]],
    "cache_write": [[0, "2.5"], [272_001, "5"]],
    "output": [[0, "10"], [272_001, "15"]],
    "searches": "10000",
}
DOCUMENT = {
    "format": "fiscus/ai-prices/1",
    "source": "a test",
    "currency": "USD",
    "providers": {
        "openai": [
            {
                "id": "sol",
                "match": ["|", ["=", "sol"], ["~", r"^sol-\d{4}$"]],
                "context_tokens_max": 1_050_000,
                "prices": [
                    {"rates": {"standard": {"input": "5", "output": "30"}}},
                    {"from": "2026-08-21", "rates": {"standard": RATES, "batch": {"input": "1", "output": "5"}}},
                ],
            },
            {"id": "free", "match": ["^", "free"], "prices": [{"rates": {"standard": {"input": "0", "output": "0"}}}]},
            {
                "id": "small",
                "match": ["=", "small"],
                "prices": [{"rates": {"standard": {"input": "0.15", "cached_input": "0.075", "output": "0.6"}}}],
            },
        ]
    },
}
TABLE = price_table_of(DOCUMENT)
SOL = TABLE.price("openai", "sol", DAY)
SMALL = TABLE.price("openai", "small", DAY)


def test_a_call_is_priced_by_the_day_on_which_it_was_made() -> None:
    before, after = (
        TABLE.price("openai", "SOL-2026", date(2026, 8, 20)),
        TABLE.price("openai", "sol", date(2026, 8, 21)),
    )
    assert priced(before, Usage({"output": 1_000_000}))[0].cost == 30
    assert priced(after, Usage({"output": 1_000_000}))[0].cost == 10
    assert before.version != after.version


def test_an_unknown_model_has_no_price() -> None:
    assert TABLE.price("openai", "solar", DAY) is None
    assert TABLE.price("nobody", "sol", DAY) is None


def test_a_table_is_named_by_what_it_says() -> None:
    assert price_table_of(DOCUMENT).version == TABLE.version
    assert price_table_of({**DOCUMENT, "source": "another"}).version != TABLE.version


@given(
    st.sampled_from([SOL, SMALL]),
    st.dictionaries(
        st.sampled_from(["input", "cached_input", "cache_write", "output", "searches", "audio_input"]),
        st.integers(0, 10**6),
    ),
    st.sampled_from(["standard", "batch", "flex"]),
    st.sampled_from([None, Decimal("0.02")]),
    st.sampled_from([RATE_FACTOR_NONE, Decimal("1.1")]),
)
def test_one_pass_charges_what_the_three_say(price, quantities, tier, cost, factor) -> None:
    usage = Usage(quantities, tier=tier, vendor_cost=cost, rate_factor=factor)
    lines = priced(price, usage)
    assert charged(price, usage) == (lines, nanos_of(lines), unpriced(price, usage))


@pytest.mark.parametrize(
    "rates",
    [
        {"standard": {"input": "-1"}},
        {"standard": {"input": "NaN"}},
        {"standard": {"inputs": "1"}},
        {"gold": {"input": "1"}},
        {"standard": {"input": [[5, "1"]]}},
        {"standard": {"input": "a"}},
    ],
)
def test_a_table_that_does_not_hold_is_refused(rates) -> None:
    model = {"id": "m", "match": ["=", "m"], "prices": [{"rates": rates}]}
    with pytest.raises(BadConfig, match="does not hold"):
        price_table_of({**DOCUMENT, "providers": {"openai": [model]}})


def test_a_price_of_zero_is_no_price() -> None:
    assert bound_nanos(TABLE.price("openai", "free-1", DAY), Usage({"input": 10, "output": 10})) is None


def test_a_meter_without_a_price_leaves_no_bound() -> None:
    assert bound_nanos(SMALL, Usage({"input": 1, "searches": 1})) is None
    assert bound_nanos(SMALL, Usage({"input": 1, "audio_output": 1})) is None
    assert bound_nanos(SMALL, Usage({"input": 1}, tier="priority")) is None
    assert unpriced(SMALL, Usage({"input": 1, "searches": 1})) == ("searches",)


def test_the_context_that_is_read_as_a_whole_is_bounded_where_it_is_known() -> None:
    assert bound_nanos(SMALL, Usage({"input": 1}, whole_contexts=1)) is None
    assert bound_nanos(SOL, Usage({"input": 1}, whole_contexts=1)) >= 5 * 1_050_000 * 1000


def test_a_bound_is_rounded_up() -> None:
    assert bound_nanos(SMALL, Usage({"cached_input": 1})) == 75
    assert bound_nanos(SMALL, Usage({"input": 1}, rate_factor=Decimal("1.1"))) == 165
    assert nanos_of(priced(SOL, Usage({"cached_input": 1}))) == 200


def test_a_long_context_costs_more_for_all_of_it() -> None:
    long = priced(SOL, Usage({"input": 272_001, "output": 10}))
    assert [line.per_million for line in long] == [4, 15]
    assert [line.per_million for line in priced(SOL, Usage({"input": 272_000, "output": 10}))] == [2, 10]


def test_a_tier_has_the_standard_rate_where_it_lacks_its_own() -> None:
    lines = priced(SOL, Usage({"input": 1_000_000, "output": 1_000_000, "searches": 1}, tier="batch"))
    assert [line.cost for line in lines] == [1, 5, Decimal("0.01")]


def test_what_the_vendor_says_itself_stands_and_its_fee_is_the_rest() -> None:
    usage = Usage({"input": 14, "output": 110}, vendor_cost=Decimal("0.007692"))
    lines = priced(SMALL, usage)
    assert sum(line.cost for line in lines) == Decimal("0.007692")
    assert lines[-1].meter == "requests"
    cheap = priced(SMALL, Usage({"output": 1_000_000}, vendor_cost=Decimal("0.1")))
    assert [(line.meter, line.cost) for line in cheap] == [("requests", Decimal("0.1"))]
    assert sum(line.cost for line in priced(None, usage)) == Decimal("0.007692")
    assert unpriced(None, usage) == ()


COUNTS = st.integers(0, 2_000_000)


@given(written=COUNTS, cached=COUNTS, plain=COUNTS, out=COUNTS, spare=COUNTS, searches=st.integers(0, 20))
def test_no_usage_within_a_bound_costs_more_than_the_bound(written, cached, plain, out, spare, searches) -> None:
    bound = Usage({"cache_write": written + cached + plain + spare, "output": out, "searches": searches})
    used = Usage({"cache_write": written, "cached_input": cached, "input": plain, "output": out, "searches": searches})
    for price in (SOL,):
        assert bound_nanos(price, bound) >= nanos_of(priced(price, used))


METERS = ("input", "cached_input", "cache_write", "cache_write_1h", "output", "audio_input", "audio_output", "searches")
AMOUNTS = st.decimals("0.000001", 1000, places=6)


@st.composite
def any_price(draw):
    """Every meter at a price, cheaper or dearer at long contexts, at two tiers."""
    tiers = {}
    for tier in ("standard", draw(st.sampled_from(["batch", "flex", "priority", "fast"]))):
        rates = {}
        for meter in METERS:
            if tier == "standard" or draw(st.booleans()):
                steps = draw(st.dictionaries(st.integers(1, 3_000_000), AMOUNTS, max_size=2))
                rates[meter] = [[0, str(draw(AMOUNTS))], *([start, str(rate)] for start, rate in steps.items())]
        tiers[tier] = rates
    model = {"id": "m", "match": ["=", "m"], "prices": [{"rates": tiers}]}
    table = price_table_of({"format": "fiscus/ai-prices/1", "providers": {"p": [model]}})
    return table.price("p", "m", DAY), draw(st.sampled_from(sorted(tiers)))


SHARES = st.lists(st.integers(0, 700_000), min_size=5, max_size=5)


@given(any_price(), SHARES, COUNTS, COUNTS, st.sampled_from([Decimal(1), Decimal("1.1")]))
def test_whatever_a_bound_turns_out_to_be_costs_no_more_at_any_price(priced_at, shares, out, heard, factor) -> None:
    price, tier = priced_at
    plain, cached, written, hour, spare = shares
    bounds = {"cache_write_1h": sum(shares), "output": out, "audio_input": heard, "searches": 3}
    used = {"input": plain, "cached_input": cached, "cache_write": written, "cache_write_1h": hour}
    used |= {"output": max(0, out - spare), "audio_input": heard // 2, "searches": 2}
    bound = bound_nanos(price, Usage(bounds, tier=tier, rate_factor=factor))
    if bound is None:  # a dear tier without its own price of tokens
        assert tier in {"priority", "fast"}
        return
    assert bound >= nanos_of(priced(price, Usage(used, tier=tier, rate_factor=factor)))


@given(st.dictionaries(st.sampled_from(["input", "cached_input", "cache_write", "output", "searches"]), COUNTS))
def test_lines_sum_exactly_and_in_any_order(quantities) -> None:
    one = priced(SOL, Usage(quantities))
    two = priced(SOL, Usage(dict(reversed(quantities.items()))))
    assert sorted(one, key=lambda line: line.meter) == sorted(two, key=lambda line: line.meter)
    assert nanos_of(one) == nanos_of(two)
    assert all(line.cost * 1_000_000 == line.quantity * line.per_million for line in one)
