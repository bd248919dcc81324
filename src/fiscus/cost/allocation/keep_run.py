"""A decided month as the lake keeps it: plain records by column, with what each target sets of the owner columns."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import Decimal

from fiscus.cost.allocation.ask_lake import Place
from fiscus.cost.allocation.pool_sql import scopes_of
from fiscus.cost.allocation.run_views import PAYER_COLUMNS, scopes_text
from fiscus.cost.allocation.types import AllocationKept, AllocationRules, AllocationRun, MonthDecided, Target
from fiscus.kernel.money import EXACT, ZERO

Payers = Callable[[Target], Mapping[str, str]]  # the owner columns that a target sets
NOTHING = (ZERO, ZERO)


def keep_run(
    run: AllocationRun,
    rules: AllocationRules,
    decided: MonthDecided,
    payers: Payers,
    rows: Mapping[Place, tuple[Decimal, Decimal]],
) -> AllocationKept:
    """`decided` as records. `rows`: what the split of single charges comes to; the last digits that it lacks are the rounding."""
    places = {(s.segment, s.currency, s.rule, s.part, s.target): s.place for s in decided.shares}
    amounts = []
    for amount in decided.amounts:
        group = amount.group
        place = places[group.segment, group.currency, group.rule, group.part, amount.target]
        billed, effective = rows.get(
            (decided.month, group.segment, group.source, group.currency, group.rule, group.part, place), NOTHING
        )
        amounts.append({
            "segment": group.segment, "x_SourceId": group.source, "BillingCurrency": group.currency,
            "x_AllocationRule": group.rule, "x_AllocationPart": group.part, "place": place,
            "x_AllocatedDimension": amount.target.dimension, "x_AllocatedTo": amount.target.value,
            "BilledCost": amount.billed, "EffectiveCost": amount.effective,
            "BilledRounding": EXACT.subtract(amount.billed, billed),
            "EffectiveRounding": EXACT.subtract(amount.effective, effective),
            "charges": group.charges, **_payer(payers, amount.target),
        })  # fmt: skip
    shares = [
        {
            "segment": s.segment, "currency": s.currency, "pool": s.rule, "part": s.part, "place": s.place,
            "dimension": s.target.dimension, "target": s.target.value, "low": s.low, "high": s.high,
            **_payer(payers, s.target),
        }
        for s in decided.shares
    ]  # fmt: skip
    steps = [
        {
            "segment": s.segment, "BillingCurrency": s.currency, "x_AllocationRule": s.rule,
            "x_AllocatedDimension": s.target.dimension, "x_AllocatedTo": s.target.value, "into_rule": s.into,
            "method": s.method, "driver": None if s.driver is None else f"{s.driver:f}", "share": s.share,
            "BilledCost": s.billed, "EffectiveCost": s.effective, "why": s.why,
        }
        for s in decided.steps
    ]  # fmt: skip
    return AllocationKept(run, scopes_text(scopes_of(rules)), tuple(shares), tuple(amounts), tuple(steps))


def _payer(payers: Payers, target: Target) -> dict[str, str | None]:
    told = payers(target)
    return {name: told.get(name) for name in PAYER_COLUMNS}
