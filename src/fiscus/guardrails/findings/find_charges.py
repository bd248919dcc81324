"""Policies on charges and on resources: one grouped query each, and a finding for each group of people who answer for it."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from typing import Any, Final, cast

from fiscus.guardrails.policies.observed_sql import InSql, as_excepted, exception_sql, matched_sql
from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.guardrails.types import Finding, Policy
from fiscus.kernel.ids import content_id
from fiscus.kernel.limits import BILLING_OPEN_DAYS, FINDING_RESOURCES_MAX, FINDINGS_PER_POLICY_MAX
from fiscus.kernel.money import display, total
from fiscus.kernel.periods import Month, midnight
from fiscus.kernel.rows import Query, Rows
from fiscus.kernel.sql_text import sql_text

ERROR: Final = "policy_error"  # the kind of finding of a policy that has no answer
SUBJECT: Final = ("owner", "team", "environment", "currency", "provider", "sub_account")
_TEXT: Final[Mapping[InSql, str]] = {"charge": "charge_matches", "resource": "resource_matches"}
RESOURCE_DAYS: Final = 30  # the window of a policy on resources that names none
NOBODY: Final = ("", "unowned")
_BEGINNING: Final = date(1970, 1, 1)


@dataclass(frozen=True, slots=True)
class Matches:
    """What one policy found. `charges` matched; `errors` could not be judged; `below` groups are under its minimum.

    `error_amount` is the cost of the charges that could not be judged, by currency: currencies are never added.
    """

    findings: tuple[Finding, ...]
    charges: int = 0
    errors: int = 0
    error_amount: Mapping[str, Decimal] | None = None
    below: int = 0


@dataclass(frozen=True, slots=True)
class _Group:
    """One row of the query."""

    is_error: bool
    owner: str
    team: str
    environment: str
    currency: str
    provider: str
    sub_account: str
    exception: int
    account_name: str
    amount: Decimal
    charges: int
    first_day: date
    last_day: date
    resources: int
    largest: Sequence[str] | None
    services: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class _Asked:
    """A policy asked about charges or resources on a day."""

    compiled: CompiledPolicy
    as_of: date
    target: InSql = "charge"
    lake_version: str = ""

    @property
    def policy(self) -> Policy:
        return self.compiled.policy


def matches_query(compiled: CompiledPolicy, as_of: date, target: InSql = "charge") -> Query:
    """The policy's condition over its window: the last `window_days`, or the billing months that are still open."""
    asked = _Asked(compiled, as_of, target)
    return Query(_sql(asked, ""), _params(asked))


def all_matches_query(policies: Sequence[CompiledPolicy], as_of: date, target: InSql = "charge") -> Query:
    """`matches_query` of several policies in one, the place first: opening the lake costs more than one more condition.

    Resources are gathered once for each window that any of them has, which costs far more than asking about them.
    """
    params: dict[str, object] = {}
    parts, shared = list[str](), dict[str, str]()
    for place, compiled in enumerate(policies):
        asked = _Asked(compiled, as_of, target)
        source = ""
        if target == "resource":
            source = f"resources_{_window_days(asked)}"
            shared[source] = f"{source} AS MATERIALIZED (\n{_resources(source)}\n)"
            params |= {f"{name}_{source}": value for name, value in _params(asked).items()}
        params |= {f"{name}_{place}": value for name, value in _params(asked).items()}
        parts.append(f"SELECT {place} AS place, * FROM (\n{_sql(asked, '', f'_{place}', source)})")
    order = "place, is_error, currency, amount DESC, owner, team, environment, provider, sub_account, exception"
    gathered = ",\n".join(shared.values())
    text = (f"WITH {gathered}\n" if gathered else "") + "\nUNION ALL ".join(parts) + f"\nORDER BY {order}"
    bound = set(re.findall(r"\$(\w+)", text))
    return Query(text, {name: value for name, value in params.items() if name in bound})


def rows_by_place(rows: Rows, policies: int) -> list[Rows]:
    """The answer to `all_matches_query`, as the answers to each `matches_query`."""
    parts: list[list[tuple[object, ...]]] = [[] for _ in range(policies)]
    for row in rows.rows:
        parts[cast("int", row[0])].append(row[1:])
    return [Rows(rows.columns[1:], tuple(part)) for part in parts]


def find_charges(
    compiled: CompiledPolicy, rows: Rows, as_of: date, lake_version: str, target: InSql = "charge"
) -> Matches:
    """The findings in the answer to `matches_query`, largest first: at most 50 of a currency, the rest as one with their sum."""
    asked = _Asked(compiled, as_of, target, lake_version)
    policy = compiled.policy
    groups = [_Group(*row) for row in cast("Sequence[tuple[Any, ...]]", rows.rows)]
    matched = [group for group in groups if not group.is_error]
    enough = [group for group in matched if group.amount >= policy.min_amount]
    findings: list[Finding] = []
    for currency in dict.fromkeys(group.currency for group in enough):
        mine = [group for group in enough if group.currency == currency]
        shown, rest = mine[:FINDINGS_PER_POLICY_MAX], mine[FINDINGS_PER_POLICY_MAX:]
        findings += [_finding(asked, group) for group in shown]
        if rest:
            findings.append(_rest(asked, rest))
    wrong = [group for group in groups if group.is_error]
    errors = {
        currency: total([group.amount for group in wrong if group.currency == currency])
        for currency in sorted({group.currency for group in wrong})
    }
    if wrong and policy.on_error != "allow":
        findings += [_unjudged(asked, wrong, currency) for currency in errors]
    return Matches(
        findings=tuple(findings),
        charges=sum(group.charges for group in matched),
        errors=sum(group.charges for group in wrong),
        error_amount=errors,
        below=len(matched) - len(enough),
    )


def _sql(asked: _Asked, only: str, suffix: str = "", source: str = "") -> str:
    """`suffix` is put to the names of the parameters; the conditions, which people wrote, go in last and untouched.

    `source`: where resources were gathered already; they are gathered here where it is empty.
    """
    text = sql_text("fiscus.guardrails", _TEXT[asked.target]).replace("{{only}}", only)
    if asked.target == "resource":
        here = "" if source else f"resources AS (\n{_resources('')}\n),\n"
        text = text.replace("{{resources}}", here).replace("{{from}}", source or "resources")
    if suffix:
        text = re.sub(r"\$(\w+)", rf"$\1{suffix}", text)
    written = {
        "{{condition}}": matched_sql(asked.compiled, asked.target, asked.as_of),
        "{{exception}}": exception_sql(asked.compiled, asked.target, asked.as_of),
    }
    return re.sub(r"\{\{(?:condition|exception)\}\}", lambda place: written[place[0]], text)


def _resources(source: str) -> str:
    text = sql_text("fiscus.guardrails", "resource_rows")
    return re.sub(r"\$(\w+)", rf"$\1_{source}", text) if source else text


def _params(asked: _Asked) -> dict[str, object]:
    policy, as_of = asked.policy, asked.as_of
    if days := _window_days(asked):
        since = as_of - timedelta(days=days)
        month = Month.of(since).shift(-1)  # a charge may be billed before its period begins
    else:
        month = Month.of(as_of - timedelta(days=BILLING_OPEN_DAYS))
        since = _BEGINNING  # a correction of an old day stands in an open month
    return {
        "since": midnight(since), "until": midnight(as_of), "billing_month": str(month),
        "days_min": policy.days_min, "resources_max": FINDING_RESOURCES_MAX,
    }  # fmt: skip


def _window_days(asked: _Asked) -> int:
    return asked.policy.window_days or (RESOURCE_DAYS if asked.target == "resource" else 0)


def _period_label(asked: _Asked) -> str:
    if days := _window_days(asked):
        return f"last {days} days"
    as_of = asked.as_of
    first, last = Month.of(as_of - timedelta(days=BILLING_OPEN_DAYS)), Month.of(as_of)
    return str(first) if first == last else f"{first} to {last}"


def _finding(asked: _Asked, group: _Group) -> Finding:
    policy = as_excepted(asked.policy, group.exception)
    subject = {name: getattr(group, name) for name in SUBJECT}
    bound = subject | ({"exception": group.exception} if policy.exceptions else {})
    named = subject | _named(asked) | ({"exception": group.exception} if group.exception else {})
    only = " ".join(f"AND {name} = ${name}" for name in bound)
    return Finding(
        id=content_id("fnd", policy.finding, policy.id, named),
        kind=policy.finding,
        policy_id=policy.id,
        policy_version=policy.version,
        level=policy.level,
        title=_title(policy, group),
        detail=_detail(policy, group),
        amount=group.amount,
        currency=group.currency,
        owner=group.owner,
        team=group.team,
        environment=group.environment,
        period_label=_period_label(asked),
        first_seen=group.first_day,
        last_seen=group.last_day,
        rows=group.charges,
        query=_sql(asked, only),
        params=_params(asked) | bound,
        targets=tuple(group.largest or ()),
        action=policy.action,
        lake_version=asked.lake_version,
    )


def _named(asked: _Asked) -> dict[str, str]:
    """What keeps a finding on resources apart from one of the same policy on charges."""
    return {"on": asked.target} if asked.target == "resource" else {}


def _title(policy: Policy, group: _Group) -> str:
    """Who spends how much on what, and what is wrong with it."""
    money = f"{display(group.amount)} {group.currency}"
    place = group.provider or "an unnamed provider"
    if (account := group.account_name or group.sub_account) and account != group.provider:
        place += f" ({account})"
    where = f" in {group.environment}" if group.environment not in {"", "unknown"} else ""
    who = f"{group.team} spends {money}" if group.team not in NOBODY else f"Nobody answers for {money}"
    return f"{who} on {place}{where}: {policy.title}"


def _detail(policy: Policy, group: _Group) -> str:
    services = ", ".join(service for service in group.services or () if service)
    things = f", {group.resources:,} resources" if group.resources > 1 else ""
    days = f"on {group.first_day}" if group.first_day == group.last_day else f"{group.first_day} to {group.last_day}"
    seen = f"{group.charges:,} charges{things} of {services or 'no named service'}, {days}."
    return " ".join(part for part in (policy.reason, seen, policy.remedy) if part)


def _rest(asked: _Asked, groups: Sequence[_Group]) -> Finding:
    """What the policy matches beside its largest groups: never dropped."""
    policy, currency = asked.policy, groups[0].currency
    amount = total([group.amount for group in groups])
    title = f"{len(groups)} smaller groups spend {display(amount)} {currency}: {policy.title}"
    matches = _sql(asked, "AND currency = $currency")
    text = sql_text("fiscus.guardrails", "charge_rest").replace("{{matches}}", matches)
    params = {"currency": currency, "min_amount": policy.min_amount, "shown": FINDINGS_PER_POLICY_MAX}
    return Finding(
        id=content_id("fnd", policy.finding, policy.id, {"rest": currency} | _named(asked)),
        kind=policy.finding, policy_id=policy.id, policy_version=policy.version, level=policy.level, title=title,
        detail=f"{policy.reason} Only the {FINDINGS_PER_POLICY_MAX} largest groups stand alone. {policy.remedy}",
        amount=amount, currency=currency, owner=policy.owner, team="", environment="",
        period_label=_period_label(asked),
        first_seen=min(group.first_day for group in groups), last_seen=max(group.last_day for group in groups),
        rows=sum(group.charges for group in groups), query=text, params=_params(asked) | params,
        lake_version=asked.lake_version,
    )  # fmt: skip


def _unjudged(asked: _Asked, groups: Sequence[_Group], currency: str) -> Finding:
    """A condition that has no answer for some charges, where the policy says that silence is not consent."""
    policy = asked.policy
    mine = [group for group in groups if group.currency == currency]
    matches = _sql(asked, "AND currency = $currency")
    amount, charges = total([group.amount for group in mine]), sum(group.charges for group in mine)
    return Finding(
        id=content_id("fnd", ERROR, policy.id, currency, *_named(asked).values()),
        kind=ERROR, policy_id=policy.id, policy_version=policy.version, level=policy.level,
        title=f"{display(amount)} {currency} of charges could not be judged: {policy.title}",
        detail=f"The condition has no answer for {charges:,} charges: something that it reads is missing there. "
        f"The policy says on_error: {policy.on_error}. Test with has(...) before reading, or have the source send it.",
        amount=amount, currency=currency, owner=policy.owner, team="", environment="",
        period_label=_period_label(asked),
        first_seen=min(group.first_day for group in mine), last_seen=max(group.last_day for group in mine),
        rows=charges,
        query=sql_text("fiscus.guardrails", "charge_errors").replace("{{matches}}", matches),
        params=_params(asked) | {"currency": currency},
        lake_version=asked.lake_version,
    )  # fmt: skip
