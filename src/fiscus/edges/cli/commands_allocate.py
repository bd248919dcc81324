"""Commands about shared cost: decide who bears it, and show who pays what for whom."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal

from cyclopts import App

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, open_home, say, say_json, show, table

if TYPE_CHECKING:
    from fiscus.flows.show_allocations import AllocationsShown, StepLine, VersionsShown


def mount(app: App) -> None:
    """Add this file's commands to `app`."""
    app.command(allocate)
    app.command(allocations)


@dataclass(frozen=True, slots=True)
class DecidedAgain:
    """A kept run, and whether deciding it again from what it rested on comes to the same."""

    run: Any
    same: bool


@guarded
def allocate(*, period: str | None = None, as_of: str | None = None, common: Common = NO_OPTIONS) -> None:
    """Hand shared cost on by the rules in allocations/, and keep what is new. Twice changes nothing.

    Parameters
    ----------
    period
        Only the months of this period, such as 2026-10 or FY2027-Q3; every month of the lake when left out.
    as_of
        Decide nothing new: take what was reported at the end of this day, decide it again from the lake, the rules and
        the files of then, and say whether it comes to the same.
    """
    from fiscus.flows.allocate_costs import allocate_costs
    from fiscus.kernel.fiscal_labels import period_named

    ws = open_home(common)
    months = [str(month) for month in period_named(ws.config.company.calendar, period).months()] if period else None
    if as_of is not None:
        _again(ws, months, as_of, common)
        return
    summary = allocate_costs(ws, months)
    if common.json:
        say_json(summary)
        return
    for line in summary.sentences() or ["There is no rule in allocations/: each pays for its own charges."]:
        say(line)
    table(
        ("month", "version", "decided", "shared", "stays", "currency"),
        [
            (m.month, m.version, "now" if m.changed else "before", m.shared[c], m.stays.get(c), c)
            for m in summary.months
            for c in sorted(m.shared)
        ],
        "Nothing is shared.",
    )


def _again(ws: Any, months: list[str] | None, as_of: str, common: Common) -> None:
    from fiscus.flows.allocate_costs import reproduce
    from fiscus.flows.show_allocations import run_in_force, runs_kept
    from fiscus.kernel.errors import IntegrityBroken
    from fiscus.kernel.periods import day_named

    day = day_named(as_of)
    wanted = months or sorted({run.month for run in runs_kept(ws)})
    runs = [run_in_force(ws, month, day) for month in wanted]
    found = [DecidedAgain(run, reproduce(ws, run)) for run in runs]
    if common.json:
        say_json(found)
    else:
        table(
            ("month", "version", "lake", "run", "decided again"),
            [
                (
                    one.run.month,
                    one.run.version,
                    one.run.lake_version,
                    one.run.run_id,
                    "the same" if one.same else "DIFFERS",
                )
                for one in found
            ],
            "Nothing was allocated by then.",
        )
    if wrong := next((one.run for one in found if not one.same), None):
        raise IntegrityBroken(
            f"Run {wrong.run_id} of {wrong.month} does not come to what was reported",
            remedy="Compare `fiscus allocations --as-of` with what was sent, and verify the evidence.",
        )


@guarded
def allocations(
    *,
    period: str | None = None,
    by: Literal["team", "product", "cost_centre", "environment", "owner"] = "team",
    as_of: str | None = None,
    metric: Literal["EffectiveCost", "BilledCost"] = "EffectiveCost",
    runs: bool = False,
    common: Common = NO_OPTIONS,
) -> None:
    """Who pays what for whom and why; direct and allocated cost come to the lake, to the last digit.

    Parameters
    ----------
    period
        A month, quarter or year of the fiscal calendar, such as 2026-10 or FY2027-Q3; this month when left out.
    by
        What the payers are.
    as_of
        As it was reported at the end of this day, YYYY-MM-DD.
    metric
        Which cost.
    runs
        List every version that is kept instead: what it rests on, and what each restatement moved.
    """
    from fiscus.flows.show_allocations import AllocationsAsked, show_allocations, show_versions
    from fiscus.kernel.periods import day_named

    ws = open_home(common)
    if runs:
        show(common, show_versions(ws), _runs_text)
        return
    asked = AllocationsAsked(period, by, day_named(as_of) if as_of else None, metric)
    show(common, show_allocations(ws, asked), _shown_text)


def _runs_text(kept: VersionsShown) -> None:
    runs = {(run.month, run.version): run for run in kept.runs}
    told = {(line.month, line.version) for line in kept.lines}
    bare = [(*key, None, None, None, None, "", *_rests_on(run)) for key, run in runs.items() if key not in told]
    lines = [
        (x.month, x.version, x.shared, x.stays, x.more, x.less, x.currency, *_rests_on(runs[x.month, x.version]))
        for x in kept.lines
    ]
    table(
        ("month", "version", "shared", "stays", "more than before", "less", "", "decided", "lake", "rules"),
        sorted([*lines, *bare], key=lambda row: (str(row[0]), int(str(row[1])))),
        "Nothing was allocated yet. `fiscus allocate` does it, and `fiscus run`.",
    )


def _rests_on(run: Any) -> tuple[str, str, str]:
    return f"{run.at:%Y-%m-%d %H:%M}", run.lake_version, run.rules_digest[:12] or "none"


def _shown_text(shown: AllocationsShown) -> None:
    say(shown.sentence)
    say()
    table(
        (shown.asked.by, "own charges", "of it its own", "kept of shared", "paid for others", "bears", "currency"),
        [(x.name or "-", x.own_before, x.direct, x.kept, x.given, x.total, x.currency) for x in shown.lines],
        "No charge.",
    )
    for one in shown.balances:
        word = "equals" if one.balanced else "DIFFERS FROM"
        say(f"{one.currency}: what they bear, {one.borne}, {word} the lake's {one.lake}.")
    if shown.steps:
        say()
        table(
            ("month", "from", "to", "share", "by", "driver", "flows", "currency", "why"),
            [_link(step) for step in shown.steps],
            "",
        )


def _link(step: StepLine) -> tuple[object, ...]:
    to = f"{step.target} → {step.into}" if step.into else step.target
    percent = f"{step.share * 100:.2f} %"
    return step.month, step.rule, to, percent, step.method, step.driver, step.cost, step.currency, step.why
