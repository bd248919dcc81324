"""An AI vendor's invoice or export as a CSV file, for vendors that document no billing API (Hugging Face, Perplexity, Mistral).

Columns: date and amount; currency, model, item, account and quantity where the vendor says them. No vendor documents its
export, so the names are ours: rename the columns of what the console gives.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from datetime import date
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Final

from fiscus.cost.ai.types import VendorCost
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import BadInput, Where

REQUIRED: Final = ("date", "amount")
KNOWN: Final = (*REQUIRED, "currency", "model", "item", "account", "quantity")


def read_invoice(path: Path, currency: str) -> list[VendorCost]:
    """Every line of it; `currency` where a line says none. Raises BadInput with file, row and column."""
    with path.open(newline="", encoding="utf-8-sig") as file:
        reader = csv.DictReader(file)
        columns = [name.strip().lower() for name in reader.fieldnames or ()]
        reader.fieldnames = columns
        for name in REQUIRED:
            if name not in columns:
                raise _wrong(path, 1, name, f"There is no column {name}", f"Known columns: {', '.join(KNOWN)}.")
        for name in columns:
            if name not in KNOWN:
                raise _wrong(path, 1, name, f"Nobody knows the column {name!r}", did_you_mean(name, list(KNOWN)))
            if columns.count(name) > 1:
                raise _wrong(path, 1, name, f"The column {name} stands twice", "Keep one of them.")
        costs = list(_costs(path, reader, currency))
    if not costs:
        raise _wrong(path, 1, "date", "The file holds no line", "Check the export.")
    return costs


def _costs(path: Path, reader: csv.DictReader[str], currency: str) -> Iterator[VendorCost]:
    for row in reader:
        line = reader.line_num
        yield VendorCost(
            day=_day(path, line, row),
            amount=_number(path, line, "amount", row),
            currency=(row.get("currency") or currency).strip().upper(),
            item=(row.get("item") or row.get("model") or "").strip(),
            model=(row.get("model") or "").strip(),
            account=(row.get("account") or "").strip(),
            quantity=_number(path, line, "quantity", row) if (row.get("quantity") or "").strip() else None,
        )


def _day(path: Path, line: int, row: Mapping[str, str]) -> date:
    text = (row.get("date") or "").strip()
    try:
        return date.fromisoformat(text)
    except ValueError:
        raise _wrong(path, line, "date", f"{text!r} is not a date", "Write it as YYYY-MM-DD.") from None


def _number(path: Path, line: int, column: str, row: Mapping[str, str]) -> Decimal:
    text = (row.get(column) or "").strip()
    try:
        number = Decimal(text)
    except InvalidOperation:
        number = Decimal("NaN")
    if not number.is_finite() or abs(number) >= 10**15:
        raise _wrong(path, line, column, f"{text!r} is no decimal number", "Write it plainly, such as 12.50.")
    return number


def _wrong(path: Path, line: int, column: str, message: str, remedy: str) -> BadInput:
    return BadInput(message, remedy=remedy, where=Where(file=str(path), line=line, column=column))
