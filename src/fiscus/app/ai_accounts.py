"""The section `ai_accounts` of fiscus.yaml: accounts at AI vendors whose cost reports are read and whose limits are set."""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any, Final, NoReturn

from fiscus.cost.ai.types import AiAccount, VendorLimit
from fiscus.kernel.documents import Document
from fiscus.kernel.errors import Unavailable, Where

if TYPE_CHECKING:
    from fiscus.actions.ports import Executor
    from fiscus.connectors.vendor_api.json_api import JsonApi
    from fiscus.connectors.vendor_api.limit_executor import LimitPort
    from fiscus.cost.ai.ports import VendorCosts

PROVIDERS: Final = {"openai": "OpenAI", "anthropic": "Anthropic", "mistral": "Mistral AI"}
KEYS: Final = {"openai": "OPENAI_ADMIN_KEY", "anthropic": "ANTHROPIC_ADMIN_KEY", "mistral": "MISTRAL_ADMIN_KEY"}
PLACES: Final = {
    "openai": ("organization", "project"),
    "anthropic": ("organization", "workspace"),
    "mistral": ("organization",),
}
REPORTS: Final = ("openai", "anthropic")  # what is inside Mistral's usage is not documented: its bills come as files


def ai_accounts_from(document: Document, taken: Iterable[str]) -> tuple[AiAccount, ...]:
    """The accounts, defaults filled in. `taken`: the names of sources. Raises BadConfig for a name that stands twice."""
    names, accounts = set(taken), list[AiAccount]()
    data: Any = document.data
    for number, item in enumerate(data.get("ai_accounts", [])):
        name, vendor = item["name"], item["vendor"]
        if name in names:
            raise document.error(
                ["ai_accounts", number, "name"], f"{name!r} names a source or an account already", "Rename it."
            )
        names.add(name)
        if item.get("bills") and vendor not in REPORTS:
            message = f"What {PROVIDERS[vendor]}'s usage report holds is not documented"
            raise document.error(
                ["ai_accounts", number, "bills"], message, "Bring its invoices in as files: `fiscus ai bill FILE`."
            )
        for place, limit in enumerate(item.get("limits", [])):
            if (at := limit.get("at", "organization")).partition(":")[0] not in PLACES[vendor]:
                message = f"{PROVIDERS[vendor]} has no limit of {at}"
                known = f"It has limits of: {', '.join(PLACES[vendor])}."
                raise document.error(["ai_accounts", number, "limits", place, "at"], message, known)
        accounts.append(
            AiAccount(
                name=name,
                vendor=vendor,
                provider=item.get("provider", PROVIDERS[vendor]),
                admin_key_env=item.get("admin_key_env", KEYS[vendor]),
                base_url=item.get("base_url", ""),
                bills=item.get("bills", vendor in REPORTS),
                limits=tuple(
                    VendorLimit(one["budget"], one.get("at", "organization")) for one in item.get("limits", [])
                ),
            )
        )
    return tuple(accounts)


@dataclass(frozen=True, slots=True)
class NoKey:
    """An account whose admin key is not in the environment: its report cannot be read, everything else goes on."""

    account: str
    variable: str

    def costs(self, first: date, until: date) -> NoReturn:
        """Always Unavailable."""
        del first, until
        raise no_key(self.account, self.variable)


def no_key(account: str, variable: str) -> Unavailable:
    """What to do where the admin key is missing."""
    return Unavailable(
        f"The environment has no {variable}, so {account} was not asked",
        remedy="Set it to an admin key of the account.",
        where=Where(file="fiscus.yaml", key="ai_accounts"),
    )


def open_vendor_costs(accounts: Iterable[AiAccount]) -> Mapping[str, VendorCosts]:
    """By the name of the account, those whose bills are read. Nothing is connected yet."""
    return {account.name: _costs(account) for account in accounts if account.bills}


def vendor_api(account: AiAccount) -> JsonApi | None:
    """Its admin endpoints; None without a key."""
    key = os.environ.get(account.admin_key_env, "")
    if not key:
        return None
    if account.vendor == "openai":
        from fiscus.connectors.openai.bills import openai_api

        return openai_api(account.base_url, key)
    if account.vendor == "anthropic":
        from fiscus.connectors.anthropic.bills import anthropic_api

        return anthropic_api(account.base_url, key)
    from fiscus.connectors.mistral.actions import mistral_api

    return mistral_api(account.base_url, key)


def _costs(account: AiAccount) -> VendorCosts:
    api = vendor_api(account)
    if api is None:
        return NoKey(account.name, account.admin_key_env)
    if account.vendor == "openai":
        from fiscus.connectors.openai.bills import OpenAiCosts

        return OpenAiCosts(api)
    from fiscus.connectors.anthropic.bills import AnthropicCosts

    return AnthropicCosts(api)


def open_limit_executors(accounts: Iterable[AiAccount]) -> Mapping[str, Executor]:
    """By kind of action, for the vendors of accounts that have limits. Nothing is connected yet."""
    from fiscus.connectors.vendor_api.limit_executor import limit_executors

    ports: dict[str, dict[str, LimitPort]] = {}
    for account in accounts:
        if account.limits:
            ports.setdefault(account.vendor, {})[account.name] = _limits(account)
    executors: dict[str, Executor] = {}
    for vendor, mine in ports.items():
        executors |= limit_executors(vendor, mine)
    return executors


def _limits(account: AiAccount) -> LimitPort:
    api = vendor_api(account)
    if api is None:
        from fiscus.connectors.vendor_api.limit_executor import NoKey as NoLimitKey

        return NoLimitKey(account.name, account.admin_key_env)
    if account.vendor == "openai":
        from fiscus.connectors.openai.actions import OpenAiLimits

        return OpenAiLimits(api)
    if account.vendor == "anthropic":
        from fiscus.connectors.anthropic.actions import AnthropicLimits

        return AnthropicLimits(api)
    from fiscus.connectors.mistral.actions import MistralLimits

    return MistralLimits(api)
