"""The policies of a workspace, ready to be asked: every condition checked and compiled once, at load."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from fiscus.guardrails.policies.compile_closure import Facts, Result
from fiscus.guardrails.policies.condition import Node
from fiscus.guardrails.types import Policy, PolicyTarget


@dataclass(frozen=True, slots=True)
class PolicyTest:
    """One case beside a policy: facts given, result expected. `expect_verdict` empty: any."""

    target: PolicyTarget
    given: Mapping[str, object]
    expect: Result
    expect_verdict: str
    line: int


@dataclass(frozen=True, slots=True)
class CompiledPolicy:
    """A policy with its condition per target, as a tree, a closure and, for charges, SQL. A detector has none of them."""

    policy: Policy
    conditions: Mapping[PolicyTarget, Node] = field(default_factory=dict)
    closures: Mapping[PolicyTarget, Callable[[Facts], tuple[Result, str]]] = field(default_factory=dict)
    charge_sql: str = ""
    tests: tuple[PolicyTest, ...] = ()
    settings: Mapping[str, object] = field(default_factory=dict)  # of a detector


@dataclass(frozen=True, slots=True)
class PolicySet:
    """Every policy, in the order of their ids: order never changes a verdict. `digest` names this version."""

    policies: tuple[CompiledPolicy, ...] = ()
    digest: str = ""

    def __iter__(self) -> Iterator[CompiledPolicy]:
        return iter(self.policies)

    def __len__(self) -> int:
        return len(self.policies)

    def on(self, target: PolicyTarget) -> Sequence[CompiledPolicy]:
        """The policies that judge `target`."""
        return [compiled for compiled in self.policies if target in compiled.conditions]

    def detectors(self) -> Sequence[CompiledPolicy]:
        """Built-in detectors that are switched on."""
        return [compiled for compiled in self.policies if compiled.policy.detector]

    def get(self, policy_id: str) -> CompiledPolicy | None:
        """The policy of this id, or None."""
        return next((compiled for compiled in self.policies if compiled.policy.id == policy_id), None)

    def owners(self) -> Mapping[str, str]:
        """Policy id -> who answers for it."""
        return {compiled.policy.id: compiled.policy.owner for compiled in self.policies}
