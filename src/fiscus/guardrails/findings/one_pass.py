"""All policies on charges in one pass over the lake: the same answers as one query each, for a fraction of the reading.

Two hundred conditions over ten million charges would be two thousand million evaluations. But charges repeat: those that agree in
everything that the conditions read (a tuple) are judged once, and the owner columns are joined to tuples, not to charges. What
follows from the assignment key (account, service, resource, region, tags: the key is a hash of them) is taken along with the key.
A condition that reads what nearly every charge has of its own, such as an amount, is judged row by row, only for the tuples for
which the rest of it may still hold.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Final

from fiscus.cost.columns import promoted_column
from fiscus.cost.views import KEY_COLUMNS, OWNER_DEFAULTS
from fiscus.guardrails.findings.find_charges import matches_query
from fiscus.guardrails.findings.tuple_questions import Question, questions_sql
from fiscus.guardrails.policies.compare_amounts import bounded_sql
from fiscus.guardrails.policies.compile_sql import compile_sql
from fiscus.guardrails.policies.condition import (
    All,
    Any,
    Compare,
    FactValue,
    HasFact,
    HasKey,
    InCurrency,
    InTexts,
    MapValue,
    Node,
    Not,
    walk,
)
from fiscus.guardrails.policies.facts import Fact
from fiscus.guardrails.policies.observed_sql import exception_sql, matched_sql
from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.guardrails.policies.possible_sql import may_hold_sql
from fiscus.guardrails.policies.rebuild_condition import rebuilt
from fiscus.guardrails.policies.sql_dialects import quoted
from fiscus.kernel.money import ZERO
from fiscus.kernel.rows import Query
from fiscus.kernel.sql_text import sql_text

# Columns of few values: charges are grouped by them. Others that are not of the key are judged row by row.
OF_FEW_VALUES: Final = frozenset({
    "AvailabilityZone", "BillingAccountId", "BillingAccountName", "BillingAccountType", "BillingCurrency",
    "CapacityReservationStatus", "ChargeCategory", "ChargeClass", "ChargeFrequency", "CommitmentDiscountCategory",
    "CommitmentDiscountStatus", "CommitmentDiscountType", "CommitmentDiscountUnit", "ConsumedUnit", "HostProviderName",
    "InvoiceIssuerName", "PricingCategory", "PricingCurrency", "PricingUnit", "RegionName", "ServiceCategory",
    "ServiceSubcategory", "SubAccountType", "x_BillingMonth", "x_PublisherName",
})  # fmt: skip
OUTPUT: Final = ("ServiceProviderName", "SubAccountId", "SubAccountName", "ServiceName", "ResourceId")
KEYED: Final = frozenset({*KEY_COLUMNS, *OWNER_DEFAULTS})
SHARED: Final = ("until", "resources_max")  # bound to one value for all policies
_ROOM: Final = "fiscus.guardrails"


@dataclass(frozen=True, slots=True)
class _Rule:
    """One policy on charges. `compiled`: with tags as columns, in its condition and its exceptions; `window`: its number.

    `known` are the terms that a tuple answers, `rest` those that need each charge. `whole`: what it means is more than that its
    terms hold (an exception may apply), so that nothing is answered before all is known.
    """

    place: int
    compiled: CompiledPolicy
    day: date
    window: int
    known: tuple[Node, ...]
    rest: tuple[Node, ...]
    whole: bool

    @property
    def node(self) -> Node:
        return self.compiled.conditions["charge"]

    @property
    def parts(self) -> tuple[Node, ...]:
        return (self.node, *(one.node for one in self.compiled.exceptions.get("charge", ())))

    @property
    def counts_days(self) -> bool:
        return self.compiled.policy.days_min > 1

    @property
    def by_row(self) -> bool:
        return bool(self.rest) or self.counts_days

    @property
    def matched(self) -> str:
        return matched_sql(self.compiled, "charge", self.day)

    @property
    def exception(self) -> str:
        return exception_sql(self.compiled, "charge", self.day)


def one_pass_query(policies: Sequence[CompiledPolicy], as_of: date, promoted: Sequence[str]) -> Query:
    """What `matches_query` says of each policy, in one query: its place among `policies`, then the same columns and rows.

    `promoted` are the tag keys that the view has as columns.
    """
    tags = _Tags(promoted)
    windows = _Windows()
    rules = [_rule(place, compiled, as_of, tags, windows) for place, compiled in enumerate(policies)]
    params: dict[str, object] = {
        **windows.params(),
        **{name: value for name, value in matches_query(policies[0], as_of).params.items() if name in SHARED},
        "days_min": [one.policy.days_min if one.policy.days_min > 1 else 0 for one in policies],
    }
    return Query(_text(rules, tags, windows), params)


class _Tags:
    """Keys of tags that conditions read, each a column of its own: a map is slow to look into, once a key is enough."""

    def __init__(self, promoted: Sequence[str]) -> None:
        self._promoted = promoted
        self._columns: dict[str, str] = {}

    @property
    def columns(self) -> frozenset[str]:
        return frozenset(self._columns.values())

    def as_column(self, node: Node) -> Node | None:
        """A tag as a fact: NULL where the key is missing, which is an error when read and false when asked for."""
        match node:
            case MapValue(fact, key) if fact.column == "Tags":
                return FactValue(Fact(fact.name, "text", self._column(key), nullable=False))
            case HasKey(fact, key) if fact.column == "Tags":
                return HasFact(Fact(fact.name, "bool", self._column(key)))
        return None

    def selected(self) -> list[str]:
        """Each column as it is computed from a charge."""
        return [
            f'"{promoted_column(key)}" AS {column}' if key in self._promoted else f"Tags[{quoted(key)}] AS {column}"
            for key, column in self._columns.items()
        ]

    def _column(self, key: str) -> str:
        return self._columns.setdefault(key, f"tag_{len(self._columns)}")


class _Windows:
    """The windows that policies look at, each once: a charge knows in which of them it is, by the bits of a number."""

    def __init__(self) -> None:
        self._known: dict[tuple[object, object], int] = {}

    def __len__(self) -> int:
        return len(self._known)

    def number(self, params: Mapping[str, object]) -> int:
        """The number of the window that `matches_query` binds."""
        return self._known.setdefault((params["since"], params["billing_month"]), len(self._known))

    def params(self) -> Mapping[str, object]:
        """What the windows bind."""
        return {
            f"{name}_{number}": value
            for window, number in self._known.items()
            for name, value in zip(("since", "billing_month"), window, strict=True)
        }

    def bits(self) -> list[str]:
        """The column `windows`; none where there is one window only: then every charge that is read is in it."""
        if len(self) == 1:
            return []
        cases = (f"(CASE WHEN {self._inside(n)} THEN {2**n} ELSE 0 END)" for n in range(len(self)))
        return [f"CAST({' + '.join(cases)} AS BIGINT) AS windows"]

    def has(self, number: int) -> str:
        """Whether a tuple is in a window."""
        return f"(windows & {2**number}) <> 0" if len(self) > 1 else "true"

    def any(self) -> str:
        """Whether a charge is in any; the bounds of all stand first, so that files are left out by them."""
        numbers = range(len(self))
        since, month = (", ".join(f"${name}_{n}" for n in numbers) for name in ("since", "billing_month"))
        inside = " OR ".join(f"({self._inside(n)})" for n in numbers)
        return f"ChargePeriodStart >= least({since}) AND x_BillingMonth >= least({month}) AND ({inside})"

    def _inside(self, number: int) -> str:
        return f"ChargePeriodStart >= $since_{number} AND x_BillingMonth >= $billing_month_{number}"


def _rule(place: int, compiled: CompiledPolicy, as_of: date, tags: _Tags, windows: _Windows) -> _Rule:
    node = rebuilt(compiled.conditions["charge"], tags.as_column)
    excepted = []
    for one in compiled.exceptions.get("charge", ()):
        test = rebuilt(one.node, tags.as_column)
        excepted.append(replace(one, node=test, sql=compile_sql(test)))
    changed = replace(
        compiled, conditions={"charge": node}, charge_sql=compile_sql(node), exceptions={"charge": tuple(excepted)}
    )
    terms = node.terms if isinstance(node, All) else (node,)
    whole = bool(excepted) or compiled.policy.effect == "allow"
    if whole:
        terms = (node, *(one.node for one in excepted))
    rest = tuple(term for term in terms if not _is_known(term))
    return _Rule(
        place=place,
        compiled=changed,
        day=as_of,
        window=windows.number(matches_query(compiled, as_of).params),
        known=() if whole else tuple(term for term in terms if _is_known(term)),
        rest=terms if whole and rest else rest,
        whole=whole,
    )


def _text(rules: Sequence[_Rule], tags: _Tags, windows: _Windows) -> str:
    by_row = [rule for rule in rules if rule.by_row]
    known = _columns(leaf for rule in rules for part in rule.parts for leaf in _leaves(part) if _is_known(leaf))
    few = sorted((known & OF_FEW_VALUES) | {"BillingCurrency"})
    keyed = sorted((known | _columns(term for rule in by_row for term in rule.rest)) & {*KEY_COLUMNS} | {*OUTPUT})
    marks = ["windows"] if windows.bits() else []
    group_by = ", ".join(["x_AssignmentKey", *few, *marks])
    judged = [rule for rule in rules if not rule.by_row]
    few_judged = sorted((_columns(part for rule in judged for part in rule.parts) & {*few}) | {"BillingCurrency"})
    coarse = "coarse" if judged and few_judged != few else ""
    parts = {
        "tuple": group_by,
        "owners": ", ".join(
            f"coalesce({name}, {quoted(default)}) AS {name}" for name, default in OWNER_DEFAULTS.items()
        ),
        "keyed": ", ".join(f"any_value({name}) AS {name}" for name in [*keyed, *sorted(tags.columns)]),
        "charges": _charges([*few, *keyed, *tags.selected()], windows),
        "coarse": "",
        "judged": _judged(judged, coarse or "tuples", windows),
        "all_tuples": "tuples",
        "rows": _rows(by_row, group_by, few, tags, windows) if by_row else "",
        "row_matches": "",
    }
    if coarse:
        coarser = ", ".join(["x_AssignmentKey", *few_judged, *marks])
        carried = ", ".join(f"any_value({name}) AS {name}" for name in [*keyed, *sorted(tags.columns), *OWNER_DEFAULTS])
        parts["coarse"] = _filled("one_pass_coarse", {"tuple": coarser, "carried": carried})
        told = ", ".join(["tuple", "x_Owner", "x_Team", "x_Environment", "BillingCurrency", *OUTPUT])
        parts["all_tuples"] = f"(SELECT {told} FROM tuples UNION ALL SELECT {told} FROM coarse)"
    if by_row:
        counting = ", ".join(str(rule.place) for rule in by_row if rule.counts_days)
        parts["row_matches"] = _filled("one_pass_row_matches", {"counting": counting or "-1"})
    return _filled("one_pass", parts)


def _rows(rules: Sequence[_Rule], group_by: str, few: Sequence[str], tags: _Tags, windows: _Windows) -> str:
    """The part that looks at charges one by one, for the tuples of which a policy cannot tell without."""
    read = _columns(term for rule in rules for term in rule.rest)
    of_tuple = sorted(read & {*KEYED, *tags.columns})
    rests = _Rests()
    candidates = _candidates(rules, of_tuple, windows, rests)
    return _filled("one_pass_rows", {
        "tuple": group_by,
        "charges": _charges(sorted(read - {*of_tuple} | {*few}), windows),
        "candidates": candidates,
        "carried": "".join(f", any_value({name}) AS {name}" for name in of_tuple),
        "rest": " ".join(f"WHEN {number} THEN {matched}" for (matched, _), number in rests.numbers.items()),
        "exception": " ".join(f"WHEN {number} THEN {exception}" for (_, exception), number in rests.numbers.items()),
    })  # fmt: skip


def _filled(name: str, parts: Mapping[str, str]) -> str:
    """The SQL text with its places filled; what is put in, which people wrote in part, is not looked at again."""
    return re.sub(r"\{\{(\w+)\}\}", lambda place: parts[place[1]], sql_text(_ROOM, name))


def _charges(columns: Sequence[str], windows: _Windows) -> str:
    """The charges of all windows: the key, `columns`, the instant and the cost that a finding adds up."""
    selected = ", ".join(["x_AssignmentKey", *columns, *windows.bits()])
    return _filled("one_pass_charges", {"columns": selected, "windows": windows.any()})


def _judged(rules: Sequence[_Rule], of: str, windows: _Windows) -> str:
    """Each policy that tuples can answer, over them; without any, nothing, in the same columns."""
    money = ("amount", "charges", "first_day", "last_day")
    questions = [
        Question(
            place=rule.place,
            window=windows.has(rule.window),
            terms=rule.known,
            answer=rule.matched,
            exception=rule.exception,
            may_hold=may_hold_sql(rule.node, _is_known),
        )
        for rule in rules
    ]
    nothing = f"SELECT 0 AS place, tuple, false AS matched, 0 AS exception, {', '.join(money)} FROM tuples WHERE false"
    return "\n    UNION ALL ".join(questions_sql(questions, of, "matched", money) or [nothing])


class _Rests:
    """What is left to be asked of each charge, each question once: policies that differ only in a bound share one."""

    def __init__(self) -> None:
        self.numbers: dict[tuple[str, str], int] = {}  # (whether it matches, which exception weakens it) -> number

    def number(self, rule: _Rule) -> tuple[int, Decimal]:
        """The question of a policy, and the bound that it is asked with."""
        if rule.whole and rule.rest:
            return self._numbered(rule.matched, rule.exception), ZERO
        bound: Decimal | None = None
        parts = []
        for term in rule.rest:
            apart = bounded_sql(term.op, term.left, term.right) if isinstance(term, Compare) and bound is None else None
            if apart is None:
                parts.append(compile_sql(term))
            else:
                sql, bound = apart
                parts.append(sql)
        return self._numbered(" AND ".join(parts) or "true", "0"), bound if bound is not None else ZERO

    def _numbered(self, matched: str, exception: str) -> int:
        return self.numbers.setdefault((matched, exception), len(self.numbers))


def _candidates(rules: Sequence[_Rule], columns: Sequence[str], windows: _Windows, rests: _Rests) -> str:
    """The tuples whose charges a policy has to look at one by one, with what is known of it and what is left to be asked.

    `exception` NULL: which one weakens the policy is asked of each charge too.
    """
    questions = []
    for rule in rules:
        number, bound = rests.number(rule)
        known, exception = (_all(rule.known), "0")
        if rule.whole:
            known, exception = ("true", "NULL") if rule.rest else (rule.matched, rule.exception)
        question = Question(
            place=rule.place,
            window=windows.has(rule.window),
            terms=rule.known,
            answer=known,
            exception=exception,
            may_hold=may_hold_sql(rule.node, _is_known),
            more=(("rest", str(number)), ("bound", f"CAST({bound:f} AS DECIMAL(28,12))")),
        )
        questions.append(question)
    return "\n    UNION ALL ".join(questions_sql(questions, "tuples", "known", columns))


def _all(terms: Sequence[Node]) -> str:
    return compile_sql(All(tuple(terms))) if terms else "true"


def _leaves(node: Node) -> Iterator[Node]:
    """The parts that are joined by and, or and not."""
    match node:
        case All(terms) | Any(terms):
            for term in terms:
                yield from _leaves(term)
        case Not(term):
            yield from _leaves(term)
        case _:
            yield node


def _is_known(node: Node) -> bool:
    """Whether a tuple has all that `node` reads."""
    return all(name in OF_FEW_VALUES or name in KEYED or name.startswith("tag_") for name in _columns([node]))


def _columns(nodes: Iterable[Node]) -> frozenset[str]:
    """The columns that the conditions read."""
    facts: list[Fact] = []
    for node in nodes:
        for part in walk(node):
            if isinstance(part, FactValue | HasFact | MapValue | HasKey | InTexts):
                facts.append(part.fact)
            elif isinstance(part, InCurrency):
                facts += [part.currency] + ([part.other] if isinstance(part.other, Fact) else [])
    return frozenset(str(fact.column) for fact in facts)
