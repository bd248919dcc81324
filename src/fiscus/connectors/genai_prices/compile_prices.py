"""genai-prices' snapshot, made into our own dated price document (`fiscus/ai-prices/1`).

Source: the data that the package carries (MIT, reviewed in public); nothing is fetched. It says of itself that it will not be
exact to the last digit, which is why a workspace has overrides. It is compiled once, outside the gateway: importing it takes
a second and some 60 MB.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, date, datetime, time, timedelta
from decimal import Context, Decimal
from importlib.metadata import version
from typing import Any, Final

from genai_prices.data import providers as all_providers
from genai_prices.types import (
    ClauseAnd,
    ClauseContains,
    ClauseEndsWith,
    ClauseEquals,
    ClauseOr,
    ClauseRegex,
    ClauseStartsWith,
    ModelInfo,
    ModelPrice,
    StartDateConstraint,
    TieredPrices,
    TimeOfDateConstraint,
)

from fiscus.connectors.genai_prices.huggingface import router_models

FORMAT: Final = "fiscus/ai-prices/1"
# Their price keys -> our meter, and what a million of our units is in theirs: a price of 1,000 searches is a thousandth of it.
METERS: Final[dict[str, tuple[str, Decimal]]] = {
    "input_mtok": ("input", Decimal(1)),
    "output_mtok": ("output", Decimal(1)),
    "cache_read_mtok": ("cached_input", Decimal(1)),
    "cache_write_mtok": ("cache_write", Decimal(1)),
    "cache_write_5m_mtok": ("cache_write", Decimal(1)),
    "cache_write_1h_mtok": ("cache_write_1h", Decimal(1)),
    "input_audio_mtok": ("audio_input", Decimal(1)),
    "cache_audio_read_mtok": ("cached_audio_input", Decimal(1)),
    "output_audio_mtok": ("audio_output", Decimal(1)),
    "input_image_mtok": ("image_input", Decimal(1)),
    "output_image_mtok": ("image_output", Decimal(1)),
    "web_searches_kcount": ("searches", Decimal(1000)),
    "storage_searches_kcount": ("file_searches", Decimal(1000)),
    "requests_kcount": ("requests", Decimal(1000)),
    "input_mchars": ("characters", Decimal(1)),
    "input_document_kpages": ("pages", Decimal(1000)),
    "code_executions_kcount": ("tool_calls", Decimal(1000)),
}
_HOURS: Final = ("input_audio_hours", "audio_hours")  # a million seconds are 277 7/9 hours: rounded up to 12 digits
# Their request context -> our tier.
TIERS: Final[dict[tuple[str, str], str]] = {
    ("processing", "batch"): "batch",
    ("service_tier", "flex"): "flex",
    ("service_tier", "priority"): "priority",
    ("service_tier", "fast"): "fast",
    ("speed", "fast"): "fast",
}
FLOATS: Final = Context(prec=12)  # a float holds 15 to 17 digits: its noise is behind the twelfth
SHORT_DIGITS: Final = 9  # no longer is a price that somebody wrote down
_DIGITS: Final = Decimal("0.000000000001")


def compile_prices(wanted: Iterable[str] | None = None) -> dict[str, Any]:
    """The price document of every provider, or of the `wanted` ones. Plain JSON; money is text, no digit lost."""
    names = None if wanted is None else set(wanted)
    found = {
        provider.id: [model for listed in provider.models if (model := _model(listed))]
        for provider in all_providers
        if names is None or provider.id in names
    }
    if router := router_models(found):
        found["huggingface"] = router
    return {
        "format": FORMAT,
        "source": f"genai-prices {version('genai-prices')}",
        "currency": "USD",
        "providers": found,
    }


def _model(model: ModelInfo) -> dict[str, Any] | None:
    """A model with its dated prices; None: nothing of it has a price that we can read."""
    entries: list[dict[str, Any]] = []
    for day in _days(model):
        rates = _rates(model, day)
        if not entries or entries[-1]["rates"] != rates:
            entries.append({**({"from": day.isoformat()} if day else {}), "rates": rates})
    entries = [entry for entry in entries if entry["rates"]]
    if not entries:
        return None
    found: dict[str, Any] = {"id": model.id, "match": _clause(model.match), "prices": entries}
    if model.context_window:
        found["context_tokens_max"] = model.context_window
    return found


def _days(model: ModelInfo) -> list[date | None]:
    """The days on which anything of a model's prices begins, the time before all of them first."""
    conditions = [price.constraint for price in model.prices] if isinstance(model.prices, list) else []
    conditions += [variant.constraint for variant in model.price_variants or ()]
    days = {condition.start_date for condition in conditions if isinstance(condition, StartDateConstraint)}
    return [None, *sorted(days)]


def _rates(model: ModelInfo, day: date | None) -> dict[str, dict[str, Any]]:
    """tier -> meter -> rate, as they were on `day`. Tiers that cost what the standard one does are left out."""
    standard = _dearest(model, day, {})
    found = {"standard": standard} if standard else {}
    for (key, value), tier in TIERS.items():
        own = {meter: rate for meter, rate in _dearest(model, day, {key: value}).items() if standard.get(meter) != rate}
        if own:
            found[tier] = own
    return found


def _dearest(model: ModelInfo, day: date | None, context: Mapping[str, str]) -> dict[str, Any]:
    """The rates of a day; where they change over the day (off-peak), the dearest of them, since a bound must hold at any hour."""
    start = datetime.combine(day or date(2000, 1, 1), time(0), UTC)
    conditions = [price.constraint for price in model.prices] if isinstance(model.prices, list) else []
    hours = 24 if any(isinstance(condition, TimeOfDateConstraint) for condition in conditions) else 1
    found: dict[str, Any] = {}
    for hour in range(hours):
        for meter, rate in _meters(model.get_prices(start + timedelta(hours=hour), dict(context))).items():
            if meter not in found or _largest(rate) > _largest(found[meter]):
                found[meter] = rate
    return found


def _meters(prices: ModelPrice) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for key, (meter, times) in METERS.items():
        price = getattr(prices, key)
        if price is not None and not (meter == "cache_write" and meter in found):
            found[meter] = _rate(price, times)
    hours = next((price for key in _HOURS if (price := getattr(prices, key)) is not None), None)
    if isinstance(hours, Decimal):
        found["audio_seconds"] = _text((hours * 1_000_000 / 3600).quantize(_DIGITS, rounding="ROUND_CEILING"))
    return found


def _rate(price: Decimal | TieredPrices, times: Decimal) -> str | list[list[Any]]:
    """Their tier applies to a request whose input is larger than its start, ours from a number of tokens on."""
    if isinstance(price, TieredPrices):
        tiers = [[tier.start + 1, _text(tier.price * times)] for tier in price.tiers]
        return [[0, _text(price.base * times)], *tiers]
    return _text(price * times)


def _largest(rate: str | list[list[Any]]) -> Decimal:
    return Decimal(rate) if isinstance(rate, str) else max(Decimal(amount) for _, amount in rate)


def _text(amount: Decimal) -> str:
    """As text. What a float made of a price before it came here (0.13999999999999999) is 0.14 again."""
    rounded = amount.normalize(FLOATS)
    text = format(rounded if len(rounded.as_tuple().digits) <= SHORT_DIGITS else amount, "f")
    return text.rstrip("0").rstrip(".") if "." in text else text


def _clause(clause: Any) -> list[Any]:
    """A clause of theirs as a list: its kind and its parts; names in small letters, as they are compared."""
    if isinstance(clause, ClauseOr):
        return ["|", *map(_clause, clause.or_)]
    if isinstance(clause, ClauseAnd):
        return ["&", *map(_clause, clause.and_)]
    if isinstance(clause, ClauseEquals):
        return ["=", clause.equals.lower()]
    if isinstance(clause, ClauseStartsWith):
        return ["^", clause.starts_with.lower()]
    if isinstance(clause, ClauseEndsWith):
        return ["$", clause.ends_with.lower()]
    if isinstance(clause, ClauseContains):
        return ["*", clause.contains.lower()]
    assert isinstance(clause, ClauseRegex)
    return ["~", clause.regex]
