"""Findings about unit prices that changed and that no detector tells: effective and list prices, and contracted ones where no
policy looks for them."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import Final

from fiscus.flows.show_price_history import PriceChange, PriceChangesShown, show_price_changes
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.findings.detect_series import PRICE_CHANGE
from fiscus.guardrails.types import Finding
from fiscus.kernel.ids import content_id
from fiscus.kernel.money import ZERO, display, total

KIND: Final = "unit_price_changed"
AMOUNT_MIN: Final = Decimal(100)  # in thirty days, as of the detector in the library
_WHY: Final = {
    "effective": "Neither the contracted price nor what commitments cover explains it: a discount may have ended.",
    "list": "The list price rose; what you pay follows it where your discount is a share of it.",
    "contracted": "Hold it against the contract, and ask the vendor.",
}


def price_findings(ws: Workspace) -> Sequence[Finding]:
    """One a SKU, region and kind of price, for what all of its changes of the last months add at the volume of now."""
    shown = show_price_changes(ws)
    told = any(one.policy.detector == PRICE_CHANGE and one.in_force(ws.as_of) for one in ws.config.policies)
    of_contract = {_thing(one) for one in shown.changes if one.step.kind == "contracted"}
    groups: dict[tuple[str, ...], list[PriceChange]] = {}
    for one in shown.changes:
        # a list price that rose with the contracted one says nothing more; a contracted one may be a policy's to tell; what
        # commitments cover less of is told where they end
        said = one.step.kind == "list" and _thing(one) in of_contract
        if not said and not (one.step.kind == "contracted" and told) and one.step.cause != "coverage":
            groups.setdefault((*_thing(one), one.step.kind), []).append(one)
    found = []
    for _, changes in sorted(groups.items()):
        amount = round(total([one.step.money for one in changes]), 2)
        if amount >= AMOUNT_MIN:
            found.append(_finding(ws, shown, sorted(changes, key=lambda one: one.step.since), amount))
    return found


def _thing(one: PriceChange) -> tuple[str, ...]:
    return (one.provider, one.sku, one.meter, one.unit, one.region, one.currency, one.description)


def _finding(ws: Workspace, shown: PriceChangesShown, changes: Sequence[PriceChange], amount: Decimal) -> Finding:
    first, last = changes[0], changes[-1]
    kind = last.step.kind
    place = f" in {last.region}" if last.region else ""
    what = last.meter or last.description or last.sku
    before, after = (f"{round(price, 9).normalize():f}" for price in (first.step.before, last.step.after))
    team = ws.config.directory.default_pool
    return Finding(
        id=content_id("fnd", KIND, kind, *_thing(last), last.step.since),
        kind=KIND,
        policy_id="unit-price-changed",
        policy_version="1",
        level="warn" if kind == "contracted" else "observe",
        title=f"The {kind} price of {what} of {last.provider}{place} went from {before} to {after} {last.currency} per "
        f"{last.unit}",
        detail=f"Since {first.step.since}: {display(amount)} {last.currency} more in thirty days, at {display(last.volume)} "
        f"{last.unit} of the last thirty. {_WHY[kind]}",
        amount=max(amount, ZERO),
        currency=last.currency,
        owner=team,
        team=team,
        environment="",
        period_label=str(last.step.since),
        first_seen=first.step.since,
        last_seen=ws.as_of,
        rows=0,
        query=shown.query,
        params={**shown.params, "sku": last.sku.lower(), "region": last.region},
        lake_version=shown.lake_version,
    )  # fmt: skip
