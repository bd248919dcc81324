"""From CEL text to a checked condition, or a refusal that names what is wrong and what to write instead.

Google's CEL parses and type-checks the text against the facts of the target; what it accepts is then narrowed to what both of
our compilers mean alike, and money is made safe: amounts are compared with amounts, in a currency that is stated.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from typing import Final

from cel_expr_python import cel

from fiscus.guardrails.policies.cel_syntax import Select, Syntax, read_checked
from fiscus.guardrails.policies.condition import Node, walk
from fiscus.guardrails.policies.facts import Fact, fact_remedy, facts_of
from fiscus.guardrails.policies.lower_condition import Lowering, Refused
from fiscus.guardrails.types import OBSERVED, PolicyTarget
from fiscus.kernel.limits import CONDITION_CHARS_MAX

# Text literals, then has(root.name), then root.name: one scan that never looks inside quotes.
_TOKENS: Final = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')
    |(?P<has>\bhas\s*\(\s*(?P<of>[A-Za-z_]\w*\.[A-Za-z_]\w*)\s*\))
    |(?P<name>\b[A-Za-z_]\w*\.[A-Za-z_]\w*)
    |(?P<inner>\bpresent\s*\()
    |(?P<comment>//)
    |(?P<raw>\b[rRbB]{1,2}["'])""",
    re.VERBOSE,
)
_CEL: Final = {
    "text": cel.Type.STRING, "int": cel.Type.INT, "money": cel.Type.INT, "quantity": cel.Type.INT, "bool": cel.Type.BOOL,
    "map": cel.Type.Map(cel.Type.STRING, cel.Type.STRING), "texts": cel.Type.List(cel.Type.STRING),
}  # fmt: skip
Refuse = Callable[[str, str], Exception]


def check_condition(text: str, target: PolicyTarget, refuse: Refuse) -> Node:
    """The checked condition. Raises what `refuse(message, remedy)` makes of the first fault."""
    if len(text) > CONDITION_CHARS_MAX:
        raise refuse(f"The condition is longer than {CONDITION_CHARS_MAX:,} characters", "Split the policy.")
    facts = facts_of(target)
    source, asked = _prepare(text, facts, target, refuse)
    try:
        expression = _environment(target).compile(source)
    except RuntimeError as broken:
        raise refuse(_first_fault(broken), _remedy(str(broken))) from None
    if expression.return_type() != cel.Type.BOOL:
        raise refuse("The condition is no yes or no", "Compare the value with something.")
    syntax = read_checked(expression.serialize())
    if asked != _tests(syntax):
        raise refuse(
            "has() stands where it cannot be understood", "Write has(intent.name) or has(charge.tags.key), plainly."
        )
    try:
        node = Lowering(facts).condition(syntax)
    except Refused as fault:
        raise refuse(fault.message, fault.remedy) from None
    return node


def node_count(node: Node) -> int:
    """How many steps one evaluation takes at most."""
    return sum(1 for _ in walk(node))


def _prepare(text: str, facts: Mapping[str, Fact], target: PolicyTarget, refuse: Refuse) -> tuple[str, int]:
    """The text with has(fact) written as present(fact), names checked; and how many other has() it holds.

    CEL resolves a declared dotted name before has() sees a field, so has() of one would be its value, silently.
    """
    roots = {name.partition(".")[0] for name in facts}

    def replaced(token: re.Match[str]) -> str:
        if token["comment"] or token["raw"]:
            raise refuse(f"{token[0]!r} is not supported in a condition", "Use YAML's # for comments and plain quotes.")
        if token["inner"]:
            raise refuse("'present' is no function of a condition", "Write has(intent.name) or has(charge.tags.key).")
        name = token["of"] or token["name"]
        if not name:
            if len(token[0]) == 2 and text.startswith(
                token[0][0], token.end()
            ):  # no text between its quotes, and a third one
                raise refuse("Text in triple quotes is not supported", "Write it in plain quotes.")
            return token[0]
        if name.partition(".")[0] in {*roots, *_ALL_ROOTS} and name not in facts:
            raise refuse(f"{name} is no fact of {target}", fact_remedy(name, target))
        if not token["of"]:
            return token[0]
        if facts[name].type == "map":
            raise refuse(f"{name} holds several values", f"Write has({name}.key).")
        return f"present({name})"

    source = _TOKENS.sub(replaced, text)
    without_text = re.sub(_TOKENS.pattern.split("\n")[0].replace("(?P<text>", "("), "", source)
    return source, len(re.findall(r"\bhas\s*\(", without_text))


_ALL_ROOTS: Final = ("intent", *OBSERVED, "requester", "now")


def _tests(syntax: Syntax) -> int:
    own = 1 if isinstance(syntax, Select) and syntax.test else 0
    parts: Sequence[Syntax] = ()
    if isinstance(syntax, Select):
        parts = (syntax.operand,)
    elif hasattr(syntax, "arguments"):
        parts = syntax.arguments
    elif hasattr(syntax, "items"):
        parts = syntax.items
    return own + sum(_tests(part) for part in parts)


@cache
def _environment(target: PolicyTarget) -> cel.Env:
    kinds = (cel.Type.STRING, cel.Type.INT, cel.Type.BOOL, cel.Type.List(cel.Type.STRING))
    functions = [
        cel.FunctionDecl("money", [cel.Overload("money_text", cel.Type.INT, [cel.Type.STRING])]),
        cel.FunctionDecl("quantity", [cel.Overload("quantity_text", cel.Type.INT, [cel.Type.STRING])]),
        cel.FunctionDecl(
            "present", [cel.Overload(f"present_{n}", cel.Type.BOOL, [kind]) for n, kind in enumerate(kinds)]
        ),
    ]
    variables = {name: _CEL[fact.type] for name, fact in facts_of(target).items()}
    return cel.NewEnv(variables=variables, functions=functions)


def _first_fault(broken: RuntimeError) -> str:
    """`ERROR: <input>:1:15: found no matching overload ...` without its brackets."""
    if "recursion limit" in str(broken):
        return "The condition is nested too deeply"
    line = str(broken).splitlines()[0]
    found = re.search(r"<input>:\d+:(-?\d+): (.*)", line)
    message = (found[2] if found else line).replace("'present'", "has()")
    return re.sub(r" \(in container ''\)", "", message)


def _remedy(message: str) -> str:
    if "undeclared reference" in message:
        return "Use the facts and functions of docs/reference/policy-semantics.md."
    if "no matching overload" in message:
        return 'Compare like with like; write amounts as money("50.00 USD") and whole numbers without a point.'
    if "recursion limit" in message:
        return "Write it flatter, or split the policy."
    return "Mend the expression; docs/reference/policy-semantics.md shows what can be written."
