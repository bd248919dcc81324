"""What a fact can be at all, whatever is asked: a condition over anything else is never true, and a test of it proves nothing."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from typing import Final

from fiscus.guardrails.policies.given_facts import Refuse
from fiscus.kernel.money import NANOS_PER_UNIT

# Whole numbers (money in nano-units), both ends included.
RANGES: Final[Mapping[str, tuple[int | None, int | None]]] = {
    "intent.amount": (0, None), "intent.max_tokens": (0, None), "intent.input_tokens": (0, None), "intent.term_months": (0, None),
    "intent.seats": (0, None), "intent.count": (0, None), "intent.hours_per_month": (0, None), "now.hour": (0, 23),
    "now.weekday": (1, 7), "now.fiscal_quarter": (1, 4), "now.fiscal_period": (1, 12), "now.days_left_in_period": (0, None),
}  # fmt: skip
DAYS: Final = ("now.date", "resource.first_seen", "resource.last_seen", "anomaly.start", "anomaly.end")
_WEEKDAYS: Final = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


def check_possible(facts: Mapping[str, object], refuse: Refuse) -> None:
    """Raises what `refuse` makes of the first fact that can be nothing of the kind."""
    for name, value in facts.items():
        if name in RANGES and isinstance(value, int):
            _check_range(name, value, refuse)
        if name in DAYS and value and _day(value) is None:
            raise refuse(name, f"{value!r} is no date", "Write it as YYYY-MM-DD.")
    day, weekday = _day(facts.get("now.date")), facts.get("now.weekday")
    if day is not None and isinstance(weekday, int) and day.isoweekday() != weekday:
        message = f"{day} is a {_WEEKDAYS[day.isoweekday() - 1]}, and now.weekday says {_WEEKDAYS[weekday - 1]}"
        raise refuse("now.weekday", message, f"Write {day.isoweekday()}, or leave one of the two out.")


def _check_range(name: str, value: int, refuse: Refuse) -> None:
    low, high = RANGES[name]
    if (low is not None and value < low) or (high is not None and value > high):
        bounds = f"from {low} to {high}" if high is not None else f"at least {low}"
        said = value / NANOS_PER_UNIT if name == "intent.amount" else value
        raise refuse(name, f"{name} is never {said:g}: it is {bounds}", "Give what can be asked.")


def _day(value: object) -> date | None:
    try:
        day = date.fromisoformat(str(value))
    except ValueError:
        return None
    return day if day.isoformat() == value else None  # facts are written in one way
