"""A vendor's unit in the words of FOCUS: `gibibyte month` is GiB-Months, `1 Hour` Hours, `ECPU Per Hour` ECPU-Hours.

Only the spelling changes, never the amount: a quantity of one is left out, any other stays before the unit. What is not
understood stays as the vendor wrote it. Source: FOCUS 1.2 to 1.4, attribute UnitFormat.
"""

from __future__ import annotations

import re
from functools import cache
from typing import Final

TIMES: Final = ("Year", "Month", "Week", "Day", "Hour", "Minute", "Second")
SIZES: Final = {
    "byte": "B", "kilobyte": "KB", "megabyte": "MB", "gigabyte": "GB", "terabyte": "TB", "petabyte": "PB", "kibibyte": "KiB",
    "mebibyte": "MiB", "gibibyte": "GiB", "tebibyte": "TiB", "pebibyte": "PiB",
}  # fmt: skip
SCALES: Final = {"K": 1_000, "M": 1_000_000}
_QUANTITY: Final = re.compile(r"(?P<count>\d+)(?P<scale>[KM])?(?:\s+|(?=/))(?P<rest>.+)")
_TIME: Final = "|".join(f"{name}s?" for name in TIMES)
_OVER_TIME: Final = re.compile(rf"(?P<unit>.+?)(?:\s+per\s+|\s+|-)(?P<time>{_TIME})", re.IGNORECASE)
_RATE: Final = re.compile(rf"(?P<unit>[^/]*)/\s*(?P<time>{_TIME})", re.IGNORECASE)


@cache
def focus_unit(text: str) -> str:
    """`text` as UnitFormat has it; as it is where it already does, or cannot be understood."""
    told = " ".join(text.split())
    count, rest = 1, told
    if found := _QUANTITY.fullmatch(told):
        count, rest = int(found["count"]) * SCALES.get(found["scale"] or "", 1), found["rest"]
    unit = _unit(rest)
    return unit if count == 1 else f"{count} {unit}"


def _unit(text: str) -> str:
    if rate := _RATE.fullmatch(text):
        return f"{_word(rate['unit'])}/{_time(rate['time'])}" if rate["unit"].strip() else f"{_time(rate['time'])}s"
    if over := _OVER_TIME.fullmatch(text):
        return f"{_word(over['unit'])}-{_time(over['time'])}s"
    return _word(text)


def _word(text: str) -> str:
    """A unit that is no time over another: sizes by their sign, times with a capital and in the plural, words with a capital."""
    plain = text.strip()
    singular = plain.lower().removesuffix("s")
    if singular in SIZES:
        return SIZES[singular]
    if singular.capitalize() in TIMES:
        return f"{singular.capitalize()}s"
    start = plain.split(" ", 1)[0]
    if start.lower() in SIZES and " " in plain:
        return f"{SIZES[start.lower()]} {plain.split(' ', 1)[1]}"
    return plain[:1].upper() + plain[1:] if plain.isalpha() and plain.islower() else plain


def _time(text: str) -> str:
    return text.lower().removesuffix("s").capitalize()
