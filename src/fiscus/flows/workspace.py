"""Everything a flow may use: the workspace's configuration as typed values, and the ports. Built by `app`, by nobody else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from fiscus.actions.ports import Executor
from fiscus.actions.types import SafetyBelts
from fiscus.board.types import Outcome
from fiscus.cost.ai.ports import CallStore, VendorCosts
from fiscus.cost.ai.types import AiAccount
from fiscus.cost.allocation.types import AllocationRules
from fiscus.cost.currency.types import Reporting
from fiscus.cost.marketplaces.types import DeclaredPair
from fiscus.cost.ports import Lake
from fiscus.cost.types import Source
from fiscus.flows.known_names import KnownNames
from fiscus.flows.ports import State
from fiscus.guardrails.decisions.rules import Rules
from fiscus.guardrails.doors.gate_settings import GateSettings
from fiscus.guardrails.doors.purchases.types import Catalog
from fiscus.guardrails.ledger.ledger import Ledger
from fiscus.guardrails.ledger.types import Rulebook
from fiscus.guardrails.policies.moment import Freeze
from fiscus.guardrails.policies.policy_set import PolicySet
from fiscus.guardrails.types import Budget
from fiscus.kernel.clock import Clock, today
from fiscus.kernel.counters import Counters
from fiscus.kernel.ids import IdSource
from fiscus.kernel.periods import FiscalCalendar
from fiscus.ownership.ladder import ladder_from
from fiscus.ownership.ports import NoticeChannel
from fiscus.ownership.types import Directory, EscalationLadder, OwnershipRules


@dataclass(frozen=True, slots=True)
class Company:
    """Whose money it is. `currency` is what budgets and the board speak; other currencies are shown apart, never added."""

    name: str
    currency: str
    calendar: FiscalCalendar


@dataclass(frozen=True, slots=True)
class ConfiguredSource:
    """A source and where its files land, relative to the workspace."""

    source: Source
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Configuration:
    """The workspace's files, loaded as a whole or not at all. `digest` names this version in evidence."""

    company: Company
    sources: Mapping[str, ConfiguredSource]
    promoted_tags: tuple[str, ...]
    directory: Directory
    rules: OwnershipRules
    belts: SafetyBelts
    digest: str
    budgets: tuple[Budget, ...] = ()
    policies: PolicySet = field(default_factory=PolicySet)  # at the levels that count: docs/adr/0010
    written: PolicySet | None = None  # as they are written, where a level counts less than it says
    policy_owners: Mapping[str, str] = field(default_factory=dict)  # policy id -> who wrote it
    ladder: EscalationLadder = field(default_factory=lambda: ladder_from({}))
    outcomes: tuple[Outcome, ...] = ()
    catalog: Catalog = field(default_factory=Catalog)  # what purchases are held against
    marketplaces: tuple[DeclaredPair, ...] = ()  # which feeds show the same spend, as people know it
    pages_url: str = "http://127.0.0.1:8720"  # where people open the pages: what links in mails start with
    freezes: tuple[Freeze, ...] = ()
    gates: GateSettings = field(default_factory=GateSettings)
    simulated: tuple[str, ...] = ()  # what stands in for a vendor here; everything that people look at says so
    ai_accounts: tuple[AiAccount, ...] = ()
    reporting: Reporting | None = None  # one currency beside those that are billed
    allocations: AllocationRules = field(default_factory=AllocationRules)  # how shared cost is handed on
    rulebook: Rulebook | None = None  # the texts that judge, kept with the first decision so that it can be replayed


@dataclass(frozen=True, slots=True)
class Workspace:
    """Configuration and ports of one home. `clock.now()` is the as-of instant: days before its date are actuals."""

    home: Path
    config: Configuration
    lake: Lake
    state: State
    clock: Clock
    ids: IdSource
    executors: Mapping[str, Executor]  # by kind, e.g. aws.ec2.stop
    channels: Mapping[str, NoticeChannel]  # email, webhook
    ledger: Ledger
    calls: CallStore  # what went through the gateway
    vendor_costs: Mapping[str, VendorCosts] = field(default_factory=dict)  # by the name of the AI account
    counters: Counters = field(default_factory=Counters)
    rules: Rules = field(init=False)  # the configuration's policies and budgets, ready to be asked
    names: KnownNames = field(init=False)  # the people, teams and things that it knows, by any spelling

    def __post_init__(self) -> None:
        rules = Rules(self.config.policies, self.config.budgets, self.config.company.calendar)
        object.__setattr__(self, "rules", rules)
        object.__setattr__(self, "names", KnownNames(self.config.directory, self.config.rules, rules))

    @property
    def as_of(self) -> date:
        return today(self.clock)
