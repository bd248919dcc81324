"""What the lake says of many policies that are tried on the past, each question asked once for all of them, and kept."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from fiscus.flows.workspace import Workspace
from fiscus.guardrails.backtests.add_up import Trial
from fiscus.guardrails.backtests.charge_backtest import charge_trials, charges_query
from fiscus.guardrails.backtests.types import Window
from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.guardrails.types import PolicyTarget
from fiscus.kernel.errors import FiscusError
from fiscus.kernel.limits import POLICIES_PER_PASS_MAX

LOOKED_BACK_AT: Final[tuple[PolicyTarget, ...]] = ("budget", "resource", "invoice")
_Key = tuple[object, ...]


class AskedTogether:
    """Trials of policies over one window. A version of a policy is asked once; so is what only one of two versions matches."""

    def __init__(self) -> None:
        self._charges: dict[_Key, Trial] = {}
        self._looked_back: dict[tuple[str, str, PolicyTarget], Trial] = {}

    def ask_charges(self, ws: Workspace, policies: Sequence[CompiledPolicy], window: Window) -> None:
        """Read the charges once for as many as one query bears; of a query that fails nothing is kept."""
        new = list({_key(one): one for one in policies if _key(one) not in self._charges}.values())
        for first in range(0, len(new), POLICIES_PER_PASS_MAX):
            try:
                self._ask(ws, new[first : first + POLICIES_PER_PASS_MAX], window)
            except FiscusError:
                continue

    def charges(self, ws: Workspace, compiled: CompiledPolicy, window: Window) -> Trial:
        """The trial of one, asked now where it was not yet. Raises BadQuery, LimitExceeded."""
        if _key(compiled) not in self._charges:
            self._ask(ws, [compiled], window)
        return self._charges[_key(compiled)]

    def keep(self, policies: Sequence[CompiledPolicy], target: PolicyTarget, trials: Sequence[Trial]) -> None:
        """What was found on past days on `target`, a trial a policy."""
        for compiled, trial in zip(policies, trials, strict=True):
            self._looked_back[compiled.policy.id, compiled.policy.version, target] = trial

    def looked_back(self, compiled: CompiledPolicy, target: PolicyTarget) -> Trial | None:
        """The same of one; None where it was not asked, or nothing could be kept."""
        return self._looked_back.get((compiled.policy.id, compiled.policy.version, target))

    def _ask(self, ws: Workspace, policies: Sequence[CompiledPolicy], window: Window) -> None:
        query = charges_query(policies, window)
        found = charge_trials(policies, ws.lake.ask(query.sql, query.params), window)
        self._charges |= {_key(compiled): trial for compiled, trial in zip(policies, found, strict=True)}


def of_different_ids(policies: Iterable[CompiledPolicy]) -> list[list[CompiledPolicy]]:
    """In as few groups as there are versions of one policy: a run judges one version of each."""
    groups: list[dict[str, CompiledPolicy]] = []
    for compiled in policies:
        name = compiled.policy.id
        group = next((one for one in groups if name not in one), None)
        if group is None:
            groups.append(group := {})
        group[name] = compiled
    return [list(group.values()) for group in groups]


def _key(compiled: CompiledPolicy) -> _Key:
    policy = compiled.policy
    return policy.id, policy.version, compiled.charge_sql, policy.min_amount, policy.days_min
