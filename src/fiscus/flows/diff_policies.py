"""What changed from one set of policies to another, and what each change would have meant on the last months."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, is_dataclass, replace
from typing import Literal

from fiscus.flows.backtest_policy import History, ask_together, backtest_policy, trials
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.backtests.add_up import add_up
from fiscus.guardrails.backtests.types import Backtest, Part
from fiscus.guardrails.policies.condition import Node
from fiscus.guardrails.policies.policy_set import CompiledPolicy, PolicySet
from fiscus.guardrails.types import Policy, PolicyTarget
from fiscus.kernel.canonical import to_json
from fiscus.kernel.errors import NotFound
from fiscus.kernel.money import ZERO

FIELDS = (
    "title", "targets", "when", "level", "on_error", "effect", "min_amount", "action", "finding", "window_days", "days_min",
    "detector", "options", "approval", "exceptions", "effective_from", "effective_until", "owner", "reason", "remedy",
)  # fmt: skip
RECORDED_FACT = "policies.recorded"
Change = Literal["added", "removed", "changed", "reworded"]


@dataclass(frozen=True, slots=True)
class Field:
    """One field of a policy, before and after."""

    name: str
    before: str
    after: str


@dataclass(frozen=True, slots=True)
class PolicyChange:
    """One policy that is not the same. `reworded`: another title, reason or owner, the same meaning.

    `newly` is what matches now and did not, `no_longer` what matched and does not, by source of history.
    """

    policy_id: str
    change: Change
    fields: tuple[Field, ...]
    before: Backtest | None
    after: Backtest | None
    newly: tuple[Part, ...]
    no_longer: tuple[Part, ...]


@dataclass(frozen=True, slots=True)
class PoliciesDiff:
    """Every policy that is not the same, by id; `same` counts the rest."""

    changes: tuple[PolicyChange, ...]
    same: int


def diff_policies(history: History, old: PolicySet, new: PolicySet) -> PoliciesDiff:
    """Compare by id. Charges are compared row by row, intents one by one. Raises BadQuery, LimitExceeded."""
    ids = sorted({one.policy.id for one in old} | {one.policy.id for one in new})
    found = [(policy_id, old.get(policy_id), new.get(policy_id)) for policy_id in ids]
    differ = [(policy_id, before, after) for policy_id, before, after in found if _differs(before, after)]
    ask_together(history, [one for _, before, after in differ for one in _tried(before, after)])
    changes = [_change(history, policy_id, before, after) for policy_id, before, after in differ]
    return PoliciesDiff(tuple(changes), len(found) - len(changes))


def _tried(before: CompiledPolicy | None, after: CompiledPolicy | None) -> Sequence[CompiledPolicy]:
    """What is to be known of a policy that differs: what each side matches, and what only one of them does."""
    if before is None or after is None:
        return [one for one in (before, after) if one is not None]
    if _is_reworded(before, after):
        return ()
    return (before, after, _only(after, before), _only(before, after))


def _is_reworded(before: CompiledPolicy, after: CompiledPolicy) -> bool:
    return before.policy.version == after.policy.version


def _differs(before: CompiledPolicy | None, after: CompiledPolicy | None) -> bool:
    return (
        before is None
        or after is None
        or bool(_fields(before.policy, after.policy))
        or before.settings != after.settings
    )


def _change(
    history: History, policy_id: str, before: CompiledPolicy | None, after: CompiledPolicy | None
) -> PolicyChange:
    if before is None or after is None:
        tried_before = backtest_policy(history, before) if before else None
        tried_after = backtest_policy(history, after) if after else None
        kind: Change = "added" if before is None else "removed"
        newly = tried_after.parts if tried_after else ()
        gone = tried_before.parts if tried_before else ()
        return PolicyChange(policy_id, kind, (), tried_before, tried_after, newly, gone)
    fields = _fields(before.policy, after.policy)
    if before.settings != after.settings:
        fields = (*fields, Field("settings", str(dict(before.settings)), str(dict(after.settings))))
    if _is_reworded(before, after):
        return PolicyChange(policy_id, "reworded", fields, None, None, (), ())
    tried_before, tried_after = backtest_policy(history, before), backtest_policy(history, after)
    newly, gone = _delta(history, after, before), _delta(history, before, after)
    return PolicyChange(policy_id, "changed", fields, tried_before, tried_after, newly, gone)


def _fields(before: Policy, after: Policy) -> tuple[Field, ...]:
    pairs = [(name, getattr(before, name), getattr(after, name)) for name in FIELDS]
    return tuple(Field(name, _text(one), _text(other)) for name, one, other in pairs if _text(one) != _text(other))


def _text(value: object) -> str:
    if isinstance(value, tuple):
        return ", ".join(_text(one) for one in value)
    if value is None:
        return ""
    return json.dumps(_as_written(value), ensure_ascii=False, sort_keys=True) if is_dataclass(value) else str(value)


def _as_written(value: object) -> object:
    """A clause without its place in the file: a line that moved is no change."""
    plain = to_json(value)
    return {name: said for name, said in plain.items() if name != "line"} if isinstance(plain, dict) else plain


def _delta(history: History, one: CompiledPolicy, other: CompiledPolicy) -> tuple[Part, ...]:
    """What `one` matches and `other` does not. A target that only one of them judges is all of it."""
    theirs = {(trial.source, trial.target): {hit.key for hit in trial.hits} for trial in trials(history, other)}
    parts = []
    for trial in trials(history, one):
        if trial.source == "charges":
            trial = history.together.charges(history.ws, _only(one, other), history.window)  # noqa: PLW2901 the same trial, row by row
        else:
            known = theirs.get((trial.source, trial.target), set[str]())
            left = [hit for hit in trial.hits if hit.key not in known]
            trial = replace(trial, hits=left)  # noqa: PLW2901 the same trial, without what both match
        parts.append(add_up(trial))
    return tuple(part for part in parts if part.matched)


def _only(one: CompiledPolicy, other: CompiledPolicy) -> CompiledPolicy:
    """`one` on the charges that `other` does not match. No minimum amount or days count, so that nothing hides in a sum."""
    sql = one.charge_sql
    if other.charge_sql:
        sql = f"({sql} AND ({other.charge_sql}) IS DISTINCT FROM true)"
    on_charges: dict[PolicyTarget, Node] = {
        target: node for target, node in one.conditions.items() if target == "charge"
    }
    return replace(one, charge_sql=sql, conditions=on_charges, policy=replace(one.policy, min_amount=ZERO, days_min=1))


def record_texts(ws: Workspace, texts: Mapping[str, str]) -> None:
    """Keep the policies (name -> text) that a run judged by, to be compared with later."""
    with ws.state.begin() as tx:
        if tx.facts.get(RECORDED_FACT) != dict(texts):
            tx.facts.put(RECORDED_FACT, dict(texts))


def recorded_texts(ws: Workspace) -> Mapping[str, str]:
    """name -> text of the policies that the newest run judged by. Raises NotFound before the first run."""
    with ws.state.read() as tx:
        fact = tx.facts.get(RECORDED_FACT)
    if not isinstance(fact, Mapping):
        raise NotFound("No run has recorded its policies yet", remedy="`fiscus run` records them.")
    return {str(name): str(text) for name, text in fact.items()}
