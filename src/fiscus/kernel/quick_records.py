"""Frozen records made as fast as mutable ones, for where somebody waits: a decision makes twenty of them.

A frozen dataclass sets each of its fields by a call of `object.__setattr__`, which takes three to four times as long as setting
it. `quickly(Headroom)` makes the same records: the fields are set on a mutable twin with the same slots, and the last thing that
is done to it makes it a `Headroom`, frozen from then on. Python allows that of classes that are laid out alike.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import MISSING, fields, is_dataclass, make_dataclass
from dataclasses import Field as DataField
from dataclasses import field as data_field
from typing import Any, ParamSpec, TypeVar, cast

P = ParamSpec("P")
T = TypeVar("T")


def quickly(kind: Callable[P, T]) -> Callable[P, T]:
    """Makes what `kind`, a frozen slotted dataclass without a `__post_init__`, makes of the same arguments."""
    assert is_dataclass(kind)
    assert "__slots__" in vars(kind)
    assert not hasattr(kind, "__post_init__")
    assert all(one.init for one in fields(kind))

    def become(self: Any) -> None:
        self.__class__ = kind

    said = [(one.name, Any, _field(one)) for one in fields(kind)]
    name = getattr(kind, "__name__", "")
    twin = make_dataclass(name, said, namespace={"__post_init__": become}, slots=True, eq=False, repr=False)
    return cast("Callable[P, T]", twin)


def _field(of: DataField[Any]) -> Any:
    if of.default is not MISSING:
        return data_field(default=of.default)
    return data_field() if of.default_factory is MISSING else data_field(default_factory=of.default_factory)
