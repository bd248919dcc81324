"""How values read on a page: money right-aligned and grouped, days and moments in UTC, people by name."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal

from fiscus.flows.show_actions import capitalised
from fiscus.kernel.money import chance, display

NOTHING = "–"
VERDICT_WORDS = {
    "allow": "allowed",
    "warn": "allowed, warned",
    "degrade": "degraded",
    "require_approval": "needs approval",
    "deny": "denied",
}
STATE_WORDS = {
    "PROPOSED": "waits for approval",
    "APPROVED": "approved, not yet done",
    "REJECTED": "rejected",
    "STALE": "stale: the target changed",
    "EXPIRED": "expired",
    "CLAIMED": "starting",
    "INTENT": "about to be sent",
    "SENT": "sent, not yet seen",
    "SUCCEEDED": "done",
    "FAILED": "failed",
    "UNKNOWN": "outcome unknown",
    "RECONCILED": "done, read back",
    "VERIFIED": "done, saving verified",
    "UNDOING": "being undone",
    "ROLLED_BACK": "undone",
}


def money(amount: Decimal | None, places: int = 0) -> str:
    """1,234; negatives in parentheses; what is not nothing never reads 0."""
    if amount is None:
        return NOTHING
    if amount and abs(amount) < Decimal("0.5").scaleb(-places):
        return "< 1" if places == 0 else display(amount, 6)
    return display(amount, places)


def estimated(amount: Decimal) -> str:
    """≈ 1,234. Less than one unit is said as that, without a second sign that it is not exact."""
    shown = money(amount)
    return shown if shown.startswith("<") else f"≈ {shown}"


def between(low: Decimal, high: Decimal) -> str:
    """1,200 to 1,300; nothing where both ends read the same: that is no interval to anybody who reads it."""
    ends = money(low), money(high)
    return "" if ends[0] == ends[1] else " to ".join(ends)


def change(amount: Decimal | None) -> str:
    """A difference with its sign."""
    if amount is None:
        return NOTHING
    return f"{'+' if amount > 0 else '−' if amount < 0 else ''}{display(abs(amount), 0)}"


def share(percent: Decimal | None) -> str:
    """A share in percent."""
    return NOTHING if percent is None else f"{percent} %"


def day(value: date | None) -> str:
    """20 Nov 2026."""
    return NOTHING if value is None else f"{value.day} {value:%b %Y}"


def moment(value: datetime | None) -> str:
    """20 Nov 2026 14:05, UTC as everywhere."""
    return NOTHING if value is None else f"{value.day} {value:%b %Y %H:%M}"


def soon(value: datetime | None) -> str:
    """20 Nov 14:05: a moment of these days."""
    return NOTHING if value is None else f"{value.day} {value:%b %H:%M}"


def digits(value: Decimal | int | None, places: int = 9) -> str:
    """A quantity or a unit price with the digits that it has, at most `places`: 0.000003 stays what it is."""
    if value is None:
        return NOTHING
    shown = display(Decimal(value), places)
    return shown.rstrip("0").rstrip(".") if "." in shown else shown


def words(name: str) -> str:
    """A name of the code as words: `service_category` to `service category`."""
    return name.replace("_", " ")


def cell(value: object) -> str:
    """Any value of a row of charges."""
    if value is None:
        return NOTHING
    if isinstance(value, Decimal):
        return money(value, 2)
    if isinstance(value, datetime):
        return moment(value)
    if isinstance(value, date):
        return day(value)
    if isinstance(value, Mapping):
        return ", ".join(_flat(value)) or NOTHING
    return str(value)


def _flat(value: Mapping[object, object], prefix: str = "") -> Iterator[str]:
    """`state running, tags.team ml`: what was observed of a thing, one level after the other."""
    for key, item in value.items():
        if isinstance(item, Mapping):
            yield from _flat(item, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key} {cell(item)}"


def is_number(value: object) -> bool:
    """Whether `value` stands right-aligned."""
    return isinstance(value, Decimal | int) and not isinstance(value, bool)


FILTERS = {
    "money": money,
    "estimated": estimated,
    "between": between,
    "change": change,
    "share": share,
    "chance": chance,
    "capitalised": capitalised,
    "day": day,
    "moment": moment,
    "soon": soon,
    "digits": digits,
    "words": words,
    "cell": cell,
    "verdict": lambda value: VERDICT_WORDS.get(value, value),
    "state": lambda value: STATE_WORDS.get(value, value),
}
TESTS = {"figure": is_number}
