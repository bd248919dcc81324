"""Ordered rules over distinct assignment keys: SQL finds the first rule that matches, Python resolves the few distinct names.

A rule whose name resolves to nobody does not match, so the next one gets its chance: the spellings that do resolve are bound
into the SQL as a list.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

from fiscus.kernel.rows import Query, Rows
from fiscus.ownership.load_rules import FIELDS, TEMPLATE
from fiscus.ownership.people import answerable
from fiscus.ownership.types import ASSIGNMENT_COLUMNS, UNOWNED, AssignmentRule, Directory, OwnershipRules

NOBODY = (UNOWNED, UNOWNED, "unallocated")
DEFAULT_RULE = "default-pool"
UNKNOWN = "unknown"


class _Parameters:
    """Values bound into the SQL by name: text of a rule never becomes SQL."""

    def __init__(self) -> None:
        self.values: dict[str, object] = {}

    def bind(self, value: object) -> str:
        name = f"p{len(self.values)}"
        self.values[name] = value
        return f"${name}"


@dataclass(frozen=True, slots=True)
class _Resolver:
    """Names of one rule, resolved through the directory on one day, each once."""

    directory: Directory
    as_of: date
    known: dict[tuple[str | None, str | None], tuple[str, str, str]]

    def owner(self, rule: AssignmentRule, team: str | None, owner: str | None) -> tuple[str, str, str]:
        """(owner id, team id, cost centre)."""
        if (team, owner) not in self.known:
            found = answerable(self.directory, owner, team, self.as_of)
            self.known[team, owner] = (found.person.id, found.team.id, found.team.cost_centre) if found else NOBODY
        person, home, centre = self.known[team, owner]
        return person, home, rule.cost_centre or centre


def assignment_query(rules: OwnershipRules, directory: Directory, as_of: date) -> Query:
    """SQL over `assignment_keys`: key, number of the winning rule (-1: none), raw team, owner, environment and product."""
    bound = _Parameters()
    live = _live_spellings(directory, as_of)
    arms, teams, owners = [], [], []
    for number, rule in enumerate(rules.rules):
        tests = [_any_matches(field, patterns, bound) for field, patterns in rule.match.items()]
        for template, spellings in ((rule.team, live[0]), (rule.owner, live[1])):
            if template and (tag := TEMPLATE.fullmatch(template)):
                tests.append(f"list_contains({bound.bind(spellings)}, lower(trim(Tags[{bound.bind(tag[1])}])))")
        arms.append(f"WHEN {' AND '.join(f'({test})' for test in tests)} THEN {number}")
        teams.append(f"WHEN {number} THEN {_value(rule.team, bound)}")
        owners.append(f"WHEN {number} THEN {_value(rule.owner, bound)}")
    rule_no = f"CASE {' '.join(arms)} ELSE -1 END" if arms else "-1"
    environment, product = (_first_tag(tags, bound) for tags in (rules.environment_tags, rules.product_tags))
    inner = f"SELECT *, {rule_no} AS rule_no FROM assignment_keys"
    team = f"CASE rule_no {' '.join(teams)} END" if teams else "NULL"
    owner = f"CASE rule_no {' '.join(owners)} END" if owners else "NULL"
    sql = (
        f"SELECT x_AssignmentKey, rule_no, {team} AS team, {owner} AS owner, {environment} AS environment, {product} AS product "
        f"FROM ({inner})"
    )
    return Query(sql, bound.values)


def assignment_rows(found: Rows, rules: OwnershipRules, directory: Directory, as_of: date) -> Rows:
    """`found` (the answer of `assignment_query`) as rows of ASSIGNMENT_COLUMNS."""
    resolver = _Resolver(directory, as_of, {})
    spelling = _environment_spellings(rules)
    rows: list[tuple[object, ...]] = []
    for key, number, team, owner, environment, product in found.rows:
        rule = rules.rules[number] if isinstance(number, int) and number >= 0 else None
        named = resolver.owner(rule, _text(team), _text(owner)) if rule else NOBODY
        won = rule.id if rule and named[0] != UNOWNED else DEFAULT_RULE
        where = rule.environment if rule and rule.environment else _canonical(_text(environment), spelling)
        what = rule.product if rule and rule.product else _text(product)
        rows.append((key, *named, where, what.strip().casefold() if what else UNKNOWN, won))
    return Rows(ASSIGNMENT_COLUMNS, tuple(rows))


def environment_named(rules: OwnershipRules, spelling: str) -> str:
    """The name under which charges stand whose environment tag says `spelling`."""
    return _canonical(spelling, _environment_spellings(rules))


def _text(value: object) -> str | None:
    return None if value is None else str(value)


def _canonical(raw: str | None, spelling: Mapping[str, str]) -> str:
    return spelling.get(raw.strip().casefold(), raw.strip().casefold()) if raw and raw.strip() else UNKNOWN


def _environment_spellings(rules: OwnershipRules) -> dict[str, str]:
    table = {name.casefold(): name for name in rules.environments}
    return table | {other.casefold(): name for name, others in rules.environments.items() for other in others}


def _live_spellings(directory: Directory, as_of: date) -> tuple[list[str], list[str]]:
    """Lower-case spellings of teams, and of people, that resolve to somebody live."""
    teams = [
        spelling.lower()
        for team in directory.teams.values()
        if answerable(directory, None, team.id, as_of)
        for spelling in (team.id, team.name, *team.aliases)
    ]
    people = [
        spelling.lower()
        for person in directory.people.values()
        if answerable(directory, person.id, None, as_of)
        for spelling in (person.id, person.email)
    ]
    return teams, people


def _any_matches(field: str, patterns: Sequence[str], bound: _Parameters) -> str:
    columns = [f"Tags[{bound.bind(field.removeprefix('tag:'))}]"] if field.startswith("tag:") else list(FIELDS[field])
    tests = [
        f"coalesce({column}, '') <> ''"
        if pattern == "*"
        else f"coalesce({column} ILIKE {bound.bind(_like(pattern))} ESCAPE '\\', false)"
        for column in columns
        for pattern in patterns
    ]
    return " OR ".join(tests)


def _like(pattern: str) -> str:
    """Shell wildcards as an SQL pattern; the pattern's own % and _ mean themselves."""
    escaped = pattern.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return escaped.replace("*", "%").replace("?", "_")


def _value(name: str | None, bound: _Parameters) -> str:
    if name is None:
        return "NULL"
    tag = TEMPLATE.fullmatch(name)
    return f"Tags[{bound.bind(tag[1])}]" if tag else bound.bind(name)


def _first_tag(tags: Sequence[str], bound: _Parameters) -> str:
    values = [f"nullif(trim(Tags[{bound.bind(tag)}]), '')" for tag in tags]
    return f"coalesce({', '.join(values)})" if values else "CAST(NULL AS VARCHAR)"
