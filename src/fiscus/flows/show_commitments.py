"""What has been promised to providers: what it costs, covers, wastes and saves; whether it ties to its purchases; its end."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal

from fiscus.cost.commitments.agreements import Agreement, read_agreements
from fiscus.cost.commitments.amortisation import Amortisation, amortise
from fiscus.cost.commitments.read_commitments import OnBills, currencies, groups_query, read_commitments, read_groups
from fiscus.cost.commitments.use_figures import UseFigures, UseGroup, break_even_months, figures, percent
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.commitments.outlook import DAYS_A_MONTH
from fiscus.kernel.limits import COMMITMENT_STANDING_DAYS
from fiscus.kernel.money import EXACT, ZERO, display, total

QUIET_DAYS = 2  # not seen for longer than its provider's other bills, it covers nothing any more


@dataclass(frozen=True, slots=True)
class CommitmentUse:
    """One commitment. `utilisation` in percent; money by the month, as over the last days. `ends` None: no bill says.

    `figures` are over the window: its own coverage is of the eligible usage of the services that it covers. `days_left`: until it
    ends. `break_even_months` None: never, or no bill says when it ends. `saved_per_month` None: no bill says what its usage costs
    on demand. `owner`, `team`: whose usage it covers most.
    """

    id: str
    name: str
    type: str
    provider: str
    per_month: Decimal
    unused_per_month: Decimal
    utilisation: Decimal
    last_day: date
    ends: date | None
    stopped: bool
    category: str
    contract: str
    owner: str
    team: str
    starts: date | None
    days_left: int | None
    saved_per_month: Decimal | None
    break_even_months: Decimal | None
    figures: UseFigures
    amortisation: Amortisation


@dataclass(frozen=True, slots=True)
class OwnerUse:
    """What an owner's usage takes of commitments, and what of it none covers. The owners' money adds up to the whole."""

    owner: str
    team: str
    figures: UseFigures


@dataclass(frozen=True, slots=True)
class ContractUse:
    """The commitments of one contract together; the name is empty for those whose bills name none."""

    contract: str
    provider: str
    commitments: tuple[str, ...]
    figures: UseFigures


@dataclass(frozen=True, slots=True)
class CommitmentsUsed:
    """The most unused money first, of one currency; `ended` are those that covered nothing in the window any more."""

    sentence: str
    lines: tuple[CommitmentUse, ...]
    currency: str
    days: int
    until: date
    lake_version: str
    figures: UseFigures
    owners: tuple[OwnerUse, ...]
    contracts: tuple[ContractUse, ...]
    ended: tuple[CommitmentUse, ...]
    agreements: tuple[Agreement, ...]
    other_currencies: tuple[str, ...]
    query: str
    params: Mapping[str, object]

    @property
    def per_month(self) -> Decimal:
        """What all of them cost a month."""
        return total([one.per_month for one in self.lines])

    @property
    def unused_per_month(self) -> Decimal:
        """What is paid for a month and covers nothing."""
        return total([one.unused_per_month for one in self.lines])

    @property
    def saved_per_month(self) -> Decimal:
        """What they take off what the same usage costs on demand, less what is unused; of those of which bills say it."""
        return total([one.saved_per_month for one in self.lines if one.saved_per_month is not None])


def show_commitments(ws: Workspace, currency: str = "") -> CommitmentsUsed:
    """Commitments over the last four weeks of bills, in `currency` or the company's. Currencies are never added."""
    money = currency.upper() or ws.config.company.currency
    since = ws.as_of - timedelta(days=COMMITMENT_STANDING_DAYS)
    query = groups_query(money, since, ws.as_of)
    groups = _Groups(read_groups(ws.lake, query))
    agreements = read_agreements(ws.lake, money, ws.as_of)
    read = read_commitments(ws.lake, money, since, ws.as_of)
    bought = _register(ws) if any(one.ends is None for one in read) else {}
    found = [_with_end(_with_term(one, agreements), bought) for one in read]
    every = [_line(one, groups, money, ws.as_of) for one in found]
    lines = sorted((one for one, of in zip(every, found, strict=True) if of.days), key=_most_unused)
    ended = [one for one, of in zip(every, found, strict=True) if not of.days]
    return CommitmentsUsed(
        sentence=_sentence(lines, money),
        lines=tuple(lines),
        currency=money,
        days=COMMITMENT_STANDING_DAYS,
        until=ws.as_of,
        lake_version=str(ws.lake.version()),
        figures=figures(groups.all),
        owners=tuple(_owners(groups.all)),
        contracts=tuple(_contracts(lines, groups)),
        ended=tuple(ended),
        agreements=tuple(agreements),
        other_currencies=tuple(one for one in currencies(ws.lake, ws.as_of) if one != money),
        query=query.sql,
        params=query.params,
    )


class _Groups:
    """The sums of one window, found by commitment and by service."""

    def __init__(self, groups: Sequence[UseGroup]) -> None:
        self.all = groups
        self._by_commitment: dict[tuple[str, str], list[UseGroup]] = {}
        self._by_service: dict[tuple[str, str], list[UseGroup]] = {}
        for one in groups:
            self._by_service.setdefault((one.provider, one.service), []).append(one)
            if one.commitment:
                self._by_commitment.setdefault((one.provider, one.commitment), []).append(one)

    def of(self, provider: str, commitments: Iterable[str]) -> list[UseGroup]:
        return [group for one in commitments for group in self._by_commitment.get((provider, one), ())]

    def beside(self, mine: Sequence[UseGroup]) -> list[UseGroup]:
        """Everything of the services that `mine` covers."""
        services = sorted({(one.provider, one.service) for one in mine if one.status == "Used"})
        return [group for one in services for group in self._by_service[one]]


def _with_term(one: OnBills, agreements: Sequence[Agreement]) -> OnBills:
    """With the contract and the term that the dataset Contract Commitment gives it, by its id or by what its charges apply to."""
    mine = [it for it in agreements if it.id in {one.id, *one.applied_to} and it.provider in {one.provider, ""}]
    if not mine:
        return one
    starts = min([it.starts for it in mine] + ([one.starts] if one.starts else []))
    return replace(
        one, contract=one.contract or mine[0].contract, starts=starts, ends=one.ends or max(it.ends for it in mine)
    )


def _register(ws: Workspace) -> Mapping[str, date]:
    """What contracts of the register say of their ends: by the vendor's own id of what was bought (`reference`)."""
    with ws.state.read() as tx:
        bought = [one.request for one in tx.purchases.all(["bought"])]
    return {one.reference: one.renews for one in bought if one.reference and one.renews is not None}


def _with_end(one: OnBills, bought: Mapping[str, date]) -> OnBills:
    return one if one.ends or one.id not in bought else replace(one, ends=bought[one.id])


def _most_unused(one: CommitmentUse) -> tuple[Decimal, str, str]:
    return (-one.unused_per_month, one.provider, one.id)


def _line(one: OnBills, groups: _Groups, currency: str, as_of: date) -> CommitmentUse:
    mine = groups.of(one.provider, [one.id])
    own = figures(mine)
    a_month = EXACT.divide(DAYS_A_MONTH, Decimal(one.days)) if one.days else ZERO
    owner, team = _whose(mine)
    last = one.last_day or one.starts or as_of
    owed = ZERO
    if one.days and one.starts and one.ends:
        owed = EXACT.multiply(EXACT.divide(own.cost, Decimal(one.days)), Decimal((one.ends - one.starts).days))
    return CommitmentUse(
        id=one.id,
        name=one.name,
        type=one.type,
        provider=one.provider,
        per_month=_cents(own.cost, a_month),
        unused_per_month=_cents(own.unused, a_month),
        utilisation=own.utilisation if own.utilisation is not None else _free(mine),
        last_day=last,
        ends=one.ends,
        stopped=one.landed is not None and (one.landed - last).days > QUIET_DAYS,
        category=one.category,
        contract=one.contract,
        owner=owner,
        team=team,
        starts=one.starts,
        days_left=(one.ends - as_of).days if one.ends else None,
        saved_per_month=_cents(own.saved, a_month) if own.covered or not own.unpriced else None,
        break_even_months=break_even_months(owed, EXACT.multiply(own.covered, a_month)),
        figures=_with_coverage(own, groups.beside(mine)),
        amortisation=amortise(one.paid, currency),
    )


def _free(groups: Sequence[UseGroup]) -> Decimal:
    """The utilisation of what cost nothing: whole where it covers something."""
    return Decimal("100.0") if any(one.status == "Used" for one in groups) else ZERO


def _with_coverage(own: UseFigures, beside: Sequence[UseGroup]) -> UseFigures:
    """Its own figures, but coverage is of all eligible usage of the services that it covers."""
    there = figures(beside)
    covered = percent(own.covered, there.eligible) if own.covered or not own.unpriced else None
    return replace(own, eligible=there.eligible, uncovered=there.uncovered, coverage=covered)


def _whose(groups: Sequence[UseGroup]) -> tuple[str, str]:
    """(owner, team) of most of the usage that it covers; of its unused rows where it covers none."""
    if not groups:
        return "", ""
    most = max(groups, key=lambda one: (one.status == "Used", one.effective, one.owner))
    return most.owner, most.team


def _owners(groups: Sequence[UseGroup]) -> list[OwnerUse]:
    by_owner: dict[tuple[str, str], list[UseGroup]] = {}
    for one in groups:
        by_owner.setdefault((one.owner, one.team), []).append(one)
    made = [OwnerUse(*name, figures(mine)) for name, mine in by_owner.items()]
    return sorted(made, key=lambda one: (-one.figures.eligible, one.owner, one.team))


def _contracts(lines: Iterable[CommitmentUse], groups: _Groups) -> list[ContractUse]:
    named: dict[tuple[str, str], list[str]] = {}
    for line in lines:
        named.setdefault((line.contract, line.provider), []).append(line.id)
    return [
        ContractUse(*key, tuple(sorted(ids)), figures(groups.of(key[1], ids))) for key, ids in sorted(named.items())
    ]


def _cents(amount: Decimal, times: Decimal) -> Decimal:
    return round(EXACT.multiply(amount, times), 2)


def _sentence(lines: Sequence[CommitmentUse], currency: str) -> str:
    if not lines:
        return f"No bill of the last {COMMITMENT_STANDING_DAYS} days names a commitment."
    cost, unused = total([one.per_month for one in lines]), total([one.unused_per_month for one in lines])
    worst = max(lines, key=lambda one: one.unused_per_month)
    said = f"{len(lines)} commitments cost ≈ {display(cost, 0)} {currency} a month"
    if unused <= ZERO:
        return f"{said}, and all of it is used."
    return f"{said}; ≈ {display(unused, 0)} of it is not used, most by {worst.name} (used to {worst.utilisation} %)."
