"""Pricing units as one vocabulary: `Hours`, `1 Hour`, `100 Hours` and `hour` are all so many of an `hour`."""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Final

_ALIASES: Final[Mapping[str, tuple[str, ...]]] = {
    "hour": ("hour", "hours", "hr", "hrs", "instance hour", "instance hours", "node hour", "node hours"),
    "month": ("month", "months"),
    "gb-month": (
        "gb month", "gb months", "gb mo", "gib month", "gibibyte month", "gigabyte month",
        "gigabyte storage capacity per month",
    ),
    "vcpu-hour": ("vcpu hour", "vcpu hours", "core hour", "core hours"),
    "gb-hour": ("gb hour", "gb hours", "gib hour", "gibibyte hour", "gigabyte hour"),
    "iops-month": ("iops month", "iops months", "iops mo"),
    "mbps-month": ("mbps month", "mibps month", "mibps mo", "mbps mo"),
}  # fmt: skip
_UNIT: Final = {alias: unit for unit, aliases in _ALIASES.items() for alias in aliases}
_NUMBERED: Final = re.compile(r"(\d[\d,]*)[\s/]+(.+)")


def parse_unit(text: str) -> tuple[Decimal, str]:
    """(how many, of what): `100 Hours` is (100, "hour"). An unknown unit is itself in lower case, words joined by dashes."""
    text = text.strip().casefold()
    many = Decimal(1)
    if found := _NUMBERED.fullmatch(text):
        many, text = Decimal(found[1].replace(",", "")), found[2]
    words = " ".join(re.split(r"[\s/_-]+", text))
    if many == 0:
        return Decimal(1), words.replace(" ", "-")
    return many, _UNIT.get(words, words.replace(" ", "-"))
