"""What is looked at before something is bought: is it paid for already, is the vendor known, does the paper fit. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    PurchaseState,
    SameAs,
)
from fiscus.kernel.money import ZERO, display, total

RUNNING: Final[tuple[PurchaseState, ...]] = ("allowed", "bought")
BESIDE: Final[tuple[PurchaseState, ...]] = (
    "asked",
    *RUNNING,
)  # what is asked for and not decided would be paid beside it, too
LOOKED_AT: Final[tuple[PurchaseState, ...]] = (*BESIDE, "ended")  # what ended has used up its purchase order
SHOWN_MAX: Final = 5
_STOPS: Final = re.compile(r"[.,;:]+(?=\s|$)")  # not those inside a name: `1.2`, `Booking.com`
SAID: Final[Mapping[SameAs, str]] = {
    "product": "You have exactly this already",
    "capability": "You pay for the same capability already",
    "category": "You pay for something of the same category already",
}

ASKED: Final[Mapping[SameAs, str]] = {
    "product": "Exactly this is asked for already and not decided yet",
    "capability": "The same capability is asked for already and not decided yet",
    "category": "Something of the same category is asked for already and not decided yet",
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
    """What does the same and is paid for or asked for: the same product first, what is paid for first, then by money.

    What the bills show of the contract that it follows on is none. A cloud's own services count by capability only: that a cloud
    sells databases says nothing about this one.
    """
    billed = list(_in_bills(asked, catalog, bought))
    if _renews(asked, register):
        billed = [one for one in billed if one.same != "product"]
    return in_order([*billed, *in_register(asked, catalog, register)])


def in_order(found: Iterable[Duplicate]) -> tuple[Duplicate, ...]:
    """The closest first, what is paid for before what is only asked for, then by money."""
    order = {"product": 0, "capability": 1, "category": 2}
    return tuple(sorted(found, key=lambda one: (order[one.same], bool(one.asked_by), -one.amount, one.name)))


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
        duplicate_check(asked, duplicates),
        vendor_check(asked, bought, register),
        purchase_order_check(asked, catalog, register),
        _renewal(asked, today),
        overlap_check(asked, register),
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
    written = {(_plain(one.request.vendor), _plain(one.request.product)) for one in register}
    found = [
        one
        for one in bought
        if one.purchased > ZERO
        and not any((_plain(name), _plain(one.service)) in written for name in (one.vendor, one.publisher))
    ]
    return tuple(sorted(found, key=lambda one: (-one.purchased, one.vendor, one.service)))


def in_register(asked: PurchaseRequest, catalog: Catalog, register: Sequence[Purchase]) -> Iterator[Duplicate]:
    """What is asked for, or was allowed and stands on no bill yet; what does stand on one is found there."""
    for purchase in register:
        theirs = purchase.request
        same = likeness(asked, catalog, purchase)
        if same is None and _same(asked.category, theirs.category) and is_beside(asked, purchase):
            same = "category"
        if same is not None:
            waits = purchase.state == "asked"
            yield Duplicate(
                same, theirs.product, theirs.vendor, theirs.contract_value, theirs.currency, purchase.id,
                asked_by=purchase.intent.requested_by if waits else "", asked_on=_asked_on(purchase) if waits else None,
            )  # fmt: skip


def likeness(asked: PurchaseRequest, catalog: Catalog, purchase: Purchase) -> SameAs | None:
    """The same product or capability as `purchase`, which would be paid beside it; None where it is neither."""
    theirs = purchase.request
    return _alike(asked, catalog, theirs.vendor, theirs.product) if is_beside(asked, purchase) else None


def is_beside(asked: PurchaseRequest, purchase: Purchase) -> bool:
    """It is asked for, allowed or bought, and does not end before what is asked begins."""
    return purchase.state in BESIDE and not _ended_before(purchase.request, asked)


def same_po(asked: PurchaseRequest, catalog: Catalog, register: Sequence[Purchase]) -> tuple[Purchase, ...]:
    """Those that name the same purchase order, if it is one."""
    if not po_is_valid(asked.po, catalog):
        return ()
    return tuple(one for one in register if one.state in LOOKED_AT and _same(asked.po, one.request.po))


def named(purchase: Purchase) -> str:
    """`pur-1 (allowed)`, or `pur-1 (asked by ana.silva on 2026-11-20, not decided yet)`."""
    if purchase.state != "asked":
        return f"{purchase.id} ({purchase.state})"
    so_far = "approved" if purchase.going else "not decided yet"
    return f"{purchase.id} ({_asked_words(purchase.intent.requested_by, _asked_on(purchase))}, {so_far})"


def some_of(names: Sequence[str]) -> str:
    """The first few of them, and how many more there are."""
    more = f" and {len(names) - SHOWN_MAX} more" if len(names) > SHOWN_MAX else ""
    return f"{', '.join(names[:SHOWN_MAX])}{more}"


def _asked_on(purchase: Purchase) -> date | None:
    return purchase.steps[0].at.date() if purchase.steps else None


def _asked_words(who: str, day: date | None) -> str:
    return f"asked by {who}" + (f" on {day}" if day else "")


def _in_bills(asked: PurchaseRequest, catalog: Catalog, bought: Sequence[Bought]) -> Iterator[Duplicate]:
    for one in bought:
        same = _alike(asked, catalog, one.vendor, one.service)
        if same is None and one.vendor not in CLOUDS and _in_category(asked.category, one):
            same = "category"
        if same is not None and one.cost > ZERO:
            yield Duplicate(same, one.service, one.vendor, one.cost, one.currency, "bills")


def _alike(asked: PurchaseRequest, catalog: Catalog, vendor: str, product: str) -> SameAs | None:
    if _same(asked.vendor, vendor) and _same(asked.product, product):
        return "product"
    ours, theirs = capability_of(catalog, asked.vendor, asked.product), capability_of(catalog, vendor, product)
    return "capability" if ours is not None and theirs is not None and ours.name == theirs.name else None


def _renews(asked: PurchaseRequest, register: Sequence[Purchase]) -> bool:
    """It follows on a contract for the same thing that ends before it."""
    return any(
        one.state in RUNNING and _is_same_thing(asked, one.request) and _ended_before(one.request, asked)
        for one in register
    )


def duplicate_check(asked: PurchaseRequest, found: Sequence[Duplicate]) -> Check:
    """What is paid for, then what waits for an answer."""
    if not found:
        return Check("duplicate", "ok", "Nothing that does the same is paid for or asked for.")
    paid, waiting = [one for one in found if not one.asked_by], [one for one in found if one.asked_by]
    words = []
    if paid:
        words.append(f"{SAID[paid[0].same]}: {some_of([_money_of(one) for one in paid])}.")
    if waiting:
        words.append(f"{ASKED[waiting[0].same]}: {some_of([_money_of(one) for one in waiting])}.")
    more_seats = asked.is_seats and found[0].same == "product"
    state: CheckState = "warn" if found[0].same == "category" or more_seats else "fail"
    return Check("duplicate", state, " ".join(words))


def _money_of(one: Duplicate) -> str:
    since = " in twelve months" if one.source == "bills" else f", {one.source}"
    asked = f", {_asked_words(one.asked_by, one.asked_on)}" if one.asked_by else ""
    return f"{one.name} of {one.vendor} ({display(one.amount, 0)} {one.currency}{since}{asked})"


def vendor_check(asked: PurchaseRequest, bought: Sequence[Bought], register: Sequence[Purchase]) -> Check:
    """What was paid to it lately, or that it stands in the register."""
    mine = [one for one in bought if _is_vendor(asked.vendor, one)]
    if mine:
        sums = {name: total([one.cost for one in mine if one.currency == name]) for name in {x.currency for x in mine}}
        money = " and ".join(f"{display(sums[name], 0)} {name}" for name in sorted(sums))
        return Check("vendor", "ok", f"{asked.vendor} is known: {money} were paid in the last twelve months.")
    if vendor_known(asked, bought, register):
        return Check("vendor", "ok", f"{asked.vendor} is known from the register, and on no bill yet.")
    return Check("vendor", "warn", f"{asked.vendor} is new: nothing was paid to it in the last twelve months.")


def purchase_order_check(asked: PurchaseRequest, catalog: Catalog, register: Sequence[Purchase]) -> Check:
    """There, of the right shape, and named by nothing else."""
    if not asked.po:
        return Check("purchase_order", "warn", "It names no purchase order.")
    if not po_is_valid(asked.po, catalog):
        said = f"{asked.po!r} is no purchase order: it does not look like {catalog.po_pattern}. It counts as none."
        return Check("purchase_order", "fail", said)
    if others := same_po(asked, catalog, register):
        said = f"It names the purchase order {asked.po}, as does {some_of([named(one) for one in others])}."
        return Check("purchase_order", "warn", said)
    return Check("purchase_order", "ok", f"It names the purchase order {asked.po}.")


def _renewal(asked: PurchaseRequest, today: date) -> Check:
    if asked.renewal == "none" or asked.renews is None:
        return Check("renewal", "ok", "It ends by itself.")
    if asked.notice_by is None:
        return Check("renewal", "ok", f"It ends on {asked.renews} unless somebody renews it.")
    days = (asked.notice_by - today).days
    said = f"It renews by itself on {asked.renews}; to end it, notice is due by {asked.notice_by}"
    return Check("renewal", "warn" if days > 0 else "fail", f"{said}." if days > 0 else f"{said}, which is over.")


def overlap_check(asked: PurchaseRequest, register: Sequence[Purchase]) -> Check:
    """A contract with the same vendor for the same thing would be paid beside it: what runs first, then what is asked for."""
    found = [one for one in register if is_beside(asked, one) and _is_same_thing(asked, one.request)]
    for purchase in sorted(found, key=lambda one: one.state == "asked"):
        theirs = purchase.request
        until = f"until {theirs.renews}" if theirs.renews else "without an end in the register"
        again = ", and renews by itself" if theirs.renewal == "automatic" else ""
        if purchase.state != "asked":
            return Check("overlap", "fail", f"{purchase.id} runs {until}{again}: both would be paid at once.")
        return Check("overlap", "warn", f"{named(purchase)} would run {until}{again}: both would be paid at once.")
    return Check("overlap", "ok", "No contract for the same thing runs beside it, and none is asked for.")


def _data(asked: PurchaseRequest) -> Check:
    return Check("data", "ok", f"It takes {asked.data_class} data.")


def _ended_before(theirs: PurchaseRequest, asked: PurchaseRequest) -> bool:
    return theirs.renews is not None and theirs.renewal != "automatic" and theirs.renews <= asked.starts


def _in_category(category: str, one: Bought) -> bool:
    return _same(category, one.subcategory) or _same(category, one.category)


def _is_vendor(vendor: str, one: Bought) -> bool:
    return any(_same(vendor, name) for name in (one.vendor, one.publisher))


def _is_same_thing(asked: PurchaseRequest, theirs: PurchaseRequest) -> bool:
    return _same(asked.vendor, theirs.vendor) and _same(asked.product, theirs.product)


def _same(one: str, other: str) -> bool:
    return bool(one) and _plain(one) == _plain(other)


def _plain(name: str) -> str:
    """As people spell one name in several ways: `VectorForge, Inc.` is `vectorforge INC`."""
    return " ".join(_STOPS.sub("", name).casefold().split())
