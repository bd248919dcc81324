"""Texts on Spark as DuckDB has them: JSON, patterns, and how a value is written."""

from __future__ import annotations

import re
from typing import Final

from sqlglot import exp

from fiscus.kernel.errors import BadConfig
from fiscus.kernel.java_pattern import java_pattern
from fiscus.stores.lake.spark_casts import DOUBLES, double_as_text
from fiscus.stores.lake.spark_json import key_of, values_as_texts
from fiscus.stores.lake.spark_nodes import CannotTranslate, Types, call, cast, given

WRITTEN: Final = DOUBLES | {exp.DataType.Type.TIMESTAMPTZ}
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
    if (key := key_of(path)) is not None:
        return call("try_element_at", call("from_json", node.this, exp.Literal.string("MAP<STRING, STRING>")), key)
    if isinstance(path, exp.JSONPath) and (texts := values_as_texts(node.this, path)) is not None:
        return texts
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
    option = node.args.get("flag")
    if option is not None and not (option.is_string and option.name == "i"):
        raise CannotTranslate("a pattern that is no constant, or has options")
    return _like(node, _java(node.expression, "(?i)" if option else ""))


def matched_whole(node: exp.Expression, _: Types) -> exp.Expression:
    """regexp_full_match: the pattern is all of the text."""
    return _like(node, _java(node.expression, r"\A(?:", r")\z"))


def _like(node: exp.Expression, pattern: exp.Expression) -> exp.Expression:
    """In brackets: what was a call is an operator in Spark, and stands where one may not, as before IS TRUE."""
    return exp.Paren(this=exp.RegexpLike(this=node.this.copy(), expression=pattern))


def replaced(node: exp.Expression, _: Types) -> exp.Expression:
    """regexp_replace of every match by a plain text."""
    instead, option = node.args["replacement"], node.args.get("modifiers")
    if option is None or option.name != "g" or not instead.is_string or set(instead.name) & set("\\$"):
        raise CannotTranslate("regexp_replace but of every match ('g') by a plain text")
    return call("regexp_replace", node.this, _java(node.expression), instead)


def split(given: list[exp.Expression]) -> exp.Expression:
    """regexp_split_to_array."""
    return call("split", given[0], _java(given[1]))


def _java(pattern: exp.Expression, before: str = "", after: str = "") -> exp.Expression:
    if not pattern.is_string:
        raise CannotTranslate("a pattern that is no constant, or has options")
    try:
        return exp.Literal.string(java_pattern(before + pattern.name + after))
    except BadConfig as refused:
        raise CannotTranslate(refused.message) from None


def joined(node: exp.Expression, types: Types) -> exp.Expression:
    """a || b: what is no text yet is written as DuckDB writes it."""
    for side in ("this", "expression"):
        if types.of(node.args[side]) in WRITTEN:
            source = types.of(node.args[side])
            node.set(side, textual(exp.cast(node.args[side].copy(), "STRING", dialect="spark"), source))
    return node


def textual(node: exp.Cast, source: exp.DataType.Type) -> exp.Expression:
    """A value as DuckDB writes it."""
    if source == exp.DataType.Type.TIMESTAMPTZ:
        return exp.DPipe(this=cast(node.this, "STRING"), expression=exp.Literal.string("+00"))
    return double_as_text(node.this) if source in DOUBLES else node
