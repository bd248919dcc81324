"""What is looked at before something is bought: is it paid for already, is the vendor known, does the paper fit. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from fnmatch import fnmatchcase
from typing import Final

from fiscus.cost.providers import CLOUDS
from fiscus.guardrails.doors.purchases.types import (
    Bought,
    Capability,
    Catalog,
    Check,
    CheckState,
    Duplicate,
    Purchase,
    PurchaseRequest,
    SameAs,
)
from fiscus.kernel.money import ZERO, display, total

RUNNING: Final = ("allowed", "bought")
SHOWN_MAX: Final = 5
SAID: Final[Mapping[SameAs, str]] = {
    "product": "You have exactly this already",
    "capability": "You pay for the same capability already",
    "category": "You pay for something of the same category already",
}


def capability_of(catalog: Catalog, vendor: str, product: str) -> Capability | None:
    """The first capability that names the product, or the vendor."""
    for one in catalog.capabilities:
        if any(
            fnmatchcase(name.casefold(), pattern.casefold()) for pattern in one.products for name in (product, vendor)
        ):
            return one
    return None


def find_duplicates(
    asked: PurchaseRequest, catalog: Catalog, bought: Sequence[Bought], register: Sequence[Purchase]
) -> tuple[Duplicate, ...]:
    """What does the same and is paid for: the same product first, then by money. A renewal of the very thing is none.

    A cloud's own services count by capability only: that a cloud sells databases says nothing about this one.
    """
    found = [*_in_bills(asked, catalog, bought), *_in_register(asked, catalog, register)]
    if _renews(asked, register):
        found = [one for one in found if one.same != "product"]
    order = {"product": 0, "capability": 1, "category": 2}
    return tuple(sorted(found, key=lambda one: (order[one.same], -one.amount, one.name)))


def check_purchase(
    asked: PurchaseRequest,
    duplicates: Sequence[Duplicate],
    catalog: Catalog,
    bought: Sequence[Bought],
    register: Sequence[Purchase],
    today: date,
) -> tuple[Check, ...]:
    """Each thing that was looked at, in the order in which a buyer would want to know. `duplicates`: as they were found."""
    return (
        _duplicate(asked, duplicates),
        _vendor(asked, bought, register),
        _purchase_order(asked, catalog),
        _renewal(asked, today),
        _overlap(asked, register),
        *((_data(asked),) if asked.data_class else ()),
    )


def po_is_valid(po: str, catalog: Catalog) -> bool:
    """It is there, and has the shape that the catalog names, if it names one."""
    return bool(po) and (not catalog.po_pattern or re.fullmatch(catalog.po_pattern, po) is not None)


def vendor_known(asked: PurchaseRequest, bought: Sequence[Bought], register: Sequence[Purchase]) -> bool:
    """Something of it was paid for in the last twelve months, or stands in the register."""
    return any(_is_vendor(asked.vendor, one) for one in bought) or any(
        _same(asked.vendor, one.request.vendor) and one.state in RUNNING for one in register
    )


def outside_register(bought: Sequence[Bought], register: Sequence[Purchase]) -> tuple[Bought, ...]:
    """What the bills show as bought by contract and no line of the register names, the most money first."""
    named = {(one.request.vendor.strip().casefold(), one.request.product.strip().casefold()) for one in register}
    found = [
        one
        for one in bought
        if one.purchased > ZERO
        and not any(
            (name.strip().casefold(), one.service.strip().casefold()) in named for name in (one.vendor, one.publisher)
        )
    ]
    return tuple(sorted(found, key=lambda one: (-one.purchased, one.vendor, one.service)))


def _in_bills(asked: PurchaseRequest, catalog: Catalog, bought: Sequence[Bought]) -> Iterator[Duplicate]:
    for one in bought:
        same = _alike(asked, catalog, one.vendor, one.service)
        if same is None and one.vendor not in CLOUDS and _in_category(asked.category, one):
            same = "category"
        if same is not None and one.cost > ZERO:
            yield Duplicate(same, one.service, one.vendor, one.cost, one.currency, "bills")


def _in_register(asked: PurchaseRequest, catalog: Catalog, register: Sequence[Purchase]) -> Iterator[Duplicate]:
    """What was allowed and stands on no bill yet; what does stand on one is found there."""
    for purchase in register:
        theirs = purchase.request
        same = _alike(asked, catalog, theirs.vendor, theirs.product)
        if same is None and _same(asked.category, theirs.category):
            same = "category"
        if same is not None and purchase.state in RUNNING and not _ended_before(theirs, asked):
            yield Duplicate(same, theirs.product, theirs.vendor, theirs.contract_value, theirs.currency, purchase.id)


def _alike(asked: PurchaseRequest, catalog: Catalog, vendor: str, product: str) -> SameAs | None:
    if _same(asked.vendor, vendor) and _same(asked.product, product):
        return "product"
    ours, theirs = capability_of(catalog, asked.vendor, asked.product), capability_of(catalog, vendor, product)
    return "capability" if ours is not None and theirs is not None and ours.name == theirs.name else None


def _renews(asked: PurchaseRequest, register: Sequence[Purchase]) -> bool:
    """It follows on a contract for the same thing that ends before it."""
    return any(
        one.state in RUNNING
        and _same(asked.vendor, one.request.vendor)
        and _same(asked.product, one.request.product)
        and _ended_before(one.request, asked)
        for one in register
    )


def _duplicate(asked: PurchaseRequest, found: Sequence[Duplicate]) -> Check:
    if not found:
        return Check("duplicate", "ok", "Nothing that does the same is paid for.")
    said = [
        f"{one.name} of {one.vendor} ({display(one.amount, 0)} {one.currency}{_since(one)})"
        for one in found[:SHOWN_MAX]
    ]
    more = f" and {len(found) - SHOWN_MAX} more" if len(found) > SHOWN_MAX else ""
    more_seats = asked.is_seats and found[0].same == "product"
    state: CheckState = "warn" if found[0].same == "category" or more_seats else "fail"
    return Check("duplicate", state, f"{SAID[found[0].same]}: {', '.join(said)}{more}.")


def _since(one: Duplicate) -> str:
    return " in twelve months" if one.source == "bills" else f", {one.source}"


def _vendor(asked: PurchaseRequest, bought: Sequence[Bought], register: Sequence[Purchase]) -> Check:
    mine = [one for one in bought if _is_vendor(asked.vendor, one)]
    if mine:
        sums = {name: total([one.cost for one in mine if one.currency == name]) for name in {x.currency for x in mine}}
        money = " and ".join(f"{display(sums[name], 0)} {name}" for name in sorted(sums))
        return Check("vendor", "ok", f"{asked.vendor} is known: {money} were paid in the last twelve months.")
    if vendor_known(asked, bought, register):
        return Check("vendor", "ok", f"{asked.vendor} is known from the register, and on no bill yet.")
    return Check("vendor", "warn", f"{asked.vendor} is new: nothing was paid to it in the last twelve months.")


def _purchase_order(asked: PurchaseRequest, catalog: Catalog) -> Check:
    if not asked.po:
        return Check("purchase_order", "warn", "It names no purchase order.")
    if not po_is_valid(asked.po, catalog):
        said = f"{asked.po!r} is no purchase order: it does not look like {catalog.po_pattern}. It counts as none."
        return Check("purchase_order", "fail", said)
    return Check("purchase_order", "ok", f"It names the purchase order {asked.po}.")


def _renewal(asked: PurchaseRequest, today: date) -> Check:
    if asked.renewal == "none" or asked.renews is None:
        return Check("renewal", "ok", "It ends by itself.")
    if asked.notice_by is None:
        return Check("renewal", "ok", f"It ends on {asked.renews} unless somebody renews it.")
    days = (asked.notice_by - today).days
    said = f"It renews by itself on {asked.renews}; to end it, notice is due by {asked.notice_by}"
    return Check("renewal", "warn" if days > 0 else "fail", f"{said}." if days > 0 else f"{said}, which is over.")


def _overlap(asked: PurchaseRequest, register: Sequence[Purchase]) -> Check:
    """A running contract with the same vendor for the same thing would be paid beside it."""
    for purchase in register:
        theirs = purchase.request
        alike = _same(asked.vendor, theirs.vendor) and _same(asked.product, theirs.product)
        if purchase.state in RUNNING and alike and not _ended_before(theirs, asked):
            until = f"until {theirs.renews}" if theirs.renews else "without an end in the register"
            again = ", and renews by itself" if theirs.renewal == "automatic" else ""
            return Check("overlap", "fail", f"{purchase.id} runs {until}{again}: both would be paid at once.")
    return Check("overlap", "ok", "No contract for the same thing runs beside it.")


def _data(asked: PurchaseRequest) -> Check:
    return Check("data", "ok", f"It takes {asked.data_class} data.")


def _ended_before(theirs: PurchaseRequest, asked: PurchaseRequest) -> bool:
    return theirs.renews is not None and theirs.renewal != "automatic" and theirs.renews <= asked.starts


def _in_category(category: str, one: Bought) -> bool:
    return _same(category, one.subcategory) or _same(category, one.category)


def _is_vendor(vendor: str, one: Bought) -> bool:
    return any(_same(vendor, name) for name in (one.vendor, one.publisher))


def _same(one: str, other: str) -> bool:
    return bool(one) and one.strip().casefold() == other.strip().casefold()
