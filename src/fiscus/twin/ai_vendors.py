"""Five AI vendors: one row a day, key, model and token meter, with the FOCUS 1.5 draft's keys under an x_ prefix.

Prices per million tokens are illustrative, not quotes. Mistral bills in euro.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

import numpy as np

from fiscus.twin.accounts import TYPES, AccountRule
from fiscus.twin.catalogue import code, price
from fiscus.twin.line import UNIT, Account, Book, Floats, Ints, Line, Sku
from fiscus.twin.meter import World, usage_facts
from fiscus.twin.rhythm import Course, factors, generator

DEVELOPER: Final = {
    "openai": ("OpenAI", "OpenAI API"), "anthropic": ("Anthropic", "Claude API"), "mistral": ("Mistral AI", "La Plateforme"),
    "huggingface": ("Hugging Face", "Inference Endpoints"), "perplexity": ("Perplexity", "Sonar API"),
}  # fmt: skip
# model | family | input, cache read, cache write, output, requests (per 1000) or hours; 0: the vendor has no such meter
MODELS: Final = """
gpt-5|GPT-5|1.25|0.125|0|10|0|0
gpt-5-mini|GPT-5|0.25|0.025|0|2|0|0
gpt-4.1|GPT-4|2|0.5|0|8|0|0
text-embedding-3-large|Embeddings|0.13|0|0|0|0|0
claude-opus-4-5|Claude 4|5|0.5|6.25|25|0|0
claude-sonnet-4-5|Claude 4|3|0.3|3.75|15|0|0
claude-haiku-4-5|Claude 4|1|0.1|1.25|5|0|0
mistral-large-2411|Mistral Large|1.8|0|0|5.4|0|0
mistral-small-2503|Mistral Small|0.1|0|0|0.3|0|0
nvidia-a10g-x1|Endpoint|0|0|0|0|0|1
nvidia-l40s-x1|Endpoint|0|0|0|0|0|1.8
sonar-pro|Sonar|3|0|0|15|6|0
sonar|Sonar|1|0|0|1|5|0
"""
METERS: Final = (
    ("Input Tokens", "input", "Input", "Uncached", 0.40),
    ("Cache Read Input Tokens", "cache-read", "Input", "Read", 0.08),
    ("Cache Write Input Tokens", "cache-write", "Input", "Write", 0.07),
    ("Output Tokens", "output", "Output", "", 0.45),
    ("Requests", "requests", "", "", 0.20),
    ("Endpoint Hours", "hours", "", "", 1.0),
)
# source | workspace | team | environment | product | model | money a day | shape | growth | launch (days ago) or -
KEYS: Final = """
openai|storefront-prod|storefront|prod|storefront|gpt-5-mini|170|traffic|0.45|-
openai|storefront-prod|storefront|prod|storefront|text-embedding-3-large|35|traffic|0.30|-
openai|search-prod|search|prod|search|gpt-5-mini|150|traffic|0.40|-
openai|search-prod|search|prod|search|text-embedding-3-large|75|ingest|0.30|-
openai|field-copilot-prod|field-service|prod|field-app|gpt-5|210|office|0.40|-
openai|field-copilot-staging|field-service|staging|field-app|gpt-5-mini|22|office|0.10|-
openai|analytics-assist|analytics|prod|data-lake|gpt-4.1|130|office|0.20|-
openai|ml-research|ml-research|dev|ml-studio|gpt-5|190|train|0.30|-
openai|sales-assist|sales|prod|crm-bridge|gpt-5|140|office|0.60|150
openai|supply-forecast|supply-chain|prod|erp|gpt-4.1|90|batch|0.20|-
openai|marketing-studio|marketing|prod|web-analytics|gpt-5|75|office|0.30|-
anthropic|support-assistant-prod|support-assistant|prod|support-assistant|claude-sonnet-4-5|420|traffic|0.45|-
anthropic|support-assistant-prod|support-assistant|prod|support-assistant|claude-haiku-4-5|95|traffic|0.40|-
anthropic|support-assistant-staging|support-assistant|staging|support-assistant|claude-sonnet-4-5|34|office|0.10|-
anthropic|support-assistant-staging|support-assistant|staging|support-assistant|claude-haiku-4-5|9|office|0.10|-
anthropic|engineering-assist|developer-experience|dev|dev-platform|claude-sonnet-4-5|310|office|0.35|-
anthropic|engineering-assist|developer-experience|dev|dev-platform|claude-opus-4-5|150|office|0.40|-
anthropic|fleet-planner-prod|fleet-control|prod|fleet-os|claude-sonnet-4-5|120|traffic|0.40|120
anthropic|fleet-planner-staging|fleet-control|staging|fleet-os|claude-haiku-4-5|14|office|0.10|-
anthropic|legal-review|finance|prod|erp|claude-opus-4-5|45|office|0.15|-
anthropic|robot-reasoning|manipulation|dev|warehouse-bot|claude-opus-4-5|130|train|0.25|-
mistral|customer-portal-eu|customer-portal|prod|customer-portal|mistral-large-2411|140|traffic|0.30|-
mistral|customer-portal-eu|customer-portal|prod|customer-portal|mistral-small-2503|35|traffic|0.30|-
mistral|eu-docs|integrations|prod|integrations-hub|mistral-large-2411|70|office|0.20|-
mistral|eu-docs-staging|integrations|staging|integrations-hub|mistral-small-2503|12|office|0.10|-
huggingface|vision-endpoints|perception|prod|vision-stack|nvidia-l40s-x1|130|flat|0.15|-
huggingface|research-endpoints|ml-research|dev|ml-studio|nvidia-a10g-x1|60|office|0.10|-
huggingface|speech-endpoints|mobile-apps|prod|mobile-app|nvidia-a10g-x1|55|traffic|0.15|-
perplexity|market-research|marketing|prod|web-analytics|sonar-pro|55|office|0.20|-
perplexity|supplier-watch|procurement|prod|erp|sonar|28|office|0.15|-
"""
NO_TAGS: Final = ("huggingface", "mistral")  # their bills carry none: the workspace says whose it is
RUNAWAY_WORKSPACE: Final = "support-assistant-staging"
RUNAWAY_MODEL: Final = "claude-sonnet-4-5"
RUNAWAY_DAYS: Final = 6
RUNAWAY_GROWTH: Final = 2.05  # a day


@dataclass(frozen=True, slots=True)
class Key:
    """One row of KEYS."""

    source: str
    workspace: str
    place: tuple[str, str, str]
    model: str
    money: Decimal
    shape: str
    growth: float
    launch: int | None


def ai_keys(source: str | None = None) -> list[Key]:
    """The keys of one vendor, or of all."""
    keys = []
    for row in KEYS.strip().splitlines():
        vendor, workspace, team, environment, product, model, money, shape, growth, launch = row.split("|")
        days = None if launch == "-" else int(launch)
        if source in {None, vendor}:
            keys.append(
                Key(vendor, workspace, (team, environment, product), model, Decimal(money), shape, float(growth), days)
            )
    return keys


def workspace_rules() -> list[AccountRule]:
    """One rule a workspace: team, environment and product."""
    found = {(key.source, key.workspace): key for key in ai_keys()}
    return [AccountRule(f"{source}-{name}", source, name, *key.place) for (source, name), key in found.items()]


def ai_account(source: str, workspace: str) -> Account:
    """The workspace as the vendor identifies it."""
    prefix = {"openai": "proj_", "anthropic": "wrkspc_"}.get(source, f"{source}-")
    return Account(prefix + code(source + workspace, 16).lower(), workspace, TYPES[source])


def ai_book(source: str, world: World, factor: float = 1.0) -> Book:
    """The whole bill of one AI vendor."""
    keys = ai_keys(source)
    timeline = world.timeline
    courses = [
        Course(
            f"{key.workspace}/{key.model}",
            key.shape,
            key.growth,
            None if key.launch is None else timeline.today - key.launch,
        )
        for key in keys
    ]
    moves = factors(courses, timeline, world.seed)
    lines: list[Line] = []
    quantities: list[Ints] = []
    for key, move in zip(keys, moves, strict=True):
        course = move * _runaway(key, world) if key.workspace == RUNAWAY_WORKSPACE else move
        count = max(1, round(world.scale))
        shares = generator(world.seed, f"keys:{key.workspace}").dirichlet(np.full(count, 8.0))
        for number, share in enumerate(shares):
            new, amounts = _key_lines(key, number, course * (float(share) * factor), world)
            lines += new
            quantities += amounts
    return Book(source, tuple(lines), usage_facts(lines, np.stack(quantities), timeline))


def _runaway(key: Key, world: World) -> Floats:
    """An agent that calls itself: from its first day on it doubles each day, until someone stops it (it then stays where it is)."""
    days = np.arange(world.timeline.days) - (world.timeline.today - RUNAWAY_DAYS)
    grown = np.asarray(RUNAWAY_GROWTH ** np.clip(days + 1, 0, RUNAWAY_DAYS), float)
    if key.model != RUNAWAY_MODEL:
        return np.ones(world.timeline.days)
    week = np.where((days >= 0) & (world.timeline.weekdays() >= 5), 2.9, 1.0)  # an agent does not rest at weekends
    return grown * week


def _key_lines(key: Key, number: int, move: Floats, world: World) -> tuple[list[Line], list[Ints]]:
    rng = generator(world.seed, f"key:{key.workspace}:{key.model}:{number}")
    home = ai_account(key.source, key.workspace)
    tags = None
    if key.source not in NO_TAGS:
        team, environment, product = key.place
        tags = {"team": team, "environment": environment, "product": product}
    seen = world.tagger.attribution.seen(key.source, home, tags)
    credential = f"key_{code(f'{key.workspace}{key.model}{number}', 10).lower()}"
    people = [p.id for p in world.directory.people.values() if p.team == key.place[0]]
    principal = people[int(rng.integers(0, len(people)))]
    skus = [(sku, share) for sku, share in _skus(key.source, key.model) if sku.list_price]
    whole = sum(share for _, share in skus)
    lines, quantities = list[Line](), list[Ints]()
    for sku, share in skus:
        lines.append(
            Line(
                key.source, sku, home, seen, tags, resource_id=f"{home.id}/{credential}", resource_name=f"{key.workspace} key {number + 1}",
                extra={"x_CredentialId": credential, "x_PrincipalId": principal},
            )
        )  # fmt: skip
        jitter = np.exp(np.clip(rng.standard_normal(len(move)), -2.5, 2.5) * 0.02)
        a_day = float(key.money) * share / whole * UNIT / sku.contracted_price
        quantities.append(np.asarray(np.rint(a_day * move * jitter * UNIT), np.int64))
    return lines, quantities


def _skus(source: str, model: str) -> Sequence[tuple[Sku, float]]:
    developer, service = DEVELOPER[source]
    row = next(row for row in MODELS.strip().splitlines() if row.startswith(f"{model}|"))
    _, family, *prices = row.split("|")
    found = []
    for (meter, slug, direction, cache, share), listed in zip(METERS, prices, strict=True):
        details: Mapping[str, object] = {
            "x_ModelDeveloper": developer, "x_ModelFamily": family, "x_ModelId": model, "x_ModelVersion": _version(model),
            "x_TokenDirection": direction, "x_TokenCacheAction": cache,
        }  # fmt: skip
        unit, consumed, per = {
            "requests": ("1000 Requests", "Requests", 1000),
            "hours": ("Hours", "Hours", 1),
        }.get(slug, ("1000000 Tokens", "Tokens", UNIT))
        sku = Sku(
            f"{model}-{slug}", service, "AI and Machine Learning", "Generative AI", meter, f"{meter} of {model}", unit,
            price(listed), price(listed), consumed, per, "API key", {k: v for k, v in details.items() if v}, f"{model}-{slug}-standard",
        )  # fmt: skip
        found.append((replace(sku, resource_type="Endpoint") if slug == "hours" else sku, share))
    return found


def _version(model: str) -> str:
    """The digits of a model's name: 4.5 of claude-sonnet-4-5, 2411 of mistral-large-2411; empty where it has none."""
    found = re.search(r"\d[\d.-]*", model)
    return found[0].strip("-").replace("-", ".") if found else ""
