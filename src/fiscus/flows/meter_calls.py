"""What AI calls used and cost, as numbers for a monitoring system. The books are in the ledger and in the store of calls."""

from __future__ import annotations

from dataclasses import dataclass
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


@dataclass(slots=True)
class CallMeters:
    """A CallObserver. Labels have few values: a model is named as the vendor's answer names it, not as a client asked for it."""

    counters: Counters

    def ended(self, call: AiCall) -> None:
        """Add it up. A refused call used nothing and took no time."""
        if call.state == "refused":
            return
        seconds = max(0.0, (call.ended_at - call.at).total_seconds())
        self.counters.observe(SECONDS, seconds, SECOND_BOUNDS, upstream=call.upstream)
        model = call.model if call.usage else ""
        for meter, quantity in call.usage.items():
            self.counters.add(USAGE, quantity, upstream=call.upstream, model=model, meter=meter)
        if call.settled:
            who = {"team": call.team, "environment": call.environment}
            self.counters.add(COST, call.settled, upstream=call.upstream, model=model, currency=call.currency, **who)
