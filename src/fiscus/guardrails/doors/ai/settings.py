"""What the gateway is told: where vendors are, who a request without a key is, and how fast a key may go."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

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
class Pace:
    """How fast one key may go, over all workers together; None: as fast as it can. Money is in nano-units a minute."""

    requests_per_minute: int | None = None
    tokens_per_minute: int | None = None
    concurrent: int | None = None
    money_per_minute: int | None = None
    same_prompt: int | None = None  # the same prompt so many times within `same_prompt_seconds` is a loop
    same_prompt_seconds: int = 300


@dataclass(frozen=True, slots=True)
class CallerScope:
    """Whom a request is charged to, and what it may use. Empty sets: everything."""

    key_id: str
    requested_by: str
    team: str
    environment: str
    product: str = ""
    upstreams: frozenset[str] = frozenset()
    models: tuple[str, ...] = ()  # names, or prefixes that end in *
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True, slots=True)
class GatewaySettings:
    """The section `gateway` of fiscus.yaml. `default_scope` None: a request without a key is refused."""

    upstreams: Mapping[str, Upstream] = field(default_factory=dict)
    default_scope: CallerScope | None = None
    pace: Pace = field(default_factory=Pace)  # of a key that has none of its own
    output_tokens_default: int = 4096  # where neither the client nor the price table says how much a model may answer
    answer_seconds_max: int = 600
    drain_seconds_max: int = 120  # how long an answer is read on after its client has gone
    body_bytes_max: int = 64 * 2**20
    log_prompts: bool = False
