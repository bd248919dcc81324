"""Lists on Spark as DuckDB has them: in the order that was asked for, NULLs kept, none at all where there was no row."""

from __future__ import annotations

from sqlglot import exp

from fiscus.stores.lake.spark_nodes import CannotTranslate, Types, call, cast, given

SUMMED = {exp.DataType.Type.DECIMAL, exp.DataType.Type.DOUBLE}


def list_aggregate(node: exp.Expression, _: Types) -> exp.Expression:
    """list([DISTINCT] x [ORDER BY ...]): rows are gathered with what they are ordered by, sorted, and only x is kept."""
    value, keys = node.this, []
    if isinstance(value, exp.Order):
        value, keys = value.this, value.expressions
    distinct = isinstance(value, exp.Distinct)
    if isinstance(value, exp.Distinct):
        if len(value.expressions) == 1 and isinstance(value.expressions[0], exp.Order):
            keys = value.expressions[0].expressions
            value = value.expressions[0].this
        else:
            (value,) = value.expressions
    fields = [exp.PropertyEQ(this=exp.to_identifier(f"k{n}"), expression=key.this.copy()) for n, key in enumerate(keys)]
    row = exp.Struct(expressions=[exp.PropertyEQ(this=exp.to_identifier("v"), expression=value.copy()), *fields])
    gathered: exp.Expression = call("collect_set" if distinct else "collect_list", row)
    target = node
    if isinstance(node.parent, exp.Filter):
        target = node.parent
        gathered = exp.Filter(this=gathered, expression=target.expression.copy())
    if keys:
        gathered = call("array_sort", gathered, _ordering(keys))
    kept = call("transform", gathered, _lambda(["s"], exp.column("v", table="s")))
    made = call("nullif", kept, exp.Array(expressions=[]))
    if target is node:
        return made
    target.replace(made)
    return node


def _ordering(keys: list[exp.Expression]) -> exp.Expression:
    """(a, b) -> -1, 0 or 1 by the keys; NULLs where the ORDER BY has them."""
    whens = []
    for n, key in enumerate(keys):
        a, b = exp.column(f"k{n}", table="a"), exp.column(f"k{n}", table="b")
        up, nulls = ("1", "-1") if key.args.get("desc") else ("-1", "1"), key.args.get("nulls_first")
        first, last = ("-1", "1") if nulls else ("1", "-1")
        del nulls
        whens += [
            (exp.and_(a.copy().is_(exp.null()), exp.not_(b.copy().is_(exp.null()))), first),
            (exp.and_(b.copy().is_(exp.null()), exp.not_(a.copy().is_(exp.null()))), last),
            (exp.LT(this=a.copy(), expression=b.copy()), up[0]),
            (exp.GT(this=a.copy(), expression=b.copy()), up[1]),
        ]
    case = exp.Case(
        ifs=[exp.If(this=test, true=exp.Literal.number(answer)) for test, answer in whens],
        default=exp.Literal.number("0"),
    )
    return _lambda(["a", "b"], case)


def _lambda(names: list[str], body: exp.Expression) -> exp.Lambda:
    return exp.Lambda(this=body, expressions=[exp.to_identifier(name) for name in names])


def array_slice(array: exp.Expression, cut: exp.Slice) -> exp.Expression:
    """list[from:to], both from 1 and inclusive."""
    start, end = cut.this, cut.expression
    if end is None or cut.args.get("step") is not None or isinstance(start, exp.Neg) or isinstance(end, exp.Neg):
        raise CannotTranslate("a slice without an end, or counted from the end")
    first = start.copy() if start is not None else exp.Literal.number(1)
    length = (
        end.copy()
        if start is None
        else exp.Add(this=exp.Sub(this=end.copy(), expression=first.copy()), expression=exp.Literal.number(1))
    )
    return call("slice", array, first, length)


def without_bits(node: exp.Expression) -> exp.Expression:
    """bit_count(bit_or(1 << k)) counts the different k: said so, it needs no number of 128 bits."""
    condition = node.expression.this if isinstance(node, exp.Filter) else None
    aggregate = node.this if isinstance(node, exp.Filter) else node
    shift = aggregate.this if isinstance(aggregate, exp.BitwiseOrAgg) else None
    if not isinstance(shift, exp.BitwiseLeftShift):
        raise CannotTranslate("bit_count of anything but bit_or(1 << k)")
    count: exp.Expression = exp.Count(this=exp.Distinct(expressions=[shift.expression.copy()]), big_int=True)
    if condition is not None:
        count = exp.Filter(this=count, expression=exp.Where(this=condition.copy()))
    return call("nullif", count, exp.Literal.number(0))


def unnested(node: exp.Expression, _: Types) -> exp.Expression:
    """SELECT unnest(a), unnest(b) walks the lists side by side: on Spark, the rows of one zipped list."""
    assert isinstance(node, exp.Select)
    found = [one for item in node.expressions for one in item.find_all(exp.Explode, exp.Unnest)]
    if not found:
        return node
    lists = [one.this if isinstance(one, exp.Explode) else one.expressions[0] for one in found]
    if node.args.get("from_") is not None or node.args.get("from") is not None:
        return _beside_rows(node, found, lists)
    zipped = call("arrays_zip", *lists)
    for n, one in enumerate(found):
        one.replace(exp.Dot(this=exp.column("u"), expression=exp.to_identifier(str(n), quoted=True)))
    inner = exp.select(exp.alias_(call("explode", zipped), "u"))
    return node.from_(inner.subquery("zipped"), copy=False)


def _beside_rows(node: exp.Select, found: list[exp.Expression], lists: list[exp.Expression]) -> exp.Expression:
    """One list of each row: an entry a row, and with `recursive := true` a column a field of it."""
    if len(found) > 1:
        raise CannotTranslate("several unnest beside FROM")
    (one,), (array,) = found, lists
    recursive = any(word.name == "recursive" for word in one.find_all(exp.Identifier))
    one.replace(call("inline" if recursive else "explode", array))
    return node


def least_entries(node: exp.Expression, _: Types) -> exp.Expression:
    """min(x, n): the n smallest. Each machine keeps n of them."""
    if node.args.get("count") is None:
        return node
    return call("min_by", node.this, node.this, node.args["count"])


def contained(node: exp.Expression, _: Types) -> exp.Expression:
    """list_contains: a NULL in the list is not what is looked for; whether NULL is in it is not known.

    What is looked for is written within the lambda, so its variable has a name that no table and no column of a question has.
    """
    entry = "entry_of_list"
    same = exp.NullSafeEQ(this=exp.column(entry), expression=node.expression.copy())
    return exp.Case(ifs=[exp.If(this=given(node.expression), true=call("exists", node.this, _lambda([entry], same)))])


def flattened(node: exp.Expression, _: Types) -> exp.Expression:
    """A list that is NULL among the lists has no entries."""
    kept = exp.not_(exp.column("l").is_(exp.null()))
    return call("flatten", call("filter", node.this, _lambda(["l"], kept)))


def summed(given: list[exp.Expression]) -> exp.Expression:
    """list_sum: NULLs are passed over, and none at all is NULL. Of numbers that are cast in the list: their type is needed."""
    kind = next((one.copy() for one in given[0].find_all(exp.DataType) if one.this in SUMMED), None)
    if kind is None:
        raise CannotTranslate("list_sum of numbers whose type is not written out")
    if kind.this == exp.DataType.Type.DECIMAL:
        kind.expressions[0].set("this", exp.Literal.number(38))
    numbers = call("filter", given[0], _lambda(["n"], exp.not_(exp.column("n").is_(exp.null()))))
    plus = exp.Cast(this=exp.Add(this=exp.column("a"), expression=exp.column("n")), to=kind.copy())
    start = exp.Cast(this=exp.Literal.number(0), to=kind.copy())
    whole = call("aggregate", numbers, start, _lambda(["a", "n"], plus))
    return exp.Case(ifs=[exp.If(this=exp.GT(this=call("size", numbers), expression=exp.Literal.number(0)), true=whole)])


def discrete(node: exp.Expression, _: Types) -> exp.Expression:
    """quantile_disc(x, share): the first value that this share does not pass. Exact: Spark's own goes through a double."""
    sorted_ = call("array_sort", call("collect_list", node.this))
    place = exp.Mul(this=cast(node.expression, "DOUBLE"), expression=call("count", node.this))
    first = call("greatest", exp.Literal.number(1), cast(call("ceil", place), "INT"))
    return call("try_element_at", sorted_, first)
