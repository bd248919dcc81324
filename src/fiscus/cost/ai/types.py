"""What an AI call uses and costs: meters, usage, dated prices, and the record of one call."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, Literal, get_args

# Meters never overlap: `input` excludes what was read from or written to a cache and what is audio or an image; `output`
# includes reasoning, which vendors bill as output, and excludes audio and images. TokenMeter counts tokens.
TokenMeter = Literal[
    "input",
    "cached_input",
    "cache_write",
    "cache_write_1h",
    "output",
    "audio_input",
    "cached_audio_input",
    "audio_output",
    "image_input",
    "image_output",
]
OtherMeter = Literal[
    "images",  # pieces
    "audio_seconds",
    "characters",
    "pages",
    "searches",  # of the web
    "file_searches",
    "containers",  # sessions of code that the vendor runs
    "requests",
    "tool_calls",
]
Meter = TokenMeter | OtherMeter
TOKEN_METERS: Final[frozenset[Meter]] = frozenset(get_args(TokenMeter))
METERS: Final[frozenset[Meter]] = TOKEN_METERS | frozenset(get_args(OtherMeter))
RATE_FACTOR_NONE: Final = Decimal(1)
Tier = Literal["standard", "batch", "flex", "priority", "fast"]
CallState = Literal["settled", "estimated", "unknown", "released", "refused"]


@dataclass(frozen=True, slots=True)
class Usage:
    """What one answer used. `model` and `tier` as the answer names them; `vendor_cost` where the vendor says the money itself.

    `estimated`: counted here, because the vendor's own count never came.
    `whole_contexts` (of a bound): times that the model may read all that it can hold, because the request names what it does
    not carry (an earlier answer, a file, a search). `uncounted` (of an estimate): more may have been used that nobody could see
    (hidden reasoning, what a search brought in), so it is charged at its bound. `rate_factor`: what the vendor multiplies its
    rates by for this call.
    """

    quantities: Mapping[Meter, int]
    model: str = ""
    tier: Tier = "standard"
    vendor_cost: Decimal | None = None
    estimated: bool = False
    whole_contexts: int = 0
    uncounted: bool = False
    rate_factor: Decimal = RATE_FACTOR_NONE


@dataclass(frozen=True, slots=True)
class Rate:
    """The price of a million units of a meter, from so many tokens of context on (`context_from`, 0: from the first)."""

    per_million: Decimal
    context_from: int = 0


@dataclass(frozen=True, slots=True)
class ModelPrice:
    """What a model costs at its vendor, in force from `valid_from` (None: always was).

    `rates`: (tier, meter) -> its rates, the lowest context first; a tier that lacks a meter has the standard tier's.
    `version` names exactly these rates. `output_tokens_max`: the most that it can answer, None where nobody says.
    """

    provider: str  # of the price table: openai, anthropic, mistral, perplexity, huggingface...
    model: str
    currency: str
    version: str
    rates: Mapping[tuple[Tier, Meter], tuple[Rate, ...]]
    valid_from: date | None = None
    output_tokens_max: int | None = None
    context_tokens_max: int | None = None
    note: str = ""  # why it is not what the data source says
    verified: bool = True  # False: sources disagree on it


@dataclass(frozen=True, slots=True)
class PricedLine:
    """One meter of one call: `cost` = quantity x per_million / 1,000,000, exact."""

    meter: Meter
    quantity: int
    per_million: Decimal
    cost: Decimal


@dataclass(frozen=True, slots=True)
class CallFacts:
    """What calls of one kind share: who asks, as the directory had it, what they ask for, and the rulebook that judged.

    `id` is the digest of the rest. `hard`: policies (id, version) that counted as hard. Plain JSON; never a prompt.
    """

    id: str
    rulebook: str
    hard: Sequence[Sequence[str]]
    intent: Mapping[str, Any]
    asked: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class AskedAs:
    """What a call that is its own decision was judged by, beside its bound and its instant. `facts`: the id of its CallFacts.

    `max_tokens` as it was sent on. `past`: accounts that were over already, and only watched.
    """

    facts: str
    input_tokens: int
    max_tokens: int | None
    stream: bool
    past: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class AiCall:
    """One call through the gateway, as it ended. Money is integer nano-units of `currency`; never a prompt or an answer.

    `bound`: reserved before it left; `settled`: what it cost. `lines`: meter -> (quantity, per million, exact cost).
    `hold_id`: the hold or the lease that its money came from; `decision_id` is what the caller got in its header.
    """

    id: str
    decision_id: str
    at: datetime
    ended_at: datetime
    upstream: str  # the name of the upstream in fiscus.yaml
    provider: str  # as bills name it (ServiceProviderName)
    endpoint: str
    model_asked: str
    model: str  # as the answer names it
    tier: Tier
    key_id: str  # the virtual key; empty: the default scope
    requested_by: str
    team: str
    environment: str
    product: str
    user: str  # the end user that the caller names
    units: Mapping[str, str]  # x-fiscus-unit: ticket=123
    state: CallState
    verdict: str
    currency: str
    bound: int
    settled: int
    price_version: str
    hold_id: str
    lines: tuple[PricedLine, ...] = ()
    usage: Mapping[Meter, int] = field(default_factory=dict)
    status: int = 0  # of the upstream's answer
    streamed: bool = False
    note: str = ""
    trace: str = (
        ""  # the caller's `traceparent` (W3C Trace Context), so that what watches calls finds them in its trace
    )
    asked: AskedAs | None = None  # of a call that is its own decision


@dataclass(frozen=True, slots=True)
class OpenBatch:
    """A batch that a vendor is at work on. `call` is as it was let in: its hold is settled by the job's results.

    `id` is the vendor's own; `prices` what the price table calls the vendor.
    """

    id: str
    upstream: str
    prices: str
    call: AiCall


@dataclass(frozen=True, slots=True)
class UnitOutcome:
    """What work came to, told by whoever did it: ticket 123 was resolved, for this customer, by this feature.

    The calls whose `x-fiscus-unit` names `kind`=`value` are what it cost. `quantity`: how many outcomes it counts as.
    """

    id: str
    kind: str  # ticket
    value: str  # 123
    result: str  # resolved
    at: datetime
    quantity: int = 1
    customer: str = ""
    feature: str = ""
    told_by: str = ""


NOBODY: Final = "(none)"  # the key or user of a call that named none, in intents, scopes and charges
GATEWAY_SOURCE: Final = "gateway-"  # begins the names of the lake's sources that the gateway fills; one an upstream


@dataclass(frozen=True, slots=True)
class HourKey:
    """What the calls behind one charge agree in. `meter` is None for money that no meter explains (see charge_rows)."""

    hour: datetime
    upstream: str
    provider: str
    currency: str
    key_id: str
    model: str
    tier: Tier
    team: str
    environment: str
    product: str
    user: str
    requested_by: str
    estimated: bool
    price_version: str
    meter: Meter | None
    per_million: Decimal | None


@dataclass(frozen=True, slots=True)
class HourCharge:
    """One charge of the gateway: an hour of one key and model at one meter. `cost` is the exact sum of its calls' lines."""

    id: str
    key: HourKey
    quantity: int
    cost: Decimal
    calls: int


@dataclass(frozen=True, slots=True)
class VendorCost:
    """One line of a vendor's own cost report. `item` is its text; `account`: project or workspace, as the vendor names it."""

    day: date
    amount: Decimal
    currency: str
    item: str
    model: str = ""
    account: str = ""
    key: str = ""
    quantity: Decimal | None = None
    unit: str = ""  # of the quantity, where it is known: Tokens


@dataclass(frozen=True, slots=True)
class VendorLimit:
    """A cap that the vendor itself enforces, kept at what a budget of ours allows a month. `at`: organization, project:ID..."""

    budget: str
    at: str = "organization"


@dataclass(frozen=True, slots=True)
class AiAccount:
    """The company's account at an AI vendor. `name` is the lake's source of its bills; `bills` False: they come another way."""

    name: str
    vendor: Literal["openai", "anthropic", "mistral"]
    provider: str  # as bills name it
    admin_key_env: str
    base_url: str = ""  # empty: the vendor's own
    bills: bool = True
    limits: tuple[VendorLimit, ...] = ()
