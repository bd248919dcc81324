"""What a resource is made of that costs money: so many of something that has a unit price. Or why nobody can say yet."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Final, Literal, TypeAlias

from fiscus.cost.price_types import PriceAsk
from fiscus.guardrails.doors.terraform.attributes import Attributes, KnownAfterApply
from fiscus.guardrails.doors.terraform.plan import Change
from fiscus.guardrails.doors.terraform.plan_context import PlanContext

ONE: Final = Decimal(1)
HOURLY: Final = frozenset({"hour", "gb-hour", "vcpu-hour"})
UnpricedKind = Literal["usage", "unknown_value", "no_price", "no_rule"]


@dataclass(frozen=True, slots=True)
class Part:
    """`count` units at once (per month, or running all month where the unit is hourly); `least` where it scales down by itself.

    `ways`: (what to ask the price book, factor on its answer), the first that the company's own bills know wins.
    """

    name: str
    ways: tuple[tuple[PriceAsk, Decimal], ...]
    count: Decimal
    least: Decimal

    @property
    def unit(self) -> str:
        return self.ways[0][0].unit


@dataclass(frozen=True, slots=True)
class Unpriced:
    """Something that costs money, or may, and is not in the sum. Never silently zero."""

    what: str
    kind: UnpricedKind
    detail: str


@dataclass(frozen=True, slots=True)
class Made:
    """What one resource is made of, with the facts that policies ask about: `size`, `gpu` and how many machines."""

    parts: tuple[Part, ...] = ()
    unpriced: tuple[Unpriced, ...] = ()
    size: str = ""
    gpu: bool = False
    machines: int = 1


@dataclass(frozen=True, slots=True)
class Site:
    """Where and of whom a resource is priced: what a rule needs beside the attributes."""

    change: Change
    context: PlanContext
    provider: str
    region: str
    before: bool = False  # the resource as it stands now is priced, not as planned

    def ask(self, unit: str, *names: str, spot: bool = False, **traits: str) -> PriceAsk:
        """A price of this vendor in this region."""
        return PriceAsk(self.provider, tuple(name.casefold() for name in names), self.region, unit, traits, spot)

    def referenced(self, *path: str) -> Attributes | None:
        """The resource that the expression at `path` refers to, as it stands on the side that is priced."""
        return self.context.referenced(self.change, path, before=self.before)

    def named(self, kind: str, name: str) -> Attributes | None:
        """The resource of this kind and name, or id, in the plan, as it stands on that side."""
        return self.context.named(self.change, kind, name, before=self.before)

    def part(self, name: str, ask: PriceAsk, count: Decimal = ONE, least: Decimal | None = None) -> Part:
        """So many of one thing."""
        return Part(name, ((ask, ONE),), count, count if least is None else least)


Rule: TypeAlias = Callable[[Attributes, Site], Made]
Rules: TypeAlias = Mapping[str, Rule]


def joined(made: Sequence[Made]) -> Made:
    """Several as one: the size of the first, a GPU if any has one."""
    first = made[0] if made else Made()
    return Made(
        tuple(part for one in made for part in one.parts),
        tuple(gap for one in made for gap in one.unpriced),
        first.size,
        any(one.gpu for one in made),
        first.machines,
    )


def attempt(what: str, make: Callable[[], Made]) -> Made:
    """What `make` makes; one unpriced thing where it needs a value that is known only after apply."""
    try:
        return make()
    except KnownAfterApply as dark:
        return Made(unpriced=(Unpriced(what, "unknown_value", f"{dark.attribute} is known only after apply"),))


def usage(what: str, detail: str) -> Unpriced:
    """Priced by use, which a plan does not state."""
    return Unpriced(what, "usage", detail)
