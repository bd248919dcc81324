"""What policies ask of tuples, as SQL: those that want the same columns to have certain texts stand in one table and are joined.

Two hundred policies name a team, an environment or a service each. Asked one by one, every tuple is looked at two hundred times;
joined by the texts that they name, it meets only the policies that mean it, and what else they ask is asked of those few.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fiscus.cost.views import OWNER_DEFAULTS
from fiscus.guardrails.policies.compile_sql import compile_sql
from fiscus.guardrails.policies.condition import All, Compare, Constant, FactValue, Node
from fiscus.guardrails.policies.sql_dialects import quoted

_NEVER_NULL: Final = frozenset({*OWNER_DEFAULTS, "BillingCurrency"})
Texts = tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Question:
    """What one policy asks of a tuple.

    `terms`: what has to hold together, three-valued; empty where `answer` is more than that, and the policy is asked alone.
    `may_hold`: false where the answer is certainly false. `more`: names and literals that go with each answer.
    """

    place: int
    window: str
    terms: tuple[Node, ...]
    answer: str
    exception: str
    may_hold: str
    more: tuple[tuple[str, str], ...] = ()


_Alike = tuple[str, str, tuple[str, ...]]  # window, exception, the columns of which a text is named
_Apart = tuple[Question, Texts, str]  # with the texts that it names, and what else it asks


def questions_sql(questions: Sequence[Question], of: str, answer: str, columns: Sequence[str]) -> list[str]:
    """SELECTs over `of` of place, tuple, `answer`, exception, what `more` names, `columns`. False answers may be left out."""
    alone, alike = list[Question](), defaultdict[_Alike, list[_Apart]](list)
    for question in questions:
        texts, rest = _taken_apart(question.terms)
        columns_named = tuple(column for column, _ in texts)
        alike[question.window, question.exception, columns_named].append((question, texts, rest))
    joined = []
    for (_, _, columns_named), members in alike.items():
        if columns_named and len(members) > 1:
            joined.append(_joined(members, of, answer, columns))
        else:
            alone += [question for question, _, _ in members]
    return [*(_asked_alone(one, of, answer, columns) for one in alone), *joined]


def _asked_alone(one: Question, of: str, answer: str, columns: Sequence[str]) -> str:
    more = [f"{literal} AS {name}" for name, literal in one.more]
    selected = [f"{one.place} AS place", "tuple", f"{one.answer} AS {answer}", f"{one.exception} AS exception", *more]
    return f"SELECT {', '.join([*selected, *columns])}\n    FROM {of} WHERE {one.window} AND {one.may_hold}"


def _joined(members: Sequence[_Apart], of: str, answer: str, columns: Sequence[str]) -> str:
    """One table of all `members`, with what is left to ask of each as a number."""
    first, texts, _ = members[0]
    rests = {rest: number for number, rest in enumerate(dict.fromkeys(rest for _, _, rest in members))}
    more = [name for name, _ in first.more]
    rows = (
        f"({', '.join([str(one.place), str(rests[rest]), *(value for _, value in one.more), *(quoted(t) for _, t in named)])})"
        for one, named, rest in members
    )
    heads = ["place", "asks", *more, *(f"text_{n}" for n in range(len(texts)))]
    same = " AND ".join(f"{column} = asked.text_{n}" for n, (column, _) in enumerate(texts))
    selected = [
        "asked.place", "tuple", f"{_by_number(rests)} AS {answer}", f"{first.exception} AS exception",
        *(f"asked.{name}" for name in more), *columns,
    ]  # fmt: skip
    return (
        f"SELECT {', '.join(selected)}\n    FROM {of} JOIN (VALUES {', '.join(rows)}) AS asked({', '.join(heads)}) "
        f"ON {same}\n    WHERE {first.window}"
    )


def _by_number(rests: Mapping[str, int]) -> str:
    if len(rests) == 1:
        return next(iter(rests))
    return f"CASE asked.asks {' '.join(f'WHEN {number} THEN {rest}' for rest, number in rests.items())} END"


def _taken_apart(terms: Sequence[Node]) -> tuple[Texts, str]:
    """The texts that columns must have, by column, and the SQL of what else must hold, a second text of a column with it."""
    texts: dict[str, str] = {}
    rest = []
    for term in _flat(terms):
        named = _named(term)
        if named is None or texts.setdefault(*named) != named[1]:
            rest.append(term)
    return tuple(sorted(texts.items())), compile_sql(All(tuple(rest))) if rest else "true"


def _flat(terms: Sequence[Node]) -> Iterator[Node]:
    for term in terms:
        if isinstance(term, All):
            yield from _flat(term.terms)
        else:
            yield term


def _named(term: Node) -> tuple[str, str] | None:
    """(SQL of a column that is never NULL, the text that it must have). A tag that is not there is an error, no other text."""
    match term:
        case Compare("==", FactValue(fact), Constant(str() as text)) | Compare(
            "==", Constant(str() as text), FactValue(fact)
        ) if fact.type == "text" and (fact.nullable or fact.column in _NEVER_NULL):
            return compile_sql(FactValue(fact)), text
    return None
