"""Fiscus decides, LiteLLM carries: a callback for the LiteLLM proxy. One file, to lie beside its config.yaml.

    litellm_settings:
      callbacks: fiscus_litellm.guard

Before a call it asks `POST /api/decisions` with the most that the call may cost; Fiscus holds that money over every budget at
once. After it, it settles at what LiteLLM says it cost; where nothing can have been billed, it gives the money back. Written
for LiteLLM 1.108 (`integrations/custom_logger.py`); needs nothing that LiteLLM does not bring itself.

Settings are environment variables:
  FISCUS_URL           where `fiscus serve` answers, http://127.0.0.1:8720
  FISCUS_AS            the person who stands for a key that names nobody
  FISCUS_ENVIRONMENT   of a key that names none, prod
  FISCUS_FAIL_MODE     deny (default) or allow: what a call gets while Fiscus cannot be asked
  FISCUS_SECONDS_MAX   how long one question may take, 2
  FISCUS_OUTPUT_MAX    tokens that a call may answer where it does not say, 4096; it is written into the call
  FISCUS_PART_TOKENS   tokens that an image, a file or a sound counts as; left out, a call with one is refused
Whose money it is stands in the metadata of the key, which only who made the key can write: fiscus_as, fiscus_team,
fiscus_environment, fiscus_product.
"""

# ruff: noqa: ARG002 LiteLLM calls its hooks with exactly these names
# ruff: noqa: PLC0415 the proxy loads this file while it is being imported itself
# No annotations from __future__: LiteLLM loads this file without naming it to Python, and dataclasses look for its name then.

import asyncio
import logging
import os
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_HALF_UP, Decimal
from typing import Any

import httpx
import litellm
from fastapi import HTTPException
from litellm.integrations.custom_logger import CustomLogger

LOG = logging.getLogger("fiscus")
NANO = Decimal("0.000000001")
KNOWN_MAX = 100_000  # calls under way that are remembered; whoever is forgotten is charged at its bound
TRIES = 5  # to settle: what is not said is charged at its bound
LET_IN = ("allow", "warn", "degrade")
ASKED = {"completion", "acompletion", "text_completion", "atext_completion", "embeddings", "aembedding", "embedding",
         "anthropic_messages", "responses", "aresponses"}  # fmt: skip
OUTPUT_LIMITS = ("max_completion_tokens", "max_tokens", "max_output_tokens")
READ = ("messages", "input", "prompt", "system", "instructions", "tools", "functions", "response_format", "text")
NO_TEXT = ("image", "input_image", "file", "input_file", "document", "audio", "input_audio", "video")


@dataclass
class Held:
    """A decision whose money is held. `doubt`: an attempt failed so that the vendor may have billed it."""

    decision_id: str
    bound: Decimal
    headers: dict[str, str]
    doubt: bool = False
    ended: bool = False


class FiscusGuard(CustomLogger):
    """Asks before, settles after. Money is Decimal; LiteLLM's own costs are floats, taken at nine decimals."""

    def __init__(self, environ: Mapping[str, str] = os.environ) -> None:
        super().__init__()
        self.url = environ.get("FISCUS_URL", "http://127.0.0.1:8720").rstrip("/")
        self.person = environ.get("FISCUS_AS", "")
        self.environment = environ.get("FISCUS_ENVIRONMENT", "prod")
        self.seconds_max = float(environ.get("FISCUS_SECONDS_MAX", "2"))
        self.output_max = int(environ.get("FISCUS_OUTPUT_MAX", "4096"))
        self.part_tokens = int(environ.get("FISCUS_PART_TOKENS", "0"))
        self.fail_mode = environ.get("FISCUS_FAIL_MODE", "deny")
        if self.fail_mode not in {"deny", "allow"}:
            raise ValueError(f"FISCUS_FAIL_MODE is deny or allow, not {self.fail_mode!r}")
        self.held: OrderedDict[str, Held] = OrderedDict()
        self.unjudged = 0  # calls that FISCUS_FAIL_MODE=allow let through
        self._settling: set[asyncio.Task[None]] = set()
        self._client: httpx.AsyncClient | None = None

    # Before

    async def async_pre_call_hook(
        self, user_api_key_dict: Any, cache: Any, data: dict[str, Any], call_type: str
    ) -> dict[str, Any]:
        """Raises HTTPException 403 (no), 503 (nobody can be asked). `data` comes back with its output limited."""
        if call_type not in ASKED:
            raise refusal(403, f"Fiscus does not know what a call of the kind {call_type} may cost", "")
        bound, provider, model = self.bound(data, call_type)
        intent = {
            **self.whose(user_api_key_dict), "kind": "ai.request", "provider": provider, "amount": format(bound, "f"),
            "currency": "USD", "attributes": {"model": model},
        }  # fmt: skip
        call_id = str(data.get("litellm_call_id") or "")
        try:
            decision = await self.post(
                "/api/decisions", intent, {"Idempotency-Key": f"litellm:{call_id}"} if call_id else {}
            )
        except httpx.HTTPStatusError as wrong:
            if (
                wrong.response.status_code < 500
            ):  # it was asked, and the question was wrong: that is a no, not a failure
                raise refusal(403, said(wrong.response), "") from wrong
            return self.without(data, call_id, said(wrong.response))
        except (httpx.HTTPError, TimeoutError, ValueError) as lost:
            return self.without(data, call_id, type(lost).__name__)
        return self.obey(decision, data, call_id, bound)

    def obey(self, decision: Mapping[str, Any], data: dict[str, Any], call_id: str, bound: Decimal) -> dict[str, Any]:
        """Let it through, change its model, or turn it away."""
        reasons, headers = " ".join(decision["reasons"]), {"x-fiscus-decision": str(decision["id"])}
        if decision["verdict"] not in LET_IN:
            step = decision["next_step"]
            raise refusal(403, f"{reasons} {step}".strip(), decision["id"])
        held = decision.get("hold")
        if decision["verdict"] == "degrade":
            cheaper = cheaper_of_ours(decision["options"])
            if cheaper is None:
                why = "no cheaper model of this proxy is among the options"
                self.later(self.release(str(decision["id"]), why), held)
                raise refusal(403, f"{reasons} {decision['next_step']}".strip(), decision["id"])
            data["model"] = cheaper
            headers["x-fiscus-degraded"] = f"model={cheaper}"
        self.remember(
            call_id, Held(str(decision["id"]) if held else "", Decimal(held["amount"]) if held else bound, headers)
        )
        return data

    def without(self, data: dict[str, Any], call_id: str, why: str) -> dict[str, Any]:
        """Nobody could be asked: the declared fail mode, said and counted."""
        if self.fail_mode == "deny":
            raise refusal(503, f"Fiscus cannot be asked ({why}), and FISCUS_FAIL_MODE says deny. Try again.", "")
        self.unjudged += 1
        LOG.warning("call %s was let through unjudged: %s (%d so far)", call_id, why, self.unjudged)
        self.remember(call_id, Held("", Decimal(0), {"x-fiscus-degraded": "unjudged"}))
        return data

    def whose(self, key: Any) -> dict[str, str]:
        """By the key alone: what a request says of itself may be anything."""
        noted = {**(getattr(key, "team_metadata", None) or {}), **(getattr(key, "metadata", None) or {})}
        person = noted.get("fiscus_as") or self.person or getattr(key, "user_id", None) or ""
        return {
            "requested_by": str(person),
            "team": str(noted.get("fiscus_team", "")),
            "environment": str(noted.get("fiscus_environment", self.environment)),
            "product": str(noted.get("fiscus_product", "")),
        }

    def bound(self, data: dict[str, Any], call_type: str) -> tuple[Decimal, str, str]:
        """(the most that it may cost in USD, provider, model); what it may answer is limited in `data` where it is not.

        A token is at least one byte of text, so bytes bound the input. The dearest deployment of the model counts.
        """
        name = str(data.get("model") or "")
        prices = [price_of(deployment) for deployment in deployments(name)]
        if not prices or any(price is None for price in prices):
            raise refusal(403, f"{name or 'A call without a model'} has no price, so no budget can hold it", "")
        known = [price for price in prices if price is not None]
        if (other := unbounded(data)) is not None:
            raise refusal(403, f"What {other} costs is not known before the call, so no budget can hold it", "")
        read, parts = measure([data.get(part) for part in READ])
        if parts and not self.part_tokens:
            raise refusal(
                403,
                "What an image, a file or a sound costs is not known before the call; FISCUS_PART_TOKENS bounds it",
                "",
            )
        read += parts * self.part_tokens
        answers = 0 if "embedding" in call_type else self.limited(data, call_type) * int(data.get("n") or 1)
        dearest = max(known, key=lambda price: price.input * read + price.output * answers)
        cost = dearest.input * read + dearest.output * answers + dearest.request
        return cost.quantize(NANO, ROUND_CEILING), dearest.provider, dearest.model

    def limited(self, data: dict[str, Any], call_type: str) -> int:
        given = [int(data[key]) for key in OUTPUT_LIMITS if data.get(key) is not None]
        if not given:
            name = "max_output_tokens" if "responses" in call_type else "max_tokens"
            data[name] = self.output_max
        return max(given, default=self.output_max)

    # After

    async def async_log_success_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """Settle at what it cost; without a cost at the bound, as an estimate."""
        held = self.ending(kwargs.get("litellm_call_id"))
        if held is None:
            return
        cost = kwargs.get("response_cost")
        known = cost is not None and cost > 0
        amount = Decimal(repr(float(cost))).quantize(NANO, ROUND_HALF_UP) if known else held.bound
        self.later(self.settle(held.decision_id, amount, estimate=held.doubt or not known), held)

    async def async_log_failure_event(self, kwargs: Any, response_obj: Any, start_time: Any, end_time: Any) -> None:
        """One attempt failed; LiteLLM may try again. What it cost is doubtful unless the vendor refused it."""
        held = self.held.get(str(kwargs.get("litellm_call_id") or ""))
        if held is not None and not refused_by_vendor(kwargs.get("exception")):
            held.doubt = True

    async def async_post_call_failure_hook(
        self, request_data: dict[str, Any], original_exception: Exception, user_api_key_dict: Any,
        traceback_str: str | None = None,
    ) -> None:  # fmt: skip
        """It failed for good. Given back where the vendor refused it, else charged at its bound until somebody knows better."""
        held = self.ending(request_data.get("litellm_call_id"))
        if held is None:
            return
        if held.doubt or not refused_by_vendor(original_exception):
            self.later(self.settle(held.decision_id, held.bound, estimate=True), held)
        else:
            self.later(
                self.release(held.decision_id, f"the vendor refused it: {type(original_exception).__name__}"), held
            )

    async def async_post_call_response_headers_hook(
        self, data: dict[str, Any], user_api_key_dict: Any, response: Any, request_headers: Any = None,
        litellm_call_info: Any = None,
    ) -> dict[str, str] | None:  # fmt: skip
        held = self.held.get(str(data.get("litellm_call_id") or ""))
        return held.headers if held is not None else None

    def ending(self, call_id: object) -> Held | None:
        """Whose money is still held, once: what was said of a call is not said again."""
        held = self.held.get(str(call_id or ""))
        if held is None or held.ended or not held.decision_id:
            return None
        held.ended = True
        return held

    async def settle(self, decision_id: str, amount: Decimal, *, estimate: bool) -> None:
        await self.said(f"/api/decisions/{decision_id}/settle", {"amount": format(amount, "f"), "estimate": estimate})

    async def release(self, decision_id: str, reason: str) -> None:
        await self.said(f"/api/decisions/{decision_id}/release", {"reason": reason})

    async def said(self, path: str, body: Mapping[str, Any]) -> None:
        """Say it until it was heard, a few times. To say it twice changes nothing; not at all charges the bound."""
        for attempt in range(TRIES):
            try:
                await self.post(path, body, {})
            except httpx.HTTPStatusError as wrong:
                if wrong.response.status_code < 500:
                    LOG.error("%s was not taken: %s", path, said(wrong.response))  # noqa: TRY400 the answer says it all
                    return
            except (httpx.HTTPError, TimeoutError) as lost:
                LOG.warning("%s: %s", path, type(lost).__name__)
            else:
                return
            await asyncio.sleep(0.2 * 2**attempt)
        LOG.error("%s was never heard: the call is charged at its bound", path)

    def later(self, work: Any, held: object) -> None:
        """Beside the call: nobody waits for it."""
        if not held:
            work.close()
            return
        task = asyncio.get_running_loop().create_task(work)
        self._settling.add(task)
        task.add_done_callback(self._settling.discard)

    def remember(self, call_id: str, held: Held) -> None:
        if call_id:
            self.held[call_id] = held
            while len(self.held) > KNOWN_MAX:
                self.held.popitem(last=False)

    async def post(self, path: str, body: Mapping[str, Any], headers: Mapping[str, str]) -> dict[str, Any]:
        if self._client is None:
            self._client = httpx.AsyncClient(timeout=self.seconds_max)
        async with asyncio.timeout(self.seconds_max):
            answer = await self._client.post(f"{self.url}{path}", json=body, headers=headers)
        answer.raise_for_status()
        return dict(answer.json())


@dataclass(frozen=True)
class Price:
    """USD a token at the dearest rate that may apply; `request`: fees that come with each call."""

    provider: str
    model: str
    input: Decimal
    output: Decimal
    request: Decimal = Decimal(0)


def deployments(name: str) -> list[Mapping[str, Any]]:
    """What the proxy may send a call of this name to; without a router, the model itself."""
    from litellm.proxy.proxy_server import llm_router

    found = llm_router.get_model_list(model_name=name) if llm_router is not None else None
    return list(found or ([{"litellm_params": {"model": name}}] if llm_router is None else []))


def cheaper_of_ours(options: list[Mapping[str, Any]]) -> str | None:
    """The first option that is another model of this proxy, as a call asks for it: by its own name or the vendor's."""
    from litellm.proxy.proxy_server import llm_router

    names = dict[str, str]()
    for one in (llm_router.get_model_list() if llm_router is not None else None) or []:
        names.setdefault(one["litellm_params"]["model"].split("/", 1)[-1], one["model_name"])
    names |= {name: name for name in names.values()}
    models = [str(option["change"]["model"]) for option in options if set(option["change"]) == {"model"}]
    return next((names[model] for model in models if model in names), None)


def price_of(deployment: Mapping[str, Any]) -> Price | None:
    """By LiteLLM's price map and what config.yaml says beside it. None without a price, or at a price of zero: not free."""
    params = dict(deployment["litellm_params"])
    try:
        model, provider, _, _ = litellm.get_llm_provider(params["model"], params.get("custom_llm_provider"))
    except Exception:  # noqa: BLE001 a model that LiteLLM does not know has no price
        return None
    listed = litellm.model_cost.get(f"{provider}/{model}") or litellm.model_cost.get(model) or {}
    own = {**dict(deployment.get("model_info") or {}), **params}
    rates = own if own.get("input_cost_per_token") is not None else {**listed, **own}
    read, answer = (
        dearest(rates, "input_cost_per_token", "cache_creation_input_token_cost"),
        dearest(rates, "output_cost_per_"),
    )
    fees = [rates.get("input_cost_per_request") or 0, *(rates.get("search_context_cost_per_query") or {}).values()]
    if not read or (not answer and listed.get("mode", own.get("mode")) != "embedding"):
        return None
    return Price(provider, model, read, answer, max(Decimal(repr(fee)) for fee in fees))


def dearest(rates: Mapping[str, Any], *names: str) -> Decimal:
    """The dearest rate a token whose name begins so: of long contexts, tiers and cache writes whichever may apply."""
    found = [
        rate
        for name, rate in rates.items()
        if name.startswith(names) and "token" in name and isinstance(rate, int | float)
    ]
    return max((Decimal(repr(rate)) for rate in found), default=Decimal(0))


def measure(value: Any) -> tuple[int, int]:
    """(bytes of text, parts that are no text) of whatever a request holds. Structure counts: vendors write it out as tokens."""
    if isinstance(value, str):
        return len(value.encode()) + 4, 0
    if isinstance(value, Mapping):
        kind = value.get("type")
        if isinstance(kind, str) and kind.startswith(NO_TEXT):
            return 0, 1
        return sums(measure(one) for pair in value.items() for one in pair)
    if isinstance(value, list | tuple):
        return sums(measure(one) for one in value)
    return (0 if value is None else len(str(value)) + 4), 0


def sums(measured: Any) -> tuple[int, int]:
    """Both sums, and four bytes for the brackets."""
    found = list(measured)
    return sum(one[0] for one in found) + 4, sum(one[1] for one in found)


def unbounded(data: Mapping[str, Any]) -> str | None:
    """What of a request costs more than tokens that can be counted beforehand, in words."""
    if data.get("previous_response_id") or data.get("conversation"):
        return "a conversation that the vendor remembers"
    if set(data.get("modalities") or ["text"]) != {"text"}:
        return "an answer that is no text"
    for tool in data.get("tools") or []:
        if tool.get("type", "function") not in {"function", "custom"}:
            return f"the vendor's own tool {tool['type']}"
    return None


def refused_by_vendor(error: object) -> bool:
    """Whether nothing can have been billed: the vendor said no to the request itself, or it was never sent."""
    status = getattr(error, "status_code", None)
    return isinstance(status, int) and 400 <= status < 500 and status not in {408, 409, 499}


def refusal(status: int, message: str, decision_id: str) -> HTTPException:
    """As LiteLLM's clients expect an error; the decision id leads to everything that was looked at."""
    headers = {"x-fiscus-decision": decision_id} if decision_id else {}
    detail = {"error": message, "type": "fiscus", "decision": decision_id}
    return HTTPException(status, detail=detail, headers=headers | {"x-should-retry": "false"})


def said(answer: httpx.Response) -> str:
    """What Fiscus said was wrong."""
    try:
        error = answer.json()["error"]
        return f"{error['message']}. {error['remedy']}"
    except (ValueError, KeyError, TypeError):
        return f"HTTP {answer.status_code}"


guard = FiscusGuard()
