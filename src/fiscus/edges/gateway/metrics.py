"""What the gateway counts, as /metrics serves it."""

from __future__ import annotations

from typing import Final

from aiohttp import web

from fiscus.edges.counters_text import CONTENT_TYPE, counters_text
from fiscus.kernel.counters import Counters

ABOUT: Final = {
    "fiscus_gateway_calls_total": "Calls that ended, by upstream, state (settled, estimated, unknown...) and verdict.",
    "fiscus_gateway_calls_dropped_total": "Calls that were forgotten because their store was away for too long; not their money.",
    "fiscus_gateway_settlements_refused_total": "Settlements that the ledger refused, by why.",
    "fiscus_gateway_unknown_passed_total": "Requests to endpoints of unknown cost that were passed on, by upstream.",
    "fiscus_gateway_not_renewed_total": "Settings, keys or leases that could not be renewed, by what.",
    "fiscus_ledger_overruns_total": "Calls that were billed above their bound, by provider.",
    "fiscus_failure_mode_allowed_total": "Intents that were let through because the ledger was away, by environment and kind.",
}


def metrics_answer(counters: Counters) -> web.Response:
    """This worker's counters."""
    return web.Response(body=counters_text([counters], ABOUT).encode(), headers={"Content-Type": CONTENT_TYPE})
