"""A delivery judged by every rule of its version: plans, a few queries, verdicts."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Final

from fiscus.cost.conformance.ask_groups import (
    TERM,
    Groups,
    group_sql,
    groups_of,
    query_named,
    slices,
    unique_sql,
)
from fiscus.cost.conformance.ask_one_each import OneEach, tearings
from fiscus.cost.conformance.ask_rows import NOTHING, Count, Damage, Damaging, Purse, count_rows, damage_of
from fiscus.cost.conformance.ask_schemas import ask_schema
from fiscus.cost.conformance.cells import HIDING, WELL_FORMED, WORDS, columns_for, detail, hidden_sql, screen
from fiscus.cost.conformance.delivery_facts import MONEY_COLUMN, Facts, settle, tests_of_facts
from fiscus.cost.conformance.header_tests import TESTS, Header
from fiscus.cost.conformance.load_rules import load_rules
from fiscus.cost.conformance.patterns import CURRENCY
from fiscus.cost.conformance.phrases import remedy_of, title_of
from fiscus.cost.conformance.plan_rule import Plan, plan_rule
from fiscus.cost.conformance.ports import Desk
from fiscus.cost.conformance.readings import blanks_of
from fiscus.cost.conformance.row_tests import ALWAYS, RowTest
from fiscus.cost.conformance.rule_tree import Inherited, depends_on, inherited, summary
from fiscus.cost.conformance.types import Outcome, Rule, Verdict
from fiscus.kernel.progress import Progress

NO_ROWS: Final = "no row meets its condition"
Question = OneEach | str
"""One value for each key, or SQL like that of `sql/`."""
GROUPED: Final = frozenset({"one_each", "unique", "group", "beside", "schema"})


def judge(desk: Desk, facts: Facts, progress: Progress) -> tuple[Verdict, ...]:
    """One verdict for every active rule of the dataset, in the order of the rules. `facts` are settled on the way."""
    rules = load_rules(facts.version, facts.dataset)
    tree = inherited(rules)
    asking = Asking(desk, facts)
    progress.stage(f"Judging {len(rules)} rules")
    asking.count([plan_rule(rule, tree.get(rule.id, Inherited()), facts) for rule in rules])
    plans = [plan_rule(rule, tree.get(rule.id, Inherited()), facts) for rule in rules]
    found: dict[str, Verdict] = {}
    found.update(_by_id(asking.known(plans)))
    progress.stage("Rules of more than one row, and where they are broken")
    found.update(_by_id(asking.groups(plans)))
    found.update(_by_id(asking.rows([plan for plan in plans if plan.ask == "row"])))
    found.update(_by_id(asking.cells([plan for plan in plans if plan.ask == "cells"])))
    _add_composites(plans, rules, found)
    return tuple(found[rule.id] for rule in rules)


def _by_id(verdicts: Iterable[Verdict]) -> Mapping[str, Verdict]:
    return {verdict.rule: verdict for verdict in verdicts}


def _add_composites(plans: Sequence[Plan], rules: Sequence[Rule], found: dict[str, Verdict]) -> None:
    """From the leaves up; what refers to itself by a circle ends where the circle closes."""
    below = {plan.rule.id: depends_on(plan.rule, rules) for plan in plans if plan.ask == "below"}
    waiting = [plan.rule for plan in plans if plan.ask == "below"]
    while waiting:
        ready = [rule for rule in waiting if all(name in found for name in below[rule.id])] or waiting[:1]
        for rule in ready:
            made = summary(rule, [found[name] for name in below[rule.id] if name in found])
            found[rule.id] = replace(verdict(rule, made.outcome, made.reason), judged=made.judged, broken=made.broken)
        waiting = [rule for rule in waiting if rule.id not in found]


def verdict(rule: Rule, outcome: Outcome, reason: str = "") -> Verdict:
    """A verdict without counts."""
    remedy = remedy_of(rule) if outcome == "fail" else ""
    return Verdict(
        rule=rule.id,
        entity=rule.entity,
        keyword=rule.keyword,
        severity=rule.severity,
        outcome=outcome,
        title=title_of(rule),
        reason=reason,
        remedy=remedy,
        erratum=rule.erratum,
    )


def _condition(plan: Plan) -> str:
    """The rows that a grouped rule speaks of."""
    if plan.one is not None:
        return " AND ".join(f"{name} IS NOT NULL" for name in (*plan.one.keys, plan.one.column))
    if plan.ask == "schema":
        return f"{plan.rule.entity} IS NOT NULL"
    how = plan.rule.execution
    return how.when if how is not None and how.method == "group" and how.when else ALWAYS


def _turns_on(plan: Plan) -> str:
    """The rows without which the query of a grouped rule finds nothing; empty where that is not known."""
    return query_named(plan.name).turns_on if plan.ask == "group" else ""


def _kind(plan: Plan) -> str:
    """The kind of columns that a rule of an attribute speaks of."""
    return plan.rule.execution.when if plan.rule.execution else ""


class Asking:
    """The questions to the desk, each for many plans at once."""

    def __init__(self, desk: Desk, facts: Facts) -> None:
        self._desk, self._facts = desk, facts
        self._counts: Mapping[str, Count] = {}
        self._damages: Mapping[str, Damage] = {}
        self._hidden: frozenset[str] = frozenset()  # columns of JSON that hide a fault, each with its kind
        money = MONEY_COLUMN[facts.dataset]
        self._purse = Purse(money, money in facts.delivered or "BilledCost" in facts.delivered)

    def known(self, plans: Sequence[Plan]) -> Iterable[Verdict]:
        """What the header or a declaration tells."""
        splits = self._facts.criteria.get("DATA_GENERATOR_SPLIT_COST_ALLOCATION_SUPPORTED", False)
        header = Header(list(self._facts.delivered.values()), self._facts.focus, splits)
        for plan in plans:
            if plan.ask == "known":
                broken = self._facts.rows if plan.outcome == "fail" else 0
                yield replace(verdict(plan.rule, plan.outcome, plan.reason), judged=self._facts.rows, broken=broken)
            elif plan.ask == "header":
                yield self._header(plan, TESTS[plan.name](header))

    def _header(self, plan: Plan, faults: list[str] | None) -> Verdict:
        if faults is None:
            return verdict(plan.rule, "not_applicable", "the file has no column that it speaks of")
        found = verdict(plan.rule, "fail" if faults else "pass")
        return replace(found, judged=len(self._facts.delivered), broken=len(faults), rows=tuple(faults[:3]))

    def count(self, plans: Sequence[Plan]) -> None:
        """The one pass, and then the facts are known: plans are those of a vendor that supports everything.

        Rules of a row, columns that hold odd values, rows that grouped rules speak of. What asks for blank text, where a column
        turns out to hold some, is asked again.
        """
        facts = self._facts
        tests = {plan.rule.id: plan.test for plan in plans if plan.test is not None}
        tests |= {plan.rule.id: RowTest(_condition(plan), "false") for plan in plans if plan.ask in GROUPED}
        tests |= {turn: RowTest(turn, "false") for plan in plans if (turn := _turns_on(plan))}
        for kind in dict.fromkeys(_kind(plan) for plan in plans if plan.ask == "cells"):
            tests |= {f"{kind} {c}": t for c, t in screen(kind, self._asked_of(kind), facts.focus).items()}
        tests |= {p.rule.id: detail(p.name, c) for p in plans if p.ask == "cells" and (c := self._unscreened(_kind(p)))}
        counts = dict(count_rows(self._desk, {**tests_of_facts(facts), **tests}, facts.kind_of, facts.few, self._purse))
        settle(facts, counts)
        again = {name: test for name, test in tests.items() if blanks_of(test.when, test.broken) & facts.odd_words}
        if again:
            counts |= count_rows(self._desk, again, facts.kind_of, facts.few, self._purse)
        self._counts = counts

    def _unscreened(self, kind: str) -> list[str]:
        """The columns of a kind whose rules are asked directly."""
        return [] if kind in WELL_FORMED else self._asked_of(kind)

    def _columns(self, kind: str) -> list[str]:
        return columns_for(kind, list(self._facts.delivered.values()), self._facts.focus)

    def _asked_of(self, kind: str) -> list[str]:
        """The columns of the kind that may hold something odd."""
        return [c for c in self._columns(kind) if kind not in WORDS or c in self._facts.odd_words]

    def rows(self, plans: Sequence[Plan]) -> Iterable[Verdict]:
        """Of each broken test, places and money were asked beside the grouped rules."""
        counts, damages = self._counts, self._damages
        return [self._judged(plan.rule, counts[plan.rule.id], damages.get(plan.rule.id, Damage())) for plan in plans]

    def _judged(self, rule: Rule, count: Count, damage: Damage) -> Verdict:
        if not count.judged:
            return verdict(rule, "not_applicable", NO_ROWS)
        found = verdict(rule, "fail" if count.broken else "pass")
        return replace(found, judged=count.judged, broken=count.broken, rows=damage.places, money=damage.money)

    def cells(self, plans: Sequence[Plan]) -> Iterable[Verdict]:
        """Rules of the attributes: only columns with odd values are asked in detail."""
        odd, tests = self._counts, {}
        for plan in plans:
            kind = _kind(plan)
            names = {c: f"{kind} {c}" for c in self._asked_of(kind)}
            asked = [c for c, n in names.items() if n not in odd or odd[n].broken or n in self._hidden]
            if asked:
                tests[plan.rule.id] = detail(plan.name, asked)
        counts = {name: odd[name] for name in tests if name in odd}
        later = {name: test for name, test in tests.items() if name not in odd}
        if later:
            counts |= count_rows(self._desk, later, self._facts.kind_of, self._facts.few, self._purse)
        damage = damage_of(self._desk, tests, counts, self._facts.kind_of, self._purse)
        for plan in plans:
            name, kind = plan.rule.id, _kind(plan)
            columns = self._columns(kind)
            filled = (
                self._facts.rows
                if kind in WORDS
                else max((odd[f"{kind} {c}"].judged for c in columns if f"{kind} {c}" in odd), default=0)
            )
            count = counts.get(name, Count(0, 0))
            if not columns:
                yield verdict(plan.rule, "not_applicable", "the file has no column of the kind")
            else:
                yield self._judged(
                    plan.rule, Count(max(filled, count.judged), count.broken), damage.get(name, Damage())
                )

    def _hiding(self, plans: Sequence[Plan]) -> Mapping[str, str]:
        """Columns of JSON, each with its kind, of which well formed values may hide a fault -> the statement that looks."""
        faults: dict[str, list[str]] = {}
        for plan in plans:
            if _kind(plan) in HIDING:
                faults.setdefault(_kind(plan), []).append(plan.name)
        return {
            f"{kind} {c}": hidden_sql(c, of) for kind, of in faults.items() for c in self._asked_of(kind)
            if self._counts[f"{kind} {c}"].judged and not self._counts[f"{kind} {c}"].broken
        }  # fmt: skip

    def groups(self, plans: Sequence[Plan]) -> Iterable[Verdict]:
        """One value for each key, no key twice, queries under sql/, datasets beside; and on the way where broken rows stand."""
        tests = {plan.rule.id: plan.test for plan in plans if plan.test is not None}
        damaging = Damaging(tests, self._counts, self._facts.kind_of, self._purse, self._facts.rows)
        hiding = self._hiding([plan for plan in plans if plan.ask == "cells"])
        plans = [plan for plan in plans if plan.ask in GROUPED]
        spoken = self._counts
        for plan in plans:
            if not spoken[plan.rule.id].judged and not self._absent(plan):
                yield verdict(plan.rule, "not_applicable", NO_ROWS)
        plans = [plan for plan in plans if spoken[plan.rule.id].judged or self._absent(plan)]
        asked = [(plan, self._question(plan)) for plan in plans]
        answers = self._answers(
            {q: spoken[p.rule.id].judged for p, q in asked if not isinstance(q, Verdict) and q}, damaging, hiding
        )
        money = self._purse.carried((CURRENCY,), self._facts.kind_of)
        for plan, question in asked:
            judged = spoken[plan.rule.id].judged
            if isinstance(question, Verdict):
                yield question
            elif plan.ask == "schema":
                yield self._grouped(plan.rule, ask_schema(self._desk, plan.rule.entity, plan.name, money), judged)
            else:
                waits = query_named(plan.name).waits_for if plan.ask in {"group", "beside"} else TERM
                yield self._grouped(plan.rule, answers.get(question, Groups()), judged, waits)

    def _question(self, plan: Plan) -> Question | Verdict:
        """What is asked for a grouped rule, or its verdict where nothing can be; empty where its query would find nothing."""
        if missing := self._absent(plan):
            return verdict(plan.rule, "not_applicable", f"the file has no column {missing}")
        if plan.ask == "one_each":
            assert plan.one is not None
            return plan.one
        if plan.ask == "unique":
            return unique_sql(plan.name)
        turn = _turns_on(plan)
        if plan.ask == "schema" or (turn and not self._counts[turn].judged):
            return ""
        query, table = query_named(plan.name), ""
        if plan.ask == "beside":
            table = plan.rule.execution.when if plan.rule.execution else ""
            if table not in self._desk.beside():
                return verdict(plan.rule, "needs_data", f"the dataset {table}: give it with --with {table}=PATH")
            if lost := [name for name in query.beside if name not in self._desk.columns_of(table)]:
                return verdict(plan.rule, "needs_data", f"the column {lost[0]} of {table}")
        return query.text.replace("{entity}", plan.rule.entity)

    def _answers(
        self, judged: Mapping[Question, int], damaging: Damaging, hiding: Mapping[str, str]
    ) -> Mapping[Question, Groups]:
        """Each question once, side by side; `judged`: of how many rows it speaks.

        First what reads the delivery, then what reads a slice of it. A key that never has two values answers all finer questions.
        """
        texts = {question: spoken for question, spoken in judged.items() if isinstance(question, str)}
        cut = slices(texts, self._facts.rows) if self._desk.keeps_tables else []
        told = {text: one.told(text) for one in cut for text in one.texts}
        whole = [text for text in texts if text not in told]
        keys = tearings([question for question in judged if isinstance(question, OneEach)])
        first = [damaging.sql] if damaging.sql else []
        first += [one.sql for one in cut] + [key.sql for key in keys]
        found = iter(self._desk.query_all([*hiding.values(), *first, *(self._adding_up(text) for text in whole)]))
        self._hidden = frozenset(name for name in hiding if next(found).rows[0][0])
        self._damages = damaging.found(self._desk, next(found) if damaging.sql else NOTHING)
        for _ in cut:
            next(found)
        torn = [one for key in keys for one in key.torn(next(found))]
        later = [self._adding_up(text) for text in [*told.values(), *(one.sql for one in torn)]]
        asked: list[Question] = [*whole, *told, *(one.one for one in torn)]
        answers = [*found, *self._desk.query_all(later)]
        return {q: groups_of(self._desk, answer) for q, answer in zip(asked, answers, strict=True)}

    def _adding_up(self, text: str) -> str:
        return group_sql(text, self._facts.kind_of)

    def _missing(self, columns: Iterable[str]) -> str:
        return next((name for name in columns if name not in self._facts.delivered), "")

    def _absent(self, plan: Plan) -> str:
        """A column that the question reads and the file does not have."""
        if plan.one is not None:
            return self._missing([*plan.one.keys, plan.one.column])
        columns = () if plan.ask in {"unique", "schema"} else query_named(plan.name).columns
        return self._missing(name for name in columns if name != "{entity}")

    def _grouped(self, rule: Rule, groups: Groups, judged: int, waits: str = TERM) -> Verdict:
        more = groups.open_groups - len(groups.open_first)
        of = ", ".join(groups.open_first) + (f" and {more} more" if more else "")
        if groups.open_groups and not groups.kept and not groups.broken:
            return verdict(rule, "needs_data", f"{waits} {of}")
        found = verdict(rule, "fail" if groups.broken else "pass")
        why = "whose term is not all in this delivery:" if waits == TERM else f"for want of {waits}"
        reason = f"{groups.open_groups} not judged, {why} {of}" if of else groups.note
        return replace(
            found, judged=judged, broken=groups.broken, rows=groups.places, money=groups.money, reason=reason
        )
