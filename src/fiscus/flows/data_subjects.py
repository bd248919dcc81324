"""Troubles with the data itself as subjects of cases: a source that stopped, a delivery full of repairs, a refused address."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from fiscus.cost.books.types import SourceComplete
from fiscus.cost.types import Delivery
from fiscus.flows.show_completeness import show_completeness
from fiscus.flows.show_trust import STALE_DAYS, SourceTrust, data_trust
from fiscus.flows.workspace import Workspace
from fiscus.kernel.limits import CASE_REPAIRED_ROWS_PERCENT
from fiscus.kernel.money import ZERO, display, total
from fiscus.ownership.types import UNOWNED, CaseSubject

REFUSED_FACT: Final = "notices.refused"  # mail address -> what the server said
# What a vendor's format is, not what went wrong; `rounded` counts cells and says how little it changed.
FORMAT_CODES: Final = frozenset({"extra_column", "missing_column", "rounded"})


def data_subjects(ws: Workspace) -> list[CaseSubject]:
    """One subject a source in trouble, one a source with days missing, one a mail address that is refused for good.

    No money is at stake that is known.
    """
    sources = data_trust(ws).sources
    with ws.state.read() as tx:
        deliveries = tx.deliveries.all()
        refused = tx.facts.get(REFUSED_FACT)
    newest: dict[str, Delivery] = {}
    for delivery in deliveries:
        if delivery.dataset == "cost_and_usage":
            newest.setdefault(delivery.source, delivery)
    home = ws.config.company.currency
    found = [_late(one, newest.get(one.source), home) for one in sources if one.state != "fresh"]
    found += [subject for one in show_completeness(ws).sources if (subject := _gaps(one, home)) is not None]
    found += [subject for one in newest.values() if (subject := _repaired(one, home)) is not None]
    return found + _refused_addresses(ws, refused)


def _late(source: SourceTrust, delivery: Delivery | None, home: str) -> CaseSubject:
    if source.state == "missing":
        title = f"{source.source} has never delivered a bill: its spend is in no {home} figure"
    else:
        title = (
            f"{source.source} is {source.days_behind} days behind: its newest bills of {_billed(delivery)} "
            f"leave out what was spent since {source.charges_until}"
        )
    return CaseSubject(
        kind="data_quality",
        key=f"data|{source.source}|late",
        title=title,
        detail=f"A source is late after {STALE_DAYS} days. Look into its feed and its paths in fiscus.yaml.",
        amount=ZERO,
        currency=home,
        severity="medium",
        owner=UNOWNED,
        evidence={"source": source.source, "charges_until": source.charges_until, "rows": source.rows},
    )


def _gaps(source: SourceComplete, home: str) -> CaseSubject | None:
    """Days without a charge between days that came: late, or lost on the way."""
    days = [day for day in source.open_days if day.state == "missing" and day.day < source.complete_until]
    if not days:
        return None
    named = ", ".join(str(day.day) for day in days[:5]) + (f" and {len(days) - 5} more" if len(days) > 5 else "")
    return CaseSubject(
        kind="data_quality",
        key=f"data|{source.source}|gap",
        title=f"{source.source} lacks {named}: some {sum(day.usual for day in days):,} charges have not come",
        detail="Days before and after came whole. Ask the vendor, or look for the file that was not delivered.",
        amount=ZERO,
        currency=home,
        severity="medium",
        owner=UNOWNED,
        evidence={"source": source.source, "days": [str(day.day) for day in days]},
    )


def _repaired(delivery: Delivery, home: str) -> CaseSubject | None:
    """The worst irregularity of a delivery, when it touches enough of its rows."""
    odd = [one for one in delivery.quality if one.code not in FORMAT_CODES]
    worst = max(odd, key=lambda one: one.count, default=None)
    if worst is None or worst.count * 100 < delivery.rows * CASE_REPAIRED_ROWS_PERCENT:
        return None
    return CaseSubject(
        kind="data_quality",
        key=f"data|{delivery.source}|repaired",
        title=f"{delivery.source} sent bills of {_billed(delivery)} in which {worst.count:,} of {delivery.rows:,} rows "
        f"are irregular",
        detail="; ".join(f"{one.column} {one.message} ({one.count:,} rows)" for one in odd) + ".",
        amount=ZERO,
        currency=home,
        severity="low",
        owner=UNOWNED,
        evidence={"source": delivery.source, "delivery": delivery.id, "codes": {o.code: o.count for o in odd}},
    )


def _billed(delivery: Delivery | None) -> str:
    """What a delivery billed, each currency by itself."""
    periods = delivery.periods if delivery else ()
    currencies = sorted({currency for period in periods for currency in period.billed_cost})
    sums = [total([p.billed_cost[c] for p in periods if c in p.billed_cost]) for c in currencies]
    return ", ".join(f"{display(amount)} {c}" for amount, c in zip(sums, currencies, strict=True)) or "no money"


def _refused_addresses(ws: Workspace, refused: object) -> list[CaseSubject]:
    """Addresses that a mail server refused for good and that are still in the directory."""
    if not isinstance(refused, Mapping):
        return []
    home = ws.config.company.currency
    by_address = {person.email: person for person in ws.config.directory.people.values()}
    return [
        CaseSubject(
            kind="data_quality",
            key=f"data|mail|{address}",
            title=f"Mail to {by_address[address].name} is refused for good: notices about {home} do not arrive",
            detail=str(said),
            amount=ZERO,
            currency=home,
            severity="medium",
            owner=UNOWNED,
            evidence={"address": address},
        )
        for address, said in sorted(refused.items())
        if address in by_address
    ]
