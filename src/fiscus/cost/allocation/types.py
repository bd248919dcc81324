"""What allocation speaks of: rules, drivers, pools, and the decision for one billing month."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from fractions import Fraction
from typing import Final, Literal

Method = Literal["even", "fixed", "proportional", "metric", "telemetry", "opencost", "split"]
METHODS: Final[tuple[Method, ...]] = (
    "even", "fixed", "proportional", "metric", "telemetry", "opencost", "split",
)  # fmt: skip
RULE: Final = "rule"  # the dimension of a target that is another rule: its pool
OWN: Final = "own"  # the dimension of what stays where the charge is


@dataclass(frozen=True, slots=True, order=True)
class Target:
    """Who pays: a value of a dimension (team, payments), another rule's pool (rule, network), or nobody new (own)."""

    dimension: str
    value: str

    def __str__(self) -> str:
        return f"{self.dimension}:{self.value}" if self.value else self.dimension


STAYS: Final = Target(OWN, "")


@dataclass(frozen=True, slots=True)
class Metric:
    """A number of the lake to share by: `column` summed over the charges of a target that `where` keeps."""

    column: str
    unit: str | None = None  # of a quantity; quantities of two units are not added
    where: Mapping[str, tuple[str, ...]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Split:
    """The column of a charge that names its target, as vendors write split cost allocation (FOCUS 1.3, Allocated columns)."""

    by: str
    names: Mapping[str, str] = field(default_factory=dict)
    only_named: bool = False  # a value that is not among `names` is nobody, as with teams of a directory

    def target(self, value: str) -> str:
        """Who is meant by `value`; empty for nobody."""
        known = self.names.get(value) or self.names.get(value.strip().casefold())
        return known or ("" if self.only_named else value)


@dataclass(frozen=True, slots=True)
class Rule:
    """One ordered rule: the charges of `share`, in effect on their day, are handed to targets of the dimension `to`.

    `start` and `end` are days, half-open; None is no bound. `shares` are weights out of 100. `drivers` are what a file told:
    billing month -> target -> amount.
    """

    id: str
    title: str
    share: Mapping[str, tuple[str, ...]]
    to: str
    method: Method
    file: str
    line: int
    start: date | None = None
    end: date | None = None
    targets: tuple[Target, ...] = ()
    excepted: tuple[str, ...] = ()
    shares: Mapping[Target, Decimal] = field(default_factory=dict)
    metric: Metric | None = None
    split: Split | None = None
    drivers: Mapping[str, Mapping[Target, Decimal]] = field(default_factory=dict)
    source_file: str = ""  # the telemetry or OpenCost file that was read
    otherwise: Literal["keep", "even"] = "keep"

    def in_effect(self, day: date) -> bool:
        """Whether the rule takes the charges of `day`."""
        return (self.start is None or self.start <= day) and (self.end is None or day < self.end)

    def takes_whole(self, target: Target) -> bool:
        """Whether the rule shares all that `target` has: what others give to it is then shared on as well."""
        return len(self.share) == 1 and target.value in self.share.get(target.dimension, ())

    @property
    def keeper(self) -> Target:
        """Who bears what this rule was given by others and does not hand on."""
        if len(self.share) == 1:
            dimension, values = next(iter(self.share.items()))
            if len(values) == 1:
                return Target(dimension, values[0])
        return Target(RULE, self.id)


@dataclass(frozen=True, slots=True)
class AllocationRules:
    """All rules in order, and the texts they were read from: `texts` of the rules, `inputs` of the files that they name."""

    rules: tuple[Rule, ...] = ()
    digest: str = ""  # of `texts`
    inputs_digest: str = ""  # of `inputs`
    texts: Mapping[str, str] = field(default_factory=dict)
    inputs: Mapping[str, str] = field(default_factory=dict)

    @property
    def breaks(self) -> tuple[date, ...]:
        """The days on which a rule comes into effect or goes out: between two of them the same rules hold."""
        return tuple(sorted({day for rule in self.rules for day in (rule.start, rule.end) if day is not None}))

    def segment(self, day: date) -> int:
        """The number of the stretch of days to which `day` belongs."""
        return sum(one <= day for one in self.breaks)

    def active(self, segment: int) -> tuple[Rule, ...]:
        """The rules in effect in a stretch of days."""
        breaks = self.breaks
        day = breaks[segment - 1] if segment else date.min
        return tuple(rule for rule in self.rules if rule.in_effect(day))


@dataclass(frozen=True, slots=True)
class Group:
    """The charges of one billing month that are shared alike. Costs are exact sums in `currency`."""

    month: str
    segment: int
    source: str
    currency: str
    rule: str
    part: str  # the value that names the target, where the rule splits by a column; else empty
    charges: int
    billed: Decimal
    effective: Decimal
    fingerprint: str = (
        ""  # of the single charges' costs: other charges of the same sum split otherwise in the last digits
    )


@dataclass(frozen=True, slots=True)
class DriverValue:
    """One amount to share by, of one month. `rule`: the pool in which those charges are, or empty; `currency` of costs only."""

    month: str
    currency: str
    rule: str
    target: Target
    amount: Decimal


@dataclass(frozen=True, slots=True)
class Weighed:
    """How one rule shares: target -> part of 1, what each is measured by, and why anything stays."""

    parts: Mapping[Target, Fraction]
    drivers: Mapping[Target, Decimal]
    stays: Fraction = Fraction(0)
    why: str = ""


@dataclass(frozen=True, slots=True)
class Share:
    """A target's stretch [low, high) of a charge that is laid out from 0 to 1; `place` orders a pool's targets."""

    segment: int
    currency: str
    rule: str
    part: str
    place: int
    target: Target
    low: Decimal
    high: Decimal


@dataclass(frozen=True, slots=True)
class Amount:
    """What a target bears of a group. The amounts of a group come to its cost, to the last digit of DECIMAL(28,12)."""

    group: Group
    target: Target
    billed: Decimal
    effective: Decimal


@dataclass(frozen=True, slots=True)
class Step:
    """One link of the chain: what flows from a rule's pool to one of its targets, and by what measure.

    `billed` and `effective` are gross: what a pool was given by others flows through it too. `share` is rounded to 12 digits.
    """

    segment: int
    currency: str
    rule: str
    target: Target
    into: str  # the rule whose pool the target is, or empty
    method: str
    driver: Decimal | None
    share: Decimal
    billed: Decimal
    effective: Decimal
    why: str = ""


@dataclass(frozen=True, slots=True)
class MonthDecided:
    """The decision for one billing month. `outcome` is its digest: a month with the same outcome is not kept again."""

    month: str
    outcome: str
    shares: tuple[Share, ...]
    amounts: tuple[Amount, ...]
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class AllocationRun:
    """One decision as it is kept: which version of a month's allocation, from which lake, rules and files, and when."""

    run_id: str
    month: str
    version: int
    at: datetime
    lake_version: str
    rules_digest: str
    inputs_digest: str
    outcome: str


@dataclass(frozen=True, slots=True)
class AllocationKept:
    """A run as the lake keeps it: the run, the scopes of its rules (as text), and lists of plain records by column name."""

    run: AllocationRun
    scopes: str
    shares: tuple[Mapping[str, object], ...]
    amounts: tuple[Mapping[str, object], ...]
    steps: tuple[Mapping[str, object], ...]
