"""What the caller of an AI request says of it in headers, and what its key forbids: the same at each door that lets calls in."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fiscus.guardrails.doors.ai.asked_call import AskedCall
from fiscus.guardrails.doors.ai.settings import Upstream
from fiscus.guardrails.doors.ai.types import AiAsk, CallerScope, Refused
from fiscus.guardrails.doors.ai.virtual_key import allowed_model
from fiscus.guardrails.policies.fact_tables import COMMON_ATTRIBUTES

SAID: Final = {f"x-fiscus-{name.replace('_', '-')}": name for name in ("data_class", "purpose", *COMMON_ATTRIBUTES)}
UNIT, USER, APPROVAL = "x-fiscus-unit", "x-fiscus-user", "x-fiscus-approval"
ASKED_WITH: Final = (UNIT, USER, APPROVAL, *SAID)
TRACE: Final = "traceparent"
TRACE_CHARS_MAX: Final = 64  # the format has 55
UNITS_MAX: Final = 8
HEADER_CHARS_MAX: Final = 200


def called(caller: CallerScope, upstream: Upstream, ask: AiAsk, headers: Mapping[str, str]) -> AskedCall:
    """The request with what its headers (names in small letters) say: `x-fiscus-unit: ticket=123`, x-fiscus-user..."""
    units = dict[str, str]()
    for part in headers.get(UNIT, "").split(",")[:UNITS_MAX]:
        kind, _, value = part.strip()[:HEADER_CHARS_MAX].partition("=")
        if kind and value:
            units[kind.strip()] = value.strip()
    return AskedCall(
        caller,
        upstream,
        ask,
        user=(headers.get(USER) or ask.user)[:HEADER_CHARS_MAX],
        said={name: text[:HEADER_CHARS_MAX] for head, name in SAID.items() if (text := headers.get(head))},
        units=units,
        approval_id=headers.get(APPROVAL, ""),
        trace=headers.get(TRACE, "")[:TRACE_CHARS_MAX],
    )


def forbidden(caller: CallerScope, upstream: Upstream, ask: AiAsk) -> Refused | None:
    """What the key itself, or where it spends, forbids."""
    if caller.upstreams and upstream.name not in caller.upstreams:
        return Refused("forbidden", f"This key may not use {upstream.name}")
    if upstream.environments and caller.environment not in upstream.environments:
        return Refused("forbidden", f"{upstream.name} may not be used from {caller.environment}")
    if ask.model and not allowed_model(caller.models, ask.model):
        return Refused("forbidden", f"This key may use {', '.join(caller.models)}, not {ask.model}")
    return None
