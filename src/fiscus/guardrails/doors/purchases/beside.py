"""What the register has beside something that is asked for: facts of its intent, looked at again when its yes comes. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from fiscus.guardrails.decisions.intent import TEXT_CHARS_MAX
from fiscus.guardrails.doors.purchases.purchase_checks import (
    duplicate_check,
    in_order,
    in_register,
    likeness,
    named,
    overlap_check,
    po_is_valid,
    purchase_order_check,
    same_po,
    some_of,
    vendor_check,
    vendor_known,
)
from fiscus.guardrails.doors.purchases.purchase_request import Known, purchase_intent
from fiscus.guardrails.doors.purchases.types import Catalog, Check, Purchase, PurchaseRequest

COMMITMENT: Final = "commitment.purchase"


@dataclass(frozen=True, slots=True)
class Beside:
    """Lines of the register: those that do the same and would be paid at once, and those that name the same purchase order."""

    same: tuple[Purchase, ...]
    po: tuple[Purchase, ...]

    @property
    def through(self) -> tuple[Purchase, ...]:
        """Those that are let through, or are being let through: each once."""
        found = {one.id: one for one in (*self.same, *self.po) if one.state != "asked" or one.going}
        return tuple(found.values())


def stands_beside(asked: PurchaseRequest, catalog: Catalog, register: Sequence[Purchase]) -> Beside:
    """`register`: what else is in it; the purchase itself is not beside itself."""
    same = tuple(one for one in register if likeness(asked, catalog, one) is not None)
    return Beside(same, same_po(asked, catalog, register))


def beside_facts(purchase_id: str, beside: Beside) -> Mapping[str, object]:
    """What policies and approvers read of it. Its own id makes each purchase a question of its own."""
    facts = {"purchase": purchase_id}
    for name, found in (("same_in_register", beside.same), ("po_named_by", beside.po)):
        if found:
            facts[name] = some_of([named(one) for one in found])[:TEXT_CHARS_MAX]
    return facts


def with_beside(purchase: Purchase, catalog: Catalog, register: Sequence[Purchase]) -> Purchase:
    """`purchase` with what stands beside it as facts of its intent."""
    beside = stands_beside(purchase.request, catalog, register)
    stated = {name: value for name, value in purchase.intent.attributes.items() if name not in _FACTS}
    attributes = {**stated, **beside_facts(purchase.id, beside)}
    through = tuple(one.id for one in beside.through)
    return replace(purchase, intent=replace(purchase.intent, attributes=attributes), beside=through)


def came_beside(purchase: Purchase, catalog: Catalog, register: Sequence[Purchase]) -> tuple[Purchase, ...]:
    """What is let through beside it now and was not when its question was put: a yes to that question knows nothing of it."""
    shown = {*purchase.beside, *(one.source for one in purchase.duplicates if not one.asked_by)}
    return tuple(one for one in stands_beside(purchase.request, catalog, register).through if one.id not in shown)


def looked_at_again(purchase: Purchase, catalog: Catalog, register: Sequence[Purchase]) -> Purchase:
    """With what the register knows now. What the bills said stays as it was when it was asked for."""
    asked, intent = purchase.request, purchase.intent
    if intent.kind == COMMITMENT:
        return _checked(with_beside(purchase, catalog, register), register_checks(asked, catalog, register))
    billed = [one for one in purchase.duplicates if one.source == "bills"]
    duplicates = in_order([*billed, *in_register(asked, catalog, register)])
    was_known = intent.attributes.get("vendor_known") is True
    is_known = was_known or vendor_known(asked, (), register)
    anew = purchase_intent(asked, Known(is_known, duplicates, po_is_valid(asked.po, catalog)))
    after = replace(purchase, intent=replace(intent, attributes=anew.attributes), duplicates=duplicates)
    checks = (
        duplicate_check(asked, duplicates),
        purchase_order_check(asked, catalog, register),
        overlap_check(asked, register),
        *(() if was_known else (vendor_check(asked, (), register),)),
    )
    return _checked(with_beside(after, catalog, register), checks)


def register_checks(asked: PurchaseRequest, catalog: Catalog, register: Sequence[Purchase]) -> tuple[Check, ...]:
    """For a commitment, which is judged on its usage: its purchase order and what runs beside it. More of them may be right."""
    overlap = overlap_check(asked, register)
    return (
        purchase_order_check(asked, catalog, register),
        replace(overlap, state="warn" if overlap.state == "fail" else overlap.state),
    )


def _checked(purchase: Purchase, checks: Sequence[Check]) -> Purchase:
    anew = {one.name: one for one in checks}
    return replace(purchase, checks=tuple(anew.get(one.name, one) for one in purchase.checks))


_FACTS: Final = frozenset({"purchase", "same_in_register", "po_named_by"})
