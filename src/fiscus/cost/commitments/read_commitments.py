"""Commitments as the lake has them: the sums behind every figure, read by three queries whatever their number. One currency."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final, cast

from fiscus.cost.commitments.amortisation import Paid, Payment
from fiscus.cost.commitments.use_figures import UseGroup
from fiscus.cost.ports import LakeReader
from fiscus.kernel.money import ZERO
from fiscus.kernel.periods import Month, midnight
from fiscus.kernel.rows import Query
from fiscus.kernel.sql_text import sql_text

_ROOM: Final = "fiscus.cost"


@dataclass(frozen=True, slots=True)
class OnBills:
    """One commitment. `days` of the window that it has a Used or Unused row on; `last_day` the last of all. `landed`: its bills'.

    `starts`: the first day that a payment or a row names; `ends`: the first day not covered, where a payment says it. `contract`
    and `applied_to`: what its charges say in ContractApplied; several contracts by their ids, with commas.
    """

    provider: str
    id: str
    name: str
    type: str
    category: str
    contract: str
    applied_to: Sequence[str]
    paid: Paid
    days: int
    last_day: date | None
    landed: date | None
    starts: date | None
    ends: date | None


def read_commitments(lake: LakeReader, currency: str, since: date, until: date) -> Sequence[OnBills]:
    """Every commitment that a charge before `until` names, ordered by provider and id."""
    window = {"since": midnight(since), "until": midnight(until), "currency": currency}
    open_payments: dict[tuple[str, str], list[Payment]] = {}
    asked = {"until": window["until"], "currency": currency}
    for row in lake.query(sql_text(_ROOM, "commitment_payments"), asked).dicts():
        payment = Payment(*(cast("Any", row[name]) for name in ("starts", "ends", "billed")))
        open_payments.setdefault((str(row["provider"]), str(row["id"])), []).append(payment)
    rows = lake.query(sql_text(_ROOM, "commitment_money"), window).dicts()
    return [_on_bills(row, open_payments.get((row["provider"], row["id"]), [])) for row in cast("Any", rows)]


def groups_query(currency: str, since: date, until: date) -> Query:
    """What `read_groups` asks."""
    params = {
        "since": midnight(since), "until": midnight(until), "billing_month": str(Month.of(since).shift(-1)),
        "currency": currency,
    }  # fmt: skip
    return Query(sql_text(_ROOM, "commitment_groups"), params)


def read_groups(lake: LakeReader, query: Query) -> Sequence[UseGroup]:
    """What commitments cover, waste and leave uncovered in the window."""
    return [UseGroup(**row) for row in cast("Any", lake.query(query.sql, query.params).dicts())]


def currencies(lake: LakeReader, until: date) -> Sequence[str]:
    """Those that commitments are billed in."""
    rows = lake.query(sql_text(_ROOM, "commitment_currencies"), {"until": midnight(until)}).rows
    return [str(row[0]) for row in rows]


def _applied(text: str, *keys: str) -> Sequence[str]:
    """What the elements of a ContractApplied say by the first of `keys` that each has, once each; nothing where it is none."""
    try:
        elements = json.loads(text)["Elements"] if text else []
        said = [next((str(one[key]) for key in keys if one.get(key)), "") for one in elements]
    except (ValueError, RecursionError, KeyError, TypeError, AttributeError):
        return ()
    return sorted(set(said) - {""})


def _on_bills(row: Mapping[str, Any], payments: Sequence[Payment]) -> OnBills:
    first_use: datetime | None = row["first_use"]
    first = min((day for day in (first_use, row["first_paid"]) if day is not None), default=None)
    never = first or row["reached"]
    paid = Paid(
        over=Decimal(row["paid_over"]),
        open=tuple(payments),
        amortised=Decimal(row["amortised"] or ZERO),
        landed=row["reached"] or never,
        begins=row["begins"] or never,
        first_use=first_use,
        unused_seen=bool(row["unused_seen"]),
    )
    return OnBills(
        provider=row["provider"],
        id=row["id"],
        name=row["name"],
        type=row["type"],
        category=row["category"],
        contract=", ".join(_applied(row["applied"], "ContractId", "ContractID")),
        applied_to=_applied(row["applied"], "ContractCommitmentId", "ContractCommitmentID"),
        paid=paid,
        days=int(row["days"]),
        last_day=row["last_day"],
        landed=row["landed_day"],
        starts=first.date() if first else None,
        ends=row["ends"],
    )
