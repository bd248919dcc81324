"""What each change of a plan costs a month, before and after, with the price that was used for every part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Any, Final, Literal

from fiscus.cost.price_book import PriceBook
from fiscus.cost.price_types import UnitPrice
from fiscus.guardrails.decisions.intent import AMOUNT_MAX
from fiscus.guardrails.doors.gate_settings import GateSettings
from fiscus.guardrails.doors.terraform.attributes import Attributes, NoSuchNumber
from fiscus.guardrails.doors.terraform.parts import HOURLY, Made, Part, Site, Unpriced
from fiscus.guardrails.doors.terraform.plan import Change
from fiscus.guardrails.doors.terraform.plan_context import PlanContext
from fiscus.guardrails.doors.terraform.rules import made_of
from fiscus.kernel.errors import BadInput, Where
from fiscus.kernel.money import EXACT, ZERO, total

NANO: Final = Decimal("1e-9")
QUIET: Final = frozenset({"no-op", "read", "forget"})


@dataclass(frozen=True, slots=True)
class PricedPart:
    """`monthly` at the most that it may scale to, `least` at the least; rounded to a billionth, from which sums are exact."""

    name: str
    count: Decimal
    unit: str
    price: UnitPrice
    monthly: Decimal
    least: Decimal


@dataclass(frozen=True, slots=True)
class PricedSide:
    """A resource as it is before, or after. `unpriced` is not in the sums."""

    made: Made
    parts: tuple[PricedPart, ...]
    unpriced: tuple[Unpriced, ...]
    monthly: Decimal
    least: Decimal


@dataclass(frozen=True, slots=True)
class PricedChange:
    """One change with its money a month, all in `currency` (empty: nothing of it has a price)."""

    change: Change
    provider: str
    region: str
    tags: Mapping[str, str]
    tags_before: Mapping[str, str]
    before: PricedSide | None
    after: PricedSide | None
    currency: str
    delta: Decimal
    delta_least: Decimal
    tags_unknown: str = ""  # what of its tags is known only after apply, in words

    @property
    def raises(self) -> bool:
        return self.delta > ZERO


def price_changes(context: PlanContext, book: PriceBook, settings: GateSettings) -> tuple[PricedChange, ...]:
    """Every change that does something, and what only costs more or less because something that it refers to changes.

    Raises BadInput, with the plan's file and the address, for what would have to be asked for more than anybody can ask.
    """
    priced = [_priced_or_refused(change, context, book, settings) for change in context.plan.changes]
    _check_sums(priced, context.plan.file)
    return tuple(one for one in priced if one.change.action not in QUIET or one.delta or one.delta_least)


def _priced_or_refused(change: Change, context: PlanContext, book: PriceBook, settings: GateSettings) -> PricedChange:
    try:
        priced = _price_change(change, context, book, settings)
    except NoSuchNumber as odd:
        raise _refused(context.plan.file, change.address, f"{change.address}: {odd}") from None
    for side in (priced.before, priced.after):
        if side is not None and side.monthly > AMOUNT_MAX:
            message = f"{change.address} would cost {side.monthly:.3g} {priced.currency} a month"
            raise _refused(context.plan.file, change.address, f"{message}: at most {AMOUNT_MAX:,} can be asked for")
    return priced


def _check_sums(priced: Sequence[PricedChange], file: str) -> None:
    """What is asked for in one sum is no more than that either."""
    for currency in {one.currency for one in priced if one.currency}:
        of = [one for one in priced if one.currency == currency]
        if total([one.after.monthly for one in of if one.after]) > AMOUNT_MAX:
            dearest = max(of, key=lambda one: abs(one.delta)).change.address
            message = f"The plan as a whole would cost more {currency} a month than can be asked for"
            raise _refused(file, dearest, f"{message}: at most {AMOUNT_MAX:,}")


def _refused(file: str, address: str, message: str) -> BadInput:
    remedy = "Mend the configuration, or plan fewer resources at once."
    return BadInput(message, remedy=remedy, where=Where(file=file or None, key=address))


def _price_change(change: Change, context: PlanContext, book: PriceBook, settings: GateSettings) -> PricedChange:
    sides: dict[str, PricedSide | None] = {"before": None, "after": None}
    facts = {"before": ("", dict[str, str]()), "after": ("", dict[str, str]())}
    for side, values, unknown in (("before", change.before, {}), ("after", change.after, change.unknown)):
        if values is not None:
            attributes = Attributes(values, unknown)
            region, tags = context.region(change, attributes), context.tags(change, attributes)
            site = Site(change, context, context.provider(change), region, side == "before")
            sides[side] = _priced(made_of(attributes, site), book, settings)
            facts[side] = (region, tags)
    before, after, currency = _one_currency(sides["before"], sides["after"])
    after = _no_false_saving(before, after)
    here = facts["after"] if change.after is not None else facts["before"]
    return PricedChange(
        change, context.provider(change), here[0], here[1], facts["before"][1], before, after, currency,
        EXACT.subtract(after.monthly if after else ZERO, before.monthly if before else ZERO),
        EXACT.subtract(after.least if after else ZERO, before.least if before else ZERO),
        context.tags_unknown(change, Attributes(change.after, change.unknown)) if change.after is not None else "",
    )  # fmt: skip


def _no_false_saving(before: PricedSide | None, after: PricedSide | None) -> PricedSide | None:
    """What cannot be priced any more is no saving: it is taken to cost what it costs now, and that is said."""
    if before is None or after is None or after.monthly >= before.monthly:
        return after
    seen = {gap.what for gap in before.unpriced}
    if not [gap for gap in after.unpriced if gap.kind != "usage" and gap.what not in seen]:
        return after
    said = tuple(
        replace(gap, detail=f"{gap.detail}; taken to cost what it costs now") if gap.what not in seen else gap
        for gap in after.unpriced
    )
    return replace(after, unpriced=said, monthly=before.monthly, least=max(after.least, before.least))


def _priced(made: Made, book: PriceBook, settings: GateSettings) -> PricedSide:
    parts, gaps = list[PricedPart](), list(made.unpriced)
    for part in made.parts:
        found = _best_way(part, book)
        if found is None:
            region = part.ways[0][0].region
            place = f"in {region}" if region else "and the plan does not say in which region"
            detail = f"no bill and no list price knows {part.ways[0][0].names[0]!r} by the {part.unit} {place}"
            gaps.append(Unpriced(part.name, "no_price", detail))
            continue
        parts.append(_priced_part(part, *found, settings))
    return _side(made, parts, gaps)


def _best_way(part: Part, book: PriceBook) -> tuple[UnitPrice, Decimal] | None:
    """The first way of which the company's own bills know the price, else the first that has a list price."""
    listed = None
    for ask, factor in part.ways:
        price = book.price(ask)
        if price is not None and price.evidence is not None:
            return price, factor
        if price is not None and listed is None:
            listed = price, factor
    return listed


def _priced_part(part: Part, price: UnitPrice, factor: Decimal, settings: GateSettings) -> PricedPart:
    hours = settings.hours_per_month if part.unit in HOURLY else Decimal(1)
    rate = EXACT.multiply(EXACT.multiply(price.amount, factor), hours)
    if factor != 1:
        price = replace(price, amount=EXACT.multiply(price.amount, factor), why=f"{price.why}; times {factor}")
    judged, least = (part.count, part.least) if settings.autoscaling == "max" else (part.least, part.least)
    return PricedPart(part.name, judged, part.unit, price, _nano(judged, rate), _nano(least, rate))


def _nano(count: Decimal, rate: Decimal) -> Decimal:
    return EXACT.multiply(count, rate).quantize(NANO, context=EXACT)


def _side(made: Made, parts: list[PricedPart], gaps: list[Unpriced]) -> PricedSide:
    monthly, least = total([part.monthly for part in parts]), total([part.least for part in parts])
    return PricedSide(made, tuple(parts), tuple(gaps), monthly, least)


def _one_currency(
    before: PricedSide | None, after: PricedSide | None
) -> tuple[PricedSide | None, PricedSide | None, str]:
    """Both sides in the currency of the first price; a price in another one is not in the sum, and said."""
    parts = [part for side in (after, before) if side for part in side.parts]
    if not parts:
        return before, after, ""
    currency = parts[0].price.currency

    def kept(side: PricedSide | None) -> PricedSide | None:
        if side is None or all(part.price.currency == currency for part in side.parts):
            return side
        other = [part for part in side.parts if part.price.currency != currency]
        gaps = [
            Unpriced(part.name, "no_price", f"priced in {part.price.currency}, and amounts are not converted silently")
            for part in other
        ]
        return _side(side.made, [part for part in side.parts if part not in other], [*side.unpriced, *gaps])

    return kept(before), kept(after), currency


Side = Literal["before", "after"]


def intent_attributes(priced: PricedChange, side: Side, hours_per_month: Decimal) -> dict[str, Any]:
    """The facts of `resource.provision` that policies ask about, of the resource as it is on that side."""
    made = (priced.after if side == "after" else priced.before) or PricedSide(Made(), (), (), ZERO, ZERO)
    facts: dict[str, Any] = {
        "resource_type": priced.change.type, "gpu": made.made.gpu, "count": made.made.machines,
        "tags": dict(priced.tags if side == "after" else priced.tags_before), "hours_per_month": int(hours_per_month),
    }  # fmt: skip
    if priced.region:
        facts["region"] = priced.region
    if made.made.size:
        facts["size"] = made.made.size
    return facts
