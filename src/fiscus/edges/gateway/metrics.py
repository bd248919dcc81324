"""What the gateway counts, as /metrics serves it."""

from __future__ import annotations

from typing import Final

from fiscus.app.gateway import OpenGateway
from fiscus.edges.counters_text import counters_text
from fiscus.flows import meter_calls, show_gauges
from fiscus.flows.show_gauges import budget_gauges

ABOUT: Final = {
    **meter_calls.ABOUT,
    **show_gauges.ABOUT,
    "fiscus_gateway_refused_total": "Requests that were refused, by upstream and why.",
    "fiscus_gateway_calls_total": "Calls that ended, by upstream, state (settled, estimated, unknown...) and verdict.",
    "fiscus_gateway_calls_dropped_total": "Calls that were forgotten because their store was away for too long; not their money.",
    "fiscus_gateway_settlements_refused_total": "Settlements that the ledger refused, by why.",
    "fiscus_gateway_unknown_passed_total": "Requests to endpoints of unknown cost that were passed on, by upstream.",
    "fiscus_gateway_not_renewed_total": "Settings, keys or leases that could not be renewed, by what.",
    "fiscus_ledger_overruns_total": "Calls that were billed above their bound, by provider.",
    "fiscus_failure_mode_posted_total": "Calls that were let through without the ledger and are charged in it since.",
    "fiscus_failure_mode_allowed_total": "Intents that were let through because the ledger was away, by environment and kind.",
}


def metrics_body(opened: OpenGateway) -> bytes:
    """The counters of all workers, and where the budgets stand. Reads the ledger: not for the event loop."""
    gauges = budget_gauges(opened.governing.governs.ws)
    return counters_text(opened.counters.of_all(), ABOUT, gauges).encode()
