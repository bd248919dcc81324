"""Ledger records as rows and back. What is evidence is encoded as RFC 8785 would: sorted names, no floats, no large numbers."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import date, datetime
from functools import lru_cache
from operator import attrgetter
from typing import Any, Final, cast

import msgspec

from fiscus.guardrails.ledger.types import RESERVES, Account, Frozen, Hold, Nature, Rulebook
from fiscus.guardrails.types import Decision, Level, PolicyResult
from fiscus.kernel.errors import IntegrityBroken
from fiscus.kernel.quick_records import quickly
from fiscus.stores.databases.documents import plain

ACCOUNT_COLUMNS: Final = (
    "id, budget_id, period, currency, cap, amount, actual, estimated, unbilled, held, committed, billed_until, frozen, "
    "by_bills"
)


@dataclass(frozen=True, slots=True)
class _Entry:
    """What of a transition a reader of decisions needs."""

    decision: Decision | None = None


@dataclass(frozen=True, slots=True)
class _Body:
    entries: list[_Entry]


class _Said(msgspec.Struct, omit_defaults=True):
    """A PolicyResult in the order of names, without what it does not say."""

    level: str = "-"
    policy_id: str = "-"
    reason: str = ""
    result: str = "no_match"
    verdict: str = "allow"
    version: str = "-"


@dataclass(frozen=True, slots=True)
class _Named:
    id: str


class _HoldTold(msgspec.Struct):
    """A new hold as evidence tells it, in the order of names. Amounts are text, because JSON numbers end at 2^53."""

    accounts: tuple[str, ...]
    at: datetime
    bound: str
    currency: str
    day: date
    decision_id: str
    expires_at: datetime
    id: str
    nature: Nature
    price_version: str
    provider: str
    subjects: tuple[str, ...]


class _ReservationTold(msgspec.Struct, omit_defaults=True):
    """A transition that reserves, or decides without."""

    what: str
    decision: Any = None
    hold: _HoldTold | None = None


@dataclass(frozen=True, slots=True)
class _ReservedEntry:
    hold: _HoldTold | None = None
    decision: _Named | None = None


@dataclass(frozen=True, slots=True)
class _ReservedBody:
    entries: list[_ReservedEntry]


_SAID: Final = attrgetter("level", "policy_id", "reason", "result", "verdict", "version")
_NAMES: Final = sorted(field.name for field in fields(Decision))
_PARTS: Final = attrgetter(*_NAMES)
_Told: Final[Any] = msgspec.defstruct("_Told", [(name, Any) for name in _NAMES])
_CALM: Final[
    dict[int, tuple[Sequence[PolicyResult], msgspec.Raw]]
] = {}  # by id: as long as it is kept, nothing else has it
CALM_KEPT_MAX: Final = 256
RECORDS_KEPT_MAX: Final = 128
_hold: Final = quickly(Hold)
_SORTED: Final = msgspec.json.Encoder(order="sorted", enc_hook=plain)
_ENCODER: Final = msgspec.json.Encoder()
_HOLD: Final = msgspec.json.Decoder(Hold)
_ENTRIES: Final = msgspec.json.Decoder(_Body)
_RESERVED: Final = msgspec.json.Decoder(_ReservedBody)
_FROZEN: Final = msgspec.json.Decoder(dict[str, Frozen])
_BILLED: Final = msgspec.json.Decoder(dict[str, date])
_RULEBOOK: Final = msgspec.json.Decoder(Rulebook)


def encoded(value: object) -> bytes:
    """The canonical bytes of a record."""
    return _SORTED.encode(value)


def body_of(entries: Sequence[Mapping[str, object]]) -> bytes:
    """The canonical bytes of a record of these transitions."""
    return _SORTED.encode({"entries": [_told(entry) for entry in entries]})


def _told(entry: Mapping[str, object]) -> object:
    """As it is written: a decision in the order of names, with what policies say that say nothing as it was written before."""
    hold, decision = entry.get("hold"), entry.get("decision")
    told = _hold_told(hold) if type(hold) is Hold else None
    if entry["what"] in RESERVES:
        return _ReservationTold(entry["what"], None if decision is None else _decision_told(decision), told)
    return entry if told is None else {**entry, "hold": told}


def _hold_told(hold: Hold) -> _HoldTold:
    return _HoldTold(
        hold.accounts, hold.at, str(hold.bound), hold.currency, hold.day, hold.decision_id, hold.expires_at, hold.id,
        hold.nature, hold.price_version, hold.provider, hold.subjects,
    )  # fmt: skip


def _decision_told(decision: Decision) -> Any:
    told = _Told(*_PARTS(decision))
    told.policies = _calm_text(decision.policies)
    return told


def _calm_text(policies: Sequence[PolicyResult]) -> msgspec.Raw:
    """Each without what it does not say. Every calm decision has the same tuple of them: it is written once."""
    known = _CALM.get(id(policies))
    if known is None:
        if len(_CALM) >= CALM_KEPT_MAX:
            _CALM.clear()
        said = msgspec.Raw(_SORTED.encode([_Said(*_SAID(one)) for one in policies]))
        known = _CALM[id(policies)] = (policies, said)
    return known[1]


def text(value: object) -> str:
    """The canonical text of a record."""
    return _SORTED.encode(value).decode()


def instant(at: datetime) -> str:
    """As `isoformat` writes it, in a third of the time where it is in UTC, as everything in the ledger is."""
    written = _ENCODER.encode(at)
    return f"{written[1:-2].decode()}+00:00" if written.endswith(b'Z"') else at.isoformat()


def hold_of(document: str) -> Hold:
    return _HOLD.decode(document)


def decisions_of(body: str) -> list[Decision]:
    """The decisions in the body of a record of evidence."""
    try:
        return [entry.decision for entry in _ENTRIES.decode(body).entries if entry.decision is not None]
    except msgspec.MsgspecError:
        return []


def reserved_in(body: str) -> Iterator[tuple[Hold | None, str]]:
    """(the hold, the decision's id or empty) of each transition of a record that only reserves.

    Raises IntegrityBroken where it cannot be read: whatever it held must not be forgotten.
    """
    for entry in _reserved(body):
        yield _held(entry.hold) if entry.hold else None, entry.decision.id if entry.decision else ""


def reserved_among(body: str, ids: Collection[str]) -> list[Hold]:
    """The holds of these ids that a record reserves. Raises IntegrityBroken as above."""
    return [_held(entry.hold) for entry in _reserved(body) if entry.hold and entry.hold.id in ids]


@lru_cache(RECORDS_KEPT_MAX)  # by all of its text: holds that were reserved together end at about the same time
def _reserved(body: str) -> Sequence[_ReservedEntry]:
    try:
        return _RESERVED.decode(body).entries
    except msgspec.MsgspecError as unreadable:
        raise IntegrityBroken(
            f"The ledger's newest evidence cannot be read: {unreadable}",
            remedy="Restore a backup: nothing can be held.",
        ) from unreadable


def _held(told: _HoldTold) -> Hold:
    return _hold(
        id=told.id, state="held", bound=int(told.bound), currency=told.currency, accounts=told.accounts, nature=told.nature,
        provider=told.provider, subjects=told.subjects, day=told.day, at=told.at, expires_at=told.expires_at,
        decision_id=told.decision_id, price_version=told.price_version,
    )  # fmt: skip


def frozen_of(document: str) -> dict[str, Frozen]:
    return _FROZEN.decode(document) if document != "{}" else {}


def billed_of(document: str) -> dict[str, date]:
    return _BILLED.decode(document) if document != "{}" else {}


def rulebook_of(document: str) -> Rulebook:
    return _RULEBOOK.decode(document)


def hold_row(hold: Hold) -> tuple[str, ...]:
    """(id, state, currency, bound, settled, expires_at, document)."""
    document = _ENCODER.encode(hold).decode()
    until = instant(hold.expires_at)
    return hold.id, hold.state, hold.currency, str(hold.bound), str(hold.settled), until, document


def account_row(account: Account) -> tuple[Any, ...]:
    """In the order of ACCOUNT_COLUMNS."""
    until = account.billed_until
    return (
        account.key, account.budget_id, account.period, account.currency, account.cap, str(account.amount),
        str(account.actual), str(account.estimated), str(account.unbilled), str(account.held), str(account.committed),
        until.isoformat() if until else None, int(account.frozen), int(account.by_bills),
    )  # fmt: skip


def moved_row(key: str, account: Account) -> tuple[Any, ...]:
    """(held, unbilled, committed, frozen, id)."""
    return str(account.held), str(account.unbilled), str(account.committed), int(account.frozen), key


def account_of(row: Sequence[Any]) -> Account:
    _, budget_id, period, currency, cap, amount, actual, estimated, unbilled, held, committed, until, *flags = row
    frozen, by_bills = flags
    return Account(
        budget_id, period, currency, cast("Level | None", cap), int(amount), int(actual), int(estimated), int(unbilled),
        int(held), int(committed), date.fromisoformat(until) if until else None, bool(frozen), bool(by_bills),
    )  # fmt: skip
