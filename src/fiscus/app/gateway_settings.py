"""The key `gateway` of fiscus.yaml as typed settings; what is left out keeps its default."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal
from typing import Any, Final, cast

from fiscus.guardrails.doors.ai.settings import GatewaySettings, Upstream
from fiscus.guardrails.doors.ai.types import CallerScope, Pace
from fiscus.kernel.documents import Document
from fiscus.kernel.money import to_nanos

# Vendors under the names that people use: where they are, and what bills and price tables call them.
KNOWN: Final[Mapping[str, Mapping[str, str]]] = {
    "openai": {"base_url": "https://api.openai.com", "provider": "OpenAI", "wire": "openai", "prices": "openai"},
    "anthropic": {"base_url": "https://api.anthropic.com", "provider": "Anthropic", "wire": "anthropic", "prices": "anthropic"},
    "mistral": {"base_url": "https://api.mistral.ai", "provider": "Mistral AI", "wire": "mistral", "prices": "mistral"},
    "huggingface": {
        "base_url": "https://router.huggingface.co", "provider": "Hugging Face", "wire": "huggingface", "prices": "huggingface",
    },
    "perplexity": {
        "base_url": "https://api.perplexity.ai", "provider": "Perplexity", "wire": "perplexity", "prices": "perplexity",
    },
}  # fmt: skip


def gateway_settings_from(document: Document) -> GatewaySettings:
    """`document` has passed the schema. BadConfig with the line: an upstream twice, a failover that leads nowhere."""
    data = cast("dict[str, Any]", document.data).get("gateway", {})
    upstreams: dict[str, Upstream] = {}
    for number, item in enumerate(data.get("upstreams", ())):
        where: list[str | int] = ["gateway", "upstreams", number]
        if item["name"] in upstreams:
            raise document.error(where, f"Upstream {item['name']!r} stands here twice", "Rename one of them.")
        upstreams[item["name"]] = _upstream(document, where, item)
    for number, item in enumerate(data.get("upstreams", ())):
        for other in item.get("failover", ()):
            there = upstreams.get(other)
            if there is None or there.wire != upstreams[item["name"]].wire or other == item["name"]:
                raise document.error(
                    ["gateway", "upstreams", number, "failover"],
                    f"{other!r} is no other upstream that speaks the same wire",
                    "Name an upstream of this list with the same wire.",
                )
    pace = pace_from(data.get("pace", {}))
    given = {name: value for name, value in data.items() if name not in {"upstreams", "default_scope", "pace"}}
    scope = data.get("default_scope")
    return GatewaySettings(
        upstreams=upstreams,
        default_scope=CallerScope(key_id="", pace=pace, **scope) if scope else None,
        pace=pace,
        **given,
    )


def pace_from(data: Mapping[str, Any]) -> Pace:
    """Money is written in the company's currency with decimals, and kept in nano-units."""
    given = dict(data)
    if "money_per_minute" in given:
        given["money_per_minute"] = to_nanos(Decimal(given["money_per_minute"]))
    return Pace(**given)


def _upstream(document: Document, where: list[str | int], item: Mapping[str, Any]) -> Upstream:
    given = {**KNOWN.get(item.get("wire", item["name"]), {}), **item}
    missing = [name for name in ("wire", "base_url", "provider") if name not in given]
    if missing:
        raise document.error(
            where,
            f"Upstream {item['name']!r} lacks {', '.join(missing)}",
            "A vendor that Fiscus does not know needs them.",
        )
    given.setdefault("prices", given["wire"])
    given["base_url"] = given["base_url"].rstrip("/")
    for name in ("failover", "environments"):
        given[name] = tuple(given.get(name, ()))
    return Upstream(**given)
