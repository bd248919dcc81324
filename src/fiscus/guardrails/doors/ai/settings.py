"""What the gateway is told: where vendors are, who a request without a key is, and how fast a key may go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from fiscus.guardrails.doors.ai.types import CallerScope, Pace

Unknown = Literal["deny", "pass"]


@dataclass(frozen=True, slots=True)
class Upstream:
    """One vendor as clients reach it: below `/<name>`. `provider` as bills name it, `prices` as the price table does.

    `failover`: upstreams of the same wire to ask next, in order, where this one certainly billed nothing. `unknown`: what
    becomes of an endpoint whose cost nobody knows. `key_env`: the environment variable of the vendor's own key; empty: the
    sealed one.
    """

    name: str
    wire: str
    base_url: str
    provider: str
    prices: str
    failover: tuple[str, ...] = ()
    unknown: Unknown = "deny"
    key_env: str = ""
    environments: tuple[str, ...] = ()  # where it may be used from; empty: everywhere


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """The section `gateway` of fiscus.yaml. `default_scope` None: a request without a key is refused."""

    upstreams: Mapping[str, Upstream] = field(default_factory=dict)
    default_scope: CallerScope | None = None
    pace: Pace = field(default_factory=Pace)  # of a key that has none of its own
    output_tokens_default: int = 4096  # where neither the client nor the price table says how much a model may answer
    answer_seconds_max: int = 600
    retries: int = (
        1  # at the same upstream, where it certainly billed nothing and says when to come again, or never heard
    )
    drain_seconds_max: int = 120  # how long an answer is read on after its client has gone
    body_bytes_max: int = 64 * 2**20
