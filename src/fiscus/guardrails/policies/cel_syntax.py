"""The abstract syntax tree that Google's CEL writes out, read from its protobuf wire form (cel/expr/checked.proto, syntax.proto).

Only the few fields that a condition needs are read; no protobuf library is needed for them.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from fiscus.kernel.errors import BadConfig

Literal = bool | int | str | None


@dataclass(frozen=True, slots=True)
class Constant:
    """A literal. `kind` is bool, int, string, or the name of one that conditions do not have (double, bytes, uint, null)."""

    kind: str
    value: Literal


@dataclass(frozen=True, slots=True)
class Name:
    """A declared variable, such as intent.amount."""

    name: str


@dataclass(frozen=True, slots=True)
class Select:
    """`operand.field`; `test` is what has(operand.field) becomes."""

    operand: Syntax
    field: str
    test: bool


@dataclass(frozen=True, slots=True)
class Call:
    """An operator (_&&_, _==_, @in, _[_] ...), a function or, with its target first, a method."""

    function: str
    arguments: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class ListOf:
    """A list literal."""

    items: tuple[Syntax, ...]


@dataclass(frozen=True, slots=True)
class Other:
    """Something that CEL has and conditions have not: a comprehension or a message."""

    what: str


Syntax = Constant | Name | Select | Call | ListOf | Other
_CONSTANTS = {1: "null", 2: "bool", 3: "int", 4: "uint", 5: "double", 6: "string", 7: "bytes"}


def read_checked(serialized: bytes) -> Syntax:
    """The tree of a serialised cel.expr.CheckedExpr (in an Any)."""
    checked = _first(serialized, 2)
    return _expression(_first(checked, 4))


def _expression(data: bytes) -> Syntax:
    for number, value in _fields(data):
        match number:
            case 3:
                return _constant(_bytes(value))
            case 4:
                return Name(_text(_first(_bytes(value), 1)))
            case 5:
                return _select(_bytes(value))
            case 6:
                return _call(_bytes(value))
            case 7:
                return ListOf(tuple(_expression(_bytes(item)) for n, item in _fields(_bytes(value)) if n == 1))
            case 8:
                return Other("a map or message literal")
            case 9:
                return Other("a loop (all, exists, map, filter)")
    return Constant("null", None)


def _constant(data: bytes) -> Constant:
    for number, value in _fields(data):
        kind = _CONSTANTS.get(number, "unknown")
        if kind == "string":
            return Constant(kind, _text(_bytes(value)))
        if kind == "bool":
            return Constant(kind, bool(value))
        if kind == "int":
            assert isinstance(value, int)
            return Constant(kind, value - 2**64 if value >= 2**63 else value)
        return Constant(kind, None)
    return Constant("null", None)


def _select(data: bytes) -> Select:
    operand, field, test = b"", "", False
    for number, value in _fields(data):
        if number == 1:
            operand = _bytes(value)
        elif number == 2:
            field = _text(_bytes(value))
        elif number == 3:
            test = bool(value)
    return Select(_expression(operand), field, test)


def _call(data: bytes) -> Call:
    target, function, arguments = list[Syntax](), "", list[Syntax]()
    for number, value in _fields(data):
        if number == 1:
            target.append(_expression(_bytes(value)))
        elif number == 2:
            function = _text(_bytes(value))
        elif number == 3:
            arguments.append(_expression(_bytes(value)))
    return Call(function, (*target, *arguments))


def _first(data: bytes, wanted: int) -> bytes:
    return next((_bytes(value) for number, value in _fields(data) if number == wanted), b"")


def _bytes(value: int | bytes) -> bytes:
    assert isinstance(value, bytes)
    return value


def _text(value: bytes) -> str:
    return value.decode()


def _fields(data: bytes) -> Iterator[tuple[int, int | bytes]]:
    """(field number, value) of one message: varints as int, everything else as bytes."""
    at = 0
    while at < len(data):
        key, at = _varint(data, at)
        number, wire = key >> 3, key & 7
        if wire == 0:
            whole, at = _varint(data, at)
            yield number, whole
            continue
        size, at = (8, at) if wire == 1 else (4, at) if wire == 5 else _varint(data, at)
        if wire not in {1, 2, 5} or at + size > len(data):
            raise BadConfig("The checked condition cannot be read", remedy="Report it: CEL changed its wire form.")
        yield number, data[at : at + size]
        at += size


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 0x7F) << shift
        at += 1
        if byte < 0x80:
            return value, at
        shift += 7
