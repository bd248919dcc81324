"""The simulated company as a workspace on disk, and the vendors' next deliveries to it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any, Final

import numpy as np

from fiscus.kernel.errors import BadInput, NotFound, Where
from fiscus.kernel.periods import Month
from fiscus.kernel.progress import Progress, Silent
from fiscus.twin.budgets import PlannedBudget, plan_budgets
from fiscus.twin.company import CURRENCY, make_world, simulate
from fiscus.twin.fine_decimals import rounded
from fiscus.twin.fleet import Machine, fleet, with_instances
from fiscus.twin.line import MONEY, UNIT, Book, Facts, total_of
from fiscus.twin.score import Score, score
from fiscus.twin.spend import cells
from fiscus.twin.timeline import Timeline
from fiscus.twin.truth import Planted, planted, truth_document
from fiscus.twin.workspace_files import Endpoints, write_workspace
from fiscus.twin.write_bills import Writer

__all__ = ["CompanyBuilt", "Endpoints", "Machine", "Score", "build_company", "fleet", "next_bills", "score"]

AS_OF: Final = date(2026, 11, 20)
SECONDS_A_DAY: Final = 86_400
TRUTH: Final = "truth.json"


@dataclass(frozen=True, slots=True)
class CompanyBuilt:
    """What was written. `billed`: BilledCost of each source in its currency, each charge at twelve digits half-even.

    Azure sends costs of fifteen digits; its exact sum is that of its file, and differs from `billed` by what rounding took.
    """

    home: Path
    charges: int
    files: tuple[Path, ...]
    billed: Mapping[str, Decimal]
    effective: Mapping[str, Decimal]
    planted: tuple[Planted, ...]
    budgets: tuple[PlannedBudget, ...]
    machines: tuple[Machine, ...]


def build_company(  # noqa: PLR0913  the contract with the demo and the tests; each is one fact of the company
    dest: Path,
    *,
    seed: int = 7,
    scale: float = 1.0,
    months: int = 12,
    as_of: date = AS_OF,
    instances: Mapping[str, str] | None = None,
    endpoints: Endpoints | None = None,
    progress: Progress | None = None,
) -> CompanyBuilt:
    """Write fiscus.yaml, owners/, budgets/, inbox/ and truth.json under `dest`: the same bytes for the same arguments.

    Bills cover `months` whole months and the as-of day's month up to the day before it. `scale` multiplies the rows, not the money.
    `instances` gives machines of `fleet()` their ids. Raises BadInput for a scale or months that cannot be.
    """
    telling = progress or Silent()
    _check(scale, months)
    telling.stage("Simulating the company")
    machines = with_instances(fleet(seed), instances)
    simulated = simulate(make_world(seed, scale, months, as_of), machines, telling)
    timeline = simulated.world.timeline
    delivered = {source: delivery(book, timeline, timeline.today, {}) for source, book in simulated.books.items()}
    telling.stage("Writing its bills")
    writer = Writer(dest / "inbox", timeline, timeline.months)
    files: list[Path] = []
    for number, (source, facts) in enumerate(delivered.items()):
        files += writer.write(simulated.books[source], facts)
        writer.write_invoices(simulated.books[source], facts)
        telling.step(number + 1, len(delivered))
    budgets = plan_budgets(cells(simulated), timeline)
    write_workspace(dest, simulated.world.directory, budgets, timeline, endpoints or Endpoints())
    billed = {source: _money(rounded(facts, "billed")) for source, facts in delivered.items()}
    effective = {source: _money(rounded(facts, "effective")) for source, facts in delivered.items()}
    totals = {
        source: {
            "currency": CURRENCY.get(source, "USD"),
            "charges": len(facts),
            "billed": billed[source],
            "effective": effective[source],
        }
        for source, facts in delivered.items()
    }
    text = json.dumps(truth_document(simulated, budgets, totals), indent=1, ensure_ascii=False)
    (dest / TRUTH).write_text(text + "\n", encoding="utf-8")
    charges = sum(len(facts) for facts in delivered.values())
    found = tuple(planted(simulated, budgets))
    return CompanyBuilt(dest, charges, tuple(files), billed, effective, found, tuple(budgets), machines)


def next_bills(  # noqa: PLR0913  the contract with the demo and the tests: the company's facts, and two of the delivery
    dest: Path,
    *,
    seed: int = 7,
    scale: float = 1.0,
    months: int = 12,
    as_of: date = AS_OF,
    until: date,
    stopped: Mapping[str, datetime] | None = None,
) -> list[Path]:
    """The vendors' next delivery: every month from the as-of day's on is written again, now up to the day before `until`.

    `stopped`: instance id to the instant from which the machine has no compute charges; its disk goes on. What was delivered
    before is in it again, unchanged. Returns the files written. Raises BadInput for an `until` outside the simulation or an
    unknown machine, NotFound where `dest` holds no company.
    """
    machines = with_instances(fleet(seed), _instances(dest))
    timeline = Timeline(as_of, months)
    if not timeline.today <= timeline.index(until) <= timeline.days:
        raise BadInput(
            f"{until} is not between {as_of} and {timeline.date(timeline.days)}",
            remedy="Choose a day that the simulation reaches.",
        )
    known = {machine.instance_id for machine in machines}
    if unknown := sorted(set(stopped or {}) - known):
        raise BadInput(f"{unknown[0]} is no machine of the fleet", remedy=f"The fleet is {', '.join(sorted(known))}.")
    simulated = simulate(make_world(seed, scale, months, as_of), machines, Silent())
    last = timeline.index(until)
    open_month = (
        int(timeline.month_of_days()[last - 1])
        if Month.of(until).start != until
        else int(timeline.month_of_days()[last - 1]) + 1
    )
    writer = Writer(dest / "inbox", timeline, open_month)
    files: list[Path] = []
    for book in simulated.books.values():
        facts = delivery(book, timeline, last, stopped or {})
        new = facts.take(facts.month >= timeline.months)
        files += writer.write(book, new)
        writer.write_invoices(book, new)
    return files


def delivery(book: Book, timeline: Timeline, until: int, stopped: Mapping[str, datetime]) -> Facts:
    """The charges of `book` that a delivery up to day `until` (exclusive) holds."""
    facts = book.facts
    starts = timeline.month_starts()
    facts = facts.take((facts.day < until) & (starts[facts.month] < until))
    for number, line in enumerate(book.lines):
        if line.machine and line.resource_id in stopped:
            facts = _without(facts, number, stopped[line.resource_id], timeline)
    return facts


def _without(facts: Facts, line: int, stopped: datetime, timeline: Timeline) -> Facts:
    """The line's charges end at `stopped`; the day on which it fell is charged in part."""
    instant = stopped.astimezone(UTC)
    day = timeline.index(instant.date())
    seconds = instant.hour * 3600 + instant.minute * 60 + instant.second
    mine = facts.line == line
    left = np.where(
        mine & (facts.day == day), np.minimum(facts.quantity, 24 * UNIT * seconds // SECONDS_A_DAY), facts.quantity
    )
    listed, contracted = facts.list_price * left, facts.contracted_price * left
    cut = mine & (facts.day == day)
    shorter = replace(
        facts,
        quantity=left,
        list_cost=np.where(cut, listed, facts.list_cost),
        contracted_cost=np.where(cut, contracted, facts.contracted_cost),
        billed=np.where(cut, contracted, facts.billed),
        effective=np.where(cut, contracted, facts.effective),
    )
    gone = mine & ((facts.day > day) | (cut & (left == 0)))
    return shorter.take(~gone)


def _money(amounts: Any) -> Decimal:
    return Decimal(total_of(amounts)) / MONEY


def _instances(dest: Path) -> dict[str, str]:
    path = dest / TRUTH
    if not path.is_file():
        raise NotFound(f"{dest} holds no simulated company", remedy="Build one first.", where=Where(file=str(path)))
    machines: Sequence[Mapping[str, str]] = json.loads(path.read_text(encoding="utf-8"))["fleet"]
    return {machine["name"]: machine["instance_id"] for machine in machines}


def _check(scale: float, months: int) -> None:
    if not 0 < scale <= 1000:
        raise BadInput(f"A scale of {scale} cannot be simulated", remedy="Use a number above 0, such as 0.1 or 25.")
    if not 1 <= months <= 60:
        raise BadInput(f"{months} months cannot be simulated", remedy="Use 1 to 60.")
