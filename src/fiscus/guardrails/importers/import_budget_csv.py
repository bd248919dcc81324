"""Budgets from a spreadsheet: a CSV with one line a budget and period, as docs/how-to/importing.md describes it."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Final

from fiscus.guardrails.budgets.load_budgets import AMOUNT_MAX, load_budgets
from fiscus.guardrails.importers.types import Imported
from fiscus.guardrails.importers.write_yaml import slug, write_items
from fiscus.guardrails.types import SCOPE_DIMENSIONS
from fiscus.kernel.documents import did_you_mean
from fiscus.kernel.errors import BadConfig, BadInput, Where
from fiscus.kernel.fiscal_labels import is_named
from fiscus.kernel.limits import BUDGETS_MAX
from fiscus.kernel.money import COST_SCALE
from fiscus.kernel.periods import FiscalCalendar, PeriodKind

REQUIRED: Final = ("budget", "period", "amount", "currency")
SAME: Final = ("title", "currency", "owner", "metric", "cap", "parent", "include_tax", "include_credits")
KINDS: Final[tuple[PeriodKind, ...]] = ("week", "month", "quarter", "year")
EVERY: Final = "every"  # a period such as `every month`: the amount of each that has no line of its own
ROWS_MAX: Final = 200_000
_TRUE: Final[Mapping[str, bool]] = {"true": True, "yes": True, "false": False, "no": False}


def import_budget_csv(text: str, file: str, owner: str, calendar: FiscalCalendar) -> Imported:
    """The budgets of `text` as YAML of `budgets/`. Raises BadInput with file, row and column."""
    reader = csv.reader(io.StringIO(text.removeprefix("\ufeff")))
    try:
        header = [name.strip() for name in next(reader, [])]
        _check_header(header, file)
        rows = [[cell.strip() for cell in row] for row in reader]
    except csv.Error as broken:
        raise BadInput(f"{file} is no CSV: {broken}", remedy="Save it as CSV, UTF-8.", where=Where(file=file)) from None
    if len(rows) > ROWS_MAX:
        raise BadInput(f"{file} has more than {ROWS_MAX:,} rows", remedy="Split it.", where=Where(file=file))
    budgets: dict[str, dict[str, object]] = {}
    kinds: dict[str, PeriodKind] = {}
    firsts: dict[str, tuple[int, Mapping[str, str]]] = {}
    for number, cells in enumerate(rows, start=1):
        if not any(cells):
            continue
        if len(cells) != len(header):
            message = f"The row has {len(cells)} cells, the header {len(header)}"
            raise BadInput(message, remedy="Quote cells that hold a comma.", where=Where(file=file, row=number))
        row = dict(zip(header, cells, strict=True))
        _add(row, Where(file=file, row=number), (budgets, kinds, firsts), (owner, calendar))
    if not budgets:
        raise BadInput(f"{file} holds no budget", remedy="Add a row under the header.", where=Where(file=file))
    if len(budgets) > BUDGETS_MAX:
        raise BadInput(
            f"{file} holds more than {BUDGETS_MAX:,} budgets", remedy="Widen their scopes.", where=Where(file=file)
        )
    items = [(_finished(item), ()) for item in budgets.values()]
    written = write_items("budgets", [f"From {file}."], items)
    try:
        load_budgets({"budgets/imported.yaml": written}, calendar)
    except BadConfig as broken:
        raise BadInput(
            broken.message, remedy=broken.remedy, where=_place(broken, header, [*firsts.values()], file)
        ) from None
    return Imported(written, tuple(str(item["id"]) for item, _ in items), ())


def _place(
    broken: BadConfig, header: Sequence[str], firsts: Sequence[tuple[int, Mapping[str, str]]], file: str
) -> Where:
    """The cell of a value that does not load: all that is not an amount stands in the first row of its budget."""
    key = (broken.where.key if broken.where else None) or ""
    if (found := re.fullmatch(r"budgets\.(\d+)\.(?:scope\.)?(.+)", key)) is None:
        return Where(file=file, key=key or None)
    number, field = int(found[1]), found[2]
    columns = [name for name in header if name and (field == name or field.startswith(f"{name}."))]
    row, cells = firsts[number]
    if field == "title" and not cells.get("title"):
        columns = ["budget"]  # the name is the title then
    return (
        Where(file=file, row=row, column=max(columns, key=len), key=None)
        if columns
        else Where(file=file, row=row, key=field)
    )


def _check_header(header: Sequence[str], file: str) -> None:
    where = Where(file=file, line=1)
    if len(header) == 1 and (mark := next((one for one in ";\t|" if one in header[0]), "")):
        remedy = "Save it with commas between the cells, and amounts as 4000.50."
        raise BadInput(f"The cells are separated by {mark!r}, not by commas", remedy=remedy, where=where)
    for name in REQUIRED:
        if name not in header:
            raise BadInput(f"The header has no column {name}", remedy=f"Needed: {', '.join(REQUIRED)}.", where=where)
    if twice := sorted({name for name in header if header.count(name) > 1}):
        raise BadInput(f"The header has {twice[0]!r} twice", remedy="Keep one.", where=where)
    known = list(dict.fromkeys((*REQUIRED, *SAME, *SCOPE_DIMENSIONS)))
    for name in header:
        if name not in known and not re.fullmatch(r"tag:.{1,256}", name):
            raise BadInput(f"{name!r} is no column", remedy=did_you_mean(name, [*known, "tag:KEY"]), where=where)


def _add(
    row: Mapping[str, str],
    where: Where,
    state: tuple[dict[str, dict[str, object]], dict[str, PeriodKind], dict[str, tuple[int, Mapping[str, str]]]],
    workspace: tuple[str, FiscalCalendar],
) -> None:
    """One row into its budget. What all rows of a budget share must be the same in each, or stand in the first alone."""
    (budgets, kinds, firsts), (owner, calendar) = state, workspace
    name = row["budget"]
    if not name:
        raise _wrong(where, "budget", "The row names no budget", "Write the budget's id or name.")
    kind, label = _period(row["period"], calendar, where)
    amount = _amount(row["amount"], where)
    if name not in budgets:
        budgets[name] = _new(name, row, kind, [str(item["id"]) for item in budgets.values()], owner, where)
        kinds[name], firsts[name] = kind, (where.row or 0, row)
    first_row, first = firsts[name]
    for column, value in row.items():
        if column not in {"period", "amount"} and value and value != first[column]:
            message = f"{value!r} is not what row {first_row} says of {name}: {first[column]!r}"
            raise _wrong(where, column, message, "Write the same, or leave it empty.")
    if kind != kinds[name]:
        raise _wrong(where, "period", f"{name} is by {kinds[name]} and this is a {kind}", "Use one kind of period.")
    amounts: dict[str, Decimal] = budgets[name]["amounts"]  # type: ignore[assignment]  # made by _new
    if label in amounts:
        raise _wrong(where, "period", f"{name} has {row['period']} twice", "Keep one.")
    amounts[label] = amount


def _new(
    name: str, row: Mapping[str, str], kind: PeriodKind, taken: Sequence[str], owner: str, where: Where
) -> dict[str, object]:
    scope = {
        column: (values[0] if len(values) == 1 else values)
        for column, cell in row.items()
        if ((column in SCOPE_DIMENSIONS and column != "owner") or column.startswith("tag:"))
        and (values := _values(cell, column, where))
    }
    item: dict[str, object] = {
        "id": slug(name, taken, "budget"),
        "title": row.get("title") or name,
        "scope": scope,
        "period": kind,
    }
    item |= {"currency": row["currency"], "amount": Decimal(0), "amounts": {}}
    for column in ("metric", "cap", "parent"):
        if row.get(column):
            item[column] = row[column]
    for column in ("include_tax", "include_credits"):
        if given := row.get(column):
            if given.casefold() not in _TRUE:
                raise _wrong(where, column, f"{given!r} is neither true nor false", "Write true or false.")
            item[column] = _TRUE[given.casefold()]
    return item | {"owner": row.get("owner") or owner}


def _values(cell: str, column: str, where: Where) -> list[str]:
    values = [part.strip() for part in cell.split("|")] if cell else []
    if "" in values:
        raise _wrong(
            where, column, f"{cell!r} has a bar with no value beside it", "Write each value, or leave the bar out."
        )
    return values


def _finished(item: dict[str, object]) -> dict[str, object]:
    """Without a line for every period, the last period's amount goes on."""
    amounts: dict[str, Decimal] = item["amounts"]  # type: ignore[assignment]  # made by _new
    item["amount"] = amounts.pop(EVERY) if EVERY in amounts else amounts[max(amounts)]
    if not amounts:
        del item["amounts"]
    return item


def _period(text: str, calendar: FiscalCalendar, where: Where) -> tuple[PeriodKind, str]:
    if text.startswith("every ") and (named := text.removeprefix("every ").strip()) in KINDS:
        return next(kind for kind in KINDS if kind == named), EVERY
    for kind in KINDS:
        if re.fullmatch(calendar.label_shape(kind)[0], text):
            if text.endswith("W53") and not is_named(calendar, kind, text):
                raise _wrong(where, "period", f"{text!r} names no week: that year has 52", "Write the week that it is.")
            return kind, text
    shapes = ", ".join(calendar.label_shape(kind)[1] for kind in KINDS)
    raise _wrong(where, "period", f"{text!r} is no period", f"Write {shapes}, or `every month`.")


def _amount(text: str, where: Where) -> Decimal:
    if not re.fullmatch(r"-?[0-9]+(\.[0-9]+)?", text):
        raise _wrong(where, "amount", f"{text!r} is no plain decimal number", "Write it plainly, such as 4000.50.")
    amount = Decimal(text)
    if not 0 <= amount < AMOUNT_MAX:
        raise _wrong(where, "amount", f"{text} is no amount of a budget", "Write a number from 0 up to 10^15.")
    if len(text.partition(".")[2]) > COST_SCALE:
        raise _wrong(where, "amount", f"{text} has more than {COST_SCALE} decimals", "Round it.")
    return amount


def _wrong(where: Where, column: str, message: str, remedy: str) -> BadInput:
    return BadInput(message, remedy=remedy, where=Where(file=where.file, row=where.row, column=column))
