"""A change of an AI price is a finding: since when, by how much, and what it costs at the usage that the company has.

The rates of every model that went through the gateway are kept from run to run. Where they differ from those of the run before,
because a dated price came into force, the data source was renewed or somebody wrote an override, the change is recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, cast

from fiscus.cost.ai.focus_rows import METERS
from fiscus.cost.ai.price_changes import changed, extra_cost, rates_of, said
from fiscus.cost.ai.price_table import PriceTable
from fiscus.cost.ai.types import ModelPrice
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.types import Finding
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.ids import content_id
from fiscus.kernel.money import ZERO, display
from fiscus.kernel.periods import midnight
from fiscus.kernel.sql_text import sql_text

KIND: Final = "ai_price_change"
USED_DAYS: Final = 35
NEWS_DAYS: Final = 35  # a change is news for so long
CHANGES_KEPT_MAX: Final = 500
_KNOWN: Final = "ai_prices.known"
_CHANGES: Final = "ai_prices.changes"
_METER_OF: Final = {shown[0]: meter for meter, shown in METERS.items()}


@dataclass(frozen=True, slots=True)
class AiPriceChange:
    """One model of one upstream whose rates are others than they were. `steps`: rate -> (before, after)."""

    upstream: str
    provider: str
    model: str
    currency: str
    since: date
    steps: Mapping[str, tuple[str, str]]
    version_before: str
    version_after: str
    note: str

    @property
    def id(self) -> str:
        """The same change is the same finding."""
        return content_id("fnd", KIND, self.upstream, self.model, self.version_before, self.version_after)


@dataclass(frozen=True, slots=True)
class _Used:
    provider: str
    currency: str
    quantities: dict[tuple[str, str], Decimal]
    rows: int


def keep_ai_prices(
    ws: Workspace, prices: Callable[[], PriceTable], priced_as: Mapping[str, str]
) -> Sequence[AiPriceChange]:
    """Compare the table of `prices` with the rates of the run before, and keep both. `priced_as`: upstream -> its provider there.

    Returns what changed since then. Twice over the same table and calls: nothing more. Where no model was used, no table is read.
    """
    used = _used(ws, ws.as_of - timedelta(days=USED_DAYS), ws.as_of + timedelta(days=1))
    if not used:
        return ()
    table = prices()
    with ws.state.begin() as tx:
        known = cast("dict[str, Any]", tx.facts.get(_KNOWN) or {})
        news: list[AiPriceChange] = []
        for (upstream, model), use in used.items():
            provider = priced_as.get(upstream)
            if provider is None:
                continue
            price, name = table.price(provider, model, ws.as_of), f"{upstream}/{model}"
            before = known.get(name)
            if before is not None and (steps := _of_tiers(changed(before["rates"], rates_of(price)), use)):
                news.append(_change((upstream, model), use, (before, price), steps, ws.as_of))
            known[name] = {"rates": rates_of(price), "version": price.version if price else "", "seen": str(ws.as_of)}
        kept = [*(tx.facts.get(_CHANGES) or ()), *map(_stored, news)]  # type: ignore[misc]  # a list, as it was put
        tx.facts.put(_KNOWN, known)
        tx.facts.put(_CHANGES, kept[-CHANGES_KEPT_MAX:])
        for one in news:
            tx.evidence.append("ai_price.changed", one.id, FISCUS, _stored(one))
    return news


def ai_price_findings(ws: Workspace) -> list[Finding]:
    """The changes of the last weeks, with what they cost in thirty days at the usage before them. A fall costs nothing."""
    with ws.state.read() as tx:
        stored = cast("Sequence[Mapping[str, Any]]", tx.facts.get(_CHANGES) or ())
    changes = [one for one in map(_loaded, stored) if 0 <= (ws.as_of - one.since).days <= NEWS_DAYS]
    return [_finding(ws, one) for one in changes]


def _of_tiers(steps: Mapping[str, tuple[str, str]], use: _Used) -> dict[str, tuple[str, str]]:
    """Those of the standard tier and of the tiers that the company uses."""
    tiers = {"standard", *(tier for tier, _ in use.quantities)}
    return {name: pair for name, pair in steps.items() if name.split(" ")[0] in tiers}


def _change(
    subject: tuple[str, str],
    use: _Used,
    prices: tuple[Mapping[str, Any], ModelPrice | None],
    steps: Mapping[str, tuple[str, str]],
    as_of: date,
) -> AiPriceChange:
    """A dated price counts from its day, if that lies behind the last look; anything else counts from today."""
    before, price = prices
    day = price.valid_from if price else None
    since = day if day and date.fromisoformat(before["seen"]) < day <= as_of else as_of
    return AiPriceChange(
        upstream=subject[0],
        provider=use.provider,
        model=subject[1],
        currency=price.currency if price else use.currency,
        since=since,
        steps=steps,
        version_before=before["version"],
        version_after=price.version if price else "",
        note=price.note if price else "",
    )


def _finding(ws: Workspace, one: AiPriceChange) -> Finding:
    since, until = one.since - timedelta(days=30), one.since
    use = _used(ws, since, until).get((one.upstream, one.model))
    extra = extra_cost(one.steps, use.quantities) if use else ZERO
    lost = not one.version_after
    title = f"{one.model} at {one.provider} costs something else since {one.since}: {said(one.steps, one.currency)}"
    if lost:
        title = f"{one.model} at {one.provider} has no price since {one.since}: no budget can hold its calls"
    money = f"{display(abs(extra))} {one.currency} {'more' if extra > 0 else 'less'} in thirty days"
    detail = (
        f"At the usage of the thirty days before: {money}." if extra else "It was not used in the thirty days before."
    )
    team = ws.config.directory.default_pool
    return Finding(
        id=one.id,
        kind=KIND,
        policy_id="ai-price-change",
        policy_version="1",
        level="warn" if extra > 0 or lost else "observe",
        title=title,
        detail=f"{detail} {one.note}".strip(),
        amount=max(extra, ZERO),
        currency=one.currency,
        owner=team,
        team=team,
        environment="",
        period_label=str(one.since),
        first_seen=one.since,
        last_seen=ws.as_of,
        rows=use.rows if use else 0,
        query=sql_text("fiscus.flows", "ai_models_used"),
        params={"since": midnight(since), "until": midnight(until)},
        lake_version=str(ws.lake.version()),
    )


def _used(ws: Workspace, since: date, until: date) -> dict[tuple[str, str], _Used]:
    """(upstream, model) -> what went through the gateway in [since, until)."""
    rows = ws.lake.query(
        sql_text("fiscus.flows", "ai_models_used"), {"since": midnight(since), "until": midnight(until)}
    ).rows
    found: dict[tuple[str, str], _Used] = {}
    for source, provider, model, currency, tier, meter, quantity, count in cast("Sequence[tuple[Any, ...]]", rows):
        key = (str(source).removeprefix("gateway-"), str(model))
        use = found.setdefault(key, _Used(str(provider), str(currency), {}, 0))
        named = (str(tier), _METER_OF.get(str(meter), ""))
        use.quantities[named] = use.quantities.get(named, ZERO) + Decimal(quantity or 0)
        found[key] = _Used(use.provider, use.currency, use.quantities, use.rows + int(count))
    return found


def _stored(one: AiPriceChange) -> dict[str, Any]:
    plain = {name: getattr(one, name) for name in AiPriceChange.__slots__}
    return {**plain, "since": str(one.since), "steps": {name: list(pair) for name, pair in one.steps.items()}}


def _loaded(stored: Mapping[str, Any]) -> AiPriceChange:
    steps = {name: (pair[0], pair[1]) for name, pair in stored["steps"].items()}
    return AiPriceChange(**{**stored, "since": date.fromisoformat(stored["since"]), "steps": steps})
