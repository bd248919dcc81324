"""What charges are told apart by: the words of scopes, and the column of the `charges` view behind each."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

CHARGE_DIMENSIONS: Final[Mapping[str, str]] = {
    "owner": "x_Owner",
    "team": "x_Team",
    "cost_centre": "x_CostCentre",
    "environment": "x_Environment",
    "product": "x_Product",
    "provider": "ServiceProviderName",
    "invoice_issuer": "InvoiceIssuerName",
    "service": "ServiceName",
    "service_category": "ServiceCategory",
    "service_subcategory": "ServiceSubcategory",
    "sub_account": "SubAccountId",
    "charge_category": "ChargeCategory",
    "region": "RegionId",
    "source": "x_SourceId",
    "model": "x_AiModel",
    "api_key": "x_AiKey",
    "user": "x_AiUser",
}
