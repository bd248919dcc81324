"""The demo: a simulated company, the real loop on it, and what was found held against what is known to be true."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path

from fiscus.app.demo_calls import write_ai_policy
from fiscus.app.demo_score import DemoScore, demo_score
from fiscus.app.demo_story import Story, tell_story
from fiscus.app.loop import LoopSummary, run_loop
from fiscus.app.simulated_vendors import SimulatedVendors, is_simulated, simulated_vendors
from fiscus.app.start import write_policies
from fiscus.app.workspace import open_workspace
from fiscus.flows.workspace import Workspace
from fiscus.kernel.errors import Conflict, Where
from fiscus.kernel.money import display, total
from fiscus.kernel.progress import Progress
from fiscus.ownership.owned_totals import owned_totals
from fiscus.ownership.types import UNOWNED
from fiscus.twin.build import CompanyBuilt, build_company

DEMO_HOME = ".fiscus-demo"
TEAMS_SHOWN = 6


@dataclass(frozen=True, slots=True)
class DemoPlan:
    """What company to build."""

    months: int = 12
    scale: float = 1.0
    seed: int = 7


@dataclass(frozen=True, slots=True)
class DemoShown:
    """What the demo prints: sentences, the score, the largest teams, and what to try next."""

    home: str
    charges: int
    feeds: int
    feeds_tied_out: int
    loop: LoopSummary
    score: DemoScore
    story: Story
    sentences: tuple[str, ...]
    teams: tuple[tuple[str, Decimal, Decimal, int], ...]
    next_steps: tuple[str, ...]
    try_it: str = ""  # a line to type that calls the gateway, while it runs


@contextmanager
def demo(home: str | None, plan: DemoPlan, progress: Progress) -> Iterator[DemoShown]:
    """Build, run, compare, act. The gateway, the simulated vendors, mail server and webhook run until the context ends.

    An earlier demo in the same folder is replaced; any other folder is not touched.
    """
    place = Path(home or DEMO_HOME).resolve()
    _make_room(place)
    with simulated_vendors(place, plan.seed) as vendors, ExitStack() as lives:
        yield _run(place, plan, vendors, progress, lives)


def _run(place: Path, plan: DemoPlan, vendors: SimulatedVendors, progress: Progress, lives: ExitStack) -> DemoShown:
    built = build_company(
        place,
        seed=plan.seed,
        scale=plan.scale,
        months=plan.months,
        instances=vendors.instances,
        endpoints=vendors.endpoints,
        progress=progress,
    )
    write_policies(place)
    write_ai_policy(place)
    ws = open_workspace(place)
    loop = run_loop(ws, progress)
    score = demo_score(ws)
    tied = _tied_out(ws, built)
    teams = _teams(ws)
    story = tell_story(ws, vendors, plan, progress, lives)
    sentences = (
        (
            f"{ws.config.company.name} (simulated): {built.charges:,} charges of {len(built.billed)} vendors over "
            f"{plan.months} months."
        ),
        *loop.sentences(),
        f"Tie-out: BilledCost of {tied} of {len(built.billed)} feeds equals the vendor's own sum, to the last digit.",
        *score.sentences(),
        *story.sentences,
        (
            f"Simulated here, while the demo runs: AWS at {vendors.endpoints.aws_url}, AI vendors at {vendors.ai.address}, "
            f"mail in {place / 'mail'}, webhook at {vendors.hook.url}."
        ),
    )
    program = _program()
    return DemoShown(
        home=str(place),
        charges=built.charges,
        feeds=len(built.billed),
        feeds_tied_out=tied,
        loop=loop,
        score=score,
        story=story,
        sentences=sentences,
        teams=teams,
        next_steps=(
            f"{program} status --home {place}",
            f"{program} actions --home {place}",
            f"{program} approvals --home {place}",
            f"{program} purchases --home {place}",
            f"{program} ledger --home {place}",
            f"{program} ai calls --home {place}",
            f'{program} query "SELECT ServiceName, BillingCurrency, sum(EffectiveCost) FROM charges GROUP BY ALL" --home {place}',
            f"{program} evidence verify --home {place}",
        ),
        try_it=story.try_it,
    )


def _program() -> str:
    """What to type: `fiscus` where a shell finds it, else where this one was started from (`make demo` puts it into .venv)."""
    return "fiscus" if shutil.which("fiscus") else sys.argv[0]


def _make_room(place: Path) -> None:
    if not place.exists() or not any(place.iterdir()):
        return
    if not is_simulated(place):
        raise Conflict(
            f"{place} holds something that is no demo",
            remedy="Name an empty folder with --home.",
            where=Where(file=str(place)),
        )
    shutil.rmtree(place)


def _tied_out(ws: Workspace, built: CompanyBuilt) -> int:
    held = {
        str(row[0]): row[1]
        for row in ws.lake.query("SELECT x_SourceId, sum(BilledCost) FROM charges GROUP BY ALL").rows
    }
    return sum(held.get(feed) == amount for feed, amount in built.billed.items())


def _teams(ws: Workspace) -> tuple[tuple[str, Decimal, Decimal, int], ...]:
    """The largest teams in the company's currency; unowned money is a line of its own, whatever its size."""
    lines = [line for line in owned_totals(ws.lake) if line.currency == ws.config.company.currency]
    whole = total([line.effective_cost for line in lines])
    sums = {
        team: (
            total([x.effective_cost for x in lines if x.team == team]),
            sum(x.charges for x in lines if x.team == team),
        )
        for team in {line.team for line in lines}
    }
    ranked = sorted(sums.items(), key=lambda item: -item[1][0])
    shown = [item for item in ranked if item[0] != UNOWNED][:TEAMS_SHOWN] + [
        item for item in ranked if item[0] == UNOWNED
    ]
    return tuple((team, cost, Decimal(display(cost / whole * 100, 1)), charges) for team, (cost, charges) in shown)
