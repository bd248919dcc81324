"""The cheaper ways that policies offer to an intent, each with its price: what it costs then, and what that saves.

The price is a share of the asked one where the policy states it, else whatever quotes know. A way that nobody can price, that is
no cheaper, that is what was asked for already, or that would itself be denied, is not offered.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

from fiscus.guardrails.decisions.intent import TEXTS
from fiscus.guardrails.ports import Quotes
from fiscus.guardrails.types import CheaperWay, Intent, Option, Policy
from fiscus.kernel.limits import OPTIONS_MAX
from fiscus.kernel.money import EXACT, ZERO, from_nanos, to_nanos


class NoQuotes:
    """Nobody knows a price: only ways whose price the policy states are offered."""

    def quote(self, intent: Intent, change: Mapping[str, object]) -> None:
        """None."""


def cheaper_options(
    intent: Intent, policies: Sequence[Policy], quotes: Quotes, denied: Callable[[Intent], bool]
) -> tuple[Option, ...]:
    """The options of `policies`, all of which matched, the largest saving first; of equal changes the cheapest one.

    `denied` says whether policies forbid an intent as it would then be; it is asked of the best OPTIONS_MAX only, because each
    question asks every policy.
    """
    found: dict[str, Option] = {}
    for policy in policies:
        for way in policy.options:
            option = _option(intent, policy.id, way, quotes)
            key = repr(sorted(way.change.items()))
            if option is not None and (key not in found or _order(option) < _order(found[key])):
                found[key] = option
    best = sorted(found.values(), key=_order)[:OPTIONS_MAX]
    return tuple(one for one in best if not denied(replace(changed(intent, one.change), amount=one.amount)))


def changed(intent: Intent, change: Mapping[str, object]) -> Intent:
    """The intent with other fields and attributes; `change` was checked when the policy was loaded."""
    fields = {name: value for name, value in change.items() if name in TEXTS}
    attributes = {name: value for name, value in change.items() if name not in TEXTS}
    return replace(intent, attributes={**intent.attributes, **attributes}, **cast("Any", fields))


def _option(intent: Intent, policy_id: str, way: CheaperWay, quotes: Quotes) -> Option | None:
    if changed(intent, way.change) == intent:
        return None
    if way.price_share is not None:
        # Rounded up at the billionth: it is the most that it may cost.
        amount = from_nanos(to_nanos(EXACT.multiply(intent.amount, way.price_share), round_up=True))
        priced_by = "policy"
    elif (quote := quotes.quote(intent, way.change)) is not None:
        amount, priced_by = quote.amount, quote.priced_by
    else:
        return None
    saving = EXACT.subtract(intent.amount, amount)
    if saving <= ZERO:
        return None
    return Option(way.title, dict(way.change), amount, saving, intent.currency, cast("Any", priced_by), policy_id)


def _order(option: Option) -> tuple[object, ...]:
    return -option.saving, option.title, option.policy_id
