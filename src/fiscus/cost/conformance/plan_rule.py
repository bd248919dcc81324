"""Which question answers a rule: a test of each row, a grouped query, a look at the header, another dataset, or a declaration."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal

from fiscus.cost.conformance.ask_one_each import OneEach
from fiscus.cost.conformance.delivery_facts import Facts
from fiscus.cost.conformance.lost_columns import Lost, lost_in, sayable_of, sayable_sql
from fiscus.cost.conformance.row_tests import ALWAYS, RowTest, both, condition, json_row_test, row_test
from fiscus.cost.conformance.rule_tree import Inherited
from fiscus.cost.conformance.sku_properties import spell_properties
from fiscus.cost.conformance.types import Check, Execution, Outcome, Rule

Ask = Literal["known", "row", "cells", "group", "one_each", "unique", "beside", "header", "schema", "below"]
_TYPE_CHECKS: Final = {"TypeString", "TypeDecimal", "TypeDateTime"}


@dataclass(frozen=True, slots=True)
class Plan:
    """How one rule is asked. `outcome` and `reason` are set where it is known without asking."""

    rule: Rule
    ask: Ask
    test: RowTest | None = None
    name: str = ""
    one: OneEach | None = None
    outcome: Outcome = "pass"
    reason: str = ""


def plan_rule(rule: Rule, given: Inherited, facts: Facts) -> Plan:
    """The plan for one rule of this delivery."""
    if rule.function == "Composite" or (rule.execution is not None and rule.execution.method == "follows"):
        return Plan(rule, "below")
    criteria = given.criteria | frozenset(rule.criteria)
    presence = isinstance(rule.check, list) and rule.check[0] == "ColumnPresent"
    if presence:
        return _presence(rule, criteria, facts)
    absent = _absent(rule, facts)
    if absent:
        return _lost(rule, absent)
    if unmet := facts.unmet(criteria):
        return Plan(rule, "known", outcome="not_applicable", reason=_unmet_reason(unmet))
    if rule.keyword == "MAY":
        return Plan(rule, "known", reason="a liberty: no data can break it")
    if rule.execution is not None:
        return _executed(rule, rule.execution, given, facts)
    return _checked(rule, given, facts)


def _unmet_reason(unmet: list[str]) -> str:
    return f"nothing here shows {', '.join(unmet)}; declare it if it holds"


def _presence(rule: Rule, criteria: frozenset[str], facts: Facts) -> Plan:
    assert isinstance(rule.check, list)
    column = str(rule.check[1])
    if column in facts.delivered:
        return Plan(rule, "known", reason="")
    if unmet := facts.unmet(criteria):
        return Plan(rule, "known", outcome="not_applicable", reason=_unmet_reason(unmet))
    if rule.keyword == "MAY":
        return Plan(rule, "known", reason="a liberty: no data can break it")
    return Plan(rule, "known", outcome="fail", reason=f"the file has no column {column}")


def _absent(rule: Rule, facts: Facts) -> str:
    """The column that the rule is about, where the file does not have it."""
    if rule.kind not in {"Column", "Object"}:
        return ""
    column = rule.entity.removesuffix("Object") if rule.kind == "Object" else rule.entity
    return "" if column in facts.delivered else column


def _checked(rule: Rule, given: Inherited, facts: Facts) -> Plan:
    check = rule.check
    assert isinstance(check, list)
    if check[0] == "CheckDistinctCount":
        return Plan(rule, "one_each", one=_one_each((str(check[1]),), str(check[2]), facts))
    if check[0] == "CheckNoDuplicates":
        return Plan(rule, "unique", name=str(check[1]))
    if check[0] == "JSONCheckPathDistinctParent":
        return Plan(rule, "group", name="contract_parents")
    if check[0] in _TYPE_CHECKS and not facts.is_csv(str(check[1])):
        return Plan(rule, "row", test=_typed(str(check[0]), str(check[1]), facts))
    conditions = [c for c in given.conditions if not _speaks_of_elements(c)]
    if _speaks_of_elements(rule.when):
        test = json_row_test(rule.when, check)
    else:
        conditions.append(rule.when)
        test = row_test(check)
    assert test is not None, f"{rule.id} has no test"
    return _under(conditions, test.when, Plan(rule, "row", test=test), facts)


def _under(conditions: Sequence[Check], when: str, plan: Plan, facts: Facts) -> Plan:
    """`plan`, asked of the rows that meet `conditions` too."""
    assert plan.test is not None
    for one in conditions:
        sayable = sayable_of(one, facts.delivered, facts.focus)
        if isinstance(sayable, Lost):
            return _lost(plan.rule, sayable.column)
        when = both(condition(sayable), when)
    return replace(plan, test=RowTest(when, plan.test.broken))


def _lost(rule: Rule, column: str) -> Plan:
    return Plan(rule, "known", outcome="not_applicable", reason=f"the file has no column {column}")


def _speaks_of_elements(check: object) -> bool:
    return isinstance(check, list) and str(check[0]).startswith("JSON")


def _typed(function: str, column: str, facts: Facts) -> RowTest:
    """A type that the file itself declares: right for all values, or wrong for all."""
    kind = facts.delivered[column].native.upper()
    right = {
        "TypeString": kind.startswith(("VARCHAR", "ENUM", "JSON", "MAP", "STRUCT")),
        "TypeDecimal": facts.delivered[column].kind == "number",
        "TypeDateTime": facts.delivered[column].kind == "time",
    }[function]
    judged = f"{column} IS NOT NULL"
    return RowTest(judged, "false" if right else judged)


def _executed(rule: Rule, how: Execution, given: Inherited, facts: Facts) -> Plan:
    if how.method == "row":
        if lost := lost_in(how.holds, facts.delivered, facts.focus):
            return _lost(rule, lost)
        said = sayable_sql(how.when, facts.delivered, facts.focus)
        when = f"coalesce({said}, false)" if said else ALWAYS
        test = RowTest(when, f"NOT coalesce({spell_properties(how.holds)}, false)")
        conditions = [one for one in given.conditions if not _speaks_of_elements(one)]
        return _under(conditions, when, Plan(rule, "row", test=test), facts)
    if how.method == "product":
        return _product(rule, how)
    if how.method == "one_each":
        keys = tuple(how.when.split(";"))
        return Plan(rule, "one_each", one=_one_each(keys, how.holds, facts, by_vendor=True))
    if how.method == "documented":
        return _documented(rule, how.when, facts)
    if how.method in {"cells", "group", "beside", "header", "schema"}:
        return Plan(rule, how.method, name=how.holds)  # type: ignore[arg-type]  # the five are asks
    return Plan(rule, "known", reason="a liberty: no data can break it")


def _one_each(keys: tuple[str, ...], column: str, facts: Facts, *, by_vendor: bool = False) -> OneEach:
    return OneEach(keys, column, facts.focus[column].type if column in facts.focus else "String", by_vendor)


def _product(rule: Rule, how: Execution) -> Plan:
    test = row_test(["ColumnByColumnEqualsColumnValue", *how.when.split(";")])
    assert test is not None
    return Plan(rule, "row", test=RowTest(both(how.holds, test.when), test.broken))


def _documented(rule: Rule, topic: str, facts: Facts) -> Plan:
    said = facts.declared.documented.get(topic)
    if said is None:
        return Plan(
            rule,
            "known",
            outcome="needs_data",
            reason=f"the vendor's documentation: declare documented.{topic} as true or false",
        )
    return Plan(
        rule, "known", outcome="pass" if said else "fail", reason=f"declared: documented.{topic} is {str(said).lower()}"
    )
