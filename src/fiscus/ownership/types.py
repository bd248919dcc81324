"""People, teams, assignment rules, and cases under escalation."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Final, Literal

UNOWNED: Final = "unowned"

ASSIGNMENT_COLUMNS: Final = (
    "x_AssignmentKey",
    "x_Owner",
    "x_Team",
    "x_CostCentre",
    "x_Environment",
    "x_Product",
    "x_AssignmentRule",
)


@dataclass(frozen=True, slots=True)
class Person:
    """`id` is what `--as` takes. `left_on` set: no longer here, their things go up the manager chain."""

    id: str
    name: str
    email: str
    team: str | None = None
    manager: str | None = None
    roles: tuple[str, ...] = ()  # finops, finance, procurement, cfo, auditor
    left_on: str | None = None


@dataclass(frozen=True, slots=True)
class Team:
    """`lead` is a person id; the lead answers for what the team owns."""

    id: str
    name: str
    lead: str
    cost_centre: str
    parent: str | None = None
    aliases: tuple[str, ...] = ()  # other spellings found in tags


@dataclass(frozen=True, slots=True)
class Directory:
    """Who is who. Lookups resolve to a live person or None."""

    people: Mapping[str, Person]
    teams: Mapping[str, Team]
    default_pool: str  # the team that answers for unowned money


@dataclass(frozen=True, slots=True)
class AssignmentRule:
    """One ordered rule: the first that matches wins. `match` is ANDed: field -> accepted patterns (shell wildcards).

    Fields: tag:<key>, sub_account (id or name), service, provider, resource (id or name), resource_type, source, region.
    `team` and `owner` are ids or `{tag:<key>}`, resolved through the directory; a value that resolves to nobody does not match.
    """

    id: str
    match: Mapping[str, tuple[str, ...]]
    team: str | None = None
    owner: str | None = None
    cost_centre: str | None = None
    environment: str | None = None
    product: str | None = None


@dataclass(frozen=True, slots=True)
class OwnershipRules:
    """The ordered rules plus where environment and product come from when a rule does not say. `digest` names this version."""

    rules: tuple[AssignmentRule, ...]
    environment_tags: tuple[str, ...]
    product_tags: tuple[str, ...]
    environments: Mapping[str, tuple[str, ...]]  # canonical name -> spellings
    digest: str


@dataclass(frozen=True, slots=True)
class OwnedTotal:
    """One line of who owns what. Sum over all lines, unowned included, is the total, to the last digit."""

    owner: str
    team: str
    cost_centre: str
    currency: str
    effective_cost: Decimal
    billed_cost: Decimal
    charges: int
    rule: str


CaseState = Literal["open", "acknowledged", "closed"]
CaseLevel = Literal["owner", "manager", "finance"]
Severity = Literal["low", "medium", "high", "critical"]
EventKind = Literal["opened", "notified", "escalated", "acknowledged", "closed", "reopened", "updated"]


@dataclass(frozen=True, slots=True)
class CaseSubject:
    """What a case is about: a finding or an anomaly, as plain data. `key` is stable: the same subject never opens two cases."""

    kind: Literal["finding", "anomaly", "budget", "data_quality", "action", "renewal"]
    key: str
    title: str  # one sentence with money and a verb
    detail: str
    amount: Decimal  # money at stake
    currency: str
    severity: Severity
    owner: str  # person or team id, or `unowned`
    evidence: Mapping[str, object] = field(default_factory=dict)  # query, params, rows: how to see it


@dataclass(frozen=True, slots=True)
class CaseEvent:
    """One step of a case's history."""

    at: datetime
    kind: EventKind
    actor: str
    note: str = ""


@dataclass(frozen=True, slots=True)
class Case:
    """A subject under escalation. `next_escalation_at` None: acknowledged, closed or with finance, the clock stands.

    `present` False: the subject was gone when Fiscus last looked; should it come back, a closed case opens again.
    """

    id: str
    subject: CaseSubject
    state: CaseState
    level: CaseLevel
    assignee: str  # person id who must act now
    opened_at: datetime
    next_escalation_at: datetime | None
    history: tuple[CaseEvent, ...]
    present: bool = True


@dataclass(frozen=True, slots=True)
class EscalationLadder:
    """How long each level has, by severity; after the last one, finance keeps it."""

    to_manager: Mapping[Severity, timedelta]
    to_finance: Mapping[Severity, timedelta]


@dataclass(frozen=True, slots=True)
class Notice:
    """A message that must reach someone at least once. `key` deduplicates; the outbox keeps it until it was delivered."""

    key: str
    channel: Literal["email", "webhook"]
    to: str  # mail address or route name
    subject: str
    body: str
    payload: Mapping[str, object] = field(default_factory=dict)
