"""What the simulated company asks before it spends: one AI call past a cap, and one whose money is held and settled."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final

from fiscus.flows.decide_intent import decide_intent
from fiscus.flows.settle_hold import settle_hold
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.intent import parse_intent
from fiscus.kernel.money import display

BOUND: Final = "0.42"
COST: Final = Decimal("0.37")


def ask_for_calls(ws: Workspace) -> tuple[str, ...]:
    """Ask, spend, settle; returns what came of it in sentences."""
    denied = decide_intent(ws, parse_intent(_call(ws, "staging")))
    allowed = decide_intent(ws, parse_intent(_call(ws, "prod")))
    first = f"An AI call of {BOUND} USD in staging is asked for: {denied.verdict}. {denied.reasons[0]}"
    if allowed.hold is None:
        return first, f"The same in prod: {allowed.verdict}. {allowed.reasons[0]}"
    settle_hold(ws, allowed.id, COST)
    return first, (
        f"The same in prod: {allowed.verdict}; {BOUND} USD were held over {len(allowed.headroom)} budgets at once and settled at "
        f"{display(COST)}. fiscus replay {allowed.id} judges it again."
    )


def _call(ws: Workspace, environment: str) -> Mapping[str, Any]:
    pool = ws.config.directory.teams[ws.config.directory.default_pool]
    return {
        "kind": "ai.request", "requested_by": pool.lead, "environment": environment, "provider": "Anthropic", "amount": BOUND,
        "currency": "USD", "attributes": {"model": "claude-haiku-4-5", "max_tokens": 2_000, "purpose": "a report"},
    }  # fmt: skip
