"""The facts of each target as tables: name -> type. What each means stands in docs/reference/policies.md."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, Literal

FactType = Literal["bool", "text", "int", "money", "quantity", "map", "texts"]

OF_EVERY_INTENT: Final[Mapping[str, FactType]] = {
    "kind": "text", "requested_by": "text", "team": "text", "environment": "text", "provider": "text", "product": "text",
    "service": "text", "amount": "money", "currency": "text", "ticket": "text", "repository": "text", "reason": "text",
}  # fmt: skip
# Of what is asked for as a line of the register of purchases: which, and what stands in it beside that.
_IN_REGISTER: Final[Mapping[str, FactType]] = {"purchase": "text", "same_in_register": "text", "po_named_by": "text"}
# What an intent of each kind may say of itself beside that. Amounts are in the intent's currency.
ATTRIBUTES: Final[Mapping[str, Mapping[str, FactType]]] = {
    "ai.request": {
        "model": "text", "max_tokens": "int", "input_tokens": "int", "data_class": "text", "purpose": "text", "stream": "bool",
        "service_tier": "text", "api_key": "text", "user": "text", "endpoint": "text", "effort": "text", "tools": "int",
        "choices": "int", "images": "int", "model_family": "text",
    },
    "marketplace.purchase": {
        "vendor": "text", "listing": "text", "marketplace": "text", "term_months": "int", "po": "text", "renewal": "bool",
        "approved_by": "text", "seats": "int", "data_class": "text", "existing_product": "text", "renews_on": "text",
        "total_contract_value": "money", "notice_days": "int", "category": "text", "vendor_known": "bool",
        "duplicate_amount": "money", **_IN_REGISTER,
    },
    "saas.seat": {
        "vendor": "text", "plan": "text", "seats": "int", "seat_price": "money", "user": "text", "term_months": "int",
        "renewal": "bool", "sso": "bool", "existing_product": "text", "seats_owned": "int", "seats_unused": "int",
        "last_used_days": "int", "po": "text", "approved_by": "text", "data_class": "text", "renews_on": "text",
        "total_contract_value": "money", "notice_days": "int", "category": "text", "vendor_known": "bool",
        "duplicate_amount": "money", "marketplace": "text", **_IN_REGISTER,
    },
    "resource.provision": {
        "resource_type": "text", "size": "text", "region": "text", "gpu": "bool", "count": "int", "tags": "map",
        "hours_per_month": "int", "data_class": "text", "pricing": "text", "schedule": "text", "storage_gb": "int",
        "public": "bool", "monthly_before": "money",
    },
    "commitment.purchase": {
        "commitment_kind": "text", "term_months": "int", "payment_option": "text", "hourly_commitment": "money",
        "upfront": "money", "resource_type": "text", "region": "text", "coverage": "quantity", "coverage_after": "quantity",
        "utilisation": "quantity", "utilisation_after": "quantity", "break_even_months": "quantity", "exposure": "money",
        "monthly_saving": "money", "po": "text", "approved_by": "text", "utilisation_low": "quantity",
        "break_even_utilisation": "quantity", "downside": "money", "history_days": "int", **_IN_REGISTER,
    },
}  # fmt: skip
COMMON_ATTRIBUTES: Final = ("ticket", "repository", "reason")
BUDGET: Final[Mapping[str, FactType]] = {
    "id": "text", "title": "text", "owner": "text", "period": "text", "currency": "text", "cap": "text", "state": "text",
    "amount": "money", "actual": "money", "unbilled": "money", "held": "money", "committed": "money", "headroom": "money",
    "forecast_p10": "money", "forecast_p50": "money", "forecast_p90": "money", "p_breach": "quantity", "used": "quantity",
    "days_left": "int", "scope": "map",
}  # fmt: skip
# A resource's charges in the policy's window, as one row: columns of sql/resource_rows.sql under the same names.
RESOURCE: Final[Mapping[str, FactType]] = {
    "id": "text", "name": "text", "type": "text", "provider": "text", "service": "text", "service_category": "text",
    "service_subcategory": "text", "region": "text", "sub_account": "text", "owner": "text", "team": "text",
    "cost_centre": "text", "environment": "text", "product": "text", "source": "text", "currency": "text",
    "first_seen": "text", "last_seen": "text", "cost": "money", "billed_cost": "money", "list_cost": "money",
    "cost_last_7_days": "money", "cost_7_days_before": "money", "hours": "quantity", "charges": "int", "days_seen": "int",
    "days_since_seen": "int", "age_days": "int", "committed": "bool", "tags": "map",
}  # fmt: skip
ANOMALY: Final[Mapping[str, FactType]] = {
    "id": "text", "owner": "text", "team": "text", "service": "text", "provider": "text", "environment": "text",
    "currency": "text", "start": "text", "end": "text", "days": "int", "days_ago": "int", "running": "bool",
    "actual": "money", "expected": "money", "low": "money", "high": "money", "impact": "money", "score": "quantity",
    "ratio": "quantity", "explained_by": "map",
}  # fmt: skip
INVOICE: Final[Mapping[str, FactType]] = {
    "id": "text", "issuer": "text", "source": "text", "month": "text", "currency": "text", "billed": "money",
    "effective": "money", "usage": "money", "purchases": "money", "tax": "money", "credits": "money", "adjustments": "money",
    "corrections": "money", "unowned": "money", "issuer_total": "money", "issuer_total_before": "money", "growth": "quantity",
    "charges": "int", "open": "bool",
}  # fmt: skip
REQUESTER: Final[Mapping[str, FactType]] = {
    "id": "text", "team": "text", "cost_centre": "text", "manager": "text", "roles": "texts",
}  # fmt: skip
NOW: Final[Mapping[str, FactType]] = {
    "hour": "int", "weekday": "int", "date": "text", "fiscal_year": "int", "fiscal_quarter": "int", "fiscal_period": "int",
    "days_left_in_period": "int", "freeze": "texts",
}  # fmt: skip
