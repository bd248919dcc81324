"""Plain data as the typed facts that a closure reads: amounts and quantities become integer nano-units."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from functools import cache

from fiscus.guardrails.policies.compile_closure import INT_MAX, TooLong
from fiscus.guardrails.policies.facts import Fact, fact_remedy, facts_of
from fiscus.guardrails.types import PolicyTarget
from fiscus.kernel.errors import BadInput
from fiscus.kernel.limits import FACT_TEXT_CHARS_MAX
from fiscus.kernel.money import EXACT, NANOS_PER_UNIT, to_nanos

Refuse = Callable[[str, str, str], Exception]  # (key such as intent.amount, message, remedy)
_PLAIN: Mapping[str, type] = {"text": str, "int": int, "bool": bool}
_PLAIN_NAME: Mapping[type, str] = {str: "a text", int: "a whole number", bool: "true or false"}


def given_facts(given: Mapping[str, Mapping[str, object]], target: PolicyTarget, refuse: Refuse) -> dict[str, object]:
    """`{intent: {amount: "18500.00", currency: USD}}` as `{"intent.amount": 18500000000000, ...}`.

    Raises what `refuse` makes of an unknown name or a value of the wrong type.
    """
    facts: dict[str, object] = {}
    for root, values in given.items():
        add_facts(facts, root, values, target, refuse)
    return facts


def add_facts(
    facts: dict[str, object], root: str, values: Mapping[str, object], target: PolicyTarget, refuse: Refuse
) -> None:
    """Those of one root, into `facts`."""
    known = _by_name(target, root)
    for name, value in values.items():
        if (fact := known.get(name)) is None:
            key = f"{root}.{name}"
            raise refuse(key, f"{key} is no fact of {target}", fact_remedy(key, target))
        kind = type(value)
        if kind is str and fact.type == "text" and len(value) <= FACT_TEXT_CHARS_MAX:  # type: ignore[arg-type]  # a str
            facts[fact.name] = value  # nearly all of them
        elif kind is int and fact.type == "int":
            facts[fact.name] = _bounded(fact.name, value, refuse)  # type: ignore[arg-type]  # an int
        elif value is not None:
            facts[fact.name] = _typed(fact.name, fact, value, refuse)


@cache
def _by_name(target: PolicyTarget, root: str) -> Mapping[str, Fact]:
    return {fact.name.partition(".")[2]: fact for fact in facts_of(target).values() if fact.root == root}


def observed_nanos(root: str, values: Mapping[str, Decimal]) -> dict[str, object]:
    """Amounts and quantities of what is observed as facts: rounded half away from zero at the billionth, as in the lake's SQL.

    One that 64 bits of billionths do not hold is left out, and so an error where it is asked.
    """
    facts: dict[str, object] = {}
    for name, value in values.items():
        nanos = int(EXACT.multiply(value, Decimal(NANOS_PER_UNIT)).to_integral_value(ROUND_HALF_UP))
        if -INT_MAX - 1 <= nanos <= INT_MAX:
            facts[f"{root}.{name}"] = nanos
    return facts


def observed_texts(root: str, values: Mapping[str, str]) -> dict[str, object]:
    """Texts of what is observed as facts; one that is too long to be read is an error where it is asked."""
    return {f"{root}.{name}": _readable(f"{root}.{name}", value) for name, value in values.items()}


def _readable(name: str, value: str) -> object:
    return value if len(value) <= FACT_TEXT_CHARS_MAX else TooLong(name)


def _typed(key: str, fact: Fact, value: object, refuse: Refuse) -> object:
    if fact.type in {"money", "quantity"}:
        return nanos_given(key, value, refuse)
    if fact.type == "map":
        if not isinstance(value, Mapping) or not all(isinstance(item, str) for item in value.values()):
            raise refuse(key, f"{key} is no mapping of texts", "Write it as {team: web, environment: dev}.")
        return {_short(key, name, refuse): _short(key, item, refuse) for name, item in value.items()}
    if fact.type == "texts":
        if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
            raise refuse(key, f"{key} is no list of texts", "Write it as [finops, finance].")
        return tuple(_short(key, item, refuse) for item in value)
    wanted = _PLAIN[fact.type]
    if not isinstance(value, wanted) or (wanted is int and isinstance(value, bool)):
        raise refuse(key, f"{key} is {_PLAIN_NAME[wanted]}, not {value!r}", "Mend the value, or its quotes.")
    if isinstance(value, str):
        return _short(key, value, refuse)
    return _bounded(key, value, refuse) if isinstance(value, int) else value


def _short(key: str, text: str, refuse: Refuse) -> str:
    """One evaluation may read every letter of a text several times."""
    if len(text) > FACT_TEXT_CHARS_MAX:
        raise refuse(key, f"{key} is longer than {FACT_TEXT_CHARS_MAX:,} characters", "Shorten it.")
    return text


def _bounded(key: str, number: int, refuse: Refuse) -> int:
    if not -INT_MAX - 1 <= number <= INT_MAX:
        raise refuse(key, f"{key} is larger than 64 bits hold", "Write a number under 9 billion.")
    return number


def nanos_given(key: str, value: object, refuse: Refuse) -> int:
    """An amount or a quantity as nano-units. Raises what `refuse` makes of one that is none."""
    if type(value) is not Decimal and (isinstance(value, bool | float) or not isinstance(value, str | int | Decimal)):
        raise refuse(key, f"{key} is no decimal number: {value!r}", 'Write it as text, such as "500.00".')
    try:
        amount = Decimal(value)
        if not amount.is_finite():
            raise InvalidOperation
        nanos = to_nanos(amount)
    except (InvalidOperation, BadInput):
        message = f"{key} is no decimal number of at most nine decimals: {value!r}"
        raise refuse(key, message, 'Write it as text, such as "500.00".') from None
    return _bounded(key, nanos, refuse)
