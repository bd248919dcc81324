"""The same spend in a marketplace's feed and in the vendor's own: found by its money, month by month, or declared. Pure.

FOCUS 1.3, BilledCost and EffectiveCost: an entity that does not invoice shows a BilledCost of 0, and one that does not originate
the usage an EffectiveCost of 0. Feeds that keep to it count once by themselves. Where both show both, the same rule says which
row counts (`counts: focus`): BilledCost at the marketplace, which invoices; EffectiveCost at the vendor, whose usage it is.
"""

from __future__ import annotations

import itertools
import re
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from typing import Final

from fiscus.cost.books.reconcile_invoices import tolerance
from fiscus.cost.marketplaces.types import Cell, CellCounts, Confidence, DeclaredPair, SeenTwice
from fiscus.cost.providers import canonical_name
from fiscus.kernel.ids import content_id
from fiscus.kernel.money import EXACT, ZERO, display, total
from fiscus.kernel.periods import Month

WORTH_MIN: Final = Decimal(1)  # amounts that are the same under one unit may be so by chance
MEDIUM_SHARE: Final = Decimal("0.02")
MEDIUM_MONTHS_MIN: Final = 2  # near in one month may be chance; in two it is a pattern
NAMED_MAX: Final = 5  # accounts in a sentence
_LEGAL: Final = re.compile(
    r"\b(inc|llc|ltd|limited|gmbh|ag|sa|sas|sarl|bv|plc|pbc|corp|corporation|co|company|software|technologies|labs)\b"
)
Group = tuple[str, str, str]  # seller (plain), currency, month
Feeds = tuple[str, str, str, str]  # seller (plain), currency, the marketplace's source, the vendor's


def plain_name(name: str) -> str:
    """`Datadog, Inc.` and `datadog` are one seller."""
    known = canonical_name(name)
    bare = re.sub(r"[^a-z0-9 ]+", " ", known.lower())
    return " ".join(_LEGAL.sub(" ", bare).split()) or bare.strip()


def sellers_of_two(sold: Iterable[tuple[str, str]]) -> set[str]:
    """Of (source, seller) pairs: the sellers, as each source spells them, that more than one source shows."""
    feeds: dict[str, dict[str, set[str]]] = {}
    for source, seller in sold:
        feeds.setdefault(plain_name(seller), {}).setdefault(source, set()).add(seller)
    return {
        name for by_source in feeds.values() if len(by_source) > 1 for names in by_source.values() for name in names
    }


def find_same(cells: Iterable[Cell], declared: Sequence[DeclaredPair] = ()) -> list[SeenTwice]:
    """Every month and seller that two feeds show, the newest month first; what may be the same and is not sure is `possible`."""
    groups: dict[Group, list[Cell]] = {}
    for cell in cells:
        groups.setdefault((plain_name(cell.seller), cell.currency, cell.month), []).append(cell)
    found: list[SeenTwice] = []
    for group, members in sorted(groups.items()):
        by_source = {source: list(some) for source, some in _by_source(members).items()}
        for one, other in itertools.combinations(sorted(by_source), 2):
            sides = _sides(by_source[one], by_source[other], declared, group)
            if sides is not None:
                found += _judge(group, *sides, declared)
    sure = _carried_on(_without_lone_nearness(found))
    return sorted(sure, key=lambda one: (one.month, one.seller, one.id), reverse=True)


def cell_counts(found: Iterable[SeenTwice]) -> list[CellCounts]:
    """What the view `charges_counted_once` joins; a cell stands once, the first that claims it."""
    rows: dict[tuple[str, ...], CellCounts] = {}
    for one in found:
        if not one.counted_once:
            continue
        for side, cells, others in (
            ("marketplace", one.marketplace, one.vendor),
            ("vendor", one.vendor, one.marketplace),
        ):
            billed = one.counts == side or (one.counts == "focus" and side == "marketplace")
            effective = one.counts == side or (one.counts == "focus" and side == "vendor")
            for cell in cells:
                key = (cell.source, cell.seller, cell.currency, cell.month, cell.account, cell.sub_account)
                rows.setdefault(
                    key,
                    CellCounts(
                        *key,
                        link=one.id,
                        side="vendor" if side == "vendor" else "marketplace",
                        other_source=", ".join(sorted({other.source for other in others})),
                        counts_billed=billed,
                        counts_effective=effective,
                        basis=one.confidence,
                    ),
                )
    return list(rows.values())


def _by_source(cells: Iterable[Cell]) -> Mapping[str, list[Cell]]:
    found: dict[str, list[Cell]] = {}
    for cell in cells:
        found.setdefault(cell.source, []).append(cell)
    return found


def _sides(
    one: list[Cell], other: list[Cell], declared: Sequence[DeclaredPair], group: Group
) -> tuple[list[Cell], list[Cell]] | None:
    """(marketplace's cells, vendor's cells); None where neither feed is a marketplace's."""
    for pair in declared:
        if plain_name(pair.seller) == group[0] and {pair.marketplace, pair.vendor} == {one[0].source, other[0].source}:
            return (one, other) if one[0].source == pair.marketplace else (other, one)
    market = [_invoices_for_another(cells) for cells in (one, other)]
    if market == [True, False]:
        return one, other
    if market == [False, True]:
        return other, one
    if market == [True, True] and one[0].others != other[0].others:
        return (one, other) if one[0].others > other[0].others else (other, one)
    return None


def _invoices_for_another(cells: Sequence[Cell]) -> bool:
    """Its rows are billed by somebody who is not their seller, and for money."""
    return any(cell.billed != ZERO and plain_name(cell.invoicer) != plain_name(cell.seller) for cell in cells)


def _judge(group: Group, market: list[Cell], vendor: list[Cell], declared: Sequence[DeclaredPair]) -> list[SeenTwice]:
    found: list[SeenTwice] = []
    left_market, left_vendor = list(market), list(vendor)
    for pair in declared:
        if not _names(pair, group, market, vendor):
            continue
        some_market, some_vendor = _of(left_market, pair.marketplace_accounts), _of(left_vendor, pair.vendor_accounts)
        both = bool(some_market and some_vendor)
        if pair.same and both:
            found.append(_declared(group, pair, some_market, some_vendor))
        if both if pair.same else (pair.marketplace_accounts or not pair.vendor_accounts):
            left_market = _without(left_market, some_market)
        if both if pair.same else (pair.vendor_accounts or not pair.marketplace_accounts):
            left_vendor = _without(left_vendor, some_vendor)
    if not left_market or not left_vendor:
        return found
    if _once_already(left_market, left_vendor):
        said = "The marketplace's rows are billed and no cost, the vendor's are cost and not billed: the feeds count it once."
        return [*found, _seen(group, left_market, left_vendor, "by_the_feeds", said)]
    return found + _by_money(group, left_market, left_vendor)


def _by_money(group: Group, market: list[Cell], vendor: list[Cell]) -> list[SeenTwice]:
    """What shows the same money; what is left then on both sides is held against each other as a whole."""
    found: list[SeenTwice] = []
    left_market, left_vendor = market, vendor
    for some_market, some_vendor in _candidates(market, vendor):
        if not set(some_market) <= set(left_market) or not set(some_vendor) <= set(left_vendor):
            continue
        if _same_money(some_market, some_vendor):
            said = _said(some_market, some_vendor, group[1]) + _of_which((some_market, some_vendor), (market, vendor))
            found.append(_seen(group, some_market, some_vendor, "high", said))
            left_market, left_vendor = _without(left_market, some_market), _without(left_vendor, some_vendor)
    rest = left_market and left_vendor
    if rest and (not found or min(abs(_worth(left_market)), abs(_worth(left_vendor))) >= WORTH_MIN):
        sure: Confidence = "medium" if _near(left_market, left_vendor) else "possible"
        said = _said(left_market, left_vendor, group[1]) + _of_which((left_market, left_vendor), (market, vendor))
        found.append(_seen(group, left_market, left_vendor, sure, said))
    return found


def _of_which(parts: Sequence[Sequence[Cell]], wholes: Sequence[Sequence[Cell]]) -> str:
    """Which accounts are meant, where they are not all of a feed: what marketplace.yaml would call them by."""
    sides = []
    for part, whole in zip(parts, wholes, strict=True):
        if len(part) < len(whole):
            names = sorted({cell.account or cell.sub_account for cell in part})
            more = f" and {len(names) - NAMED_MAX} more" if len(names) > NAMED_MAX else ""
            sides.append(f"{', '.join(names[:NAMED_MAX])}{more} of {part[0].source}")
    return f" Accounts: {'; '.join(sides)}." if sides else ""


def _without(cells: Sequence[Cell], taken: Sequence[Cell]) -> list[Cell]:
    return [cell for cell in cells if cell not in taken]


def _of(cells: Sequence[Cell], accounts: Collection[str]) -> list[Cell]:
    """Those of `accounts`; all where none is named."""
    return [cell for cell in cells if not accounts or cell.account in accounts or cell.sub_account in accounts]


def _names(pair: DeclaredPair, group: Group, market: Sequence[Cell], vendor: Sequence[Cell]) -> bool:
    inside = (not pair.first or pair.first <= group[2]) and (not pair.last or group[2] <= pair.last)
    return (
        inside
        and plain_name(pair.seller) == group[0]
        and (pair.marketplace, pair.vendor) == (market[0].source, vendor[0].source)
    )


def _declared(group: Group, pair: DeclaredPair, market: Sequence[Cell], vendor: Sequence[Cell]) -> SeenTwice:
    said = f"marketplace.yaml, line {pair.line}, says so. {_said(market, vendor, group[1])}"
    seen = _seen(group, market, vendor, "declared", said)
    return SeenTwice(
        seen.id, seen.seller, seen.currency, seen.month, seen.marketplace, seen.vendor, pair.counts, "declared", said
    )


def _once_already(market: Sequence[Cell], vendor: Sequence[Cell]) -> bool:
    return all(cell.billed == ZERO for cell in vendor) and all(cell.effective == ZERO for cell in market)


def _candidates(market: list[Cell], vendor: list[Cell]) -> Iterable[tuple[list[Cell], list[Cell]]]:
    """Everything against everything; one account against everything; account against account."""
    yield market, vendor
    for cell in sorted(vendor, key=lambda one: -abs(one.worth)):
        yield market, [cell]
    for cell in sorted(market, key=lambda one: -abs(one.worth)):
        yield [cell], vendor
    for one, other in itertools.product(market, vendor):
        yield [one], [other]


def _same_money(market: Sequence[Cell], vendor: Sequence[Cell]) -> bool:
    """Within what invoices of the currency may differ by rounding."""
    one, other = _worth(market), _worth(vendor)
    rows = max(sum(cell.charges for cell in side) for side in (market, vendor))
    bound = tolerance(market[0].currency, rows)
    small = min(abs(one), abs(other))
    return small >= WORTH_MIN and abs(EXACT.subtract(one, other)) <= min(bound, EXACT.multiply(small, MEDIUM_SHARE))


def _near(market: Sequence[Cell], vendor: Sequence[Cell]) -> bool:
    """Asked of all that is left alone: of many pairs of accounts, some are within 2 % by chance, month after month."""
    one, other = _worth(market), _worth(vendor)
    small = min(abs(one), abs(other))
    return small >= WORTH_MIN and abs(EXACT.subtract(one, other)) <= EXACT.multiply(small, MEDIUM_SHARE)


def _without_lone_nearness(found: Sequence[SeenTwice]) -> list[SeenTwice]:
    """A month that is only near stays unsure where no other month of these accounts of the same two feeds is at least near."""
    near: dict[Feeds, list[SeenTwice]] = {}
    for one in found:
        if one.confidence in {"high", "medium"}:
            near.setdefault(_feeds(one), []).append(one)
    kept = []
    for one in found:
        months = {other.month for other in near.get(_feeds(one), ()) if _share_accounts(one, other)}
        lone = one.confidence == "medium" and len(months) < MEDIUM_MONTHS_MIN
        kept.append(replace(one, confidence="possible") if lone else one)
    return kept


def _carried_on(found: Sequence[SeenTwice]) -> list[SeenTwice]:
    """The newest month of two feeds may have landed in one further than in the other: it is as the month before it was."""
    newest: dict[Feeds, str] = {}
    before: dict[tuple[Feeds, str], list[SeenTwice]] = {}
    for one in found:
        newest[_feeds(one)] = max(one.month, newest.get(_feeds(one), ""))
        if one.confidence in {"high", "medium"}:
            before.setdefault((_feeds(one), one.month), []).append(one)
    kept = []
    for one in found:
        month = str(Month.parse(one.month).shift(-1))
        same = [other for other in before.get((_feeds(one), month), ()) if _accounts(other) <= _accounts(one)]
        goes_on = one.confidence == "possible" and one.month == newest[_feeds(one)]
        if goes_on and _accounts(one) == {account for other in same for account in _accounts(other)}:
            said = f"{one.evidence} {month} was the same in the same accounts, and this month may not be whole in both."
            kept.append(replace(one, confidence="medium", evidence=said))
        else:
            kept.append(one)
    return kept


def _share_accounts(one: SeenTwice, other: SeenTwice) -> bool:
    return all(
        {(cell.account, cell.sub_account) for cell in mine} & {(cell.account, cell.sub_account) for cell in theirs}
        for mine, theirs in ((one.marketplace, other.marketplace), (one.vendor, other.vendor))
    )


def _feeds(one: SeenTwice) -> Feeds:
    return plain_name(one.seller), one.currency, one.marketplace[0].source, one.vendor[0].source


def _accounts(one: SeenTwice) -> set[tuple[str, str, str]]:
    return {(cell.source, cell.account, cell.sub_account) for cell in (*one.marketplace, *one.vendor)}


def _seen(
    group: Group, market: Sequence[Cell], vendor: Sequence[Cell], confidence: Confidence, evidence: str
) -> SeenTwice:
    cells = [[cell.source, cell.account, cell.sub_account] for cell in (*market, *vendor)]
    link = content_id("two", *group, cells)
    return SeenTwice(
        link, vendor[0].seller, group[1], group[2], tuple(market), tuple(vendor), "focus", confidence, evidence
    )


def _said(market: Sequence[Cell], vendor: Sequence[Cell], currency: str) -> str:
    one, other = _worth(market), _worth(vendor)
    return (
        f"{market[0].source} shows {display(one)} {currency} in {sum(cell.charges for cell in market)} charges, invoiced by "
        f"{market[0].invoicer}; {vendor[0].source} shows {display(other)} in {sum(cell.charges for cell in vendor)}; apart by "
        f"{display(abs(EXACT.subtract(one, other)))}."
    )


def _worth(cells: Sequence[Cell]) -> Decimal:
    return total([cell.worth for cell in cells])
