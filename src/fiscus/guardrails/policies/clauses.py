"""The clauses of a policy beside its condition: cheaper ways, who approves what, and from when until when it holds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from typing import Any, Final

from fiscus.guardrails.policies.facts import facts_of
from fiscus.guardrails.policies.given_facts import given_facts
from fiscus.guardrails.types import INTENT_KINDS, ApprovalBand, ApprovalRule, CheaperWay, PolicyTarget
from fiscus.kernel.documents import Document, Path, did_you_mean

ASKED_FOR: Final = ("kind", "requested_by", "team", "amount", "currency", "ticket", "repository", "reason")
"""What no cheaper way can change: who asks, why, and the money."""


def read_options(
    document: Document, path: Path, items: Sequence[Mapping[str, Any]], targets: Sequence[PolicyTarget]
) -> tuple[CheaperWay, ...]:
    """The `options` of a policy. BadConfig with its line for a change that an intent of its kinds cannot have."""
    return tuple(_option(document, (*path, number), item, targets) for number, item in enumerate(items))


def _option(document: Document, path: Path, item: Mapping[str, Any], targets: Sequence[PolicyTarget]) -> CheaperWay:
    change, kinds = item["change"], [target for target in targets if target in INTENT_KINDS]
    for kind in kinds:
        free = [name.partition(".")[2] for name in facts_of(kind) if name.startswith("intent.")]
        free = [name for name in free if name not in ASKED_FOR]
        for name in change:
            if name not in free:
                message = f"{name!r} is nothing that a {kind} can change"
                raise document.error((*path, "change", name), message, did_you_mean(name, free))

        def refuse(key: str, message: str, remedy: str) -> Exception:
            return document.error((*path, "change", key.partition(".")[2]), message, remedy)

        given_facts({"intent": change}, kind, refuse)
    share = _decimal(document, (*path, "price_share"), item["price_share"]) if "price_share" in item else None
    if share is not None and not 0 <= share < 1:
        message = f"{share} of the price is not cheaper"
        raise document.error((*path, "price_share"), message, 'Write a share from 0 to under 1, such as "0.2".')
    title = item.get("title") or ", ".join(f"{name} {value}" for name, value in change.items())
    return CheaperWay(title, change, share)


def read_approval(document: Document, path: Path, item: Mapping[str, Any]) -> ApprovalRule:
    """The `approval` of a policy. BadConfig with its line for bands that do not rise to an open one."""
    hours = item.get("expires_hours", ApprovalRule(()).expires_hours)
    if "bands" not in item:
        return ApprovalRule((_band(item, Decimal(0)),), "", hours)
    for key in ("roles", "approvers"):
        if key in item:
            raise document.error((*path, key), f"{key} stands beside bands", "Write it into each band.")
    if "currency" not in item:
        raise document.error(path, "The bands have no currency", "Write currency: USD beside them.")
    bands, over = [], Decimal(0)
    for number, given in enumerate(item["bands"]):
        at, last = (*path, "bands", number), number == len(item["bands"]) - 1
        if ("up_to" in given) == last:
            message = "The last band has no up_to" if last else "A band has no up_to and is not the last"
            raise document.error(at, message, "Write up_to in every band but the last, which holds all larger amounts.")
        bands.append(_band(given, over))
        if not last:
            up_to = _decimal(document, (*at, "up_to"), given["up_to"])
            if up_to <= over:
                raise document.error((*at, "up_to"), f"{up_to} is not above {over}", "Write the bands lowest first.")
            over = up_to
    return ApprovalRule(tuple(bands), item["currency"], hours)


def _band(item: Mapping[str, Any], over: Decimal) -> ApprovalBand:
    return ApprovalBand(over, tuple(item.get("roles", ())), item.get("approvers", 1))


def read_effective(document: Document, path: Path, item: Mapping[str, str]) -> tuple[date | None, date | None]:
    """(first day, last day) of `effective`, either None where it is open."""
    first, last = (read_day(document, (*path, key), item[key]) if key in item else None for key in ("from", "until"))
    if first is not None and last is not None and first > last:
        raise document.error(path, "The policy ends before it begins", "Write from no later than until.")
    return first, last


def read_day(document: Document, path: Path, text: str) -> date:
    """A date that stands in a document."""
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise document.error(path, f"{text!r} is no date", "Write it as YYYY-MM-DD.") from None


def _decimal(document: Document, path: Path, given: object) -> Decimal:
    try:
        number = Decimal(str(given))
    except InvalidOperation:
        raise document.error(path, f"{given!r} is no decimal number", "Write it plainly, such as 50.00.") from None
    if not number.is_finite():
        raise document.error(path, f"{given} is no number", "Write it plainly, such as 50.00.")
    return number
