"""Trying a policy, or a change of one, on the last months: how many, how much money, whose, and which rows."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property, partial

from fiscus.flows.ask_together import LOOKED_BACK_AT, AskedTogether, of_different_ids
from fiscus.flows.look_back import anomalies_of, looked_back
from fiscus.flows.past_budgets import PastBudgets
from fiscus.flows.prove_policies import record_backtest, recorded_versions, written
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.backtests.add_up import Trial, add_up
from fiscus.guardrails.backtests.intent_backtest import decisions_trial, history_trial
from fiscus.guardrails.backtests.replayed_intents import Replayed, Replays, replay_query, replayed, replayed_facts
from fiscus.guardrails.backtests.say_backtest import sentence_of
from fiscus.guardrails.backtests.types import Backtest, Window
from fiscus.guardrails.decisions.asked_record import asked_of
from fiscus.guardrails.decisions.decide import facts_asked
from fiscus.guardrails.policies.load_policies import library_versions
from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.guardrails.types import INTENT_KINDS, Decision, IntentKind, PolicyTarget
from fiscus.kernel.actor import FISCUS
from fiscus.kernel.errors import BadInput, BadQuery, FiscusError, LimitExceeded
from fiscus.kernel.limits import BACKTEST_DECISIONS_MAX, BACKTEST_INTENTS_MAX, BACKTEST_MONTHS_MAX
from fiscus.kernel.periods import Month, days_between

MONTHS = 3
WEEK = 7  # budgets are looked at by the week: at the end of a month its budget is over


class History:
    """What a window of the past holds, read once for all the policies that are tried on it."""

    def __init__(self, ws: Workspace, months: int = MONTHS, as_of: date | None = None) -> None:
        """Raises BadInput for a number of months that is none."""
        if not 1 <= months <= BACKTEST_MONTHS_MAX:
            raise BadInput(f"{months} months cannot be looked at", remedy=f"Ask for 1 to {BACKTEST_MONTHS_MAX}.")
        end = min(as_of or ws.as_of, ws.as_of)
        start = Month.of(end - timedelta(days=1)).shift(1 - months).start
        self.ws, self.window = ws, Window(start, end, months)
        self.tried: dict[tuple[str, str], Sequence[Trial]] = {}
        self.together = AskedTogether()
        self._replays: dict[IntentKind, Replays] = {}

    @cached_property
    def budgets(self) -> PastBudgets:
        """Where the budgets stood on the days of the window."""
        return PastBudgets(self.ws, self.window.start, self.window.end)

    @cached_property
    def decisions(self) -> tuple[Sequence[Decision], str]:
        """(those that were given in the window, newest first; what they are instead of all, in words)."""
        first, last = self._instant(self.window.start), self._instant(self.window.end + timedelta(days=1))
        found = self.ws.ledger.store.decisions(BACKTEST_DECISIONS_MAX + 1)
        newest, more = found[:BACKTEST_DECISIONS_MAX], found[BACKTEST_DECISIONS_MAX:]
        since = f"{newest[-1].at:%Y-%m-%d %H:%M}" if newest else ""
        left_out = any(one.at >= first for one in more)
        cut = f"there are more decisions than the newest {len(newest):,}, which go back to {since}" if left_out else ""
        return [one for one in newest if first <= one.at < last], cut

    def replays(self, kind: IntentKind) -> Replays:
        """Charges gathered to intents of `kind`."""
        if kind not in self._replays:
            query = replay_query(kind, self.window)
            rows = self.ws.lake.ask(query.sql, query.params, rows_max=BACKTEST_INTENTS_MAX + 1)
            self._replays[kind] = replayed(rows, self.window.end, BACKTEST_INTENTS_MAX)
        return self._replays[kind]

    def facts(self, kind: IntentKind, one: Replayed) -> Mapping[str, object]:
        """The facts of an intent that history would have asked."""
        calendar, freezes = self.ws.config.company.calendar, self.ws.config.freezes
        return replayed_facts(kind, one, calendar, freezes)

    def days(self, step: int | None = None) -> Sequence[date]:
        """The days from which the window is looked back at: the end of each month (or every `step` days), and its own end."""
        first, last = self.window.start, self.window.end
        if step is not None:
            return [*(day for day in days_between(first, last) if (last - day).days % step == 0 and day > first), last]
        months = [Month.of(first).shift(n).end for n in range(self.window.months)]
        return [*(day for day in months if day < last), last]

    def _instant(self, day: date) -> datetime:
        return datetime.combine(day, time(), UTC)


def backtest_policy(history: History, compiled: CompiledPolicy) -> Backtest:
    """What `compiled` would have done. Conditions run under the bounds of SQL from people: BadQuery, LimitExceeded."""
    policy, ws = compiled.policy, history.ws
    parts = tuple(add_up(trial) for trial in trials(history, compiled))
    return Backtest(
        policy_id=policy.id,
        version=policy.version,
        title=policy.title,
        level=policy.level,
        window=history.window,
        lake_version=str(ws.lake.version()),
        parts=parts,
        sentence=sentence_of(policy, history.window, parts),
    )


def backtest_policies(history: History, policies: Sequence[CompiledPolicy]) -> tuple[Backtest, ...]:
    """`backtest_policy` of each, in their order, with the lake asked once for all of them where it can be."""
    ask_together(history, policies)
    return tuple(backtest_policy(history, compiled) for compiled in policies)


def ask_together(history: History, policies: Sequence[CompiledPolicy]) -> None:
    """Ask the lake what all `policies` are tried on: the charges once, the past days of each kind of thing once.

    What fails together is asked of each policy alone, when it is tried.
    """
    history.together.ask_charges(history.ws, [one for one in policies if "charge" in one.conditions], history.window)
    for target in LOOKED_BACK_AT:
        for group in of_different_ids([one for one in policies if target in one.conditions]):
            with suppress(FiscusError):
                history.together.keep(group, target, _looked_back(history, group, target))


@dataclass(frozen=True, slots=True)
class LibraryTried:
    """Backtests that were recorded, and why others could not be made, by policy; those are tried again by the next run."""

    done: tuple[Backtest, ...] = ()
    untried: Mapping[str, str] = field(default_factory=dict)


def try_library(ws: Workspace, months: int = MONTHS) -> LibraryTried:
    """Record a backtest of each hard policy that is as it ships and was not tried here yet, once there is history.

    Policies of one's own are not tried by themselves: whoever writes one at hard is to look at what it would have stopped.
    One whose history is more than a question may cost is left, and said: the policy is hard without it, as it ships.
    """
    with ws.state.read() as tx:
        known = recorded_versions(tx)
    hard = [one for one in written(ws) if one.policy.level == "hard"]
    ships = library_versions() - known
    wanted = [one for one in hard if (one.policy.id, one.policy.version) in ships]
    if not wanted or (ws.lake.version().charges < 0 and not ws.ledger.store.decisions(1)):
        return LibraryTried()
    history, done, untried = History(ws, months), list[Backtest](), dict[str, str]()
    ask_together(history, wanted)
    for compiled in wanted:
        try:
            done.append(backtest_policy(history, compiled))
        except (BadQuery, LimitExceeded) as failed:
            untried[compiled.policy.id] = str(failed)
            continue
        record_backtest(ws, done[-1], FISCUS)
    return LibraryTried(tuple(done), untried)


def trials(history: History, compiled: CompiledPolicy) -> Sequence[Trial]:
    """One for each source of history that the policy can be tried on, with every hit; each version is tried once."""
    key = (compiled.policy.id, compiled.policy.version)
    if key not in history.tried:
        history.tried[key] = tuple(_trials(history, compiled))
    return history.tried[key]


def _trials(history: History, compiled: CompiledPolicy) -> Iterator[Trial]:
    if compiled.policy.detector:
        yield from looked_back(history.ws, (compiled,), "series", history.days(), history.budgets)
    for target in compiled.conditions:
        if target == "charge":
            yield history.together.charges(history.ws, compiled, history.window)
        elif target in INTENT_KINDS:
            kind: IntentKind = target
            decisions, cut = history.decisions
            given = [one for one in decisions if one.intent.kind == kind]
            yield decisions_trial(compiled, kind, given, _facts_then, cut)
            if (asked := history.replays(kind)).intents:
                yield history_trial(compiled, kind, asked, partial(history.facts, kind))
        elif target == "anomaly":
            yield anomalies_of(history.ws, compiled, history.window)
        else:
            yield history.together.looked_back(compiled, target) or _looked_back(history, (compiled,), target)[0]


def _looked_back(history: History, policies: Sequence[CompiledPolicy], target: PolicyTarget) -> Sequence[Trial]:
    days = history.days(WEEK if target == "budget" else None)
    return looked_back(history.ws, policies, target, days, history.budgets)


def _facts_then(decision: Decision) -> Mapping[str, object]:
    """The facts that a policy was asked about, as they were known when it was decided."""
    return facts_asked(asked_of(decision))
