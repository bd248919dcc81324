"""Build the simulated company: its workspace, a year of bills of every vendor, and the truth about them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path

import numpy as np
import pyarrow as pa
import yaml

from fiscus.kernel.money import EXACT
from fiscus.kernel.periods import Month
from fiscus.kernel.progress import Progress
from fiscus.twin.bill_files import write_bill
from fiscus.twin.bill_tables import adjustment_table, month_table
from fiscus.twin.charges import PRICE_STEP, Charges, Line, make_charges, make_lines
from fiscus.twin.feeds import FEEDS, Feed
from fiscus.twin.people import TwinPerson, TwinTeam, make_people

AS_OF = date(2026, 11, 20)  # the day on which the company lives
PICO = 12
TAX_PERCENT = {"aws": 7, "azure": 5, "mistral": 20}
CREDIT_MONTH, CREDIT = 2, ("gcp", -4_000 * 10**PICO)
COMMITMENT_MONTH = 18_000 * 10**PICO


@dataclass(frozen=True, slots=True)
class CompanyBuilt:
    """What was written. `billed` is the exact BilledCost of each feed, summed here in integers, not by the product."""

    home: Path
    charges: int
    billed: dict[str, Decimal]
    truth: dict[str, object]


def build_company(
    dest: Path, *, seed: int = 7, scale: float = 1.0, months: int = 12, as_of: date = AS_OF, progress: Progress
) -> CompanyBuilt:
    """Write the workspace `dest`: fiscus.yaml, owners/, inbox/<feed>/ and truth.json. The same arguments give the same bytes."""
    dest.mkdir(parents=True, exist_ok=True)
    teams, people = make_people(seed)
    _write_owners(dest, teams, people)
    _write_settings(dest, as_of)
    gone = [person.id for person in people if person.left_on]
    first = Month.of(as_of).shift(1 - months)
    price_day = Month.of(as_of).shift(-2).start.replace(day=11)
    progress.stage("Simulating bills")
    charges, billed, no_tags = 0, dict[str, Decimal](), 0
    for number, feed in enumerate(FEEDS):
        lines = make_lines(feed, teams, gone, scale, seed)
        drawn = make_charges(lines, first.start, as_of, price_day, seed)
        rows, total = _write_feed(dest, feed, lines, drawn, first, months)
        charges, billed[feed.name] = charges + rows, EXACT.scaleb(Decimal(total), -PICO)
        no_tags += _untagged(lines, drawn) if feed.currency == "USD" else 0
        progress.step(number + 1, len(FEEDS))
    truth = _truth(billed, no_tags, price_day, as_of)
    (dest / "truth.json").write_text(json.dumps(truth, indent=2, default=str) + "\n", encoding="utf-8")
    return CompanyBuilt(dest, charges, billed, truth)


def _write_feed(
    dest: Path, feed: Feed, lines: Sequence[Line], drawn: Charges, first: Month, months: int
) -> tuple[int, int]:
    """(charges, BilledCost in 1e-12) of every monthly file of the feed."""
    rows, total = len(drawn.cost), int(drawn.cost.sum())
    day_months = _month_of_day(drawn, first)
    for step in range(months):
        month = first.shift(step)
        usage = int(drawn.cost[day_months == step].sum())
        extra = _adjustments(feed, step, usage)
        table = month_table(feed, lines, drawn, first.start, month)
        if extra:
            more = adjustment_table(feed, month, extra, f"{feed.name}-shared")
            table = pa.concat_tables([table, more.select(table.column_names)], promote_options="permissive")
        write_bill(feed, table, dest / "inbox" / feed.name, f"{feed.name}-{month}")
        rows, total = rows + len(extra), total + sum(row[2] for row in extra)
    return rows, total


def _month_of_day(drawn: Charges, first: Month) -> np.ndarray:
    ends = np.cumsum([first.shift(n).days for n in range(37)])
    return np.searchsorted(ends, drawn.day, side="right")


def _adjustments(feed: Feed, step: int, usage: int) -> list[tuple[str, str, int, int]]:
    """Tax on the month's usage, a credit, and a commitment whose purchase is billed and whose use is amortised."""
    rows: list[tuple[str, str, int, int]] = []
    if percent := TAX_PERCENT.get(feed.name):
        tax = usage * percent // 100
        rows.append(("Tax", "Tax", tax, tax))
    if (feed.name, step) == (CREDIT[0], CREDIT_MONTH):
        rows.append(("Credit", "Migration credit", CREDIT[1], CREDIT[1]))
    if feed.name == "aws":
        rows.append(("Purchase", "Savings Plan", COMMITMENT_MONTH, 0))
        rows.append(("Usage", "Savings Plan covered compute", 0, COMMITMENT_MONTH * 9 // 10))
        rows.append(("Usage", "Savings Plan unused", 0, COMMITMENT_MONTH - COMMITMENT_MONTH * 9 // 10))
    return rows


def _untagged(lines: Sequence[Line], drawn: Charges) -> int:
    bare = np.array([line.team is None and line.owner is None for line in lines])
    return int(drawn.cost[bare[drawn.line]].sum())


def _truth(billed: dict[str, Decimal], untagged: int, price_day: date, as_of: date) -> dict[str, object]:
    return {
        "as_of": as_of,
        "billed": {feed: format(amount, "f") for feed, amount in billed.items()},
        "planted": [
            {
                "kind": "untagged_usage",
                "currency": "USD",
                "effective_cost": format(EXACT.scaleb(Decimal(untagged), -PICO), "f"),
            },
            {"kind": "price_change", "sku": PRICE_STEP[0], "day": price_day, "percent": PRICE_STEP[1] - 100},
            {"kind": "commitment_unused", "provider": "AWS", "share": "0.1"},
        ],
    }


def _write_owners(dest: Path, teams: Sequence[TwinTeam], people: Sequence[TwinPerson]) -> None:
    owners = dest / "owners"
    owners.mkdir(exist_ok=True)
    directory = {
        "default_pool": "finops",
        "people": [
            {"id": p.id, "name": p.name, "email": f"{p.id}@northwind.example", "team": p.team, "manager": p.manager,
             "roles": list(p.roles), "left_on": p.left_on}
            for p in people
        ],
        "teams": [
            {"id": t.id, "name": t.id.replace("-", " ").title(), "lead": t.lead, "cost_centre": t.cost_centre,
             "parent": t.division, "aliases": list(t.aliases)}
            for t in teams
        ],
    }  # fmt: skip
    rules = {
        "environment": {
            "tags": ["environment"],
            "names": {"prod": ["production", "prd"], "staging": ["stage"], "dev": ["development"], "sandbox": ["sbx"]},
        },
        "product": {"tags": ["product"]},
        "rules": [
            {"id": "team-tag", "match": {"tag:team": ["*"]}, "team": "{tag:team}"},
            {"id": "owner-tag", "match": {"tag:owner": ["*"]}, "owner": "{tag:owner}"},
            {"id": "shared-costs", "match": {"sub_account": ["*-shared"]}, "team": "finops"},
        ],
    }
    for name, data in (("directory", directory), ("rules", rules)):
        (owners / f"{name}.yaml").write_text(yaml.safe_dump(data, sort_keys=False, width=130), encoding="utf-8")


def _write_settings(dest: Path, as_of: date) -> None:
    sources = [
        {"name": feed.name, "paths": [f"inbox/{feed.name}"], "focus": "auto",
         "date_format": "%d/%m/%Y" if "day_first" in feed.defects else None,
         "default_currency": feed.currency if "no_currency" in feed.defects else None}
        for feed in FEEDS
    ]  # fmt: skip
    settings = {
        "version": 1,
        "company": {"name": "Northwind Robotics", "currency": "USD", "fiscal_year_start": 2},
        "as_of": as_of.isoformat(),
        "sources": sources,
        "promoted_tags": ["team", "environment"],
        "simulated": ["The company, its people and its bills are simulated (fiscus demo)"],
    }
    (dest / "fiscus.yaml").write_text(yaml.safe_dump(settings, sort_keys=False), encoding="utf-8")
