"""Files that do not load, as findings: the first fault of each, and what only shows when all are read together."""

from __future__ import annotations

from collections.abc import Mapping

from fiscus.guardrails.lint.types import LintFinding
from fiscus.guardrails.policies.load_policies import load_policies
from fiscus.guardrails.policies.policy_set import PolicySet
from fiscus.kernel.errors import BadConfig


def load_or_faults(texts: Mapping[str, str]) -> tuple[PolicySet, tuple[LintFinding, ...]]:
    """(the policies, no fault) of files that load together; else (those of files that load alone, a fault a file)."""
    try:
        return load_policies(texts), ()
    except BadConfig as whole:
        faults, sound = list[LintFinding](), dict[str, str]()
        for file, text in sorted(texts.items()):
            try:
                load_policies({file: text})
                sound[file] = text
            except BadConfig as broken:
                faults.append(fault_of(broken, file))
        try:
            return load_policies(sound), tuple(faults)
        except BadConfig as together:  # an id that stands in two of them
            return PolicySet(), (*faults, fault_of(together if faults else whole, ""))


def fault_of(broken: BadConfig, file: str) -> LintFinding:
    """Why something does not load, as a finding; `file`: where, if the error does not say."""
    where = broken.where
    named, line = (where.file or file, where.line or 1) if where else (file, 1)
    return LintFinding("does-not-load", "error", "", named, line, broken.message, broken.remedy)
