"""What a condition may ask about: the facts of each target, typed. Names that are not here are refused when a policy is loaded.

Absence (docs/reference/policy-semantics.md): a text that is not given is empty; a number, an amount or a yes/no that is not
given is an error; a map that is not given is empty, and reading a key that it lacks is an error.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from fiscus.cost.columns import FOCUS_1_4
from fiscus.guardrails.policies.fact_tables import (
    ANOMALY,
    ATTRIBUTES,
    BUDGET,
    INVOICE,
    NOW,
    OF_EVERY_INTENT,
    REQUESTER,
    RESOURCE,
    FactType,
)
from fiscus.guardrails.types import INTENT_KINDS, OBSERVED, PolicyTarget


@dataclass(frozen=True, slots=True)
class Fact:
    """`column`: the SQL of its raw value in the `charges` view, or in the rows of resources; None where SQL has none.

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


TARGETS: Final[tuple[PolicyTarget, ...]] = (*INTENT_KINDS, *OBSERVED)
_OWNERS: Final = {
    "owner": "x_Owner", "team": "x_Team", "cost_centre": "x_CostCentre", "environment": "x_Environment",
    "product": "x_Product", "rule": "x_AssignmentRule", "source": "x_SourceId", "billing_month": "x_BillingMonth",
}  # fmt: skip
_AI: Final = {"model": "x_AiModel", "api_key": "x_AiKey", "user": "x_AiUser"}
_LISTED_MAX: Final = 20
_COLUMN_TYPE: Final[Mapping[str, FactType]] = {"text": "text", "cost": "money", "number": "quantity"}


@cache
def facts_of(target: PolicyTarget) -> Mapping[str, Fact]:
    """Name -> fact, for one target."""
    if target in ATTRIBUTES:
        intent = _named("intent", {**OF_EVERY_INTENT, **ATTRIBUTES[target]})
        return intent | _named("requester", REQUESTER) | _named("now", NOW)
    if target == "charge":
        return _charge_facts()
    if target == "resource":
        return {
            f"resource.{name}": Fact(f"resource.{name}", kind, name, nullable=False) for name, kind in RESOURCE.items()
        }
    return _named(target, {"budget": BUDGET, "anomaly": ANOMALY, "invoice": INVOICE}[target]) | _named("now", NOW)


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
    facts |= {f"charge.{name}": Fact(f"charge.{name}", "text", column) for name, column in _AI.items()}
    facts["charge.currency"] = Fact("charge.currency", "text", "BillingCurrency", nullable=False)
    facts["charge.publisher"] = Fact("charge.publisher", "text", "x_PublisherName")
    facts["charge.tags"] = Fact("charge.tags", "map", "Tags")
    facts["charge.details"] = Fact("charge.details", "map", "SkuPriceDetails")
    return facts
