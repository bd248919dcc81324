"""The attributes of one planned resource, read by name and type; a value that is known only after apply says so."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal, InvalidOperation
from typing import Any, Final

NUMBER_MAX: Final = Decimal(10) ** 12  # gigabytes, machines and operations that anybody could ask for
NUMBER_CHARS_SHOWN: Final = 40


class KnownAfterApply(Exception):
    """The price depends on an attribute whose value Terraform does not know yet. `attribute` names it."""

    def __init__(self, attribute: str) -> None:
        super().__init__(attribute)
        self.attribute = attribute


class NoSuchNumber(Exception):
    """A number that nothing can have: fewer than none, or more than anybody sells. Its message names the attribute."""

    def __init__(self, attribute: str, value: object) -> None:
        super().__init__(f"{attribute} is {str(value)[:NUMBER_CHARS_SHOWN]}, which no resource can have")


@dataclass(frozen=True, slots=True)
class Attributes:
    """`values` as planned or as they stand; `unknown` has the same shape with true where nothing is known yet.

    `computed`: an attribute that the provider fills in where nobody sets it; unknown then means its usual value.
    """

    values: Mapping[str, Any]
    unknown: Mapping[str, Any] = field(default_factory=dict)
    path: str = ""

    def text(self, name: str, default: str = "", *, computed: bool = False) -> str:
        """A text; `default` where it is not set. Raises KnownAfterApply."""
        value = self._known(name, computed)
        return default if value is None or isinstance(value, Mapping | list) else str(value)

    def number(self, name: str, default: int | str = 0, *, computed: bool = False) -> Decimal:
        """A number, also one written as text. Raises KnownAfterApply, NoSuchNumber."""
        value = self._known(name, computed)
        try:
            found = Decimal(str(default if value is None or value == "" else value))
        except InvalidOperation:
            return Decimal(default)
        if not (found.is_finite() and 0 <= found <= NUMBER_MAX):
            raise NoSuchNumber(f"{self.path}{name}", value)
        return found

    def flag(self, name: str) -> bool:
        """True only where it is set to true; not known is not set."""
        return self._known(name, computed=True) is True

    def blocks(self, name: str) -> list[Attributes]:
        """The nested blocks of a name. A block type of which not even the number is known is none."""
        given, unknown = self.values.get(name), self.unknown.get(name)
        items = given if isinstance(given, list) else [given] if isinstance(given, Mapping) else []
        unknowns = unknown if isinstance(unknown, list) else [unknown] * len(items)
        found = []
        for number, item in enumerate(items):
            if isinstance(item, Mapping):
                other = unknowns[number] if number < len(unknowns) else {}
                dark = other if isinstance(other, Mapping) else {}
                found.append(Attributes(item, dark, f"{self.path}{name}."))
        return found

    def block(self, name: str) -> Attributes:
        """The first block of a name; one without values where there is none."""
        found = self.blocks(name)
        return found[0] if found else Attributes({}, {}, f"{self.path}{name}.")

    def texts(self, name: str) -> list[str]:
        """A list of texts; not known is empty."""
        value = self._known(name, computed=True)
        return [item for item in value if isinstance(item, str)] if isinstance(value, list) else []

    def has(self, name: str) -> bool:
        """Whether it is set, known or not."""
        return self.values.get(name) not in (None, "", [], {}) or self.unknown.get(name) is True

    def _known(self, name: str, computed: bool) -> Any:
        if self.unknown.get(name) is True and not computed:
            raise KnownAfterApply(f"{self.path}{name}")
        return self.values.get(name)
