"""What a condition may ask about: the facts of each target, typed. Names that are not here are refused when a policy is loaded.

Absence (docs/reference/policy-semantics.md): a text that is not given is empty; a number, an amount or a yes/no that is not
given is an error; a map that is not given is empty, and reading a key that it lacks is an error.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final, Literal

from fiscus.cost.columns import FOCUS_1_4
from fiscus.guardrails.types import PolicyTarget

FactType = Literal["bool", "text", "int", "money", "quantity", "map", "texts"]


@dataclass(frozen=True, slots=True)
class Fact:
    """`column`: the SQL of its raw value in the `charges` view; None where it has no meaning for a charge.

    Money is integer nano-units (10^-9) of the currency `<root>.currency`; a quantity is integer nano-units of one.
    """

    name: str
    type: FactType
    column: str | None = None
    nullable: bool = True

    @property
    def root(self) -> str:
        return self.name.partition(".")[0]

    @property
    def currency(self) -> str:
        """The fact that names the currency of this money."""
        return "charge.PricingCurrency" if self.name.startswith("charge.PricingCurrency") else f"{self.root}.currency"


TARGETS: Final[tuple[PolicyTarget, ...]] = (
    "ai.request",
    "marketplace.purchase",
    "resource.provision",
    "charge",
    "budget",
)
INTENT_KINDS: Final = ("ai.request", "marketplace.purchase", "resource.provision")

_OF_EVERY_INTENT: Final[Mapping[str, FactType]] = {
    "kind": "text", "requested_by": "text", "team": "text", "environment": "text", "provider": "text", "product": "text",
    "service": "text", "amount": "money", "currency": "text", "ticket": "text", "repository": "text", "reason": "text",
}  # fmt: skip
ATTRIBUTES: Final[Mapping[str, Mapping[str, FactType]]] = {
    "ai.request": {
        "model": "text", "max_tokens": "int", "input_tokens": "int", "data_class": "text", "purpose": "text", "stream": "bool",
    },
    "marketplace.purchase": {
        "vendor": "text", "listing": "text", "marketplace": "text", "term_months": "int", "po": "text", "renewal": "bool",
        "approved_by": "text", "seats": "int", "data_class": "text",
    },
    "resource.provision": {
        "resource_type": "text", "size": "text", "region": "text", "gpu": "bool", "count": "int", "tags": "map",
        "hours_per_month": "int", "data_class": "text",
    },
}  # fmt: skip
COMMON_ATTRIBUTES: Final = ("ticket", "repository", "reason")
_BUDGET: Final[Mapping[str, FactType]] = {
    "id": "text", "title": "text", "owner": "text", "period": "text", "currency": "text", "cap": "text", "state": "text",
    "amount": "money", "actual": "money", "unbilled": "money", "held": "money", "committed": "money", "headroom": "money",
    "forecast_p10": "money", "forecast_p50": "money", "forecast_p90": "money", "p_breach": "quantity", "used": "quantity",
    "days_left": "int",
}  # fmt: skip
_REQUESTER: Final[Mapping[str, FactType]] = {"id": "text", "team": "text", "roles": "texts"}
_NOW: Final[Mapping[str, FactType]] = {"hour": "int", "weekday": "int", "date": "text"}
_OWNERS: Final = {
    "owner": "x_Owner", "team": "x_Team", "cost_centre": "x_CostCentre", "environment": "x_Environment",
    "product": "x_Product", "rule": "x_AssignmentRule", "source": "x_SourceId", "billing_month": "x_BillingMonth",
}  # fmt: skip
_LISTED_MAX: Final = 20
_COLUMN_TYPE: Final[Mapping[str, FactType]] = {"text": "text", "cost": "money", "number": "quantity"}


@cache
def facts_of(target: PolicyTarget) -> Mapping[str, Fact]:
    """Name -> fact, for one target."""
    if target == "charge":
        return _charge_facts()
    if target == "budget":
        return _named("budget", _BUDGET) | _named("now", _NOW)
    intent = _named("intent", {**_OF_EVERY_INTENT, **ATTRIBUTES[target]})
    return intent | _named("requester", _REQUESTER) | _named("now", _NOW)


def fact_remedy(name: str, target: PolicyTarget) -> str:
    """What to write instead of `name`: the nearest fact of its root, else where all of them are listed."""
    root, _, wanted = name.partition(".")
    same = {fact.name.partition(".")[2]: fact.name for fact in facts_of(target).values() if fact.root == root}
    if close := difflib.get_close_matches(wanted, list(same), n=1):
        return f"Did you mean {same[close[0]]}?"
    if same and len(same) < _LISTED_MAX:
        return f"Known: {', '.join(sorted(same.values()))}."
    roots = ", ".join(dict.fromkeys(f"{fact.root}.*" for fact in facts_of(target).values()))
    return f"A policy on {target} may ask {roots}: docs/reference/policies.md lists them."


def _named(root: str, types: Mapping[str, FactType]) -> dict[str, Fact]:
    return {f"{root}.{name}": Fact(f"{root}.{name}", kind) for name, kind in types.items()}


def _charge_facts() -> dict[str, Fact]:
    facts = {
        f"charge.{c.name}": Fact(f"charge.{c.name}", _COLUMN_TYPE[c.type], c.name, nullable=c.name != "BillingCurrency")
        for c in FOCUS_1_4
        if c.type in _COLUMN_TYPE
    }
    facts |= {
        f"charge.{name}": Fact(f"charge.{name}", "text", column, nullable=False) for name, column in _OWNERS.items()
    }
    facts["charge.currency"] = Fact("charge.currency", "text", "BillingCurrency", nullable=False)
    facts["charge.publisher"] = Fact("charge.publisher", "text", "x_PublisherName")
    facts["charge.tags"] = Fact("charge.tags", "map", "Tags")
    facts["charge.details"] = Fact("charge.details", "map", "SkuPriceDetails")
    return facts
