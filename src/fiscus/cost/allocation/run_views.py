"""The views over kept runs: `allocation_runs`, `allocations`, `allocation_history`, `allocation_steps` and `allocated_charges`.

A kept run is one row of the table with lists of structs, so that one commit keeps all of it or nothing. `lake_allocations` is
that table; a month counts by its newest version, an older one is in the history.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any, Final

from fiscus.cost.allocation.pool_sql import PoolScope, pool_sql, quoted, split_cost_sql

RUN_COLUMNS: Final = {
    "run_id": "VARCHAR", "month": "VARCHAR", "version": "INTEGER", "decided_at": "TIMESTAMPTZ", "lake_version": "VARCHAR",
    "rules_digest": "VARCHAR", "inputs_digest": "VARCHAR", "outcome": "VARCHAR", "scopes": "VARCHAR",
}  # fmt: skip
PAYER_COLUMNS: Final = ("x_Owner", "x_Team", "x_CostCentre", "x_Environment", "x_Product")
_PAYER: Final = dict.fromkeys(PAYER_COLUMNS, "VARCHAR")
_COST: Final = "DECIMAL(28,12)"
LISTS: Final[Mapping[str, Mapping[str, str]]] = {
    "shares": {
        "segment": "INTEGER", "currency": "VARCHAR", "pool": "VARCHAR", "part": "VARCHAR", "place": "INTEGER",
        "dimension": "VARCHAR", "target": "VARCHAR", "low": "DECIMAL(13,12)", "high": "DECIMAL(13,12)", **_PAYER,
    },
    "amounts": {
        "segment": "INTEGER", "x_SourceId": "VARCHAR", "BillingCurrency": "VARCHAR", "x_AllocationRule": "VARCHAR",
        "x_AllocationPart": "VARCHAR", "place": "INTEGER", "x_AllocatedDimension": "VARCHAR", "x_AllocatedTo": "VARCHAR",
        "BilledCost": _COST, "EffectiveCost": _COST, "BilledRounding": _COST, "EffectiveRounding": _COST,
        "charges": "BIGINT", **_PAYER,
    },
    "steps": {
        "segment": "INTEGER", "BillingCurrency": "VARCHAR", "x_AllocationRule": "VARCHAR",
        "x_AllocatedDimension": "VARCHAR", "x_AllocatedTo": "VARCHAR", "into_rule": "VARCHAR", "method": "VARCHAR",
        "driver": "VARCHAR", "share": "DECIMAL(13,12)", "BilledCost": "DECIMAL(38,12)", "EffectiveCost": "DECIMAL(38,12)",
        "why": "VARCHAR",
    },
}  # fmt: skip
NEWEST: Final = "row_number() OVER (PARTITION BY month ORDER BY version DESC, decided_at DESC, run_id DESC) = 1"
RUN_NAMED: Final = "run_id, month AS x_BillingMonth, version, decided_at"
SPLIT_COSTS: Final = ("BilledCost", "EffectiveCost", "ContractedCost", "ListCost")
WHOLE_ONLY: Final = ("ConsumedQuantity", "PricingQuantity", "CommitmentDiscountQuantity")


def empty_runs_sql() -> str:
    """The table while nothing was ever allocated."""
    lists = {name: f"STRUCT({', '.join(map(' '.join, fields.items()))})[]" for name, fields in LISTS.items()}
    typed = ", ".join(f'CAST(NULL AS {kind}) AS "{name}"' for name, kind in {**RUN_COLUMNS, **lists}.items())
    return f"CREATE OR REPLACE VIEW lake_allocations AS SELECT {typed} WHERE false"


def run_views_sql(newest: Sequence[tuple[str, str]], promoted: Sequence[str]) -> list[str]:
    """All views over `lake_allocations` and `counted_charges`. `newest`: (month, scopes as kept) of what counts."""
    every = f"(SELECT *, {NEWEST} AS newest FROM lake_allocations)"
    amounts, steps, shares = (
        f"unnest({name}, recursive := true) FROM {every}" for name in ("amounts", "steps", "shares")
    )
    views = {
        "allocation_runs": f"{RUN_NAMED}, lake_version, rules_digest, inputs_digest, outcome, newest FROM {every}",
        "allocation_history": f"{RUN_NAMED}, newest, {amounts}",
        "allocations": "* EXCLUDE (newest) FROM allocation_history WHERE newest",
        "allocation_steps_history": f"{RUN_NAMED}, newest, {steps}",
        "allocation_steps": "* EXCLUDE (newest) FROM allocation_steps_history WHERE newest",
        "allocation_shares": f"month, {shares} WHERE newest",
    }
    statements = [f"CREATE OR REPLACE VIEW {name} AS SELECT {text}" for name, text in views.items()]
    return [*statements, _allocated_charges(newest, promoted)]


def scopes_text(scopes: Sequence[PoolScope]) -> str:
    """Scopes as they are kept with a run."""
    return json.dumps(
        [
            {
                "id": s.id, "share": {k: list(v) for k, v in s.share.items()}, "start": s.start and str(s.start),
                "end": s.end and str(s.end), "split_by": s.split_by,
            }
            for s in scopes
        ],
        sort_keys=True,
    )  # fmt: skip


def _scopes_from(text: str) -> list[PoolScope]:
    def day(value: str | None) -> date | None:
        return date.fromisoformat(value) if value else None

    kept: list[dict[str, Any]] = json.loads(text)
    return [
        PoolScope(s["id"], {k: tuple(v) for k, v in s["share"].items()}, day(s["start"]), day(s["end"]), s["split_by"])
        for s in kept
    ]


def _allocated_charges(newest: Sequence[tuple[str, str]], promoted: Sequence[str]) -> str:
    """`counted_charges` with the parts of those that are shared in their place: SQL that asks one may ask the other."""
    whole = "s.low IS NULL OR (s.low = 0 AND s.high = 1)"
    replaced = [
        f"CASE WHEN s.low IS NULL THEN c.{name} ELSE {split_cost_sql(name)} END AS {name}" for name in SPLIT_COSTS
    ]
    replaced += [f"CASE WHEN {whole} THEN c.{name} END AS {name}" for name in WHOLE_ONLY]
    replaced += [f"coalesce(s.{name}, c.{name}) AS {name}" for name in PAYER_COLUMNS]
    origin = ", ".join(f"c.{name} AS {name.replace('x_', 'x_Origin')}" for name in PAYER_COLUMNS)
    pool, segment, part = (_by_month(newest, promoted, which) for which in ("pool", "segment", "part"))
    payer = ", ".join(PAYER_COLUMNS)
    return f"""CREATE OR REPLACE VIEW allocated_charges AS
SELECT c.* EXCLUDE (pool, segment, part) REPLACE ({", ".join(replaced)}),
    CASE WHEN s.low IS NULL THEN 'direct' WHEN s.dimension = 'own' THEN 'kept' ELSE 'allocated' END AS x_AllocationKind,
    CASE WHEN s.low IS NOT NULL THEN c.pool END AS x_AllocationRule,
    s.dimension AS x_AllocatedDimension, s.target AS x_AllocatedTo, {origin}
FROM (SELECT *, {part} AS part FROM (SELECT *, {pool} AS pool, {segment} AS segment FROM counted_charges)) c
LEFT JOIN allocation_shares s
  ON s.pool = c.pool AND s.month = c.x_BillingMonth AND s.currency = c.BillingCurrency AND s.segment = c.segment
 AND s.part = c.part
UNION ALL BY NAME
SELECT x_BillingMonth, x_SourceId, BillingCurrency, BilledRounding AS BilledCost, EffectiveRounding AS EffectiveCost,
    'rounding' AS x_AllocationKind, x_AllocationRule, x_AllocatedDimension, x_AllocatedTo, {payer}
FROM allocations WHERE BilledRounding <> 0 OR EffectiveRounding <> 0"""


def _by_month(newest: Sequence[tuple[str, str]], promoted: Sequence[str], which: str) -> str:
    """An expression of the rules; a month that was allocated by other rules than the newest has those."""
    months: dict[str, list[str]] = {}
    for month, scopes in sorted(newest):
        months.setdefault(scopes, []).append(month)
    if not months:
        return str(getattr(pool_sql((), promoted), which))
    texts = sorted(months, key=lambda scopes: max(months[scopes]))
    sql = {scopes: getattr(pool_sql(_scopes_from(scopes), promoted), which) for scopes in texts}
    if len(set(sql.values())) == 1:
        return str(sql[texts[0]])
    arms = [f"WHEN x_BillingMonth IN ({', '.join(map(quoted, months[one]))}) THEN {sql[one]}" for one in texts[:-1]]
    return f"CASE {' '.join(arms)} ELSE {sql[texts[-1]]} END"
