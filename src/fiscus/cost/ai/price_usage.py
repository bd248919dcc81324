"""The money of usage at a dated price: the most that a request may cost, and what an answer did cost.

Unpriced is not free. A meter without a rate, or with a rate of zero, has no bound, so that a cap can refuse the call.
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import ROUND_CEILING, Decimal
from typing import Final

from fiscus.cost.ai.types import RATE_FACTOR_NONE, TOKEN_METERS, Meter, ModelPrice, PricedLine, Rate, Tier, Usage
from fiscus.kernel.money import EXACT, ZERO, total

MILLION: Final = Decimal(1_000_000)
ONE: Final = RATE_FACTOR_NONE
# What a bound may turn out to be on the bill, since caches are the vendor's affair: the dearest of these rates bounds it.
MAY_BE: Final[dict[Meter, tuple[Meter, ...]]] = {
    "input": ("input", "cached_input"),
    "cache_write": ("input", "cached_input", "cache_write"),
    "cache_write_1h": ("input", "cached_input", "cache_write", "cache_write_1h"),
    "audio_input": ("audio_input", "cached_audio_input"),
    "image_input": ("image_input", "input", "cached_input"),
    "audio_output": ("audio_output", "output"),
    "image_output": ("image_output", "output"),
}
# Whose rate a meter has where its vendor lists none for it. Audio has no stand-in: it costs a multiple of text.
STANDS_IN: Final[dict[Meter, tuple[Meter, ...]]] = {
    "cached_input": ("input",),
    "cache_write": ("input",),
    "cache_write_1h": ("cache_write", "input"),
    "cached_audio_input": ("audio_input",),
    "image_input": ("input",),
    "image_output": ("output",),
}
_INPUTS: Final = frozenset(m for m in TOKEN_METERS if not m.endswith("output"))
_DEARER: Final[frozenset[Tier]] = frozenset({"priority", "fast"})


def bound_nanos(price: ModelPrice, bound: Usage) -> int | None:
    """The most that any usage within `bound` costs, in nano-units of the price's currency, rounded up.

    Each meter at the dearest rate that may apply to it: cache writes, and every context tier that the input can reach.
    None: a meter of it has no price or a price of zero, or a whole context is read and nobody says how long that is.
    """
    quantities = bound.quantities
    if bound.whole_contexts:
        if price.context_tokens_max is None:
            return None
        more = bound.whole_contexts * price.context_tokens_max
        dearest: Meter = "cache_write_1h" if "cache_write_1h" in quantities else "cache_write"
        quantities = {**quantities, dearest: quantities.get(dearest, 0) + more}
    if bound.tier in _DEARER and (bound.tier, "output") not in price.rates and (bound.tier, "input") not in price.rates:
        return None
    context = sum(n for meter, n in quantities.items() if meter in _INPUTS)
    cost = ZERO
    for meter, quantity in quantities.items():
        if quantity:
            rate = _dearest(price, bound.tier, meter, context)
            if not rate:
                return None
            cost = EXACT.add(cost, EXACT.multiply(rate, quantity))
    if bound.rate_factor is not ONE:
        cost = EXACT.multiply(cost, bound.rate_factor)
    return _nanos(EXACT.scaleb(cost, -6))


def priced(price: ModelPrice | None, usage: Usage) -> tuple[PricedLine, ...]:
    """One line a meter, exact. Where the vendor says its own cost, the lines add up to that.

    What the vendor charges beyond the table's rates is its fee for the request (Perplexity's depends on the depth of the
    search); where it charges less than they come to, one line holds its whole cost.
    A meter without a price has no line: `unpriced` names it.
    """
    lines = () if price is None else tuple(_lines(price, usage))
    if usage.vendor_cost is None:
        return lines
    lines = tuple(line for line in lines if line.meter != "requests")
    rest = EXACT.subtract(usage.vendor_cost, total([line.cost for line in lines]))
    if rest < 0:
        lines, rest = (), usage.vendor_cost
    if not rest:
        return lines
    quantity = usage.quantities.get("requests", 1) or 1
    return (
        *lines,
        PricedLine("requests", quantity, EXACT.divide(EXACT.multiply(rest, MILLION), Decimal(quantity)), rest),
    )


def unpriced(price: ModelPrice | None, usage: Usage) -> tuple[Meter, ...]:
    """The meters of `usage` that nobody has a price for; none where the vendor says the money itself."""
    if usage.vendor_cost is not None:
        return ()
    used = tuple(meter for meter, n in usage.quantities.items() if n)
    if price is None:
        return used
    context = context_of(usage)
    return tuple(meter for meter in used if _rate(price, usage.tier, meter, context) is None)


def nanos_of(lines: Iterable[PricedLine]) -> int:
    """The sum of the lines in nano-units, rounded up once."""
    cost = ZERO
    for line in lines:
        cost = EXACT.add(cost, line.cost)
    return _nanos(cost)


def charged(price: ModelPrice, usage: Usage) -> tuple[tuple[PricedLine, ...], int, tuple[Meter, ...]]:
    """`priced`, `nanos_of` and `unpriced` of one usage, in one pass."""
    if usage.vendor_cost is not None or usage.rate_factor is not ONE:
        lines = priced(price, usage)
        return lines, nanos_of(lines), unpriced(price, usage)
    found, missing, cost = list[PricedLine](), list[Meter](), ZERO
    for meter, quantity in usage.quantities.items():
        if not quantity:
            continue
        rates = price.rates.get((usage.tier, meter))
        alone = rates is not None and len(rates) == 1
        rate = rates[0].per_million if rates and alone else _rate(price, usage.tier, meter, context_of(usage))
        if rate is None:
            missing.append(meter)
            continue
        line = PricedLine(meter, quantity, rate, EXACT.scaleb(EXACT.multiply(rate, quantity), -6))
        found.append(line)
        cost = EXACT.add(cost, line.cost)
    return tuple(found), _nanos(cost), tuple(missing)


def context_of(usage: Usage) -> int:
    """The tokens that were read, cached or not: what the tier of a long context is chosen by."""
    return sum(n for meter, n in usage.quantities.items() if meter in _INPUTS)


def _lines(price: ModelPrice, usage: Usage) -> Iterable[PricedLine]:
    context = context_of(usage)
    for meter, quantity in usage.quantities.items():
        rate = _rate(price, usage.tier, meter, context) if quantity else None
        if rate is not None:
            if usage.rate_factor is not ONE and meter in TOKEN_METERS:
                rate = EXACT.multiply(rate, usage.rate_factor)
            yield PricedLine(meter, quantity, rate, EXACT.scaleb(EXACT.multiply(rate, quantity), -6))


def _rate(price: ModelPrice, tier: Tier, meter: Meter, context: int) -> Decimal | None:
    """The rate of a meter at a length of context: its own, or that of what stands in for it."""
    rates = _rates(price, tier, meter)
    if rates is None:
        for name in STANDS_IN.get(meter, ()):
            if (rates := _rates(price, tier, name)) is not None:
                break
        else:
            return None
    if len(rates) == 1:
        return rates[0].per_million
    return next((rate.per_million for rate in reversed(rates) if context >= rate.context_from), ZERO)


def _dearest(price: ModelPrice, tier: Tier, meter: Meter, context: int) -> Decimal | None:
    """The dearest rate that `meter` may be billed at; None: without a price of its own, and nothing stands in for it."""
    found = _rate(price, tier, meter, context)
    if found is None:
        return None
    for name in MAY_BE.get(meter, (meter,)):
        for rate in _rates(price, tier, name) or ():
            if rate.context_from <= context and rate.per_million > found:
                found = rate.per_million
    return found


def _rates(price: ModelPrice, tier: Tier, meter: Meter) -> tuple[Rate, ...] | None:
    rates = price.rates.get((tier, meter))
    return price.rates.get(("standard", meter)) if rates is None and tier != "standard" else rates


def _nanos(cost: Decimal) -> int:
    return int(EXACT.scaleb(cost, 9).to_integral_value(rounding=ROUND_CEILING))
