"""What AI calls used and cost, as numbers for a monitoring system. The books are in the ledger and in the store of calls."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from typing import Final

from fiscus.cost.ai.types import AiCall
from fiscus.kernel.counters import Counters

USAGE: Final = "fiscus_ai_usage_total"
COST: Final = "fiscus_ai_cost_nanos_total"
SECONDS: Final = "fiscus_ai_call_seconds"
SECOND_BOUNDS: Final = (0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0)
ABOUT: Final = {
    USAGE: "Tokens (or images, seconds, searches...) that calls used, by meter.",
    COST: "What calls cost, in billionths of the currency; estimates included.",
    SECONDS: "From when a call was let in until its answer was whole.",
}


def meter_calls(counters: Counters, calls: Sequence[AiCall]) -> None:
    """Add them up. A refused call used nothing and took no time.

    Labels have few values: a model is named as the vendor's answer names it, not as a client asked for it.
    """
    seconds = defaultdict[str, list[float]](list)
    used, cost = Counter[tuple[str, str, str]](), Counter[tuple[str, str, str, str, str]]()
    for call in calls:
        if call.state == "refused":
            continue
        seconds[call.upstream].append(max(0.0, (call.ended_at - call.at).total_seconds()))
        model = call.model if call.usage else ""
        for meter, quantity in call.usage.items():
            used[call.upstream, model, meter] += quantity
        if call.settled:
            cost[call.upstream, model, call.currency, call.team, call.environment] += call.settled
    for upstream, values in seconds.items():
        counters.observe_all(SECONDS, values, SECOND_BOUNDS, upstream=upstream)
    for (upstream, model, name), quantity in used.items():
        counters.add(USAGE, quantity, upstream=upstream, model=model, meter=name)
    for (upstream, model, currency, team, environment), nanos in cost.items():
        who = {"team": team, "environment": environment}
        counters.add(COST, nanos, upstream=upstream, model=model, currency=currency, **who)
