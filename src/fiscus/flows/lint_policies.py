"""What is wrong with the policies of a workspace, or of a file that is to become part of it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet
from typing import cast

from fiscus.flows.prove_policies import proven_versions
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.lint.find_faults import fault_of, load_or_faults
from fiscus.guardrails.lint.lint_policies import WATCHED_COLUMNS, distinct_values_sql, lint_policies
from fiscus.guardrails.lint.types import Known, LintFinding
from fiscus.kernel.errors import BadConfig


def lint_texts(
    texts: Mapping[str, str], ws: Workspace | None, refused: BadConfig | None = None, unread: Sequence[BadConfig] = ()
) -> tuple[LintFinding, ...]:
    """Every finding over all files (name -> text). Without a workspace nothing is said of people, proofs and past charges.

    `refused`: why the workspace does not load; a finding too, where the policies alone do not show it. `unread`: why further
    files are no text.
    """
    policies, faults = load_or_faults(texts)
    faults = (*faults, *(fault_of(one, "") for one in unread))
    found = [*faults, *lint_policies(policies, known_of(ws) if ws else Known())]
    if refused is not None and (whole := fault_of(refused, "fiscus.yaml")) not in faults:
        found.append(whole)
    return tuple(sorted(found, key=lambda one: (one.file, one.line, one.rule, one.message)))


def known_of(ws: Workspace) -> Known:
    """Who is here, what is proven, and which values charges ever had."""
    directory, today = ws.config.directory, ws.as_of.isoformat()
    here = {person.id for person in directory.people.values() if person.left_on is None or person.left_on > today}
    roles: dict[str, set[str]] = {}
    for person in directory.people.values():
        if person.id in here:
            for role in person.roles:
                roles.setdefault(role, set()).add(person.id)
    with ws.state.read() as tx:
        proven = proven_versions(tx)
    return Known(ws.as_of, _values(ws), frozenset(here | set(directory.teams)), roles, proven)


def _values(ws: Workspace) -> Mapping[str, AbstractSet[str]]:
    columns = tuple(dict.fromkeys(WATCHED_COLUMNS))
    (row,) = ws.lake.query(distinct_values_sql(columns)).rows
    return {
        name: frozenset(cast("list[str]", values or ())) for name, values in zip(columns, row, strict=True) if values
    }
