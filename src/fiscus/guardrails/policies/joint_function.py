"""Many conditions as one Python function: plain `if`s in which each fact is read once, and nothing is called for the usual terms.

The source is written from checked trees (condition.py). It holds words of ours and whole numbers, nothing else: every text of a
policy and every name of a fact is a constant that is bound beside it. Terms that need a rule of their own (`||`, `?:`, sums,
patterns, keys of maps) stay closures and are called.

    def step_0(facts):
     matched = [7]                  # a condition without terms
     get = facts.get
     v0 = get(k0, '')               # intent.environment
     if v0 == k1:                   # "staging"
      v1 = facts[k2]                # intent.max_tokens
      if v1 > 500:
       matched.append(0)
       if v1 > 1000:
        matched.append(1)
     return matched

Where several branches compare one text with constants, the text is looked up in a table of what stands behind each of them.
Where several ask how large one number is, whoever asks for more is asked inside of whoever asks for less.
Where anything has no answer the function raises one of NO_ANSWER; whoever asked then walks the branches one by one.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from typing import Any as Value
from typing import Final, Protocol, TypeAlias, cast

from fiscus.guardrails.policies.compile_closure import ConditionError, compile_term
from fiscus.guardrails.policies.condition import (
    Compare,
    Constant,
    FactValue,
    InCurrency,
    InTexts,
    Node,
    Not,
    OneOf,
    Size,
    TextTest,
)
from fiscus.guardrails.policies.facts import Fact

Facts = Mapping[str, object]
Step: TypeAlias = Callable[[Facts], list[int]]
DEPTH_MAX: Final = 40  # what stands deeper is a function of its own: Python reads at most 100 levels of indentation
TABLE_MIN: Final = 4  # so many comparisons of one text take longer than a look-up
_AT_LEAST: Final[Mapping[str, int]] = {">": 1, ">=": 1, "<": -1, "<=": -1}
_WRITTEN: Final = {"startsWith": "{0}.startswith({1})", "endsWith": "{0}.endswith({1})", "contains": "{1} in {0}"}


class Branch(Protocol):
    """A term; the conditions (by place) that match when it holds; and what is asked then."""

    @property
    def term(self) -> Node: ...
    @property
    def matched(self) -> tuple[int, ...]: ...
    @property
    def below(self) -> Sequence[Branch]: ...


def compile_branches(always: Sequence[int], branches: Sequence[Branch]) -> Step:
    """The places of those that match, `always` among them. Raises one of NO_ANSWER where a term has none."""
    return _Source().step_of(always, branches)


@dataclass(slots=True)
class _Block:
    """Lines of one depth. `known`: what stands in a local variable here, by how it is read; blocks inside know it too."""

    depth: int
    known: dict[str, str] = field(default_factory=dict)

    def inside(self) -> _Block:
        return _Block(self.depth + 1, dict(self.known))


class _Source:
    """The lines of one function and of those that it calls, with the constants that they name."""

    def __init__(self) -> None:
        self._lines: list[str] = []
        self._bound: dict[str, object] = {"Unsure": ConditionError}
        self._names: dict[tuple[type, object], str] = {}
        self._tables: list[tuple[dict[object, Value], dict[object, str]]] = []
        self._waiting: list[tuple[str, tuple[int, ...], Sequence[Branch]]] = []
        self._steps = 0

    def step_of(self, always: Sequence[int], branches: Sequence[Branch]) -> Step:
        self._lines += ["def asked(facts):", f" matched = {list(always)}", " get = facts.get"]
        self._held((), branches, _Block(1))
        self._lines.append(" return matched")
        while self._waiting:
            name, matched, below = self._waiting.pop()
            self._lines += [f"def {name}(facts, matched):", " get = facts.get"]
            self._held(matched, below, _Block(1))
        exec(compile("\n".join(self._lines), "<policies>", "exec"), self._bound)  # noqa: S102 our own words: see above
        for table, steps in self._tables:
            table |= {value: self._bound[name] for value, name in steps.items()}
        return cast("Step", self._bound["asked"])

    def _step(self, matched: tuple[int, ...], below: Sequence[Branch]) -> str:
        """The name of a function of its own, written once this one is."""
        name = f"step_{self._steps}"
        self._steps += 1
        self._waiting.append((name, matched, below))
        return name

    def _line(self, block: _Block, text: str) -> None:
        self._lines.append(" " * block.depth + text)

    def _held(self, matched: tuple[int, ...], below: Sequence[Branch], block: _Block) -> None:
        """What follows where a term holds."""
        for place in matched:
            self._line(block, f"matched.append({place})")
        compared = defaultdict[Fact, dict[object, Branch]](dict)
        for branch in below:
            if (found := _text_is(branch.term)) is not None:
                compared[found[0]][found[1]] = branch
        tables = {fact: members for fact, members in compared.items() if len(members) >= TABLE_MIN}
        for fact, members in tables.items():
            self._table(fact, members, block)
        rest = [one for one in below if (found := _text_is(one.term)) is None or found[0] not in tables]
        for ladder in _ladders(rest):
            self._branch(ladder, block)

    def _table(self, fact: Fact, members: Mapping[object, Branch], block: _Block) -> None:
        table: dict[object, Value] = {}
        self._tables.append((table, {value: self._step(one.matched, one.below) for value, one in members.items()}))
        self._line(block, f"if (step := {self._bind(table.get)}({self._fact(fact, block)})) is not None:")
        self._line(block.inside(), "step(facts, matched)")

    def _branch(self, ladder: Sequence[Branch], block: _Block) -> None:
        """The first of them, and inside of it the others."""
        if block.depth >= DEPTH_MAX:
            self._line(block, f"{self._step((), ladder)}(facts, matched)")
            return
        branch = ladder[0]
        self._line(block, f"if {self._value(branch.term, block)}:")
        inside = block.inside()
        self._held(branch.matched, branch.below, inside)
        if len(ladder) > 1:
            self._branch(ladder[1:], inside)

    def _value(self, node: Node, block: _Block) -> str:  # noqa: PLR0911 one return a kind of node, in one table
        """An expression; what it reads is read in lines before it, so only what is asked in any case may stand in it."""
        match node:
            case Constant(value):
                return repr(value) if type(value) is int else self._constant(value)
            case FactValue(fact):
                return self._fact(fact, block)
            case InCurrency(currency, other, value):
                self._same_currency(currency, other, block)
                return self._value(value, block)
            case Compare(op, left, right):
                return f"({self._value(left, block)} {op} {self._value(right, block)})"
            case OneOf(item, values):
                return f"({self._value(item, block)} in {self._constant(frozenset(values))})"
            case InTexts(item, fact):
                return f"({self._value(item, block)} in {self._fact(fact, block)})"
            case Not(term):
                return f"(not {self._value(term, block)})"
            case TextTest(op, text, argument) if op in _WRITTEN:
                return f"({_WRITTEN[op].format(self._value(text, block), self._value(argument, block))})"
            case Size(text):
                return f"len({self._value(text, block)})"
            case _:
                return f"{self._bind(compile_term(node))}(facts)"

    def _fact(self, fact: Fact, block: _Block) -> str:
        """The local variable that holds it; read here, where no line before has read it."""
        name = self._constant(fact.name)
        absent = {"text": "''", "texts": "()"}.get(fact.type)
        read = f"facts[{name}]" if absent is None else f"get({name}, {absent})"
        if read not in block.known:
            block.known[read] = f"v{len(block.known)}"
            self._line(block, f"{block.known[read]} = {read}")
        return block.known[read]

    def _same_currency(self, currency: Fact, other: Fact | str, block: _Block) -> None:
        ours = self._fact(currency, block)
        theirs = self._constant(other) if isinstance(other, str) else self._fact(other, block)
        if (asked := f"{ours} != {theirs}") not in block.known:
            block.known[asked] = ""
            self._line(block, f"if {asked}: raise Unsure")

    def _constant(self, value: object) -> str:
        key = (type(value), value)
        if key not in self._names:
            self._names[key] = self._bind(value)
        return self._names[key]

    def _bind(self, value: object) -> str:
        name = f"k{len(self._bound)}"
        self._bound[name] = value
        return name


def _ladders(branches: Sequence[Branch]) -> Iterable[Sequence[Branch]]:
    """Each alone, but together those that ask more and more of one number: who asks less holds wherever the next one does."""
    ladders = dict[object, list[tuple[tuple[int, bool], Branch]]]()
    for place, branch in enumerate(branches):
        asked, rung = _more_than(branch.term) or (place, (0, False))
        ladders.setdefault(asked, []).append((rung, branch))
    for ladder in ladders.values():
        yield [branch for _, branch in sorted(ladder, key=itemgetter(0))]


def _more_than(term: Node) -> tuple[object, tuple[int, bool]] | None:
    """What is asked for more (or less) than a number, and how much of it: (5, True) above 5, (5, False) at least 5."""
    match term:
        case Compare(op, left, Constant(value)) if op in _AT_LEAST and type(value) is int:
            return (op[0], left), (_AT_LEAST[op] * value, len(op) == 1)
        case Compare(op, left, InCurrency(currency, other, Constant(value))) if op in _AT_LEAST and type(value) is int:
            return (op[0], left, currency, other), (_AT_LEAST[op] * value, len(op) == 1)
    return None


def _text_is(term: Node) -> tuple[Fact, object] | None:
    """The fact and the constant of `fact == "text"`; None of any other term."""
    match term:
        case Compare("==", FactValue(fact), Constant(str() as value)) if fact.type == "text":
            return fact, value
    return None
