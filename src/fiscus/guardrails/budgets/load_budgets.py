"""budgets/*.yaml: amounts for scopes and fiscal periods, loaded as a whole or not at all."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Mapping, Sequence
from datetime import date
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from typing import Any, Final, cast

from fiscus.guardrails.budgets.budget_tree import check_tree
from fiscus.guardrails.types import SCOPE_DIMENSIONS, Budget, BurnWindow, Growth, Scope, Threshold
from fiscus.kernel.documents import Document, did_you_mean, load_document
from fiscus.kernel.errors import BadConfig, Where
from fiscus.kernel.fiscal_labels import is_named
from fiscus.kernel.limits import BUDGET_SCOPE_COMBINATIONS_MAX, BUDGETS_MAX
from fiscus.kernel.money import COST_SCALE
from fiscus.kernel.periods import FiscalCalendar, PeriodKind

DEFAULT_THRESHOLDS: Final = (
    Threshold("actual", Decimal("0.8")),
    Threshold("forecast", Decimal(1)),
    Threshold("p_breach", Decimal("0.5")),
)
# Burn rates, after the SRE workbook (chapter 5, multi-window alerts): in days, because bills are daily.
DEFAULT_BURN: Final = (BurnWindow(7, 2, Decimal("1.5")), BurnWindow(3, 1, Decimal(3)))
GROWTH_PERCENT_MAX: Final = 100
AMOUNT_MAX: Final = Decimal(10) ** 15  # what DECIMAL(28,12) holds, with room for sums


def load_budgets(texts: Mapping[str, str], calendar: FiscalCalendar) -> tuple[Budget, ...]:
    """The budgets of all files (name -> text), by file and place. Amounts are for one period, in the budget's currency.

    Raises BadConfig with file and line for what a schema cannot accept, an unknown dimension, a period label that is none of
    the budget's kind, an amount that is no decimal, a threshold out of range, an id that stands twice, or a parent that cannot
    be one, over all files.
    """
    schema = budget_schema()
    budgets: list[Budget] = []
    seen: dict[str, Budget] = {}
    places: dict[str, tuple[Document, int]] = {}
    for file, text in sorted(texts.items()):
        document = load_document(text, file, schema)
        items = cast("dict[str, Any]", document.data)["budgets"]
        for number, item in enumerate(items):
            budget = _budget(document, number, item, calendar)
            if (known := seen.get(budget.id)) is not None:
                place = f"{known.file}, line {known.line}"
                path: tuple[str | int, ...] = ("budgets", number, "id")
                raise document.error(path, f"Budget {budget.id!r} stands twice: also in {place}", "Rename one of them.")
            seen[budget.id], places[budget.id] = budget, (document, number)
            budgets.append(budget)
            if len(budgets) > BUDGETS_MAX:
                where = Where(file=file, line=budget.line)
                raise BadConfig(f"More than {BUDGETS_MAX:,} budgets", remedy="Widen their scopes.", where=where)

    def refuse(budget: Budget, message: str, remedy: str) -> Exception:
        document, number = places[budget.id]
        return document.error(("budgets", number, "parent"), message, remedy)

    check_tree(budgets, calendar, refuse)
    return tuple(budgets)


@cache
def budget_schema() -> Mapping[str, object]:
    """The JSON Schema of a file of budgets."""
    text = files("fiscus.guardrails").joinpath("schema", "budgets.schema.json").read_text("utf-8")
    return cast("Mapping[str, object]", json.loads(text))


def _budget(document: Document, number: int, item: Mapping[str, Any], calendar: FiscalCalendar) -> Budget:
    path = ("budgets", number)
    kind: PeriodKind = item["period"]
    amounts = {}
    for label, amount in item.get("amounts", {}).items():
        _check_label(document, (*path, "amounts", label), kind, calendar)
        amounts[label] = _amount(document, (*path, "amounts", label), amount)
    return Budget(
        id=item["id"],
        title=item["title"],
        scope=_scope(document, (*path, "scope"), item.get("scope", {})),
        period=kind,
        currency=item["currency"],
        amount=_amount(document, (*path, "amount"), item["amount"]),
        amounts=amounts,
        metric=item.get("metric", "EffectiveCost"),
        include_tax=item.get("include_tax", False),
        include_credits=item.get("include_credits", True),
        thresholds=_thresholds(document, (*path, "thresholds"), item.get("thresholds")),
        cap=item.get("cap"),
        owner=item["owner"],
        file=document.file,
        line=document.line(path),
        on_ledger_loss=_fail_modes(item.get("on_ledger_loss", {})),
        parent=item.get("parent", ""),
        **_carrying(document, path, item),
        growth=_growth(document, (*path, "growth"), item.get("growth", ())),
        burn=_burn(document, (*path, "burn"), item.get("burn")),
    )


def _carrying(document: Document, path: tuple[str | int, ...], item: Mapping[str, Any]) -> dict[str, Any]:
    """What is said of rollover."""
    rollover = item.get("rollover", "none")
    for key in ("rollover_max", "rollover_from"):
        if key in item and rollover == "none":
            raise document.error([*path, key], f"{key} without rollover", "Write rollover: unused, overspend or both.")
    bound = _amount(document, (*path, "rollover_max"), item["rollover_max"]) if "rollover_max" in item else None
    since = _date(document, (*path, "rollover_from"), item["rollover_from"]) if "rollover_from" in item else None
    return {"rollover": rollover, "rollover_max": bound, "rollover_from": since}


def _growth(document: Document, path: tuple[str | int, ...], given: Sequence[Mapping[str, Any]]) -> tuple[Growth, ...]:
    rules = []
    for number, item in enumerate(given):
        here = (*path, number)
        start = _date(document, (*here, "from"), item["from"])
        if ("amount" in item) == ("percent" in item) or ("percent" in item) != ("every" in item):
            raise document.error(
                here, "A rule of growth is one step or one rate", "Write amount, or percent with every."
            )
        if "amount" in item:
            rules.append(Growth(start, amount=_amount(document, (*here, "amount"), item["amount"])))
            continue
        if any(rule.percent is not None for rule in rules):
            raise document.error(here, "A second rate of growth", "Write one percent; set steps with amount.")
        rules.append(
            Growth(start, percent=_percent(document, (*here, "percent"), item["percent"]), every=item["every"])
        )
    return tuple(rules)


def _percent(document: Document, path: tuple[str | int, ...], given: object) -> Decimal:
    try:
        percent = Decimal(str(given))
    except InvalidOperation:
        raise document.error(path, f"{given!r} is no decimal number", 'Write it plainly, such as "2.5".') from None
    if not percent.is_finite() or not -GROWTH_PERCENT_MAX <= percent <= GROWTH_PERCENT_MAX:
        message = f"{given} percent is no growth of a budget"
        raise document.error(path, message, f"Write a number from -{GROWTH_PERCENT_MAX} to {GROWTH_PERCENT_MAX}.")
    return percent


def _date(document: Document, path: tuple[str | int, ...], given: str) -> date:
    try:
        return date.fromisoformat(given)
    except ValueError:
        raise document.error(path, f"{given!r} is no date", "Write it as YYYY-MM-DD, such as 2027-02-01.") from None


def _burn(
    document: Document, path: tuple[str | int, ...], given: Sequence[Mapping[str, Any]] | None
) -> tuple[BurnWindow, ...]:
    if given is None:
        return DEFAULT_BURN
    windows = []
    for number, item in enumerate(given):
        if item["short_days"] >= item["long_days"]:
            message = f"The short window, {item['short_days']} days, is not shorter than the long one"
            raise document.error(
                [*path, number, "short_days"], message, "A short window ends an alert soon: 1 or 2 days."
            )
        windows.append(BurnWindow(item["long_days"], item["short_days"], Decimal(str(item["factor"]))))
    return tuple(windows)


def _fail_modes(given: str | Mapping[str, str]) -> Mapping[str, str]:
    return {"default": given} if isinstance(given, str) else dict(given)


def _scope(document: Document, path: tuple[str | int, ...], given: Mapping[str, Any]) -> Scope:
    filters: dict[str, tuple[str, ...]] = {}
    for dimension, values in given.items():
        if dimension not in SCOPE_DIMENSIONS and not re.fullmatch(r"tag:.{1,256}", dimension):
            known = did_you_mean(dimension, [*SCOPE_DIMENSIONS, "tag:KEY"])
            raise document.error([*path, dimension], f"Unknown scope dimension {dimension!r}", known)
        filters[dimension] = tuple(dict.fromkeys([values] if isinstance(values, str) else values))
    if math.prod(len(values) for values in filters.values()) > BUDGET_SCOPE_COMBINATIONS_MAX:
        message = f"The scope has more than {BUDGET_SCOPE_COMBINATIONS_MAX:,} combinations of values"
        raise document.error(path, message, "Name fewer values, or use a wider dimension such as cost_centre.")
    return Scope(filters)


def _check_label(document: Document, path: tuple[str | int, ...], kind: PeriodKind, calendar: FiscalCalendar) -> None:
    pattern, shape = calendar.label_shape(kind)
    label = str(path[-1])
    if re.fullmatch(pattern, label) is None:
        raise document.error(path, f"{label!r} is no label of a {kind}", f"Write {shape}. {calendar}")
    if label.endswith("W53") and not is_named(calendar, kind, label):  # every other label names a period of each year
        raise document.error(path, f"{label!r} names no week: that year has 52", f"Write {shape}. {calendar}")


def _amount(document: Document, path: tuple[str | int, ...], given: object) -> Decimal:
    try:
        amount = Decimal(str(given))
    except InvalidOperation:
        raise document.error(path, f"{given!r} is no decimal number", "Write it plainly, such as 4000.50.") from None
    if not amount.is_finite() or not 0 <= amount < AMOUNT_MAX:
        raise document.error(path, f"{given} is no amount of a budget", "Write a number from 0 up to 10^15.")
    exponent = amount.as_tuple().exponent
    if isinstance(exponent, int) and exponent < -COST_SCALE:
        raise document.error(path, f"{given} has more than {COST_SCALE} decimals", "Round it.")
    return amount


def _thresholds(
    document: Document, path: tuple[str | int, ...], given: Sequence[Mapping[str, Any]] | None
) -> tuple[Threshold, ...]:
    if given is None:
        return DEFAULT_THRESHOLDS
    thresholds = []
    for number, item in enumerate(given):
        share = Decimal(str(item["share"]))
        if item["on"] == "p_breach" and share > 1:
            message = f"p_breach is a probability; {share} is more than 1"
            raise document.error([*path, number, "share"], message, "Write a share such as 0.5.")
        thresholds.append(Threshold(item["on"], share))
    return tuple(thresholds)
