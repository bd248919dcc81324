"""JSON on Spark as DuckDB has it: a document stays text; what it holds is asked of Spark's variant.

A path is one or more keys, then nothing, the entries of a list (`$.Elements[*]`) or the values of an object (`$.*`); or text that
is made of one key (`'$."' || key || '"'`). Others are refused.
"""

from __future__ import annotations

from typing import Final

from sqlglot import exp, jsonpath

from fiscus.stores.lake.spark_nodes import CannotTranslate, Types, call, given, literal

ENTRIES: Final = "[*]"
VALUES: Final = "*"
WORDS: Final = (
    ("OBJECT%", "OBJECT"), ("ARRAY%", "ARRAY"), ("STRING", "VARCHAR"), ("VOID", "NULL"), ("BOOLEAN", "BOOLEAN"),
    ("BIGINT", "UBIGINT"),
)  # fmt: skip
"""A type of Spark's variant, and DuckDB's word for it; any other number is a DOUBLE. A whole number counts as unsigned."""


def json_type(node: exp.Expression, _: Types) -> exp.Expression:
    """json_type(x) or json_type(x, path): a word, or a list of words where the path has a star."""
    path, document = node.args.get("expression"), call("try_parse_json", node.this)
    if path is None:
        return _kind(document)
    keys, star = _steps(path)
    if star.startswith(VALUES):
        return _kinds(_values(document, len(star)))
    if star == ENTRIES:
        return _kinds(_at(document, keys, "ARRAY<VARIANT>"))
    return _kind(_at(document, keys, "VARIANT"))


def json_extract(node: exp.Expression, _: Types) -> exp.Expression:
    """x -> path: a document as text, or a list of documents as texts."""
    keys, star = _steps(node.expression)
    document = call("try_parse_json", node.this)
    if star == "":
        return call("to_json", _at(document, keys, "VARIANT"))
    if star != ENTRIES or not isinstance(keys, list) or len(keys) != 1:
        raise CannotTranslate("the entries of a JSON path of several keys")
    kinds = _kinds(_at(document, keys, "ARRAY<VARIANT>"))
    shape = literal(f"STRUCT<`{keys[0]}`: ARRAY<STRING>>")
    texts = exp.Dot(this=call("from_json", node.this, shape), expression=exp.to_identifier(keys[0], quoted=True))
    whole = call("zip_with", call("coalesce", texts, exp.Array(expressions=[])), kinds, _document())
    return exp.Case(ifs=[exp.If(this=given(node.this), true=whole)])


def json_exists(arguments: list[exp.Expression]) -> exp.Expression:
    """Whether something stands at the path, be it null."""
    keys, star = _steps(arguments[1])
    if star:
        raise CannotTranslate("json_exists of a path with a star")
    found = _at(call("try_parse_json", arguments[0]), keys, "VARIANT")
    return exp.Case(ifs=[exp.If(this=given(arguments[0]), true=exp.Paren(this=given(found)))])


def json_keys(node: exp.Expression, _: Types) -> exp.Expression:
    """In the order of the text, one that stands twice twice."""
    return call("json_object_keys", node.this)


def values_as_texts(document: exp.Expression, path: exp.JSONPath) -> exp.Expression | None:
    """x ->> '$.*': the values of an object, texts without their quotes. None for other paths."""
    last = path.expressions[-1]
    if len(path.expressions) != 2 or not (
        isinstance(last, exp.JSONPathKey) and isinstance(last.this, exp.JSONPathWildcard)
    ):
        return None
    values = call("map_values", call("from_json", document, literal("MAP<STRING, STRING>")))
    return call("coalesce", values, exp.cast(exp.Array(expressions=[]), "ARRAY<STRING>", dialect="spark"))


def key_of(path: exp.Expression) -> exp.Expression | None:
    """The key of '$."' || key || '"'."""
    parts = list(path.flatten()) if isinstance(path, exp.DPipe) else []
    if len(parts) == 3 and parts[0].is_string and parts[2].is_string and (parts[0].name, parts[2].name) == ('$."', '"'):
        key = parts[1]
        while isinstance(key, exp.Replace):  # how DuckDB's path spells the key; Spark asks for the key itself
            key = key.this
        return key
    return None


def _steps(path: exp.Expression) -> tuple[list[str] | exp.Expression, str]:
    """The keys of a path, or what one key is made of; and the star at its end."""
    if (key := key_of(path)) is not None:
        return key, ""
    if path.is_string:
        path = jsonpath.parse(path.name)
    if isinstance(path, exp.JSONPath):
        keys, star = [], ""
        for part in path.expressions[1:]:
            wild = isinstance(part.this, exp.JSONPathWildcard)
            if star.endswith(ENTRIES) or (star and not wild) or not (wild or isinstance(part.this, str)):
                raise CannotTranslate(f"the JSON path {path.sql()[:60]}")
            if wild:
                star += ENTRIES if isinstance(part, exp.JSONPathSubscript) else VALUES
            else:
                keys.append(part.this)
        said = star in {"", ENTRIES} or (set(star) == {VALUES} and not keys)
        if said and not any(set(key) & set("'[]\\$`") for key in keys):
            return keys, star
    raise CannotTranslate(f"the JSON path {path.sql(dialect='duckdb')[:60]}")


def _at(document: exp.Expression, keys: list[str] | exp.Expression, kind: str) -> exp.Expression:
    if isinstance(keys, exp.Expression):
        values = call("try_variant_get", document, literal("$"), literal("MAP<STRING, VARIANT>"))
        return call("try_element_at", values, keys)
    return call("try_variant_get", document, literal("$" + "".join(f"['{key}']" for key in keys)), literal(kind))


def _values(document: exp.Expression, deep: int) -> exp.Expression:
    """What stands so deep in objects of objects."""

    def of(variant: exp.Expression) -> exp.Expression:
        return call("map_values", call("try_variant_get", variant, literal("$"), literal("MAP<STRING, VARIANT>")))

    found = of(document)
    for _ in range(deep - 1):
        inner = call(
            "coalesce", of(exp.column("o")), exp.cast(exp.Array(expressions=[]), "ARRAY<VARIANT>", dialect="spark")
        )
        each = exp.Lambda(this=inner, expressions=[exp.to_identifier("o")])
        found = call("flatten", call("transform", found, each))
    return found


def _kind(variant: exp.Expression) -> exp.Expression:
    """A variant's type in DuckDB's words; NULL where there is nothing."""
    name = call("schema_of_variant", variant)
    whens = [
        exp.If(this=exp.Like(this=name.copy(), expression=literal(theirs)), true=literal(ours))
        for theirs, ours in WORDS
    ]
    return exp.Case(ifs=[*whens, exp.If(this=given(name), true=literal("DOUBLE"))])


def _kinds(variants: exp.Expression) -> exp.Expression:
    """Of each entry; no list at all has no entries."""
    each = exp.Lambda(this=_kind(exp.column("v")), expressions=[exp.to_identifier("v")])
    return call(
        "coalesce",
        call("transform", variants, each),
        exp.cast(exp.Array(expressions=[]), "ARRAY<STRING>", dialect="spark"),
    )


def _document() -> exp.Expression:
    """(text, kind) -> the document: Spark reads texts without their quotes, and null as nothing."""
    text, kind = exp.column("s"), exp.column("k")
    quoted = call("to_json", exp.cast(text.copy(), "VARIANT", dialect="spark"))
    whens = [exp.If(this=exp.EQ(this=kind, expression=literal("VARCHAR")), true=quoted)]
    whole = exp.Case(ifs=whens, default=call("coalesce", text, literal("null")))
    return exp.Lambda(this=whole, expressions=[exp.to_identifier("s"), exp.to_identifier("k")])
