"""The rules of the ledger: a batch of commands and what stands under the lock in, answers and changes out. Pure.

What it keeps, whatever happens outside (a test holds each over drawn sequences of commands):
- An account's held, unbilled and committed money is the sum of its holds, to the nano-unit, and never below zero.
- Money is held over all accounts of a request or over none.
- A hold ends once. What ends without a known outcome is charged at its bound; a later, known outcome replaces that.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import date, timedelta
from typing import Final, cast

from fiscus.guardrails.ledger.billed_elsewhere import billed_elsewhere
from fiscus.guardrails.ledger.commands import (
    Answer,
    Command,
    Done,
    Expire,
    Judge,
    Overran,
    Release,
    Reserve,
    Reserved,
    Settle,
    Settled,
    Spent,
    Standing,
    Sync,
    Thaw,
    Verdict,
    nothing_opens,
)
from fiscus.guardrails.ledger.ports import LockedLedger
from fiscus.guardrails.ledger.types import Account, Answered, Changes, Frozen, Hold, account_key
from fiscus.guardrails.types import Level
from fiscus.kernel.errors import BadInput, Conflict, FiscusError, LimitExceeded, NotFound
from fiscus.kernel.money import display_exact, from_nanos
from fiscus.kernel.periods import Month

NOTHING: Final[Mapping[str, Frozen]] = {}


def apply_batch(commands: Sequence[Command], locked: LockedLedger) -> tuple[list[Answer], Changes]:
    """Every command in order. One that is refused answers with its error and changes nothing; the others go on."""
    book = _Book(commands, locked)
    answers: list[Answer] = []
    for command in commands:
        try:
            answers.append(book.apply(command))
        except FiscusError as refused:
            answers.append(refused)
    return answers, book.changes


class _Needs:
    """What has to be read for a batch: ids of holds, keys of requests, keys of accounts; and where in it something expires."""

    def __init__(self, commands: Sequence[Command]) -> None:
        self.holds: list[str] = []
        self.requests: list[str] = []
        self.accounts: set[str] = set()
        self.expires: dict[int, Expire] = {}
        for number, command in enumerate(commands):
            if type(command) is Reserve:  # nearly all of them
                self.accounts.update(command.hold.accounts)
                if command.key:
                    self.requests.append(command.key)
                continue
            match command:
                case Settle() | Release():
                    self.holds.append(command.hold_id)
                case Expire():
                    self.expires[number] = command
                case Overran() | Spent():
                    self.holds.append(command.hold.id)
                    self.accounts.update(command.hold.accounts)
                case Sync():
                    self.accounts.update(account_key(one.budget_id, one.period) for one in command.standings)
                case Thaw() if "@" in command.subject:
                    self.accounts.add(command.subject)


class _Book:
    """What the batch needs, read once under the lock, and what it changes."""

    def __init__(self, commands: Sequence[Command], locked: LockedLedger) -> None:
        self._locked = locked
        self.now = locked.now()
        self.changes = Changes()
        needs = _Needs(commands)
        self._holds = locked.holds(needs.holds) if needs.holds else {}
        self._due = {number: locked.due(self.now, asked.limit) for number, asked in needs.expires.items()}
        self._answered = locked.answered(needs.requests) if needs.requests else {}
        self._frozen = locked.frozen()
        for holds in (self._holds.values(), *self._due.values()):
            for hold in holds:
                needs.accounts.update(hold.accounts)
        self._accounts = locked.accounts(sorted(needs.accounts))
        self._expire_number = iter(needs.expires)
        # By the keys and the currency of a hold: those of a batch mostly ask of the same accounts.
        self._together: dict[tuple[tuple[str, ...], str], tuple[Account, ...]] = {}

    def apply(self, command: Command) -> Answer:
        match command:
            case Reserve():
                return self._reserve(command)
            case Settle():
                return self._settle(command)
            case Release():
                return self._release(command)
            case Expire():
                return self._expire()
            case Overran():
                return self._overran(command)
            case Spent():
                return self._spent(command)
            case Sync():
                return self._sync(command)
            case Thaw():
                return self._thaw(command)

    # Reserve

    def _reserve(self, asked: Reserve) -> Reserved:
        if asked.key and (answered := self._answered.get(asked.key)) is not None:
            return _repeated(asked, answered)
        hold = asked.hold
        together = (hold.accounts, hold.currency)
        if (accounts := self._together.get(together)) is None:
            accounts = tuple([self._account(key, hold, asked.opens) for key in hold.accounts])
            self._together[together] = accounts
        verdict = asked.judge(accounts, self._frozen_of(hold) if self._frozen else NOTHING)
        held = self._hold(hold, accounts, verdict.amount) if verdict.hold else None
        decision = verdict.decision
        if decision is not None:
            self.changes.decisions.append(decision)
        if asked.key:
            decision_id = decision.id if decision else ""
            self.changes.requests.append((asked.key, asked.digest, decision_id, held.id if held else ""))
            self._answered[asked.key] = Answered(asked.digest, decision, held)
        entry: dict[str, object] = {"what": "reserved" if held else "decided"}
        if held is not None:
            entry["hold"] = held
        if decision is not None:
            entry["decision"] = decision
        self.changes.entries.append(entry)
        return Reserved(held, decision)

    def _account(self, key: str, hold: Hold, opens: Callable[[str], Account | None]) -> Account:
        account = self._accounts.get(key)
        if account is None:
            opened = opens(key)
            if opened is None:
                raise NotFound(f"The ledger has no account {key}", remedy="Run `fiscus run`: it opens one a budget.")
            account = self._accounts[key] = replace(opened)
        if account.currency != hold.currency:
            raise BadInput(
                f"{hold.currency} cannot be held in {key}, which is in {account.currency}",
                remedy="Ask in the budget's currency: the ledger converts nothing.",
            )
        return account

    def _frozen_of(self, hold: Hold) -> Mapping[str, Frozen]:
        """What may have caused an overrun before, of what the hold is for."""
        frozen = self._frozen
        return {one: frozen[one] for one in hold.subjects if one in frozen}

    def _hold(self, hold: Hold, accounts: Sequence[Account], amount: int | None) -> Hold:
        bound = hold.bound if amount is None else amount
        assert 0 <= bound <= hold.bound, "a hold is never above what was asked for"
        self._check(hold, accounts, bound)
        held = hold if bound == hold.bound else replace(hold, bound=bound)
        changed = self.changes.accounts
        for key, account in zip(held.accounts, accounts, strict=True):
            account.held += bound
            changed[key] = account
        self.changes.holds[held.id] = self._holds[held.id] = held
        return held

    def _check(self, hold: Hold, accounts: Sequence[Account], bound: int) -> None:
        """The last line: whatever a judge says, nothing is held past a hard cap or for what is frozen."""
        for account in accounts:
            if account.cap == "hard" and (account.headroom < bound or account.frozen or account.billed_until is None):
                raise LimitExceeded(
                    f"{_money(bound, hold)} do not fit {account.key}",
                    remedy="Ask for less, or raise the budget.",
                )
        if self._frozen and (frozen := self._frozen_of(hold)):
            raise LimitExceeded(f"{next(iter(frozen))} is frozen", remedy="A person lifts it: `fiscus ledger thaw`.")

    # The end of a hold

    def _settle(self, asked: Settle) -> Settled:
        hold = self._known(asked.hold_id)
        if asked.amount < 0:
            raise BadInput(f"Hold {hold.id} cannot cost less than nothing", remedy="Settle at 0, or release it.")
        if hold.state == "settled" and not hold.estimate:
            if (asked.amount, asked.estimate) == (hold.settled, False):
                return Settled(hold, repeated=True)
            raise Conflict(
                f"Hold {hold.id} was settled already, at another amount", remedy="A correction comes with the bill."
            )
        before = hold.settled if hold.state in {"settled", "charged"} else 0
        settled = replace(
            hold, state="settled", settled=asked.amount, settled_at=self.now, estimate=asked.estimate,
            price_version=asked.price_version or hold.price_version,
        )  # fmt: skip
        self._post(hold, released=hold.bound if hold.state == "held" else 0, charged=asked.amount - before)
        overrun = max(0, asked.amount - (hold.bound if hold.state != "released" else 0))
        frozen = self._overrun(settled, overrun) if overrun else ()
        more = {"amount": str(asked.amount), "estimate": asked.estimate, "was": hold.state}
        self._keep(settled, "settled", {**more, "seal": asked.seal} if asked.seal else more)
        return Settled(settled, overrun, frozen)

    def _release(self, asked: Release) -> Settled:
        hold = self._known(asked.hold_id)
        if hold.state == "released":
            return Settled(hold, repeated=True)
        if hold.state != "held":
            raise Conflict(
                f"Hold {hold.id} is {hold.state}: its money may have been spent",
                remedy="Settle it at 0 when the vendor says that it billed nothing.",
            )
        released = replace(hold, state="released", settled_at=self.now)
        self._post(hold, released=hold.bound, charged=0)
        self._keep(released, "released", {"reason": asked.reason})
        return Settled(released)

    def _expire(self) -> Done:
        due = [one for one in self._due[next(self._expire_number)] if self._holds.get(one.id, one).state == "held"]
        for hold in due:
            charged = replace(hold, state="charged", settled=hold.bound, settled_at=self.now)
            self._post(hold, released=hold.bound, charged=hold.bound)
            self._keep(charged, "charged", {"amount": str(hold.bound), "reason": "expired without a known outcome"})
        return Done(len(due))

    def _overran(self, asked: Overran) -> Settled:
        if (known := self._holds.get(asked.hold.id)) is not None:
            return Settled(known, repeated=True)
        assert asked.amount > 0
        over = self._charge_unheld(replace(asked.hold, bound=0), asked.amount, "leased")
        return Settled(over, asked.amount, self._overrun(over, asked.amount))

    def _spent(self, asked: Spent) -> Settled:
        if (known := self._holds.get(asked.hold.id)) is not None:
            return Settled(known, repeated=True)
        assert asked.amount >= 0
        return Settled(self._charge_unheld(asked.hold, asked.amount, "let through without the ledger"))

    def _charge_unheld(self, hold: Hold, amount: int, was: str) -> Hold:
        """What no hold of its own stood behind: its evidence tells all of it."""
        spent = replace(hold, state="settled", settled=amount, settled_at=self.now)
        for key in spent.accounts:
            self._account(key, spent, nothing_opens)
        self._post(spent, released=0, charged=amount)
        self.changes.holds[spent.id] = self._holds[spent.id] = spent
        entry = {"what": "spent", "hold": spent, "amount": str(amount), "estimate": spent.estimate, "was": was}
        self.changes.entries.append(entry)
        return spent

    def _known(self, hold_id: str) -> Hold:
        hold = self._holds.get(hold_id)
        if hold is None:
            raise NotFound(f"The ledger has no hold {hold_id!r}", remedy="Check the id: it came with the decision.")
        return hold

    def _keep(self, hold: Hold, what: str, more: Mapping[str, object]) -> None:
        self.changes.holds[hold.id] = self._holds[hold.id] = hold
        self.changes.entries.append({"what": what, "hold": hold.id, **more})

    def _post(self, hold: Hold, *, released: int, charged: int) -> None:
        """Move money out of `held`, and into what is settled and not billed yet."""
        for key in hold.accounts:
            account = self._accounts[key]
            account.held -= released
            assert account.held >= 0, f"{key} holds less than nothing"
            if charged and (self._unbilled(hold) or not account.by_bills):
                if hold.nature == "usage":
                    account.unbilled += charged
                else:
                    account.committed += charged
            self.changes.accounts[key] = account
            if charged:
                day = (key, hold.provider, hold.day, hold.nature)
                self.changes.days[day] = self.changes.days.get(day, 0) + charged

    def _unbilled(self, hold: Hold) -> bool:
        """False when the provider's bills cover the day of the usage already: the amount stands in `actual`."""
        billed = self._locked.billed().get(hold.provider)
        return billed is None or counts_from(hold.nature, hold.day) >= billed

    def _overrun(self, hold: Hold, overrun: int) -> tuple[str, ...]:
        self.changes.overruns.append((hold.id, hold.currency, overrun))
        frozen = []
        reason = f"billed {_money(overrun, hold)} above the bound of {hold.id}"
        if hold.subjects and hold.subjects[0] not in self._frozen:
            subject = hold.subjects[0]
            self.changes.frozen[subject] = self._frozen[subject] = Frozen(subject, self.now, reason, hold.id)
            frozen.append(subject)
        for key in hold.accounts:
            account = self._accounts[key]
            if account.cap == "hard" and account.headroom < 0 and not account.frozen:
                account.frozen = True
                frozen.append(key)
        self.changes.entries.append(
            {"what": "overrun", "hold": hold.id, "above_bound": str(overrun), "frozen": list(frozen)}
        )
        return tuple(frozen)

    # What the bills say, and what people say

    def _sync(self, asked: Sync) -> Done:
        keys = [account_key(one.budget_id, one.period) for one in asked.standings]
        open_days: dict[tuple[str, str], int] = defaultdict(int)
        unseen = {key for key, one in zip(keys, asked.standings, strict=True) if not one.by_bills}
        of = dict(zip(keys, asked.standings, strict=True))
        for day in self._locked.days(keys):
            until = None if day.account in unseen else asked.billed.get(day.provider)
            if until is None or counts_from(day.nature, day.day) >= until:
                open_days[day.account, day.nature] += day.amount
            elif day.nature == "usage" and asked.counted:
                one = of[day.account]
                counted = asked.counted.get((one.currency, day.provider, day.day), (0, 0))
                billed = one.billed.get((day.provider, day.day), 0)
                open_days[day.account, "usage"] += billed_elsewhere(day.amount, billed, counted)
        for key, one in zip(keys, asked.standings, strict=True):
            account = self._accounts.get(key)
            if account is None:
                account = self._accounts[key] = _opened(one)
            account.currency, account.cap = one.currency, cast("Level | None", one.cap)
            account.amount, account.actual, account.estimated = one.amount, one.actual, one.estimated
            account.billed_until, account.by_bills = one.billed_until, one.by_bills
            account.unbilled, account.committed = open_days[key, "usage"], open_days[key, "commitment"]
            self.changes.accounts[key] = account
        self._together.clear()  # an account may be in another currency now
        self.changes.billed = dict(asked.billed)
        self.changes.entries.append({"what": "synced", "accounts": len(keys), "billed": dict(asked.billed)})
        return Done(len(keys))

    def _thaw(self, asked: Thaw) -> Done:
        account = self._accounts.get(asked.subject)
        if asked.subject in self._frozen:
            del self._frozen[asked.subject]
            self.changes.frozen[asked.subject] = None
        elif account is not None and account.frozen:
            account.frozen = False
            self.changes.accounts[account.key] = account
        else:
            raise NotFound(f"{asked.subject!r} is not frozen", remedy="`fiscus ledger` lists what is.")
        self.changes.actor = asked.actor
        self.changes.entries.append({"what": "thawed", "subject": asked.subject, "reason": asked.reason})
        return Done(1)


def counts_from(nature: str, day: date) -> date:
    """The day that a provider's bills must cover before a settled amount of `day` is surely in them.

    Usage: the day itself. A purchase or commitment may be billed anywhere in its month: the month's last day.
    """
    return day if nature == "usage" else Month.of(day).end - timedelta(days=1)


REFUSED: Final = Verdict(hold=False)
HELD: Final = Verdict(hold=True)


def fits(amount: int) -> Judge:
    """The plainest judge: hold it where it fits every hard cap and nothing is frozen."""

    def judge(accounts: Sequence[Account], frozen: Mapping[str, Frozen]) -> Verdict:
        if frozen:
            return REFUSED
        for one in accounts:  # a loop is twice as fast as a generator here
            if one.cap == "hard" and (one.billed_until is None or one.frozen or one.headroom < amount):
                return REFUSED
        return HELD

    return judge


def _money(nanos: int, hold: Hold) -> str:
    return f"{display_exact(from_nanos(nanos))} {hold.currency}"


def _opened(one: Standing) -> Account:
    return Account(one.budget_id, one.period, one.currency, cast("Level | None", one.cap), one.amount)


def _repeated(asked: Reserve, known: Answered) -> Reserved:
    if known.digest != asked.digest:
        raise Conflict(
            f"The key {asked.key!r} was used for another request",
            remedy="Use a new key for a new request; the same key only to repeat the same one.",
        )
    return Reserved(known.hold, known.decision, repeated=True)
