"""AI calls of the simulated company, over HTTP through its real gateway: one refused, one degraded, the others settled."""

from __future__ import annotations

import http.client
import json
import time
from collections.abc import Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

from fiscus.app.demo_gateway import demo_gateway
from fiscus.app.gateway import open_keys_of, seal_vendor_key
from fiscus.cost.ai.hour_charges import cost_of
from fiscus.cost.ai.types import AiCall
from fiscus.flows.manage_keys import KeyOrder, issue_key
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import Actor
from fiscus.kernel.money import total
from fiscus.ownership.four_eyes import is_live

if TYPE_CHECKING:
    from fiscus.connectors.simulated_ai.server import LocalAi

ANSWER_SECONDS: Final = 30
KEPT_SECONDS: Final = 10
POLICY_FILE: Final = "policies/northwind-ai.yaml"
POLICY: Final = """# This company's own: what the library cannot know.
policies:
  - id: ai-small-model-in-development
    title: Development uses the small model of the family
    on: [ai.request]
    when: intent.environment == "dev" && intent.model.contains("opus")
    level: soft
    on_error: allow
    effect: degrade
    options:
      - {title: The small model of the family, change: {model: claude-haiku-4-5}, price_share: "0.2"}
    reason: While developing it is good enough, and costs a fifth.
    remedy: Ask for claude-haiku-4-5; measure before you move up.
    owner: finops
    tests:
      - {given: {intent: {environment: dev, model: claude-opus-4-5}}, expect: match, verdict: degrade}
      - {given: {intent: {environment: prod, model: claude-opus-4-5}}, expect: no_match}
"""
# upstream | path below it | team | environment | product | model | most output tokens | what is asked
CALLS: Final = """
anthropic|/v1/messages|support-assistant|staging|support-assistant|claude-haiku-4-5|400|Answer ticket 4711 in two sentences.
anthropic|/v1/messages|ml-research|dev|ml-studio|claude-opus-4-5|600|Summarise what the last training run showed.
openai|/v1/chat/completions|storefront|prod|storefront|gpt-5-mini|500|Describe the new gripper for the shop in four lines.
openai|/v1/embeddings|search|prod|search|text-embedding-3-large||Where is my order, and when will it arrive?
openai|/v1/responses|field-service|prod|field-app|gpt-5|500|What does error E-17 of the arm controller mean?
anthropic|/v1/messages|support-assistant|prod|support-assistant|claude-haiku-4-5|400|Answer ticket 4712 in two sentences.
mistral|/v1/chat/completions|customer-portal|prod|customer-portal|mistral-small-latest|300|The maintenance notice in French.
huggingface|/v1/chat/completions|perception|prod|vision-stack|openai/gpt-oss-120b:groq|300|Pallet, tote or person?
perplexity|/chat/completions|marketing|prod|web-analytics|sonar|300|Who announced warehouse robots this week?
openai|/v1/chat/completions|storefront|prod|storefront|gpt-5-mini|500|Describe the new charging dock for the shop in four lines.
"""


@dataclass(frozen=True, slots=True)
class Call:
    """One row of CALLS."""

    upstream: str
    path: str
    team: str
    environment: str
    product: str
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back."""

    call: Call
    status: int
    headers: Mapping[str, str]
    body: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Called:
    """What came of the calls, in sentences, and a line that makes another one."""

    sentences: tuple[str, ...]
    try_it: str


def write_ai_policy(home: Path) -> None:
    """The company's own policy on models, beside the library's."""
    (home / POLICY_FILE).write_text(POLICY, encoding="utf-8")


def make_calls(ws: Workspace, ai: LocalAi, lives: ExitStack) -> Called:
    """Seal the vendors' keys, issue the teams', start the gateway (it lives as long as `lives`), and call."""
    calls = [_call(row.split("|")) for row in CALLS.strip().splitlines()]
    for upstream in sorted({call.upstream for call in calls}):
        seal_vendor_key(ws.home, upstream, "sk-simulated-northwind")
    keys = {place: _issue(ws, place) for place in sorted({_place(call) for call in calls})}
    url = lives.enter_context(demo_gateway(ws.home))
    answers = [_ask(url, call, keys[_place(call)]) for call in calls]
    kept = _kept(ws, len(answers))
    denied = next((a for a in answers if a.status >= 400), None)
    degraded = next((a for a in answers if "x-fiscus-degraded" in a.headers), None)
    shown = [
        (
            f"While the demo runs its AI gateway answers at {url}, "
            "in front of OpenAI, Anthropic, Mistral, Hugging Face and Perplexity (simulated)."
        ),
        *([_denied(denied)] if denied else []),
        *([_degraded(degraded)] if degraded else []),
        _settled(kept, ai),
    ]
    return Called(tuple(shown), _line(url, keys["storefront", "prod", "storefront"]))


def _call(row: list[str]) -> Call:
    upstream, path, team, environment, product, model, most, text = row
    if path.endswith("embeddings"):
        body: dict[str, Any] = {"model": model, "input": text}
    elif path.endswith("responses"):
        body = {"model": model, "input": text, "max_output_tokens": int(most)}
    else:
        limit = "max_completion_tokens" if model.startswith("gpt-5") else "max_tokens"
        body = {"model": model, "messages": [{"role": "user", "content": text}], limit: int(most)}
    return Call(upstream, path, team, environment, product, body)


def _place(call: Call) -> tuple[str, str, str]:
    return call.team, call.environment, call.product


def _issue(ws: Workspace, place: tuple[str, str, str]) -> str:
    team, environment, product = place
    directory = ws.config.directory
    here = sorted(p.id for p in directory.people.values() if p.team == team and is_live(p, ws.as_of))
    lead = directory.teams[team].lead
    order = KeyOrder(f"{product}, {environment}", lead if lead in here else here[0], environment, team, product)
    return issue_key(ws, open_keys_of(ws.home), order, Actor(directory.teams[directory.default_pool].lead)).secret


def _ask(url: str, call: Call, key: str) -> Answer:
    """As a vendor's client asks; Anthropic's sends its key in a header of its own."""
    headers = {"Content-Type": "application/json", "anthropic-version": "2023-06-01"}
    headers |= {"x-api-key": key} if call.upstream == "anthropic" else {"Authorization": f"Bearer {key}"}
    where = urlsplit(url)
    connection = http.client.HTTPConnection(where.hostname or "", where.port, timeout=ANSWER_SECONDS)
    try:
        connection.request("POST", f"/{call.upstream}{call.path}", json.dumps(call.body), headers)
        answer = connection.getresponse()
        said = {name.lower(): value for name, value in answer.getheaders()}
        return Answer(call, answer.status, said, json.loads(answer.read()))
    finally:
        connection.close()


def _kept(ws: Workspace, count: int) -> list[AiCall]:
    """The calls as the gateway keeps them, a moment after it has answered."""
    until = time.monotonic() + KEPT_SECONDS
    while True:
        now = ws.clock.now()
        kept = list(ws.calls.calls(now - timedelta(days=1), now + timedelta(days=1)))
        if len(kept) >= count or time.monotonic() > until:
            return kept
        time.sleep(0.05)


def _denied(answer: Answer) -> str:
    error = answer.body.get("error")
    said = error.get("message", "") if isinstance(error, Mapping) else str(error)
    judged = answer.headers.get("x-fiscus-decision", "")
    again = f" fiscus replay {judged} judges it again." if judged.startswith("dec-") else ""
    return f"A call to {answer.call.body['model']} in {answer.call.environment} was refused with {answer.status}: {said}{again}"


def _degraded(answer: Answer) -> str:
    return (
        f"A call to {answer.call.body['model']} in {answer.call.environment} was answered by {answer.body['model']} instead "
        f"(x-fiscus-degraded) and cost {answer.headers.get('x-fiscus-cost', 'an unknown amount')} (x-fiscus-cost)."
    )


def _settled(kept: list[AiCall], ai: LocalAi) -> str:
    settled = [call for call in kept if call.state == "settled"]
    ours, billed = total([cost_of(call) for call in settled]), ai.billed()
    same = "exactly what their bills say" if ours == billed else f"their bills say {_money(billed)}"
    teams = len({call.team for call in settled})
    return (
        f"{len(settled)} calls of {teams} teams were held before they left and settled at {_money(ours)} USD by the vendors' own "
        f"counts: {same}."
    )


def _money(amount: Decimal) -> str:
    return f"{amount:.9f}".rstrip("0")


def _line(url: str, key: str) -> str:
    body = json.dumps({"model": "gpt-5-mini", "messages": [{"role": "user", "content": "hello"}]})
    return (
        f"curl -i {url}/openai/v1/chat/completions -H 'Authorization: Bearer {key}' "
        f"-H 'Content-Type: application/json' -d '{body}'"
    )
