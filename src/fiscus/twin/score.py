"""How much of what was planted was found, and what was found that nobody planted.

What is found comes in four lists of plain dicts: `findings`, `anomalies`, `budgets` and `cases`. Keys that are read, all but
`kind` optional: kind; provider, service, team, owner, environment, sub_account, sku, commitment, budget_id, product (text);
resources or targets (lists of text); start and end (date or ISO text, end exclusive); state; amount. Anomalies need no kind.
Budgets are statuses: `state` ok is nothing found, at_risk and breached are. Cases repeat what stands in the other lists: they
can find, but are no false alarms of their own.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, cast

Item = Mapping[str, object]
KEYS: Final = (
    "provider", "service", "team", "environment", "sub_account", "sku", "commitment", "budget_id", "product", "resources",
)  # fmt: skip
SLACK_DAYS: Final = 2  # how far off a found start may be


@dataclass(frozen=True, slots=True)
class KindScore:
    """One kind of planted trouble: how many there are, how many were found, and the money of both."""

    kind: str
    planted: int
    found: int
    planted_amount: Decimal
    found_amount: Decimal


@dataclass(frozen=True, slots=True)
class Score:
    """`explained` are findings that follow from something planted or true; `false_alarms` those that follow from nothing."""

    planted: int
    found: int
    false_alarms: int
    explained: int
    kinds: tuple[KindScore, ...]
    missed: tuple[str, ...]
    false_alarm_items: tuple[Mapping[str, object], ...]


def score(truth: Mapping[str, object], found: Mapping[str, Sequence[Item]]) -> Score:
    """Hold `found` against truth.json. A trouble found twice counts once; the second is neither found nor false."""
    troubles = cast("list[dict[str, Any]]", truth["planted"])
    quiet = cast("list[dict[str, Any]]", truth["background"])
    items = [
        _plain(item, name) for name in ("findings", "anomalies", "budgets", "cases") for item in found.get(name, ())
    ]
    items = [item for item in items if item["kind"] != "budget_ok"]
    hits = {trouble["id"] for trouble in troubles if any(_finds(item, trouble) for item in items)}
    loose = [item for item in items if not any(_finds(item, trouble) for trouble in troubles)]
    false = [
        item for item in loose
        if item["list"] != "cases" and not any(_explains(item, t) for t in troubles) and not any(_true(item, q) for q in quiet)
    ]  # fmt: skip
    counted = [item for item in loose if item["list"] != "cases"]
    return Score(
        planted=len(troubles),
        found=len(hits),
        false_alarms=len(false),
        explained=len(counted) - len(false),
        kinds=tuple(_kind(kind, troubles, hits) for kind in dict.fromkeys(trouble["kind"] for trouble in troubles)),
        missed=tuple(trouble["id"] for trouble in troubles if trouble["id"] not in hits),
        false_alarm_items=tuple(false),
    )


def _kind(kind: str, troubles: Sequence[Mapping[str, Any]], hits: set[str]) -> KindScore:
    mine = [trouble for trouble in troubles if trouble["kind"] == kind]
    seen = [trouble for trouble in mine if trouble["id"] in hits]
    return KindScore(
        kind, len(mine), len(seen),
        sum((Decimal(t["amount"]) for t in mine), Decimal(0)), sum((Decimal(t["amount"]) for t in seen), Decimal(0)),
    )  # fmt: skip


def _plain(item: Item, name: str) -> dict[str, Any]:
    """The item with lists of lower-case text under each key, dates as dates, and a kind."""
    plain: dict[str, Any] = {"list": name, "kind": str(item.get("kind", name.removesuffix("s"))), "item": dict(item)}
    if name == "anomalies":
        plain["kind"] = "anomaly"
    if name == "budgets":
        states = {"breached": "budget_breach", "at_risk": "budget_forecast"}
        plain["kind"] = states.get(str(item.get("state")), "budget_ok")
    for key in KEYS:
        plain[key] = _texts(item.get(key))
    plain["resources"] |= _texts(item.get("targets"))
    plain["start"], plain["end"] = _day(item.get("start")), _day(item.get("end"))
    return plain


def _texts(value: object) -> set[str]:
    values: Iterable[object] = [value] if isinstance(value, str) else cast("Iterable[object]", value or ())
    return {str(text).lower() for text in values if text}


def _day(value: object) -> date | None:
    if value is None or isinstance(value, date):
        return value
    return date.fromisoformat(str(value)[:10])


def _shares(
    item: Mapping[str, Any], subject: Mapping[str, Sequence[str]], alternatives: Sequence[Sequence[str]]
) -> bool:
    def both(key: str) -> bool:
        return bool(item[key] & _texts(subject.get(key, ())))

    return any(all(both(key) for key in keys) for keys in alternatives)


def _overlaps(item: Mapping[str, Any], trouble: Mapping[str, Any]) -> bool:
    """An item without dates is not held to any."""
    first = date.fromisoformat(trouble["start"]) - timedelta(days=SLACK_DAYS)
    last = date.fromisoformat(trouble["end"]) + timedelta(days=SLACK_DAYS) if trouble["end"] else None
    ends_late = item["end"] is None or item["end"] > first
    return ends_late and (item["start"] is None or last is None or item["start"] < last)


def _finds(item: Mapping[str, Any], trouble: Mapping[str, Any]) -> bool:
    by = trouble["by"]
    if item["list"] != "cases" and "*" not in by and item["kind"] not in by:
        return False
    if "*" in by and item["kind"].startswith("budget"):
        return False
    return _shares(item, trouble["subject"], trouble["needs"]) and _overlaps(item, trouble)


def _explains(item: Mapping[str, Any], trouble: Mapping[str, Any]) -> bool:
    return _shares(item, trouble["subject"], trouble["explains"]) and _overlaps(item, trouble)


def _true(item: Mapping[str, Any], quiet: Mapping[str, Any]) -> bool:
    if not item["kind"].startswith(quiet["kind"]):
        return False
    return _shares(item, quiet["subject"], [[key] for key in quiet["subject"]])
