"""What is not usage: support, tax, credits, refunds, and corrections of months that were already closed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Final

import numpy as np

from fiscus.twin.accounts import account
from fiscus.twin.catalogue import catalogue
from fiscus.twin.line import MONEY, UNIT, Book, Facts, Line, Sku, join_facts, no_facts
from fiscus.twin.meter import World, amount_facts, facts_of, whole_cents

TAX_PERCENT: Final[Mapping[str, Decimal]] = {
    "aws": Decimal("1.2"), "azure": Decimal(2), "oracle": Decimal("2.5"), "mistral": Decimal(20), "workdesk": Decimal(7),
}  # fmt: skip
SUPPORT: Final[Mapping[str, tuple[str, int]]] = {"aws": ("management", 330), "azure": ("corp-it", 85)}
# source | account | money a month | what
CREDITS: Final = """
aws|management|2500|Migration Acceleration Program credit
azure|corp-it|1200|Azure Migrate and Modernize credit
gcp|analytics-prod|1800|Promotional credit for data analytics
openai|-|400|Research access grant
"""
# source | account | SKU | days before the as-of day | money given back | Correction?
GIVEN_BACK: Final = """
aws|prod-core|ec2-m6i|61|640.20|yes
aws|data-prod|s3|128|212.75|yes
aws|prod-robotics|eks|12|118.40|
azure|field-apps|cosmos|95|305.10|yes
gcp|search-prod|gke|33|96.35|yes
oracle|erp-prod|B95701|70|410.00|yes
"""


@dataclass(frozen=True, slots=True)
class _Entry:
    line: Line
    day: int
    amount: int
    month: int | None = None  # billing month where it is not the day's


def adjustments_book(source: str, usage: Book, world: World) -> Book:
    """Everything beside usage that the bill of `source` carries. Taxes and credits stand on the last day of their month."""
    entries = [*_credits(source, usage, world), *_given_back(source, world), *_tax(source, usage, world)]
    lines = [entry.line for entry in entries]
    facts = no_facts()
    if entries:
        facts = amount_facts(world.timeline, [(n, entry.day, entry.amount) for n, entry in enumerate(entries)])
        months = [facts.month[n] if entry.month is None else entry.month for n, entry in enumerate(entries)]
        facts = replace(facts, month=np.array(months, np.int64))
    support, more = _support(source, world, len(lines))
    return Book(source, (*lines, *support), join_facts([facts, more]))


def _support(source: str, world: World, line: int) -> tuple[list[Line], Facts]:
    """Shared by everybody: paid by FinOps for the whole company, a fixed sum a day that grows a little each quarter."""
    if source not in SUPPORT:
        return [], no_facts()
    key, money = SUPPORT[source]
    place, sku = account(source, key), catalogue(source)["support"]
    tags = {"team": "finops", "environment": "prod", "product": "shared-support"}
    days = np.arange(world.timeline.days)
    quantity = (money * UNIT * (100 + 3 * (days // 91))) // 100
    listed, contracted = (np.full(len(days), value, np.int64) for value in (sku.list_price, sku.contracted_price))
    cost = contracted * quantity
    facts = facts_of(
        world.timeline, np.full(len(days), line, np.int64), days, quantity=quantity, prices=(listed, contracted),
        costs=(listed * quantity, cost, cost, cost),
    )  # fmt: skip
    seen = world.tagger.attribution.seen(source, place, tags)
    return [Line(source, sku, place, seen, tags, frequency="Recurring", text=f"{sku.service}, fixed fee")], facts


def _credits(source: str, usage: Book, world: World) -> list[_Entry]:
    entries = []
    for row in CREDITS.strip().splitlines():
        vendor, key, money, text = row.split("|")
        if vendor != source:
            continue
        place = usage.lines[0].account if key == "-" else account(source, key)
        like = usage.lines[0].sku
        line = Line(
            source, _plain(like, like.service, text), place, world.tagger.attribution.seen(source, place, None),
            category="Credit", frequency="Recurring", pricing="", text=text,
        )  # fmt: skip
        entries += [_Entry(line, last, -int(money) * MONEY) for last in _last_days(world)]
    return entries


def _given_back(source: str, world: World) -> list[_Entry]:
    """Refunds: in the open month a negative Usage charge, for a closed month a Correction in the month after it (delta style)."""
    entries, timeline = [], world.timeline
    for row in GIVEN_BACK.strip().splitlines():
        vendor, key, sku_key, before, money, correction = row.split("|")
        day = timeline.today - int(before)
        if vendor != source or day < 0:
            continue
        place, sku = account(source, key), catalogue(source)[sku_key]
        text = f"Refund: {sku.text} was metered twice"
        line = Line(
            source, sku, place, world.tagger.attribution.seen(source, place, None), frequency="One-Time", text=text,
            charge_class="Correction" if correction else "",
        )  # fmt: skip
        month = int(timeline.month_of_days()[day])
        entries.append(_Entry(line, day, -int(Decimal(money) * MONEY), month + 1 if correction else None))
    return entries


def _tax(source: str, usage: Book, world: World) -> list[_Entry]:
    """Of each month and sub-account: a percentage of what was billed, at the cent."""
    if source not in TAX_PERCENT:
        return []
    accounts = {line.account.id: line.account for line in usage.lines}
    index = {name: n for n, name in enumerate(accounts)}
    months = world.timeline.month_count
    of_line = np.array([index[line.account.id] for line in usage.lines], np.int64)
    billed = np.zeros(len(index) * months, np.int64)
    np.add.at(billed, of_line[usage.facts.line] * months + usage.facts.month, usage.facts.billed)
    last, entries = _last_days(world), list[_Entry]()
    for name, place in accounts.items():
        sku = _plain(usage.lines[0].sku, "Tax", "Tax")
        line = Line(
            source, sku, place, world.tagger.attribution.seen(source, place, None), category="Tax", frequency="Recurring",
            pricing="", text=f"Tax {TAX_PERCENT[source]} % on charges of {place.name}",
        )  # fmt: skip
        for month in range(months):
            base = int(billed[index[name] * months + month])
            if (amount := whole_cents(int(base * TAX_PERCENT[source] / 100))) > 0:
                entries.append(_Entry(line, last[month], amount))
    return entries


def _plain(like: Sku, service: str, text: str) -> Sku:
    category = "Other" if service == "Tax" else like.category
    subcategory = "Other (Other)" if service == "Tax" else like.subcategory
    return Sku("", service, category, subcategory, "", text, "", 0, 0)


def _last_days(world: World) -> list[int]:
    return [int(start) - 1 for start in world.timeline.month_starts()[1:]]
