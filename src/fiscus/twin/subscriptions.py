"""What is bought by the month: SaaS seats and marketplace products, each with its seller; and the one bought without approval."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Final

import numpy as np

from fiscus.twin.accounts import account
from fiscus.twin.catalogue import catalogue, code, price
from fiscus.twin.line import UNIT, Book, Facts, Line, Sku, join_facts
from fiscus.twin.meter import World, facts_of
from fiscus.twin.timeline import Timeline

# source | team | environment | product | account | SKU | seats at the start | new seats a month
SEATS: Final = """
codeharbor|developer-experience|prod|dev-platform|northwind|codeharbor-seat|310|4
codeharbor|developer-experience|prod|dev-platform|northwind|codeharbor-copilot|210|6
workdesk|it-services|prod|internal-it|northwind|workdesk-suite|640|6
workdesk|sales|prod|crm-bridge|northwind|workdesk-crm|88|1
workdesk|customer-success|prod|support-assistant|northwind|workdesk-helpdesk|74|1
"""
# source | seller | product name | category | subcategory | team | environment | product | account | money a month
MARKETPLACE: Final = """
aws|Kubelight Networks|Kubelight Mesh Enterprise|Networking|Application Networking|platform|prod|dev-platform|prod-core|3400
aws|SentinelOak Security|SentinelOak Runtime Defense|Security|Threat Detection and Response|security-engineering|prod|security|security-audit|5200
aws|Labelgrid|Labelgrid Annotation Suite|AI and Machine Learning|AI Platforms|perception|prod|vision-stack|prod-robotics|2600
azure|Plantwise Systems|Plantwise MES Connector|Business Applications|Other (Business Applications)|manufacturing|prod|factory|vision-prod|4100
azure|Invoxia Software|Invoxia E-Invoicing|Business Applications|Other (Business Applications)|finance|prod|erp|erp-prod|1500
gcp|Chartbeam Labs|Chartbeam BI Cloud|Analytics|Business Intelligence|analytics|prod|data-lake|analytics-prod|3100
gcp|Waymark Data|Waymark Road Attributes|Developer Tools|Other (Developer Tools)|navigation|prod|fleet-os|maps-prod|2300
"""
UNAPPROVED: Final = (
    "aws", "VectorForge Inc.", "VectorForge Enterprise Index", "Databases", "Other (Databases)", "growth-search",
)  # fmt: skip
UNAPPROVED_MONEY: Final = "18500"
UNAPPROVED_DAYS: Final = 9
UNAPPROVED_PLACE: Final = ("search", "prod", "search", "prod-core")


def seats_book(source: str, world: World) -> Book:
    """Seats of a SaaS vendor: one recurring charge on the first of each month."""
    skus = catalogue(source)
    lines: list[Line] = []
    parts: list[Facts] = []
    for row in SEATS.strip().splitlines():
        vendor, team, environment, product, home, key, seats, more = row.split("|")
        if vendor != source:
            continue
        place = account(source, home)
        seen = world.tagger.attribution.seen(source, place, None)
        line = Line(
            source, skus[key], place, seen, None, resource_id=f"{source}-{key}", resource_name=f"{skus[key].service} ({team})",
            category="Purchase", frequency="Recurring",
        )  # fmt: skip
        count = world.timeline.month_count
        amounts = [int(seats) + int(more) * month for month in range(count)]
        parts.append(_monthly(world.timeline, len(lines), skus[key], amounts))
        lines.append(replace(line, tags=None))
        del environment, product
    return Book(source, tuple(lines), join_facts(parts))


def marketplace_book(source: str, world: World) -> Book:
    """Approved marketplace subscriptions of a cloud, by the month; in AWS also the purchase that nobody approved."""
    lines: list[Line] = []
    parts: list[Facts] = []
    for row in MARKETPLACE.strip().splitlines():
        cloud, seller, name, category, subcategory, team, environment, product, home, money = row.split("|")
        if cloud != source:
            continue
        tags = {
            "Name": name, "team": team, "environment": environment, "product": product,
            "po": f"PO-2026-{code(name, 4)}", "approval": f"APR-{code(seller, 5)}",
        }  # fmt: skip
        lines.append(_market_line((source, seller, name, category, subcategory), home, money, tags, world))
        parts.append(_monthly(world.timeline, len(lines) - 1, lines[-1].sku, [1] * world.timeline.month_count))
    if source == "aws":
        team, environment, product, home = UNAPPROVED_PLACE
        tags = {"team": team, "environment": environment, "product": product}
        bought = _market_line(UNAPPROVED[:5], home, UNAPPROVED_MONEY, tags, world)
        lines.append(replace(bought, frequency="One-Time", text=f"{UNAPPROVED[2]}: 12 months, paid up front"))
        parts.append(_once(world.timeline, len(lines) - 1, bought.sku, world.timeline.today - UNAPPROVED_DAYS))
    return Book(source, tuple(lines), join_facts(parts))


def _market_line(what: Sequence[str], home: str, money: str, tags: dict[str, str], world: World) -> Line:
    source, seller, name, category, subcategory = what
    place = account(source, home)
    sku_id = f"mp-{code(name, 10).lower()}"
    sku = Sku(
        sku_id, name, category, subcategory, "Subscription", f"{name} by {seller}", "Units", price(money), price(money), "Units", 1,
        "Marketplace product", {}, f"{sku_id}-1",
    )  # fmt: skip
    resource = {"aws": f"arn:aws:aws-marketplace:us-east-1:{place.id}:agreement/{sku_id}"}.get(
        source, f"{place.id}/marketplace/{sku_id}"
    )
    return Line(
        source, sku, place, world.tagger.attribution.seen(source, place, tags), tags, resource_id=resource, resource_name=name,
        category="Purchase", frequency="Recurring", publisher=seller,
    )  # fmt: skip


def _monthly(timeline: Timeline, line: int, sku: Sku, units: Sequence[int]) -> Facts:
    """`units` of each month, charged on its first day for the whole of it."""
    starts = timeline.month_starts()
    quantity = np.array(units, np.int64) * UNIT
    price_column = np.full(len(units), sku.list_price, np.int64)
    contracted = np.full(len(units), sku.contracted_price, np.int64)
    cost = contracted * quantity
    facts = facts_of(
        timeline, np.full(len(units), line, np.int64), starts[:-1], quantity=quantity, prices=(price_column, contracted),
        costs=(price_column * quantity, cost, cost, cost),
    )  # fmt: skip
    return replace(facts, span=np.diff(starts))


def _once(timeline: Timeline, line: int, sku: Sku, day: int) -> Facts:
    one = np.array([UNIT], np.int64)
    listed, contracted = np.array([sku.list_price]), np.array([sku.contracted_price])
    cost = contracted * one
    return facts_of(
        timeline,
        np.array([line]),
        np.array([day]),
        quantity=one,
        prices=(listed, contracted),
        costs=(listed * one, cost, cost, cost),
    )
