"""One policy taken apart for people: what it demands, whether it counts as it is written, and what it would have done."""

from __future__ import annotations

from dataclasses import dataclass

from fiscus.flows.backtest_policy import MONTHS, History, backtest_policy
from fiscus.flows.explain_policy import PolicyExplained, explain_policy
from fiscus.flows.prove_policies import recorded_proofs, written_policies
from fiscus.flows.show_number import NumberShown
from fiscus.flows.show_trust import DataTrust, data_trust
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.backtests.types import Backtest, Recorded
from fiscus.kernel.errors import NotFound

ROWS_SHOWN = 100


@dataclass(frozen=True, slots=True)
class PolicyShown:
    """A policy with what is recorded of it, newest first. `written`: its level as it stands in its file."""

    trust: DataTrust
    sentence: str
    policy: PolicyExplained
    written: str
    recorded: tuple[Recorded, ...]


@dataclass(frozen=True, slots=True)
class BacktestShown:
    """A backtest with its digest. Looking at one records nothing."""

    backtest: Backtest
    digest: str
    months: int


def show_policy(ws: Workspace, policy_id: str, trust: DataTrust | None = None) -> PolicyShown:
    """What it demands and what is recorded of it. Raises NotFound."""
    explained, (written,) = explain_policy(ws, policy_id), written_policies(ws, policy_id)
    with ws.state.read() as tx:
        mine = [one for one in recorded_proofs(tx) if one.policy_id == policy_id]
    title = explained.title[0].upper() + explained.title[1:]
    if explained.level == written.policy.level:
        sentence = f"{title}: level {explained.level}, answered for by {explained.owner}."
    else:
        sentence = f"{title}: try it on history, then it is {written.policy.level}. Until then it is {explained.level}."
    recorded = tuple(sorted(mine, key=lambda one: one.at, reverse=True))
    return PolicyShown(trust or data_trust(ws), sentence, explained, written.policy.level, recorded)


def show_backtest(ws: Workspace, policy_id: str, months: int = MONTHS) -> BacktestShown:
    """What the policy, as it is written, would have done. Raises NotFound, BadInput, BadQuery, LimitExceeded."""
    (compiled,) = written_policies(ws, policy_id)
    done = backtest_policy(History(ws, months), compiled)
    return BacktestShown(done, done.digest, months)


def show_backtest_rows(ws: Workspace, shown: BacktestShown, key: str) -> NumberShown:
    """The rows behind one of the largest lines of a backtest. Raises NotFound for one that has none."""
    for part in shown.backtest.parts:
        for hit in part.largest:
            if hit.key == key and hit.query is not None:
                rows = ws.lake.ask(hit.query.sql, hit.query.params, rows_max=ROWS_SHOWN)
                title = f"{hit.title}: check the rows that {shown.backtest.policy_id} would have matched."
                note = "The policy would have matched it; nothing was stopped." if hit.verdict else ""
                version = shown.backtest.lake_version
                return NumberShown(
                    data_trust(ws), title, hit.amount, hit.currency, "actual", hit.query, version, rows, None, note
                )
    raise NotFound(f"The backtest has no line {key!r} with rows", remedy="Open it from the page of the policy.")
