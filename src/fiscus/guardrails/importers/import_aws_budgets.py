"""AWS Budgets as budgets, from the JSON of the AWS API: `aws budgets describe-budgets`, and of alerts
`describe-budget-notifications-for-account` (or the Notifications that stand in a budget). By the documented shapes of that API.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from operator import itemgetter
from typing import Any, Final, TypeAlias, cast

from fiscus.guardrails.budgets.load_budgets import load_budgets
from fiscus.guardrails.importers.types import Imported, LeftOut
from fiscus.guardrails.importers.write_yaml import sentence, slug, write_items
from fiscus.kernel.errors import BadConfig, BadInput, Where
from fiscus.kernel.limits import BUDGETS_MAX
from fiscus.kernel.periods import FiscalCalendar, PeriodKind

_PERIOD: Final[Mapping[str, PeriodKind]] = {"MONTHLY": "month", "QUARTERLY": "quarter", "ANNUALLY": "year"}
# filter (CostFilters) or dimension (FilterExpression) -> scope dimension
_DIMENSION: Final[Mapping[str, str]] = {
    "Service": "service", "SERVICE": "service", "LinkedAccount": "sub_account", "LINKED_ACCOUNT": "sub_account",
    "Region": "region", "REGION": "region",
}  # fmt: skip
_ALERT: Final[Mapping[str, str]] = {"ACTUAL": "actual", "FORECASTED": "forecast"}
_AMORTIZED: Final = ("AmortizedCost", "NetAmortizedCost")
# Whether a budget counts what it counts by default: other answers have no equivalent.
_COST_TYPES: Final[Mapping[str, bool]] = {
    "IncludeSubscription": True, "IncludeRefund": True, "IncludeUpfront": True, "IncludeRecurring": True,
    "IncludeOtherSubscription": True, "IncludeSupport": True, "IncludeDiscount": True, "UseBlended": False,
}  # fmt: skip
_OBJECTS: Final = (
    "TimePeriod",
    "PlannedBudgetLimits",
    "CostFilters",
    "FilterExpression",
    "CostTypes",
    "AutoAdjustData",
)
PRINTED: Final = "Save what `aws budgets describe-budgets` prints."
SHARE_MAX: Final = Decimal(10)
_SHARE: Final = Decimal("0.0001")


@dataclass(slots=True)
class _Work:
    """One budget on its way: what it is, and what is left out of it."""

    name: str
    item: dict[str, object] = field(default_factory=dict)
    left_out: list[LeftOut] = field(default_factory=list)

    def leave(self, what: str, why: str) -> None:
        self.left_out.append(LeftOut(self.name, what, why))


_Item: TypeAlias = tuple[Mapping[str, object], Sequence[LeftOut]]


class _Whole(Exception):
    """A budget that cannot be one here."""


def import_aws_budgets(
    texts: Mapping[str, str], owner: str, calendar: FiscalCalendar, today: date
) -> Imported:  # fmt: skip
    """The budgets of all files (name -> JSON text) as YAML of `budgets/`. Raises BadInput for what is not such JSON."""
    budgets, alerts = list[Mapping[str, Any]](), dict[str, list[Mapping[str, Any]]]()
    for file, text in texts.items():
        document = _read(file, text)
        budgets += _of(document, "Budgets", file)
        for one in _of(document, "BudgetNotificationsForAccount", file):
            alerts.setdefault(str(one.get("BudgetName")), []).extend(_maps(one.get("Notifications")))
    if not budgets:
        named = ", ".join(texts)
        raise BadInput(
            f"{named} holds no AWS budgets",
            remedy=PRINTED,
            where=Where(file=named),
        )
    items: list[_Item] = []
    left_out: list[LeftOut] = []
    for one in budgets[:BUDGETS_MAX]:
        work = _Work(str(one.get("BudgetName") or "a budget without a name"))
        try:
            _fill(work, one, alerts.get(work.name, []), calendar, today)
        except _Whole as why:
            left_out.append(LeftOut(work.name, "the budget", str(why)))
            continue
        work.item["id"] = slug(work.name, [str(item["id"]) for item, _ in items], "budget")
        work.item["owner"] = owner
        items.append((work.item, work.left_out))
        left_out += work.left_out
    items, odd = _that_load(items, calendar)
    left_out += odd
    head = [f"From {', '.join(texts)} (AWS Budgets)."]
    head += [f"Not translated at all: {one.name}: {one.why}" for one in left_out if one.what == "the budget"]
    written = write_items("budgets", head, items)
    return Imported(written, tuple(str(item["id"]) for item, _ in items), tuple(left_out))


def _that_load(items: Sequence[_Item], calendar: FiscalCalendar) -> tuple[list[_Item], list[LeftOut]]:
    """(the budgets that load, why the others do not): one that AWS allows and Fiscus does not stops no other."""

    def fault(some: Sequence[_Item]) -> str:
        try:
            load_budgets({"budgets/imported.yaml": write_items("budgets", [], some)}, calendar)
        except BadConfig as broken:
            return broken.message
        return ""

    if not fault(items):
        return list(items), []
    said = [fault([one]) for one in items]
    odd = [LeftOut(str(item["title"]), "the budget", why) for (item, _), why in zip(items, said, strict=True) if why]
    return [one for one, why in zip(items, said, strict=True) if not why], odd


def _read(file: str, text: str) -> Mapping[str, Any]:
    try:
        document = json.loads(text, parse_float=str)
    except (ValueError, RecursionError) as broken:
        raise BadInput(f"{file} is not JSON: {broken}", remedy=PRINTED, where=Where(file=file)) from None
    return {"Budgets": document} if isinstance(document, list) else document if isinstance(document, dict) else {}


def _of(document: Mapping[str, Any], key: str, file: str) -> list[Mapping[str, Any]]:
    found = document.get(key, [document["Budget"]] if key == "Budgets" and "Budget" in document else [])
    if not isinstance(found, list) or not all(isinstance(one, dict) for one in found):
        raise BadInput(
            f"{key} is no list of objects",
            remedy=PRINTED,
            where=Where(file=file, key=key),
        )
    return cast("list[Mapping[str, Any]]", found)


def _maps(given: object) -> list[Mapping[str, Any]]:
    return [one for one in given if isinstance(one, dict)] if isinstance(given, list) else []


def _fill(
    work: _Work, one: Mapping[str, Any], alerts: Sequence[Mapping[str, Any]], calendar: FiscalCalendar, today: date
) -> None:
    for name in _OBJECTS:
        if not isinstance(one.get(name) or {}, Mapping):
            raise _Whole(f"its {name} is no object")
    kind, unit = str(one.get("BudgetType", "COST")), str(one.get("TimeUnit"))
    if kind != "COST":
        raise _Whole(f"a budget of {kind} is none of money")
    if unit not in _PERIOD:
        raise _Whole(f"a budget by {unit} has no equivalent")
    ended = _moment((one.get("TimePeriod") or {}).get("End"))
    if ended is not None and ended.date() <= today:
        raise _Whole(f"it ended on {ended.date()}")
    amount, currency, amounts = _amounts(work, one, _PERIOD[unit], calendar)
    if _PERIOD[unit] != "month" and (calendar.start_month != 1 or not calendar.by_month):
        work.leave(
            f"calendar {'quarters' if unit == 'QUARTERLY' else 'years'}", f"here they are the company's: {calendar}"
        )
    work.item |= {"id": "", "title": sentence(work.name, "A budget", 120), "scope": {"provider": "AWS"}}
    work.item |= {"period": _PERIOD[unit], "currency": currency, "amount": amount}
    if amounts:
        work.item["amounts"] = amounts
    _scope(work, one)
    _cost_types(work, one)
    inside = [
        *_maps(one.get("Notifications")),
        *_maps([n.get("Notification", n) for n in _maps(one.get("NotificationsWithSubscribers"))]),
    ]
    _thresholds(work, [*inside, *alerts], amount)
    if one.get("AutoAdjustData"):
        kind = str(one["AutoAdjustData"].get("AutoAdjustType", ""))
        work.leave(
            f"AutoAdjustData {kind}", "the amount is what AWS last set; growth rules stand in docs/reference/budgets.md"
        )


def _amounts(
    work: _Work, one: Mapping[str, Any], period: PeriodKind, calendar: FiscalCalendar
) -> tuple[Decimal, str, dict[str, Decimal]]:
    """(amount of a period, currency, amounts by label). PlannedBudgetLimits are by the second at which a period starts."""
    planned: dict[str, Decimal] = {}
    limit, currency = one.get("BudgetLimit"), ""
    last = Decimal(0)
    limits = [(_start(second), spend) for second, spend in (one.get("PlannedBudgetLimits") or {}).items()]
    for start, spend in sorted(limits, key=itemgetter(0)):
        last, currency = _spend(spend)
        planned[calendar.period(period, start).label] = last
    if limit is not None:
        amount, currency = _spend(limit)
    elif planned:
        amount = last
        work.leave("the amount of later periods", "only planned ones are given: the last of them goes on")
    else:
        raise _Whole("it has neither BudgetLimit nor PlannedBudgetLimits")
    return amount, currency, planned


def _start(given: object) -> date:
    try:
        return datetime.fromtimestamp(int(Decimal(str(given))), UTC).date()
    except (InvalidOperation, ValueError, OverflowError, OSError):
        raise _Whole(f"PlannedBudgetLimits has a start that is no time: {given!r}") from None


def _spend(given: object) -> tuple[Decimal, str]:
    if not isinstance(given, Mapping):
        raise _Whole("its limit is no amount")
    try:
        amount = Decimal(str(given.get("Amount")))
    except InvalidOperation:
        raise _Whole(f"its amount {given.get('Amount')!r} is no number") from None
    unit = str(given.get("Unit"))
    if not amount.is_finite() or amount < 0 or not re.fullmatch("[A-Z]{3}", unit):
        raise _Whole(f"{given.get('Amount')} {unit} is no amount of money")
    return amount, unit


def _moment(given: object) -> datetime | None:
    """A time as the command line prints it: seconds, or ISO 8601."""
    if given is None:
        return None
    try:
        return datetime.fromtimestamp(float(str(given)), UTC)
    except (ValueError, OverflowError, OSError):
        pass
    try:
        return datetime.fromisoformat(str(given))
    except ValueError:
        return None


def _scope(work: _Work, one: Mapping[str, Any]) -> None:
    scope = cast("dict[str, object]", work.item["scope"])
    for name, values in (one.get("CostFilters") or {}).items():
        texts = [str(value) for value in values if value != ""] if isinstance(values, list) else [str(values)]
        if not texts:
            continue  # it filters nothing
        if name == "TagKeyValue":
            _tags(work, scope, texts)
        elif name in _DIMENSION:
            _narrow(work, scope, _DIMENSION[name], texts)
        else:
            work.leave(f"filter {name}: {', '.join(texts)}", "no scope has it: the budget is wider here")
    for part in _conjuncts(one["FilterExpression"]) if one.get("FilterExpression") else ():
        _expression(work, scope, part)


def _conjuncts(expression: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    if (parts := _maps(expression.get("And"))) and len(parts) == len(expression["And"]):
        return [inner for part in parts for inner in _conjuncts(part)]
    return [expression]


def _expression(work: _Work, scope: dict[str, object], part: Mapping[str, Any]) -> None:
    tag, dimension = part.get("Tags"), part.get("Dimensions")
    said = sentence(json.dumps(part), "", 160)
    chosen = tag or dimension
    key, values = (str(chosen.get("Key")), chosen.get("Values")) if isinstance(chosen, Mapping) else ("", None)
    exact = isinstance(chosen, Mapping) and (chosen.get("MatchOptions") or ["EQUALS"]) == ["EQUALS"]
    texts = [str(value) for value in values if value != ""] if exact and isinstance(values, list) else []
    if texts and tag:
        _narrow(work, scope, f"tag:{key}", texts)
    elif texts and key in _DIMENSION:
        _narrow(work, scope, _DIMENSION[key], texts)
    else:
        work.leave(f"filter {said}", "no scope has it: the budget is wider here")


def _narrow(work: _Work, scope: dict[str, object], dimension: str, values: Sequence[str]) -> None:
    if dimension == "service":
        short = list(dict.fromkeys(re.sub(r" - (Compute|Other)$", "", value) for value in values))
        if short != list(values):
            work.leave(f"the part after the dash of {', '.join(values)}", "FOCUS names the service as a whole")
        values = short
    if dimension in scope:
        work.leave(f"a second filter on {dimension}: {', '.join(values)}", "a scope has one: the budget is wider here")
        return
    scope[dimension] = values[0] if len(values) == 1 else list(values)


def _tags(work: _Work, scope: dict[str, object], texts: Sequence[str]) -> None:
    """`user:team$web`: a cost allocation tag of the user, its key and its value."""
    values: dict[str, list[str]] = {}
    for text in texts:
        key, dollar, value = text.partition("$")
        if not dollar or not value or key.startswith("aws:"):
            work.leave(f"filter TagKeyValue: {text}", "it is no tag of your own with a value: the budget is wider here")
            continue
        values.setdefault(key.removeprefix("user:"), []).append(value)
    if len(values) > 1:
        work.leave(f"that any of the tags {', '.join(values)} is enough", "here all of them must match")
    for key, held in values.items():
        _narrow(work, scope, f"tag:{key}", held)


def _cost_types(work: _Work, one: Mapping[str, Any]) -> None:
    types, metrics = one.get("CostTypes") or {}, one.get("Metrics") or []
    metrics = [str(metric) for metric in metrics] if isinstance(metrics, list) else [str(metrics)]
    amortized = types.get("UseAmortized") is True or any(metric in _AMORTIZED for metric in metrics)
    work.item["metric"] = "EffectiveCost" if amortized else "BilledCost"
    work.item["include_tax"] = types.get("IncludeTax", True) is True
    work.item["include_credits"] = types.get("IncludeCredit", True) is True
    for name, usual in _COST_TYPES.items():
        if types.get(name, usual) is not usual:
            work.leave(f"CostTypes.{name}: {str(types[name]).lower()}", "what is billed is counted as it is")
    if odd := [metric for metric in metrics if metric not in {*_AMORTIZED, "UnblendedCost", "NetUnblendedCost"}]:
        work.leave(f"Metrics: {', '.join(odd)}", "BilledCost is counted instead")


def _thresholds(work: _Work, alerts: Sequence[Mapping[str, Any]], amount: Decimal) -> None:
    found: list[dict[str, object]] = []
    for one in alerts:
        said = sentence(json.dumps(one), "", 160)
        on, share = _ALERT.get(str(one.get("NotificationType"))), _share(one, amount)
        if one.get("ComparisonOperator", "GREATER_THAN") == "LESS_THAN" or on is None or share is None:
            work.leave(
                f"notification {said}", "a threshold is a share of the amount, from above 0 to 1000 %, that is reached"
            )
            continue
        if {"on": on, "share": share} not in found:
            found.append({"on": on, "share": share})
    if found:
        work.item["thresholds"] = sorted(found, key=lambda item: (str(item["on"]), cast("Decimal", item["share"])))


def _share(one: Mapping[str, Any], amount: Decimal) -> Decimal | None:
    """The threshold as a share of the amount; per cent unless it says otherwise."""
    try:
        number = Decimal(str(one.get("Threshold")))
    except InvalidOperation:
        return None
    if one.get("ThresholdType", "PERCENTAGE") == "ABSOLUTE_VALUE":
        share = number / amount if amount > 0 and number.is_finite() else Decimal(0)
    else:
        share = number / 100
    rounded = share.quantize(_SHARE).normalize() if share.is_finite() and abs(share) < SHARE_MAX * 10 else Decimal(0)
    return rounded if 0 < rounded <= SHARE_MAX else None
