"""What can be said of a condition while some facts are not known yet: whether it may still hold, or have no answer."""

from __future__ import annotations

from collections.abc import Callable

from fiscus.guardrails.policies.compile_sql import compile_sql
from fiscus.guardrails.policies.condition import All, Any, Node, Not

Known = Callable[[Node], bool]  # whether everything that a part reads is known


def may_hold_sql(node: Node, known: Known) -> str:
    """SQL that is false only where `node` is false whatever the unknown facts are; never NULL.

    Three-valued logic: a conjunction is false as soon as one term is, so it may hold where every term may; and so on.
    """
    return _may_be_other_than("false", node, known)


def _may_be_other_than(answer: str, node: Node, known: Known) -> str:
    """Whether `node` may be other than `answer` (true or false): its opposite, or an error."""
    match node:
        case All(terms) | Any(terms):
            settled = "false" if isinstance(node, All) else "true"  # one term with this answer settles the whole
            joined = " AND " if answer == settled else " OR "
            return "(" + joined.join(_may_be_other_than(answer, term, known) for term in terms) + ")"
        case Not(term):
            return _may_be_other_than("true" if answer == "false" else "false", term, known)
        case _:
            return f"({compile_sql(node)} IS DISTINCT FROM {answer})" if known(node) else "true"
