"""Texts on Spark as DuckDB has them: JSON, patterns, and how a value is written."""

from __future__ import annotations

import re
from typing import Final

from sqlglot import exp

from fiscus.kernel.errors import BadConfig
from fiscus.kernel.java_pattern import java_pattern
from fiscus.stores.lake.spark_nodes import CannotTranslate, Types, call, cast, given

QUOTED_KEY: Final = re.compile(r'\$\."([^"]+)"')


def valid_json(node: exp.Expression) -> exp.Expression:
    """Spark reads one value and passes over what stands after it: inside brackets and braces there is no after."""
    listed = call("concat", exp.Literal.string("["), node, exp.Literal.string("]"))
    named = call("concat", exp.Literal.string('{"a":'), node, exp.Literal.string("}"))
    one = exp.EQ(this=call("json_array_length", listed), expression=exp.Literal.number(1))
    strict = exp.And(this=one, expression=given(call("try_parse_json", named)))
    test = exp.Coalesce(this=exp.Paren(this=strict), expressions=[exp.false()])
    return exp.Case(ifs=[exp.If(this=given(node), true=test)])


def json_value(node: exp.Expression, _: Types) -> exp.Expression:
    """One key's value as text, by `/Key` or `$.Key`: the names of keys in our queries are plain."""
    path = _folded(node.expression)
    if isinstance(path, exp.JSONPath):
        keys = [part.this for part in path.expressions if isinstance(part, exp.JSONPathKey)]
        if len(keys) + 1 != len(path.expressions) or not all(isinstance(key, str) for key in keys):
            raise CannotTranslate(f"the JSON path {path.sql()[:60]}")
    elif path.is_string and (quoted := QUOTED_KEY.fullmatch(path.name)) is not None:
        keys = [quoted[1]]
    elif path.is_string and path.name.startswith("/"):
        keys = [part.replace("~1", "/").replace("~0", "~") for part in path.name[1:].split("/")]
    else:
        raise CannotTranslate("a JSON path that is no constant")
    if any(set(key) & set("'[]\\$") for key in keys):
        raise CannotTranslate(f"the JSON key {keys}")
    return call("get_json_object", node.this, exp.Literal.string("$" + "".join(f"['{key}']" for key in keys)))


def _folded(path: exp.Expression) -> exp.Expression:
    """Constants that are put together by ||, as one: a parameter may name the key."""
    if isinstance(path, exp.Paren):
        return _folded(path.this)
    if not isinstance(path, exp.DPipe):
        return path
    left, right = _folded(path.this), _folded(path.expression)
    return exp.Literal.string(left.name + right.name) if left.is_string and right.is_string else path


def matched(node: exp.Expression, _: Types) -> exp.Expression:
    """An RE2 pattern as Java's; one that Java cannot mean alike is refused."""
    pattern, option = node.expression, node.args.get("flag")
    if not pattern.is_string or (option is not None and not (option.is_string and option.name == "i")):
        raise CannotTranslate("a pattern that is no constant, or has options")
    try:
        return exp.RegexpLike(
            this=node.this.copy(),
            expression=exp.Literal.string(java_pattern(("(?i)" if option else "") + pattern.name)),
        )
    except BadConfig as refused:
        raise CannotTranslate(refused.message) from None


def textual(node: exp.Cast, source: exp.DataType.Type) -> exp.Expression:
    """A value as DuckDB writes it."""
    if source == exp.DataType.Type.TIMESTAMPTZ:
        return exp.DPipe(this=cast(node.this, "STRING"), expression=exp.Literal.string("+00"))
    if source in {exp.DataType.Type.DOUBLE, exp.DataType.Type.FLOAT}:
        raise CannotTranslate("a floating-point number as text")
    return node
