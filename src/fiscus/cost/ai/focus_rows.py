"""Charges of the gateway as rows of FOCUS 1.4, with the AI columns of the 1.5 draft under their x_ names.

One row per model and token meter, as in the draft's examples: ConsumedUnit Tokens, PricingUnit 1000000 Tokens, SkuMeter, and what
the price depends on in SkuPriceDetails. The vendor invoices, not we: BilledCost is 0. EffectiveCost is the cost on days that the
vendor's bills do not cover yet, and 0 on the others, where the bill's own charges stand: no amount counts twice. ListCost and
ContractedCost are the cost on every day: what the calls came to, to the last digit.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Final

from fiscus.cost.ai.types import NOBODY, HourCharge, Meter
from fiscus.kernel.money import EXACT
from fiscus.kernel.periods import Month

MILLION: Final = 1_000_000
# Meter -> what people read on the bill (SkuMeter), unit, direction and what is done with a cache.
METERS: Final[Mapping[Meter, tuple[str, str, str, str]]] = {
    "input": ("Input Tokens", "Tokens", "Input", "Uncached"),
    "cached_input": ("Cache Read Input Tokens", "Tokens", "Input", "Read"),
    "cache_write": ("Cache Write Input Tokens", "Tokens", "Input", "Write"),
    "cache_write_1h": ("Cache Write Input Tokens (1 hour)", "Tokens", "Input", "Write"),
    "output": ("Output Tokens", "Tokens", "Output", ""),
    "audio_input": ("Audio Input Tokens", "Tokens", "Input", "Uncached"),
    "cached_audio_input": ("Cache Read Audio Input Tokens", "Tokens", "Input", "Read"),
    "audio_output": ("Audio Output Tokens", "Tokens", "Output", ""),
    "image_input": ("Image Input Tokens", "Tokens", "Input", "Uncached"),
    "image_output": ("Image Output Tokens", "Tokens", "Output", ""),
    "images": ("Images", "Images", "", ""),
    "audio_seconds": ("Audio Seconds", "Seconds", "", ""),
    "characters": ("Characters", "Characters", "", ""),
    "pages": ("Pages", "Pages", "", ""),
    "searches": ("Web Searches", "Searches", "", ""),
    "file_searches": ("File Searches", "Searches", "", ""),
    "containers": ("Code Sessions", "Sessions", "", ""),
    "requests": ("Requests", "Requests", "", ""),
    "tool_calls": ("Tool Calls", "Calls", "", ""),
}
UNMETERED: Final = ("Unmetered Requests", "Requests", "", "")  # money that no meter explains
COLUMNS: Final = (
    "BilledCost", "BillingAccountId", "BillingAccountName", "BillingCurrency", "BillingPeriodStart", "BillingPeriodEnd",
    "ChargeCategory", "ChargeClass", "ChargeDescription", "ChargeFrequency", "ChargePeriodStart", "ChargePeriodEnd",
    "ConsumedQuantity", "ConsumedUnit", "ContractedCost", "ContractedUnitPrice", "EffectiveCost", "HostProviderName",
    "InvoiceIssuerName", "ListCost", "ListUnitPrice", "PricingCategory", "PricingCurrency", "PricingQuantity", "PricingUnit",
    "ResourceId", "ResourceName", "ResourceType", "ServiceCategory", "ServiceName", "ServiceProviderName", "ServiceSubcategory",
    "SkuId", "SkuMeter", "SkuPriceDetails", "SkuPriceId", "Tags",
    "x_CredentialId", "x_PrincipalId", "x_RequesterDetails", "x_GatewayCharge", "x_GatewayCalls", "x_GatewayEstimated",
)  # fmt: skip


def focus_rows(
    charges: Sequence[HourCharge], billed_until: date | None, tag_names: Mapping[str, str]
) -> Iterator[Mapping[str, str]]:
    """One row a charge, every value as text of a CSV file; empty where there is none.

    `billed_until`: the first day that the vendor's bills do not cover, None where no bill ever came. `tag_names`: the tags under
    which the company's rules look for team, environment and product.
    """
    for one in charges:
        counts = billed_until is None or one.key.hour.date() >= billed_until
        yield {**_of_hour(one), **_price(one), **_money(one, counts=counts), **_who(one, tag_names)}


def meter_name(meter: Meter | None) -> str:
    """What people read on the bill."""
    return (METERS[meter] if meter else UNMETERED)[0]


def _of_hour(one: HourCharge) -> Mapping[str, str]:
    key, month = one.key, Month.of(one.key.hour.date())
    return {
        "BillingAccountId": f"{key.upstream}-{key.currency}",  # an account is billed in one currency
        "BillingAccountName": key.upstream,
        "BillingPeriodStart": f"{month.start}T00:00:00Z",
        "BillingPeriodEnd": f"{month.end}T00:00:00Z",
        "ChargeCategory": "Usage",
        "ChargeClass": "",
        "ChargeDescription": f"{meter_name(key.meter)} of {key.model} through the gateway",
        "ChargeFrequency": "Usage-Based",
        "ChargePeriodStart": _instant(key.hour),
        "ChargePeriodEnd": _instant(key.hour + timedelta(hours=1)),
        "HostProviderName": key.provider,
        "InvoiceIssuerName": key.provider,
        "ServiceCategory": "AI and Machine Learning",
        "ServiceName": f"{key.provider} API",
        "ServiceProviderName": key.provider,
        "ServiceSubcategory": "Generative AI",
    }


def _price(one: HourCharge) -> Mapping[str, str]:
    key = one.key
    name, unit, direction, cache = METERS[key.meter] if key.meter else UNMETERED
    sku = f"{key.model}-{(key.meter or 'unmetered').replace('_', '-')}"
    details = {
        "x_ModelId": key.model,
        "x_TokenDirection": direction,
        "x_TokenCacheAction": cache,
        "x_ServiceTier": key.tier,
        "x_PriceVersion": key.price_version,
    }
    return {
        "PricingCategory": "Standard",
        "SkuId": sku,
        "SkuMeter": name,
        "SkuPriceId": f"{sku}-{key.tier}",
        "SkuPriceDetails": json.dumps({k: v for k, v in details.items() if v}, sort_keys=True),
        "ConsumedQuantity": str(one.quantity),
        "ConsumedUnit": unit,
        **_priced(one, unit),
    }


def _priced(one: HourCharge, unit: str) -> Mapping[str, str]:
    """By the million of a meter; where no meter explains the money, by the money itself, as the draft prices a commitment."""
    if one.key.per_million is None:
        return {
            "PricingUnit": one.key.currency,
            "PricingQuantity": _plain(one.cost),
            "ListUnitPrice": "1",
            "ContractedUnitPrice": "1",
        }
    return {
        "PricingUnit": f"{MILLION} {unit}",
        "PricingQuantity": _plain(EXACT.divide(Decimal(one.quantity), MILLION)),
        "ListUnitPrice": _plain(one.key.per_million),
        "ContractedUnitPrice": _plain(one.key.per_million),
    }


def _money(one: HourCharge, *, counts: bool) -> Mapping[str, str]:
    cost = _plain(one.cost)
    return {
        "BilledCost": "0",
        "EffectiveCost": cost if counts else "0",
        "ListCost": cost,
        "ContractedCost": cost,
        "BillingCurrency": one.key.currency,
        "PricingCurrency": one.key.currency,
    }


def _who(one: HourCharge, tag_names: Mapping[str, str]) -> Mapping[str, str]:
    key = one.key
    known = {"team": key.team, "environment": key.environment, "product": key.product}
    principal = {"key": "Principal", "value": {"Name": key.user, "Type": "User"}} if key.user else None
    credential = {"key": "Credential", "value": {"Type": "API Key", "Name": key.key_id}} if key.key_id else None
    details = [part for part in (principal, credential) if part]
    return {
        "ResourceId": f"{key.upstream}/{key.key_id or NOBODY}",
        "ResourceName": key.key_id or NOBODY,
        "ResourceType": "API key",
        "Tags": json.dumps({tag_names[name]: value for name, value in known.items() if value}, sort_keys=True),
        "x_CredentialId": key.key_id or NOBODY,
        "x_PrincipalId": key.user or NOBODY,
        "x_RequesterDetails": json.dumps(details, sort_keys=True) if details else "",
        "x_GatewayCharge": one.id,
        "x_GatewayCalls": str(one.calls),
        "x_GatewayEstimated": "true" if key.estimated else "false",
    }


def _instant(at: datetime) -> str:
    return at.strftime("%Y-%m-%dT%H:%M:%SZ")


def _plain(number: Decimal) -> str:
    """Without an exponent: not every reader of CSV knows one."""
    return f"{number:f}"
