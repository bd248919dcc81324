"""The specification's own example files as rows: what they leave blank or call null is left out, dates are ISO 8601."""

from __future__ import annotations

import csv
import re
from pathlib import Path

_MONEY = re.compile(r"^\$?([\d,]+(?:\.\d+)?) *$")
_DAY = re.compile(r"^(\d{1,2})/(\d{1,2})/(\d{2})$")


def spec_rows(path: Path) -> list[dict[str, str]]:
    """Rows of `path`; `$10,000.00 ` is 10000.00 and `4/1/25` is 2025-04-01T00:00:00Z."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        return [{key: _plain(value) for key, value in row.items() if key} for row in csv.DictReader(file)]


def _plain(value: str) -> str:
    text = (value or "").strip()
    if text.lower() == "null":
        return ""
    if found := _DAY.match(text):
        month, day, year = found.groups()
        return f"20{year}-{int(month):02d}-{int(day):02d}T00:00:00Z"
    if found := _MONEY.match(text):
        return found[1].replace(",", "")
    return text
