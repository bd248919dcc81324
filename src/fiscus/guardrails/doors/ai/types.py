"""An AI request as it stands at the door, whoever's client sent it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from fiscus.cost.ai.types import Meter, Tier, Usage

Endpoint = Literal[
    "chat",
    "completions",
    "responses",
    "messages",
    "embeddings",
    "images",
    "transcription",
    "speech",
    "moderations",
    "batches",  # a job: reserved as a whole, settled by its result
    "free",  # costs nothing and changes nothing that costs: models, files, batch status, token counts
]
Refusal = Literal[
    "unauthenticated", "forbidden", "bad_request", "over_budget", "rate_limited", "unavailable", "unknown_endpoint"
]


@dataclass(slots=True)
class AiAsk:
    """One request, read. Mutable only in `document`, which becomes the body that is sent on.

    `bound` is the most that it may use, by meters, wherever the vendor cannot use more: input is counted or bounded from above,
    output is what the client allows (`output_max`; None where it does not say: the model's own maximum is put in its place).
    `choices`: answers asked for at once (n), each of up to `output_max`
    (0: what is asked for is no text). `prompt_digest` tells the same prompt again, and nothing else of it.
    """

    endpoint: Endpoint
    model: str
    bound: Usage
    output_max: int | None = None
    choices: int = 1
    output_meter: Meter = "output"
    hides_output: bool = False  # it may be billed for output that a stream does not show: hidden reasoning
    model_fixed: bool = False  # its path decides which model answers: no other can be put in
    other_model_extra: int = 0  # tokens that another model may read it as beyond its bound: images, another tokenizer
    output_extra: int = 0  # output tokens that no maximum holds: a predicted output that was rejected
    stream: bool = False
    wants_usage: bool = True  # whether the client itself asked for the usage chunk of a stream
    tier: Tier = "standard"
    user: str = ""
    prompt_digest: str = ""
    tools: tuple[str, ...] = ()
    document: dict[str, Any] | None = None  # the JSON body; None: the body is no JSON and is sent as it came
    raw: bytes = b""  # the body as it came
    pins: Mapping[str, Any] = field(default_factory=dict)  # what is set in the body, so that the bound is true
    ambiguous: bool = False  # a name that decides on money may stand twice in the body: it is written anew, once
    custom: Mapping[str, str] = field(default_factory=dict)
    background: bool = False  # the answer to it is a job, whose result comes later


@dataclass(frozen=True, slots=True)
class Rewrite:
    """What is changed in a request before it is sent on; None or empty: as the client wrote it."""

    model: str = ""
    output_max: int | None = None
    tier: Tier | None = None
    effort: str = ""
    include_usage: bool = True


@dataclass(frozen=True, slots=True)
class Refused:
    """Why the door says no, for `Wire.refusal` to put into the vendor's own shape."""

    kind: Refusal
    message: str
    decision_id: str = ""
    retry_after_seconds: int | None = None


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
class VirtualKey:
    """Who spends with it, where, and until when. `digest`: SHA-256 of the whole key, hexadecimal."""

    id: str
    digest: str
    shown: str  # its first characters, for people to recognise it by
    name: str
    owner: str
    team: str
    environment: str
    product: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    upstreams: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True, slots=True)
class SealedKey:
    """A vendor's key, encrypted: `secret` under `data_key`, which the master key wraps. Base64 of nonce and ciphertext."""

    data_key: str
    secret: str


@dataclass(frozen=True, slots=True)
class BatchJob:
    """A job as the vendor's answer tells of it. `results`: the paths below the base URL that its results can be read at.

    `used`: what it used, where the answer itself says so. `silent`: it ended, and nobody will ever say what it used.
    """

    id: str
    ended: bool
    results: tuple[str, ...] = ()
    used: tuple[Usage, ...] = ()
    silent: bool = False
