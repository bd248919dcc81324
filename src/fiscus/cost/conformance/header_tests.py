"""Rules about the columns themselves: names, order, types, and which must be there. Each returns the columns at fault."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from fiscus.cost.conformance.types import DeliveredColumn, FocusColumn

COLUMN_NAME_CHARS_MAX: Final = 50
_PASCAL: Final = re.compile(r"[A-Z][a-z0-9]+([A-Z][a-z0-9]*)*|[A-Z][A-Za-z0-9]*")
_ACRONYM: Final = re.compile(r"[A-Z]{4,}")
NO_TYPE: Final = '"NULL"'
_ALLOCATION: Final = ("AllocatedMethodId", "AllocatedResourceId", "AllocatedResourceName", "AllocatedTags")


@dataclass(frozen=True, slots=True)
class Header:
    """The delivered columns in order, and those that FOCUS defines for the version."""

    delivered: Sequence[DeliveredColumn]
    focus: Mapping[str, FocusColumn]
    splits_costs: bool

    @property
    def names(self) -> list[str]:
        return [column.name for column in self.delivered]

    @property
    def custom(self) -> list[str]:
        return [name for name in self.names if name not in self.focus]


Faults = list[str] | None
"""None: the rule has nothing to look at here."""


def _pascal_case(header: Header) -> Faults:
    known = {name.lower().replace("_", "").replace(" ", ""): name for name in header.focus}
    return [name for name in header.custom if name.lower().replace("_", "").replace(" ", "") in known]


def _known_or_custom(header: Header) -> Faults:
    starts = {name[:n] for name in header.focus for n in range(6, len(name))}
    return [name for name in header.custom if not name.startswith("x_") and name in starts]


def _alphanumeric(header: Header) -> Faults:
    return [name for name in header.names if not re.fullmatch(r"(x_)?[A-Za-z0-9]+", name)]


def _no_acronyms(header: Header) -> Faults:
    return [name for name in header.custom if _ACRONYM.search(name)] if header.custom else None


def _short_names(header: Header) -> Faults:
    return [name for name in header.names if len(name) > COLUMN_NAME_CHARS_MAX]


def _id_and_name(header: Header) -> Faults:
    names = set(header.names)
    return [
        name for name in header.custom if name.startswith("x_") and (f"{name}Id" in names or f"{name}Name" in names)
    ] or ([] if header.custom else None)


def _custom_prefix(header: Header) -> Faults:
    return [name for name in header.custom if not name.startswith("x_")] if header.custom else None


def _custom_rules(header: Header) -> Faults:
    if not header.custom:
        return None
    return [name for name in header.custom if not re.fullmatch(r"x_[A-Z][A-Za-z0-9]{0,47}", name)]


def _focus_first(header: Header) -> Faults:
    if not header.custom:
        return None
    first = next(n for n, name in enumerate(header.names) if name not in header.focus)
    return [name for name in header.names[first:] if name in header.focus]


def _allocation_columns(header: Header) -> Faults:
    return [name for name in _ALLOCATION if name not in header.names] if header.splits_costs else None


def _allocation_details(header: Header) -> Faults:
    return [name for name in ("AllocatedMethodDetails",) if name not in header.names] if header.splits_costs else None


def _numeric_types(header: Header) -> Faults:
    """A column in which nothing stands may have no type at all."""
    typed = [c for c in header.delivered if c.native != NO_TYPE]
    numeric = [c for c in typed if c.name in header.focus and header.focus[c.name].type == "Decimal"]
    return [c.name for c in numeric if c.kind not in {"number", "text"} or (c.kind == "text" and c.native != "CSV")]


TESTS: Final[Mapping[str, Callable[[Header], Faults]]] = {
    "pascal_case": _pascal_case,
    "known_or_custom": _known_or_custom,
    "alphanumeric": _alphanumeric,
    "no_acronyms": _no_acronyms,
    "short_names": _short_names,
    "id_and_name": _id_and_name,
    "custom_prefix": _custom_prefix,
    "custom_rules": _custom_rules,
    "focus_first": _focus_first,
    "allocation_columns": _allocation_columns,
    "allocation_details": _allocation_details,
    "numeric_types": _numeric_types,
}
