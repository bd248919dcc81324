"""Frozen dataclasses to JSON text and back, without losing a digit: what was stored equals what was put.

Typed fields follow their type hints (Decimal and dates as text). Where the type says `object` the value carries its own mark
({"$decimal": "1.20"}), so that a query's parameters come back as what they were.
"""

from __future__ import annotations

import json
import types
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from functools import cache
from typing import Any, Literal, TypeVar, Union, cast, get_args, get_origin, get_type_hints

T = TypeVar("T")


def to_text(value: object) -> str:
    """JSON text of a dataclass instance or of a plain value (as if its type were `object`)."""
    plain = _typed(value) if is_dataclass(value) else _marked(value)
    return json.dumps(plain, separators=(",", ":"), sort_keys=True)


def from_text(kind: type[T], text: str) -> T:
    """The instance of dataclass `kind` that `to_text` wrote. Fields it lacks take their defaults."""
    value = _decoder(cast("Any", kind))(json.loads(text))
    assert isinstance(value, kind)
    return value


def value_from_text(text: str) -> object:
    """A plain value that `to_text` wrote."""
    return _unmarked(json.loads(text))


def _typed(value: object) -> object:
    """JSON of a dataclass: its typed fields bare, its `object` fields marked."""
    hints = _hints(cast("Any", type(value)))
    return {
        f.name: _by_hint(hints[f.name], getattr(value, f.name))
        for f in fields(value)  # type: ignore[arg-type]
    }


def _by_hint(hint: Any, value: object) -> object:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if hint is object or hint is Any:
        return _marked(value)
    if is_dataclass(value):
        return _typed(value)
    if isinstance(value, Decimal):
        return str(value)
    if isinstance(value, datetime | date):
        return value.isoformat()
    arguments = [a for a in get_args(hint) if a is not type(None)]
    if get_origin(hint) in {Union, types.UnionType}:
        return _by_hint(arguments[0], value) if len(arguments) == 1 else _marked(value)
    if isinstance(value, Mapping):
        inner = arguments[1] if len(arguments) == 2 else object
        return {str(key): _by_hint(inner, item) for key, item in value.items()}
    assert isinstance(value, Sequence), f"{type(value).__name__} cannot be stored"
    return [_by_hint(inner, item) for inner, item in zip(_each(arguments, len(value)), value, strict=True)]


def _each(arguments: Sequence[Any], length: int) -> Sequence[Any]:
    """The hints of a sequence's items: tuple[X, ...] repeats X, tuple[X, Y] is fixed."""
    if not arguments:
        return [object] * length
    if len(arguments) == 2 and arguments[1] is not Ellipsis and length == 2:
        return arguments
    return [arguments[0]] * length


def _marked(value: object) -> object:
    if value is None or isinstance(value, bool | int | float | str):
        return value
    if isinstance(value, Decimal):
        return {"$decimal": str(value)}
    if isinstance(value, datetime):
        return {"$instant": value.isoformat()}
    if isinstance(value, date):
        return {"$date": value.isoformat()}
    return _marked_collection(value)


def _marked_collection(value: object) -> object:
    if is_dataclass(value):
        return _marked({f.name: getattr(value, f.name) for f in fields(value)})
    if isinstance(value, Mapping):
        plain = {str(key): _marked(item) for key, item in value.items()}
        return {"$map": plain} if len(plain) == 1 and next(iter(plain)).startswith("$") else plain
    if isinstance(value, tuple):
        return {"$tuple": [_marked(item) for item in value]}
    if isinstance(value, AbstractSet):
        return sorted((_marked(item) for item in value), key=str)
    if isinstance(value, Sequence) and not isinstance(value, bytes):
        return [_marked(item) for item in value]
    return str(value)


_UNMARK: Mapping[str, Callable[[Any], object]] = {
    "$decimal": Decimal,
    "$instant": datetime.fromisoformat,
    "$date": date.fromisoformat,
    "$tuple": lambda items: tuple(_unmarked(item) for item in items),
    "$map": lambda plain: {key: _unmarked(item) for key, item in plain.items()},
}


def _unmarked(value: object) -> object:
    if isinstance(value, dict):
        if len(value) == 1:
            ((mark, inner),) = value.items()
            if mark in _UNMARK:
                return _UNMARK[mark](inner)
        return {key: _unmarked(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_unmarked(item) for item in value]
    return value


@cache
def _hints(kind: type) -> Mapping[str, Any]:
    return get_type_hints(kind)


_SCALARS: Mapping[Any, Callable[[Any], object]] = {
    Decimal: Decimal,
    datetime: datetime.fromisoformat,
    date: date.fromisoformat,
    object: _unmarked,
    Any: _unmarked,
}


@cache
def _decoder(hint: Any) -> Callable[[Any], object]:
    """How JSON becomes a value of type `hint`."""
    if hint in _SCALARS:
        return _SCALARS[hint]
    origin, arguments = get_origin(hint), get_args(hint)
    if origin is Literal or hint in {str, int, bool, float, type(None)}:
        return _as_it_is
    if origin in {Union, types.UnionType}:
        return _optional(arguments)
    if is_dataclass(hint):
        assert isinstance(hint, type)
        return _instance(hint)
    if origin is tuple:
        return _tuple(arguments)
    if isinstance(origin, type) and issubclass(origin, Mapping):
        inner = _decoder(arguments[1])
        return lambda data: {key: inner(item) for key, item in data.items()}
    inner = _decoder(arguments[0]) if arguments else _unmarked
    return lambda data: tuple(inner(item) for item in data)


def _as_it_is(data: Any) -> object:
    return data


def _optional(arguments: tuple[Any, ...]) -> Callable[[Any], object]:
    present = [a for a in arguments if a is not type(None)]
    inner = _decoder(present[0]) if len(present) == 1 else _unmarked
    return lambda data: None if data is None else inner(data)


def _tuple(arguments: tuple[Any, ...]) -> Callable[[Any], object]:
    if len(arguments) == 2 and arguments[1] is Ellipsis:
        inner = _decoder(arguments[0])
        return lambda data: tuple(inner(item) for item in data)
    decoders = [_decoder(argument) for argument in arguments]
    return lambda data: tuple(decode(item) for decode, item in zip(decoders, data, strict=True))


def _instance(kind: type) -> Callable[[Any], object]:
    decoders: dict[str, Callable[[Any], object]] = {}

    def decode(data: Any) -> object:
        if not decoders:  # built at first use, so that a type may contain itself
            decoders.update({name: _decoder(hint) for name, hint in _hints(kind).items()})
        return kind(**{name: decoders[name](item) for name, item in data.items() if name in decoders})

    return decode
