"""Conditions and charges drawn at random: each condition as a policy writes it, and as plain CEL with nothing of ours in it.

The plain form spells out what Fiscus adds to CEL: an amount is a number of billionths that has no answer in another currency
(`1/0` where there is none), and has() of a number is the truth value `given.NAME`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any, Literal, Protocol

from hypothesis import assume
from hypothesis import strategies as st

Type = Literal["bool", "text", "int", "money", "quantity"]
Draw = Callable[[st.SearchStrategy[Any]], Any]
BILLING, PRICING = "charge.currency", "charge.PricingCurrency"
MONEY_FACTS = {
    "charge.EffectiveCost": BILLING, "charge.BilledCost": BILLING, "charge.PricingCurrencyEffectiveCost": PRICING,
}  # fmt: skip
QUANTITIES = ("charge.ConsumedQuantity", "charge.PricingQuantity")
NUMBERS = (*MONEY_FACTS, *QUANTITIES)
TEXT_FACTS = ("charge.team", "charge.ServiceName", "charge.ResourceId", "charge.HostProviderName", PRICING, BILLING)
MAPS = ("charge.tags", "charge.details")
KEYS = ("team", "cost-centre", "a.b", "a/b", "*", "~", "é", "0", "x'y", "$")
TEXTS = (
    "", "a", "b", "ab", "prod", "Prod", "PRODUCTION", "unowned", "USD", "é", "e\u0301", "ß", "😀", "\U000e0001", "a\nb", "\t",
    "a.b", "x'y", 'x"y', "\\", "a\\nb", "100%", "_", "null", "NULL", "has(charge.team)", "charge.amont", "// no", "1", "-1",
    "present(", "{{only}}", "$until", "--", "/* */", "\ufeff", "\u00a0", "zzzzzzzzzzzzzzzzzzzzzz",
)  # fmt: skip
PATTERNS = (
    "a", "^a", "b$", "^$", "", "(?i)prod", "a.b", "(?s)a.b", "[0-9]+", "é", "^(prod|Prod)$", "(a|b)*$", r"\bprod\b", r"\pL",
    "[[:upper:]]{2}", "^.$", "x'y", r"a\.b", ".*", "^[^a]*$", "%", "(?m)^b$",
)  # fmt: skip
LARGEST = 2**63 - 1
AMOUNTS = (
    "0", "1", "-1", "5", "0.5", "0.000000001", "-0.000000001", "0.0000000005", "-0.0000000005", "0.000000000499", "5.000000001",
    "4.9999999995", "9223372036.854775807", "-9223372036.854775808", "9223372036.854775808", "9000000000", "4611686018.5",
    "9999999999999999.999999999999",
)  # fmt: skip
COSTS = st.sampled_from(AMOUNTS).map(Decimal) | st.decimals(-(10**6), 10**6, places=12)
LONGEST = ("99999999999999999999.999999999999999999", "0.000000000000000001")
LONG = st.sampled_from((*AMOUNTS, *LONGEST)).map(Decimal)
SOME_TEXT = st.sampled_from(TEXTS) | st.text(
    st.characters(blacklist_categories=("Cs",), blacklist_characters="\0"), max_size=6
)
LISTED = st.lists(SOME_TEXT, min_size=0, max_size=3)
LETTERS = "abAB01 .*+?()[]{}|\\^$'\"`%_-/~#@é\u0301ß\u212a\u0130\n\r\t\x0b\x85\u2028😀\U000e0001"


class Choices(Protocol):
    """Where a condition's choices come from."""

    def one_of(self, options: tuple[Any, ...]) -> Any: ...
    def some_text(self) -> str: ...
    def texts(self) -> list[str]: ...


@dataclass(frozen=True)
class Drawing:
    """From hypothesis, which finds the smallest condition that fails."""

    draw: Draw

    def one_of(self, options: tuple[Any, ...]) -> Any:
        return self.draw(st.sampled_from(options))

    def some_text(self) -> str:
        return str(self.draw(SOME_TEXT))

    def texts(self) -> list[str]:
        return list(self.draw(LISTED))


@dataclass(frozen=True)
class Rolling:
    """From a seed, fast: the same seed gives the same conditions and charges."""

    random: Random

    def one_of(self, options: tuple[Any, ...]) -> Any:
        return self.random.choice(options)

    def some_text(self) -> str:
        if self.random.random() < 0.7:
            return self.random.choice(TEXTS)
        return "".join(self.random.choices(LETTERS, k=self.random.randint(0, 6)))

    def texts(self) -> list[str]:
        return [self.some_text() for _ in range(self.random.randint(0, 3))]

    def condition(self) -> Drawn:
        return _Drawing(self, self.one_of(("USD", "EUR"))).bool(4)

    def charge(self) -> dict[str, Any]:
        """A charge as CHARGES draws them."""
        some = self.random.random
        charge: dict[str, Any] = {"charge.team": self.some_text(), BILLING: self.one_of(("USD", "EUR"))}
        charge[PRICING] = self.one_of((None, "USD", "EUR"))
        for name in ("charge.ServiceName", "charge.ResourceId", "charge.HostProviderName"):
            charge[name] = None if some() < 0.2 else self.some_text()
        for name in NUMBERS:
            charge[name] = None if some() < 0.2 else self._amount(long=name in QUANTITIES)
        for name in MAPS:
            keys = self.random.sample(KEYS, self.random.randint(0, 4))
            charge[name] = None if some() < 0.2 else {key: None if some() < 0.1 else self.some_text() for key in keys}
        return charge

    def _amount(self, *, long: bool) -> Decimal:
        if self.random.random() < 0.5:
            return Decimal(self.one_of((*AMOUNTS, *LONGEST) if long else AMOUNTS))
        return Decimal(self.random.randint(-(10**18), 10**18)).scaleb(-12)


@dataclass(frozen=True)
class Drawn:
    """A condition, or a part of one: as a policy writes it, as plain CEL, and for money whose currency."""

    policy: str
    plain: str
    currency: str | None = None  # a fact's name, or a code of three letters


class TooLarge:
    """A number that is given and that 64 bits of billionths do not hold: whatever is asked of it has no answer."""

    def _refuse(self, *_: object) -> Any:
        raise TypeError("too large")

    __eq__ = __ne__ = __lt__ = __le__ = __gt__ = __ge__ = _refuse
    __add__ = __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = _refuse
    __hash__ = object.__hash__


@st.composite
def conditions(draw: Draw) -> Drawn:
    """A condition of up to four levels; all amounts that it writes out are in one currency."""
    choices = Drawing(draw)
    drawn = _Drawing(choices, choices.one_of(("USD", "EUR"))).bool(4)
    assume(drawn.policy.count(r"\pL") < 2)  # two of them are too much work: refused (pattern_weight.py)
    return drawn


CHARGES = st.fixed_dictionaries(
    {"charge.team": SOME_TEXT, BILLING: st.sampled_from(["USD", "EUR"]), PRICING: st.sampled_from([None, "USD", "EUR"])}
    | {name: st.none() | SOME_TEXT for name in ("charge.ServiceName", "charge.ResourceId", "charge.HostProviderName")}
    | dict.fromkeys(MONEY_FACTS, st.none() | COSTS)
    | dict.fromkeys(QUANTITIES, st.none() | LONG | COSTS)
    | dict.fromkeys(MAPS, st.none() | st.dictionaries(st.sampled_from(KEYS), st.none() | SOME_TEXT, max_size=4))
)


def facts_given(charge: Mapping[str, Any]) -> dict[str, object]:
    """The charge as the closure reads it: numbers as billionths, rounded half away from zero; what is NULL is left out."""
    given = {name: value for name, value in charge.items() if value is not None}
    for name in NUMBERS:
        if name in given:
            nanos = int((given[name] * 10**9).to_integral_value(ROUND_HALF_UP))
            given[name] = nanos if -LARGEST - 1 <= nanos <= LARGEST else TooLarge()
    return given


def literal(text: str) -> str:
    """A CEL text."""
    for plain, escaped in (("\\", "\\\\"), ('"', '\\"'), ("\n", "\\n"), ("\r", "\\r"), ("\t", "\\t")):
        text = text.replace(plain, escaped)
    return f'"{text}"'


class _Drawing:
    """One condition being drawn, simplest parts first so that a failing one shrinks to them."""

    def __init__(self, choices: Choices, currency: str) -> None:
        self.choices = choices
        self.currency = currency

    def pick(self, *options: Any) -> Any:
        return self.choices.one_of(options)

    def any(self, kind: Type, depth: int) -> Drawn:
        return {"bool": self.bool, "text": self.text, "int": self.int, "money": self.money, "quantity": self.quantity}[
            kind
        ](depth)

    def bool(self, depth: int) -> Drawn:
        if depth <= 0:
            return self.has()
        part = self.pick(
            self.compare, self.has, self.truth, self.among, self.text_test, self.several, self.several, self.negated,
            self.choice,
        )  # fmt: skip
        return self.choice(depth, "bool") if part == self.choice else part(depth)

    def truth(self, _: int) -> Drawn:
        word = self.pick("true", "false")
        return Drawn(word, word)

    def has(self, _: int = 0) -> Drawn:
        which = self.pick("text", "number", "key", "in")
        if which == "text":
            name = self.pick(*TEXT_FACTS)
            return Drawn(f"has({name})", f'({name} != "")')
        if which == "number":
            name = self.pick(*NUMBERS)
            return Drawn(f"has({name})", f"given.{name.partition('.')[2]}")
        name, key = self.pick(*MAPS), literal(self.pick(*KEYS))
        if which == "key" and key == '"team"':
            return Drawn(f"has({name}.team)", f"({key} in {name})")
        return Drawn(f"({key} in {name})", f"({key} in {name})")

    def compare(self, depth: int) -> Drawn:
        kind = self.pick("text", "money", "quantity", "int", "bool")
        op = self.pick("==", "!=", ">", ">=", "<", "<=")
        left, right = _alike(self.any(kind, depth - 1), self.operand(kind, depth - 1))
        return Drawn(f"({left.policy} {op} {right.policy})", f"({left.plain} {op} {right.plain})")

    def operand(self, kind: Type, depth: int) -> Drawn:
        """The right side: for money and quantities also a bare zero."""
        zero = kind in {"money", "quantity"} and self.pick(False, False, True)
        return Drawn("0", "0") if zero else self.any(kind, depth)

    def among(self, depth: int) -> Drawn:
        item = self.text(depth - 1)
        listed = f"[{', '.join(literal(text) for text in self.choices.texts())}]"
        return Drawn(f"({item.policy} in {listed})", f"({item.plain} in {listed})")

    def text_test(self, depth: int) -> Drawn:
        text, test = self.text(depth - 1), self.pick("startsWith", "endsWith", "contains", "matches")
        if test == "matches":
            pattern = literal(self.pick(*PATTERNS))
            return Drawn(f"{text.policy}.matches({pattern})", f"{text.plain}.matches({pattern})")
        other = self.text(depth - 1)
        return Drawn(f"{text.policy}.{test}({other.policy})", f"{text.plain}.{test}({other.plain})")

    def several(self, depth: int) -> Drawn:
        op = self.pick("&&", "||")
        terms = [self.bool(depth - 1) for _ in range(self.pick(2, 2, 3))]
        policy, plain = (f" {op} ".join(getattr(term, form) for term in terms) for form in ("policy", "plain"))
        return Drawn(f"({policy})", f"({plain})")

    def negated(self, depth: int) -> Drawn:
        inner = self.bool(depth - 1)
        return Drawn(f"!({inner.policy})", f"!({inner.plain})")

    def choice(self, depth: int, kind: Type) -> Drawn:
        test = self.bool(depth - 1)
        then, otherwise = _alike(self.any(kind, depth - 1), self.any(kind, depth - 1))
        return Drawn(
            f"({test.policy} ? {then.policy} : {otherwise.policy})",
            f"({test.plain} ? {then.plain} : {otherwise.plain})",
            _either(then, otherwise),
        )

    def text(self, depth: int) -> Drawn:
        which = self.pick("fact", "constant", "key", "choice" if depth > 1 else "fact")
        if which == "choice":
            return self.choice(depth, "text")
        if which == "key":
            name, key = self.pick(*MAPS), literal(self.pick(*KEYS))
            return Drawn(f"{name}[{key}]", f"{name}[{key}]")
        written = self.pick(*TEXT_FACTS) if which == "fact" else literal(self.choices.some_text())
        return Drawn(written, written)

    def int(self, depth: int) -> Drawn:
        which = self.pick("constant", "size", "sum" if depth > 1 else "size")
        if which == "constant":
            number = str(self.pick(1, 2, 3, -1, 7, LARGEST, -LARGEST))
            return Drawn(number, number)
        if which == "size":
            text = self.text(depth - 1)
            return Drawn(f"size({text.policy})", f"size({text.plain})")
        return self.sum(self.int(depth - 1), self.int(depth - 1))

    def sum(self, left: Drawn, right: Drawn, *ops: str) -> Drawn:
        op = self.pick(*(ops or ("+", "-", "*")))
        return Drawn(f"({left.policy} {op} {right.policy})", f"({left.plain} {op} {right.plain})", _either(left, right))

    def money(self, depth: int) -> Drawn:
        which = self.pick("fact", "constant", *(("sum", "times", "minus", "choice") if depth > 1 else ()))
        if which == "fact":
            name = self.pick(*MONEY_FACTS)
            return Drawn(name, name, MONEY_FACTS[name])
        if which == "constant":
            amount = self.pick("5", "0.50", "0.000000001", "-5", "9,000,000,000")
            nanos = int(Decimal(amount.replace(",", "")) * 10**9)
            return Drawn(f'money("{amount} {self.currency}")', str(nanos), self.currency)
        return self.worked(depth, which, "money")

    def quantity(self, depth: int) -> Drawn:
        which = self.pick("fact", "constant", *(("sum", "times", "minus", "choice") if depth > 1 else ()))
        if which == "fact":
            name = self.pick(*QUANTITIES)
            return Drawn(name, name)
        if which == "constant":
            number = self.pick("1", "0.5", "23.5", "0.000000001")
            return Drawn(f'quantity("{number}")', str(int(Decimal(number) * 10**9)))
        return self.worked(depth, which, "quantity")

    def worked(self, depth: int, which: str, kind: Type) -> Drawn:
        """A sum, a multiple, a negative or a choice of money or quantities."""
        if which == "choice":
            return self.choice(depth, kind)
        inner = self.any(kind, depth - 1)
        if which == "minus":
            return Drawn(f"(-{inner.policy})", f"(-{inner.plain})", inner.currency)
        if which == "times":
            return self.sum(inner, self.int(depth - 1), "*")
        return self.sum(*_alike(inner, self.operand(kind, depth - 1)), "+", "-")


def _alike(left: Drawn, right: Drawn) -> tuple[Drawn, Drawn]:
    """Both, with no answer in plain CEL where their currencies are not the same."""
    ours, theirs = left.currency, right.currency
    if ours is None or theirs is None or ours == theirs:
        return left, right
    if "." not in ours:
        return _guarded(left, f"{theirs} == {literal(ours)}", theirs), right
    if "." not in theirs:
        return left, _guarded(right, f"{ours} == {literal(theirs)}", ours)
    same = f"{ours} == {theirs}"
    return _guarded(left, same, ours), _guarded(right, same, theirs)


def _guarded(part: Drawn, test: str, currency: str) -> Drawn:
    return Drawn(part.policy, f"({test} ? {part.plain} : 1 / 0)", currency)


def _either(left: Drawn, right: Drawn) -> str | None:
    known = [part.currency for part in (left, right) if part.currency]
    return next((currency for currency in known if "." in currency), known[0] if known else None)
