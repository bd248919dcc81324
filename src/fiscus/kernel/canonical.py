"""One byte form for a value, so that a hash of it means the same everywhere (RFC 8785, JSON Canonicalization Scheme)."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from json import JSONEncoder
from json.encoder import encode_basestring
from math import isfinite
from operator import attrgetter
from typing import Any, Final, TypeAlias

import rfc8785

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
SAFE_INT: Final = 2**53 - 1  # what every JSON reader holds exactly
_PLAIN: Final = frozenset({str, bool, type(None)})
_TEXT: Final = frozenset({str})
_ENCODE: Final = JSONEncoder(ensure_ascii=False, check_circular=False, separators=(",", ":"), sort_keys=True).encode
quoted: Final = encode_basestring  # a text as RFC 8785 writes it: as json does without ASCII escapes


def to_json(value: object) -> Json:
    """Plain JSON of dataclasses, Decimals (as text, no digit lost), dates (ISO 8601), enums and collections.

    JSON has no Infinity and no NaN (RFC 8259, section 6): they are those words as texts, of a float as of a Decimal.
    """
    kind: Any = type(value)
    if kind in _PLAIN or kind is int:
        return value  # type: ignore[return-value]  # exactly these types
    if (direct := _DIRECT.get(kind)) is not None:
        return direct(value)
    if (fields_of := _fields(kind)) is not None:
        return fields_of(value)
    if isinstance(value, Enum):
        return to_json(value.value)
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, bool | int | str):
        return value
    for general, plain in _GENERAL:
        if isinstance(value, general) and not isinstance(value, bytes):
            return plain(value)
    return str(value)


def _mapping(value: Any) -> Json:
    if _PLAIN.issuperset(map(type, value.values())) and _TEXT.issuperset(map(type, value)):
        return dict(value)
    return {str(key): item if type(item) in _PLAIN else to_json(item) for key, item in value.items()}


def _listed(value: Any) -> Json:
    return [item if type(item) in _PLAIN else to_json(item) for item in value]


def _decimal(value: Any) -> Json:
    return format(value, "f")


def _float(value: Any) -> Json:
    return value if isfinite(value) else format(Decimal(value), "f")


def _instant(value: Any) -> Json:
    text: str = value.isoformat()
    return text


def _set(value: Any) -> Json:
    return sorted((to_json(item) for item in value), key=str)


_DIRECT: Final[Mapping[type, Callable[[Any], Json]]] = {
    Decimal: _decimal, float: _float, dict: _mapping, list: _listed, tuple: _listed, datetime: _instant, date: _instant,
}  # fmt: skip
_GENERAL: Final[tuple[tuple[type, Callable[[Any], Json]], ...]] = (
    (Decimal, _decimal), (date, _instant), (Mapping, _mapping), (AbstractSet, _set), (Sequence, _listed),
)  # fmt: skip


def canonical_bytes(value: object) -> bytes:
    """The RFC 8785 bytes of `to_json(value)`."""
    plain = to_json(value)
    if _is_easy(plain):
        try:
            return _ENCODE(plain).encode()
        except UnicodeEncodeError:  # half of a surrogate pair: refused below, in its words
            pass
    return rfc8785.dumps(plain)


def digest(value: object) -> str:
    """SHA-256 of the canonical bytes, as 64 hex characters."""
    return hashlib.sha256(canonical_bytes(value)).hexdigest()


@cache
def _fields(kind: Any) -> Callable[[Any], Json] | None:
    """What makes plain JSON of a dataclass; None for anything else."""
    if not is_dataclass(kind):
        return None
    names = tuple(field.name for field in fields(kind))
    if len(names) < 2:
        return lambda value: {name: to_json(getattr(value, name)) for name in names}
    parts_of = attrgetter(*names)

    def plain(value: Any) -> Json:
        parts = dict(zip(names, parts_of(value), strict=True))
        for name, part in parts.items():
            if type(part) not in _PLAIN:
                parts[name] = to_json(part)
        return parts

    return plain


def _is_easy(plain: Json) -> bool:
    """Whether the standard encoder writes what RFC 8785 asks for: no floats, safe integers, names that sort alike."""
    kind = type(plain)
    if kind in _PLAIN:
        return True
    if isinstance(plain, dict):
        rest = [item for item in plain.values() if type(item) not in _PLAIN]
        return "".join(plain).isascii() and all(map(_is_easy, rest))
    if isinstance(plain, list):
        return _PLAIN.issuperset(map(type, plain)) or all(map(_is_easy, plain))
    return kind is int and -SAFE_INT <= plain <= SAFE_INT  # type: ignore[operator]  # an int
