"""Shared cost is handed on to those for whom it is spent; each decision is kept with what it rests on, and never changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final, cast

from fiscus.cost.allocation.ask_lake import AllocationQuestions, read_drivers, read_groups, read_row_sums
from fiscus.cost.allocation.decide_month import decide_month
from fiscus.cost.allocation.keep_run import keep_run
from fiscus.cost.allocation.load_allocations import AllocationContext, load_allocations
from fiscus.cost.allocation.types import (
    STAYS,
    AllocationRules,
    AllocationRun,
    DriverValue,
    MonthDecided,
    Target,
)
from fiscus.cost.types import LakeVersion
from fiscus.flows.alone_in_folder import alone_in
from fiscus.flows.workspace import Workspace
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.canonical import to_json
from fiscus.kernel.errors import IntegrityBroken, NotFound
from fiscus.kernel.money import display, total
from fiscus.kernel.periods import FiscalCalendar, YearEnd
from fiscus.kernel.rows import Query, Rows
from fiscus.kernel.sql_text import sql_text
from fiscus.ownership.people import team_spellings

TEXTS: Final = "allocation.texts."  # the fact that keeps what a digest of rules and files stands for
Ask = Callable[[str, Mapping[str, object]], Rows]


@dataclass(frozen=True, slots=True)
class MonthAllocated:
    """One month as it stands after a run. Costs are EffectiveCost per currency; `stays` is shared cost that nobody was given."""

    month: str
    run_id: str
    version: int
    changed: bool
    shared: Mapping[str, Decimal]
    stays: Mapping[str, Decimal]


@dataclass(frozen=True, slots=True)
class AllocationSummary:
    """What one run of allocation did."""

    rules: int
    months: tuple[MonthAllocated, ...]
    lake_version: str

    def sentences(self) -> Sequence[str]:
        """In plain words; nothing where there is no rule."""
        if not self.rules and not self.months:
            return []
        changed = [one for one in self.months if one.changed]
        restated = sum(one.version > 1 for one in changed)
        again = f", {restated} of them restated" if restated else ""
        lines = [f"Shared cost: {self.rules} rules over {len(self.months)} months, {len(changed)} decided anew{again}."]
        for currency in sorted({currency for one in self.months for currency in one.shared}):
            shared = total([one.shared[currency] for one in self.months if currency in one.shared])
            stays = total([one.stays[currency] for one in self.months if currency in one.stays])
            lines.append(f"{currency} {display(shared - stays)} handed on, {display(stays)} stays where it was.")
        return lines


def allocate_costs(ws: Workspace, months: Sequence[str] | None = None) -> AllocationSummary:
    """Decide each month (all of the lake, or `months`) by the rules as they are now; keep those whose outcome is new.

    Two at once on one machine take turns; on two machines the later one is told to run again (Conflict). A run that dies
    before its commit leaves nothing, one that dies after it is completed by the next.
    """
    rules = ws.config.allocations
    with alone_in(ws.home / ".fiscus" / "allocations"):
        ws.lake.refresh()
        before = ws.lake.version()
        known = _newest(ws)
        wanted = sorted(set(months) if months is not None else {*_months(ws), *known})
        if not rules.rules and not known:
            return AllocationSummary(0, (), str(before))
        decided = [
            month
            for month in decide(rules, wanted, ws.config.promoted_tags, ws.lake.query)
            if month.amounts or month.month in known
        ]
        changed = [month for month in decided if known.get(month.month, ("", 0, ""))[2] != month.outcome]
        runs = _keep(ws, rules, changed, known)
        _record(ws, rules, runs)
    return AllocationSummary(
        rules=len(rules.rules),
        months=tuple(_allocated(month, runs.get(month.month), known) for month in decided),
        lake_version=str(ws.lake.version()),
    )


def decide(rules: AllocationRules, months: Sequence[str], promoted: Sequence[str], ask: Ask) -> list[MonthDecided]:
    """Every one of `months` decided from sums that `ask` gets from a lake; one query for all groups, one a measure."""
    questions = AllocationQuestions(rules, months, promoted)
    groups = read_groups(_asked(ask, questions.groups()))
    measured: dict[str, list[DriverValue]] = {}
    answers: dict[tuple[str, str], Rows] = {}
    for rule in rules.rules:
        for dimension, query in questions.drivers(rule):
            key = (query.sql, str(query.params))
            if key not in answers:
                answers[key] = _asked(ask, query)
            measured.setdefault(rule.id, []).extend(read_drivers(answers[key], dimension))
    return [decide_month(rules, month, [g for g in groups if g.month == month], measured) for month in months]


def reproduce(ws: Workspace, run: AllocationRun) -> bool:
    """Decide `run` again from what it rested on: the lake of its version, the rules and files as they were. True: the same.

    Raises NotFound when the rules or the lake's files of then are gone.
    """
    rules = rules_of(ws, run)
    version = LakeVersion.parse(run.lake_version)

    def ask(sql: str, params: Mapping[str, object]) -> Rows:
        return ws.lake.query_at(version, sql, params)

    (decided,) = decide(rules, [run.month], ws.config.promoted_tags, ask)
    return decided.outcome == run.outcome


def rules_of(ws: Workspace, run: AllocationRun) -> AllocationRules:
    """The rules that a run was decided by, read again from the texts kept with it."""
    with ws.state.read() as tx:
        kept = cast("dict[str, Any] | None", tx.facts.get(_texts_name(run.rules_digest, run.inputs_digest)))
    if kept is None:
        raise NotFound(f"The rules of run {run.run_id} are not kept", remedy="Restore the state store of that time.")
    calendar = dict(kept["calendar"])
    calendar["year_end"] = YearEnd(**calendar["year_end"])
    context = AllocationContext(kept["inputs"].get, kept["teams"], FiscalCalendar(**calendar))
    rules = load_allocations(kept["rules"], context)
    if (rules.digest, rules.inputs_digest) != (run.rules_digest, run.inputs_digest):
        raise IntegrityBroken(
            f"The rules kept for run {run.run_id} are not those of then", remedy="Verify the evidence."
        )
    return rules


def _asked(ask: Ask, query: Query) -> Rows:
    return ask(query.sql, query.params)


def _months(ws: Workspace) -> list[str]:
    return sorted({month for source in ws.lake.freshness() for month in source.months})


def _newest(ws: Workspace) -> dict[str, tuple[str, int, str]]:
    """Month -> (run id, version, outcome) of what counts."""
    rows = ws.lake.query(sql_text("fiscus.flows", "allocation_newest")).rows
    return {str(month): (str(run), cast("int", version), str(outcome)) for month, run, version, outcome in rows}


def _keep(
    ws: Workspace, rules: AllocationRules, changed: Sequence[MonthDecided], known: Mapping[str, tuple[str, int, str]]
) -> dict[str, AllocationRun]:
    if not changed:
        return {}
    questions = AllocationQuestions(rules, [month.month for month in changed], ws.config.promoted_tags)
    rows = read_row_sums(_asked(ws.lake.query, questions.row_sums(changed)), changed)
    at, lake = ws.clock.now(), str(ws.lake.version())
    runs = {
        month.month: AllocationRun(
            run_id=ws.ids.new("alloc"),
            month=month.month,
            version=known.get(month.month, ("", 0, ""))[1] + 1,
            at=at,
            lake_version=lake,
            rules_digest=rules.digest,
            inputs_digest=rules.inputs_digest,
            outcome=month.outcome,
        )
        for month in changed
    }
    _keep_texts(ws, rules)  # before the run that names them: a run whose rules are lost could not be decided again
    ws.lake.write_allocations([keep_run(runs[m.month], rules, m, lambda t: _payer(ws, t), rows) for m in changed])
    return runs


def _payer(ws: Workspace, target: Target) -> Mapping[str, str]:
    """The owner columns of who pays: of a team also its lead and cost centre."""
    columns = {
        "owner": "x_Owner",
        "cost_centre": "x_CostCentre",
        "environment": "x_Environment",
        "product": "x_Product",
    }
    if target.dimension == "team":
        team = ws.config.directory.teams.get(target.value)
        more = {"x_Owner": team.lead, "x_CostCentre": team.cost_centre} if team else {}
        return {"x_Team": target.value, **more}
    return {columns[target.dimension]: target.value} if target.dimension in columns else {}


def _texts_name(rules_digest: str, inputs_digest: str) -> str:
    return f"{TEXTS}{rules_digest}.{inputs_digest}"


def _keep_texts(ws: Workspace, rules: AllocationRules) -> None:
    name = _texts_name(rules.digest, rules.inputs_digest)
    with ws.state.begin() as tx:
        if tx.facts.get(name) is None:
            kept = {
                "rules": rules.texts,
                "inputs": rules.inputs,
                "teams": team_spellings(ws.config.directory),
                "calendar": to_json(ws.config.company.calendar),
            }
            tx.facts.put(name, kept)


def _record(ws: Workspace, rules: AllocationRules, runs: Mapping[str, AllocationRun]) -> None:
    """Evidence of each run that is kept; of one whose process died before it got here, too."""
    newest = _newest(ws)
    with ws.state.read() as tx:
        missing = {m: one for m, one in newest.items() if tx.facts.get(f"allocation.recorded.{m}") != one[0]}
    if not missing:
        return
    with ws.state.begin() as tx:
        for month, (run_id, version, outcome) in sorted(missing.items()):
            run = runs.get(month)
            body = {
                "month": month, "version": version, "outcome": outcome, "lake": run.lake_version if run else None,
                "rules": rules.digest if run else None, "inputs": rules.inputs_digest if run else None,
            }  # fmt: skip
            tx.evidence.append("allocation.decided", run_id, FISCUS, body)
            tx.facts.put(f"allocation.recorded.{month}", run_id)


def _allocated(
    month: MonthDecided, run: AllocationRun | None, known: Mapping[str, tuple[str, int, str]]
) -> MonthAllocated:
    run_id, version, _ = known.get(month.month, ("", 0, ""))
    shared: dict[str, list[Decimal]] = {}
    stays: dict[str, list[Decimal]] = {}
    for amount in month.amounts:
        shared.setdefault(amount.group.currency, []).append(amount.effective)
        if amount.target == STAYS:
            stays.setdefault(amount.group.currency, []).append(amount.effective)
    return MonthAllocated(
        month=month.month,
        run_id=run.run_id if run else run_id,
        version=run.version if run else version,
        changed=run is not None,
        shared={currency: total(costs) for currency, costs in shared.items()},
        stays={currency: total(costs) for currency, costs in stays.items()},
    )
