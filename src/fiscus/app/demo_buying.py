"""What the simulated company buys: contracts that its bills show, one that is asked for, and a commitment judged on its usage."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import timedelta
from decimal import Decimal
from typing import Any, Final

from fiscus.flows.request_purchase import record_purchase, request_commitment, request_purchase
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.commitments.commitment_request import parse_commitment
from fiscus.guardrails.doors.commitments.outlook import months_after
from fiscus.guardrails.doors.purchases.purchase_request import parse_purchase
from fiscus.kernel.actor import Actor
from fiscus.kernel.money import display, total
from fiscus.ownership.four_eyes import is_live
from fiscus.twin.subscriptions import MARKETPLACE, UNAPPROVED, UNAPPROVED_MONEY, UNAPPROVED_PLACE

CHANNELS: Final = {"aws": "aws_marketplace", "azure": "azure_marketplace", "gcp": "google_marketplace"}
RECORDED: Final = 5  # of the seven that are on the bills: the page shows what is in no contract, too
FIRST_RENEWAL_DAYS: Final = 45  # notice on the first is due soon, on the others month by month after it


def buy(ws: Workspace) -> tuple[str, ...]:
    """Enter, ask, judge; returns what came of it in sentences. Nobody says yes: that is left to whoever looks."""
    recorded = [_record(ws, number, row) for number, row in enumerate(_contracts())]
    purchase, decision = request_purchase(ws, parse_purchase(_wanted(ws), ws.as_of))
    judged, _, _ = request_commitment(ws, parse_commitment(_plan(ws), ws.as_of))
    money = display(total(recorded), 0)
    found = purchase.checks[0].sentence
    return (
        f"{len(recorded)} contracts over {money} USD are in the register; {purchase.request.product} is asked for again: {found}",
        f"It needs a yes ({purchase.approval_id}): {decision.reasons[0]}",
        f"A savings plan of {display(judged.proposal.hourly)} USD an hour was judged on the bills: {judged.sentence}",
    )


def _contracts() -> Iterator[list[str]]:
    rows = [row.split("|") for row in MARKETPLACE.strip().splitlines()]
    yield from rows[:RECORDED]


def _record(ws: Workspace, number: int, row: list[str]) -> Decimal:
    cloud, seller, name, _, subcategory, team, environment, product, _, money = row
    renews = ws.as_of + timedelta(days=FIRST_RENEWAL_DAYS + 30 * number)
    asked: Mapping[str, Any] = {
        "requested_by": _lead(ws, team), "team": team, "environment": environment, "vendor": seller, "product": name,
        "channel": CHANNELS[cloud], "category": subcategory, "for_product": product, "amount": money, "billing": "monthly",
        "currency": "USD", "term_months": 12, "starts": str(months_after(renews, -12)), "renewal": "automatic",
        "renews_on": str(renews), "notice_days": 30, "po": f"PO-{ws.as_of.year}-{number + 101}",
    }  # fmt: skip
    request = parse_purchase(asked, ws.as_of, past=True)
    record_purchase(ws, request, Actor(_procurement(ws)))
    return request.contract_value


def _wanted(ws: Workspace) -> Mapping[str, Any]:
    """What was bought once without asking, asked for."""
    _, seller, name, _, subcategory, _ = UNAPPROVED
    team, environment, product, _ = UNAPPROVED_PLACE
    return {
        "requested_by": _lead(ws, team), "team": team, "environment": environment, "vendor": seller, "product": name,
        "channel": CHANNELS["aws"], "category": subcategory, "for_product": product, "amount": UNAPPROVED_MONEY,
        "currency": "USD", "term_months": 12, "renewal": "automatic", "notice_days": 60, "data_class": "internal",
        "po": f"PO-{ws.as_of.year}-977", "reason": "semantic search in the storefront",
    }  # fmt: skip


def _plan(ws: Workspace) -> Mapping[str, Any]:
    return {
        "requested_by": _lead(ws, "platform"), "team": "platform", "environment": "prod", "provider": "AWS",
        "commitment_kind": "savings_plan", "service": "Amazon Elastic Compute Cloud", "term_months": 12,
        "hourly_commitment": "4.00", "discount_percent": 28, "currency": "USD",
    }  # fmt: skip


def _lead(ws: Workspace, team: str) -> str:
    """Who leads it, if they are still here; else somebody of it."""
    directory = ws.config.directory
    here = [p.id for p in directory.people.values() if p.team == team and is_live(p, ws.as_of)]
    lead = directory.teams[team].lead
    return lead if lead in here or not here else here[0]


def _procurement(ws: Workspace) -> str:
    people = sorted(ws.config.directory.people.values(), key=lambda person: person.id)
    return next(p.id for p in people if {"procurement", "finops"} & set(p.roles) and is_live(p, ws.as_of))
