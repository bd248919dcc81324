"""A checked condition as a Python function of facts: nested closures, no text is evaluated. For one intent at a time.

The quick closure follows Python's own `and` and `or`; where it meets an error it stops, and the exact three-valued walk
decides whether the error counts (`false && error` is false, as in CEL). Most evaluations never meet one.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from functools import cache, lru_cache
from typing import Any as Value
from typing import Final, Literal

from cel_expr_python import cel

from fiscus.guardrails.policies.condition import (
    All,
    Any,
    Arithmetic,
    Choose,
    Compare,
    Constant,
    FactValue,
    HasFact,
    HasKey,
    InCurrency,
    InTexts,
    MapValue,
    Node,
    Not,
    OneOf,
    Size,
    TextTest,
)
from fiscus.guardrails.policies.facts import Fact
from fiscus.kernel.limits import FACT_TEXT_CHARS_MAX, MATCHED_TEXT_CHARS_MAX

Facts = Mapping[str, object]
Result = Literal["match", "no_match", "error"]
Closure = Callable[[Facts], Value]
INT_MAX: Final = 2**63 - 1
MATCHES_KEPT_MAX: Final = 16_384  # answers of patterns that are remembered, all policies together
MATCHES_KEPT_CHARS_MAX: Final = 200  # longer texts are not: together at most some megabytes
PATTERNS_KEPT_MAX: Final = 4_096
_COMPARE: Final[Mapping[str, Callable[[Value, Value], bool]]] = {
    "==": operator.eq, "!=": operator.ne, "<": operator.lt, "<=": operator.le, ">": operator.gt, ">=": operator.ge,
}  # fmt: skip
_ARITHMETIC: Final = {"+": operator.add, "-": operator.sub, "*": operator.mul}


class ConditionError(Exception):
    """An evaluation that has no answer: something is missing, too large, or in another currency."""


NO_ANSWER: Final = (ConditionError, KeyError, TypeError, AttributeError)  # what an evaluation without an answer raises


class TooLong:
    """A text that is given and too long to be read: whatever is asked of it has no answer."""

    def __init__(self, name: str) -> None:
        self._name = name

    def _refuse(self, *_: object) -> Value:
        raise ConditionError(f"{self._name} is longer than {FACT_TEXT_CHARS_MAX:,} characters")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = __len__ = __contains__ = _refuse
    __hash__ = startswith = endswith = _refuse

    def __bool__(self) -> bool:
        return True


def compile_closure(node: Node) -> Callable[[Facts], tuple[Result, str]]:
    """(match | no_match | error, what was wrong) of one set of facts. Never raises."""
    quick, exact = _closure(node, exact=False), _closure(node, exact=True)

    def evaluate(facts: Facts) -> tuple[Result, str]:
        try:
            return ("match", "") if quick(facts) else ("no_match", "")
        except NO_ANSWER as first:
            try:
                return ("match", "") if exact(facts) else ("no_match", "")
            except NO_ANSWER:
                return "error", _reason(first)

    return evaluate


def compile_term(node: Node) -> Closure:
    """Whether one term of a condition holds. Raises one of NO_ANSWER where that is not known: then ask the whole condition."""
    return _closure(node, exact=False)


def _reason(error: Exception) -> str:
    return f"{error.args[0]} is not given" if isinstance(error, KeyError) and error.args else str(error)


def _several(terms: list[Closure], *, settled: bool) -> Closure:
    """Every term is asked before an error is passed on; one that is `settled` decides."""

    def several(facts: Facts) -> bool:
        wrong: Exception | None = None
        for term in terms:
            try:
                if bool(term(facts)) is settled:
                    return settled
            except NO_ANSWER as error:
                wrong = wrong or error
        if wrong is not None:
            raise wrong
        return not settled

    return several


def _closure(node: Node, *, exact: bool) -> Closure:  # noqa: C901, PLR0911, PLR0912 one case a kind of node, in one table
    def of(part: Node) -> Closure:
        return _closure(part, exact=exact)

    match node:
        case Constant(value):
            return lambda _: value
        case FactValue(fact):
            return _fact(fact)
        case MapValue(fact, key):
            return _map_value(fact.name, key)
        case HasKey(fact, key):
            name = fact.name
            return lambda facts: (held := facts.get(name)) is not None and held.get(key) is not None  # type: ignore[attr-defined]
        case HasFact(fact):
            name = fact.name
            if fact.type in {"text", "texts"}:
                return lambda facts: bool(facts.get(name))
            return lambda facts: facts.get(name) is not None
        case All(terms):
            parts = [of(term) for term in terms]
            return _several(parts, settled=False) if exact else _all(parts)
        case Any(terms):
            parts = [of(term) for term in terms]
            return _several(parts, settled=True) if exact else _any(parts)
        case Not(term):
            inner = of(term)
            return lambda facts: not inner(facts)
        case Compare():
            return _compare(node, of)
        case OneOf(item, values):
            get, accepted = of(item), frozenset(values)
            return lambda facts: get(facts) in accepted
        case InTexts(item, fact):
            get, held = of(item), _fact(fact)
            return lambda facts: get(facts) in held(facts)
        case Arithmetic(op, left, right):
            return _arithmetic(op, of(left), of(right))
        case Choose():
            return _choose(node, of)
        case TextTest(op, text, argument):
            return _text_test(op, of(text), argument, of)
        case Size(text):
            get = of(text)
            return lambda facts: len(get(facts))
        case InCurrency(currency, other, value):
            return _in_currency(currency, other, of(value))


def _fact(fact: Fact) -> Closure:
    name = fact.name
    if fact.type == "text":
        return lambda facts: facts.get(name, "")
    if fact.type == "texts":
        return lambda facts: facts.get(name, ())
    return lambda facts: facts[name]


def _map_value(name: str, key: str) -> Closure:
    def get(facts: Facts) -> object:
        held: Value = facts.get(name)
        value = held.get(key) if held is not None else None
        if value is None:
            raise ConditionError(f"{name} has no {key}")
        return value

    return get


def _all(terms: list[Closure]) -> Closure:
    if len(terms) == 2:
        first, second = terms
        return lambda facts: first(facts) and second(facts)

    def every(facts: Facts) -> bool:
        for term in terms:  # noqa: SIM110 a loop is twice as fast as a generator here
            if not term(facts):
                return False
        return True

    return every


def _any(terms: list[Closure]) -> Closure:
    def some(facts: Facts) -> bool:
        for term in terms:  # noqa: SIM110 a loop is twice as fast as a generator here
            if term(facts):
                return True
        return False

    return some


def _compare(node: Compare, compiled: Callable[[Node], Closure]) -> Closure:
    test = _COMPARE[node.op]
    if isinstance(node.left, FactValue) and isinstance(node.right, Constant):
        return _compare_constant(node.op, node.left.fact, node.right.value)
    left, right = compiled(node.left), compiled(node.right)
    return lambda facts: test(left(facts), right(facts))


def _compare_constant(op: str, fact: Fact, value: object) -> Closure:
    """The commonest leaf, without a call for either side."""
    name, test = fact.name, _COMPARE[op]
    if fact.type == "text":
        if op == "==":
            return lambda facts: facts.get(name, "") == value
        return lambda facts: test(facts.get(name, ""), value)
    return lambda facts: test(facts[name], value)


def _arithmetic(op: str, left: Closure, right: Closure) -> Closure:
    apply = _ARITHMETIC[op]

    def compute(facts: Facts) -> int:
        value: int = apply(left(facts), right(facts))
        if not -INT_MAX - 1 <= value <= INT_MAX:
            raise ConditionError("a sum or product is too large")
        return value

    return compute


def _choose(node: Choose, compiled: Callable[[Node], Closure]) -> Closure:
    condition, then, otherwise = compiled(node.condition), compiled(node.then), compiled(node.otherwise)
    return lambda facts: then(facts) if condition(facts) else otherwise(facts)


def _text_test(op: str, text: Closure, argument: Node, compiled: Callable[[Node], Closure]) -> Closure:
    if op == "matches":
        assert isinstance(argument, Constant)
        return _matches(text, str(argument.value))
    other = compiled(argument)
    if op == "startsWith":
        return lambda facts: text(facts).startswith(other(facts))
    if op == "endsWith":
        return lambda facts: text(facts).endswith(other(facts))
    return lambda facts: other(facts) in text(facts)


@cache
def _regex_environment() -> Value:
    return cel.NewEnv(variables={"text": cel.Type.STRING})


@lru_cache(maxsize=PATTERNS_KEPT_MAX)
def _pattern(pattern: str) -> Callable[[str], bool]:
    """RE2 itself, through CEL: linear in the text whatever the pattern. Raises ConditionError where it cannot be matched."""
    expression = _regex_environment().compile(f"text.matches({cel_text(pattern)})")

    def matched(text: str) -> bool:
        answer = expression.eval(data={"text": text}).plain_value()
        if not isinstance(answer, bool):
            raise ConditionError(f"the pattern {pattern!r} cannot be matched")
        return answer

    return matched


@lru_cache(maxsize=MATCHES_KEPT_MAX)
def _matched_before(pattern: str, text: str) -> bool:
    """CEL reads the pattern anew each time, which takes longer than matching; models, vendors and regions are few."""
    return _pattern(pattern)(text)


def _matches(text: Closure, pattern: str) -> Closure:
    afresh = _pattern(pattern)

    def matches(facts: Facts) -> bool:
        given = text(facts)
        if len(given) <= MATCHES_KEPT_CHARS_MAX:
            return _matched_before(pattern, given)
        if len(given) > MATCHED_TEXT_CHARS_MAX:
            raise ConditionError(f"a text of more than {MATCHED_TEXT_CHARS_MAX:,} characters is not matched")
        return afresh(given)

    return matches


def pattern_fault(pattern: str) -> str:
    """Why RE2 refuses `pattern`; empty when it does not."""
    try:
        _pattern(pattern)("")
    except (ConditionError, RuntimeError) as fault:
        return str(fault).splitlines()[0]
    return ""


def cel_text(value: str) -> str:
    """A CEL string literal."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r")
    return f'"{escaped}"'


def _in_currency(currency: Fact, other: Fact | str, value: Closure) -> Closure:
    ours = currency.name
    if isinstance(other, str):

        def stated(facts: Facts) -> object:
            if (found := facts.get(ours, "")) != other:
                raise ConditionError(f"{ours} is {found or 'not given'}, the policy speaks of {other}")
            return value(facts)

        return stated
    theirs = other.name

    def same(facts: Facts) -> object:
        if facts.get(ours, "") != facts.get(theirs, ""):
            raise ConditionError(f"{ours} and {theirs} differ: {facts.get(ours, '')}, {facts.get(theirs, '')}")
        return value(facts)

    return same
