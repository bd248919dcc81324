"""The policies of a workspace, ready to be asked: every condition checked and compiled once, at load."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from operator import is_
from typing import Final, NamedTuple, TypeAlias

from fiscus.guardrails.policies.compile_closure import Facts, Result
from fiscus.guardrails.policies.condition import Node
from fiscus.guardrails.policies.joint_conditions import JointConditions
from fiscus.guardrails.types import ApprovalNeeded, Option, Policy, PolicyException, PolicyResult, PolicyTarget

Closure: TypeAlias = Callable[[Facts], tuple[Result, str]]
DAYS_KEPT_MAX: Final = 64


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """One case beside a policy: facts given, result expected. `expect_verdict` empty: any."""

    target: PolicyTarget
    given: Mapping[str, object]
    expect: Result
    expect_verdict: str
    line: int


@dataclass(frozen=True, slots=True)
class CompiledException:
    """An exception on one target. `number` is its place in the file, from 1; `sql` is empty where the target has none."""

    exception: PolicyException
    number: int
    node: Node
    closure: Closure
    sql: str = ""


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """A policy with its condition per target, as a tree, a closure and, for charges and resources, SQL; a detector has none.

    `exceptions` stand in the order of precedence (policies/exceptions.py), whether they have ended or not.
    """

    policy: Policy
    conditions: Mapping[PolicyTarget, Node] = field(default_factory=dict)
    closures: Mapping[PolicyTarget, Closure] = field(default_factory=dict)
    charge_sql: str = ""
    tests: tuple[PolicyTest, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)  # of a detector
    exceptions: Mapping[PolicyTarget, tuple[CompiledException, ...]] = field(default_factory=dict)
    resource_sql: str = ""
    silent: PolicyResult = field(init=False, repr=False, compare=False)  # what it says of nearly everything: nothing
    says: str = field(init=False, repr=False, compare=False)  # what it says of a match, after the money

    def __post_init__(self) -> None:
        policy = self.policy
        silent = PolicyResult(policy.id, policy.version, policy.level, "no_match", "allow", "")
        object.__setattr__(self, "silent", silent)
        object.__setattr__(self, "says", f"{policy.title}. {policy.reason}")

    def in_force(self, day: date) -> bool:
        """Whether its effective dates, both included, hold `day`."""
        first, last = self.policy.effective_from, self.policy.effective_until
        return (first is None or first <= day) and (last is None or day <= last)


class PolicyWords(NamedTuple):
    """What the policies say of one intent: a result each, in the order of ids; and what those want whose word has any weight.

    `approval` None: no policy wants one. `silent`: none matches and each has an answer; then `results` is always the same tuple.
    """

    results: tuple[PolicyResult, ...]
    options: tuple[Option, ...] = ()
    approval: ApprovalNeeded | None = None
    silent: bool = False


@dataclass(frozen=True, slots=True)
class InForce:
    """The policies that judge one target on one day, their conditions joined; `silent`: what they say of nearly everything."""

    policies: tuple[CompiledPolicy, ...]
    silent: PolicyWords
    joint: JointConditions


@dataclass(frozen=True, slots=True)
class PolicySet:
    """Every policy, in the order of their ids: order never changes a verdict. `digest` names this version."""

    policies: tuple[CompiledPolicy, ...] = ()
    digest: str = ""
    _in_force: dict[tuple[PolicyTarget, date], InForce] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    def __iter__(self) -> Iterator[CompiledPolicy]:
        return iter(self.policies)

    def __len__(self) -> int:
        return len(self.policies)

    def on(self, target: PolicyTarget) -> Sequence[CompiledPolicy]:
        """The policies that judge `target`, in force or not."""
        return [compiled for compiled in self.policies if target in compiled.conditions]

    def in_force(self, target: PolicyTarget, day: date) -> Sequence[CompiledPolicy]:
        """The policies that judge `target` and are in force on `day`."""
        return self.asked(target, day).policies

    def asked(self, target: PolicyTarget, day: date) -> InForce:
        """The same, ready to be asked together: made once a day, not once a decision."""
        key = (target, day)
        if (found := self._in_force.get(key)) is None:
            if len(self._in_force) >= DAYS_KEPT_MAX:
                self._in_force.clear()
            found = self._in_force[key] = self._join(target, tuple(one for one in self.on(target) if one.in_force(day)))
        return found

    def _join(self, target: PolicyTarget, policies: tuple[CompiledPolicy, ...]) -> InForce:
        """What another day has made of them already, where they were the same ones."""
        for (judged, _), known in list(self._in_force.items()):  # another thread may add one
            if judged == target and len(known.policies) == len(policies) and all(map(is_, known.policies, policies)):
                return known
        silent = PolicyWords(tuple(one.silent for one in policies), silent=True)
        return InForce(policies, silent, JointConditions([one.conditions[target] for one in policies]))

    def detectors(self) -> Sequence[CompiledPolicy]:
        """Built-in detectors that are switched on."""
        return [compiled for compiled in self.policies if compiled.policy.detector]

    def get(self, policy_id: str) -> CompiledPolicy | None:
        """The policy of this id, or None."""
        return next((compiled for compiled in self.policies if compiled.policy.id == policy_id), None)

    def owners(self) -> Mapping[str, str]:
        """Policy id -> who answers for it."""
        return {compiled.policy.id: compiled.policy.owner for compiled in self.policies}
