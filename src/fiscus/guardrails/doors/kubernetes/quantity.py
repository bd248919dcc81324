"""Quantities as Kubernetes writes them: 250m, 1.5, 4Gi, 2e3 (kubernetes.io, resource quantities)."""

from __future__ import annotations

import re
from decimal import Decimal
from typing import Final

_FORM: Final = re.compile(r"([+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+))(?:([eE][+-]?[0-9]{1,3})|([numkMGTPE]|[KMGTPE]i))?")
_DECIMAL: Final = {"n": -9, "u": -6, "m": -3, "k": 3, "M": 6, "G": 9, "T": 12, "P": 15, "E": 18}
_BINARY: Final = {"Ki": 10, "Mi": 20, "Gi": 30, "Ti": 40, "Pi": 50, "Ei": 60}
GIB: Final = Decimal(2**30)


def parse_quantity(value: object) -> Decimal | None:
    """The number that is meant; None for what is no quantity, or less than nothing."""
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        return None
    found = _FORM.fullmatch(str(value).strip())
    if found is None:
        return None
    number = Decimal(found[1] + (found[2] or ""))
    if unit := found[3]:
        number = number.scaleb(_DECIMAL[unit]) if unit in _DECIMAL else number * 2 ** _BINARY[unit]
    return number if number.is_finite() and number >= 0 else None
