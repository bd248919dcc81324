"""Refusals in OpenAI's shape, so that its clients raise their own typed errors.

The official client tries again on 408, 409, 429 and 5xx. Being over budget is none of these: 402, as an APIStatusError with the
code `insufficient_quota`, so that nobody hammers a budget that is used up.
"""

from __future__ import annotations

import json
from typing import Final

from fiscus.guardrails.doors.ai.types import Refusal, Refused

# kind -> status, type, code
_SAID: Final[dict[Refusal, tuple[int, str, str]]] = {
    "unauthenticated": (401, "invalid_request_error", "invalid_api_key"),
    "forbidden": (403, "invalid_request_error", "forbidden_by_policy"),
    "bad_request": (400, "invalid_request_error", "invalid_value"),
    "over_budget": (402, "insufficient_quota", "insufficient_quota"),
    "rate_limited": (429, "requests", "rate_limit_exceeded"),
    "unavailable": (503, "server_error", "service_unavailable"),
    "unknown_endpoint": (404, "invalid_request_error", "unknown_url"),
}


def refusal(refused: Refused) -> tuple[int, bytes]:
    """Status and body."""
    status, kind, code = _SAID[refused.kind]
    error = {"message": refused.message, "type": kind, "param": None, "code": code}
    if refused.decision_id:
        error["decision_id"] = refused.decision_id
    return status, json.dumps({"error": error}, ensure_ascii=False).encode()
