"""allocations/*.yaml and the files that they name: how shared cost is handed on, loaded as a whole or not at all."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from decimal import Decimal, InvalidOperation
from functools import cache
from importlib.resources import files
from typing import Any, Final, cast

from fiscus.cost.allocation.pool_sql import ALLOCATED_TAG, SPLIT_COLUMNS
from fiscus.cost.allocation.read_opencost import OpenCostReading, read_opencost
from fiscus.cost.allocation.read_telemetry import VALUE, read_telemetry, team_named
from fiscus.cost.allocation.types import RULE, AllocationRules, Metric, Rule, Split, Target
from fiscus.cost.dimensions import CHARGE_DIMENSIONS
from fiscus.kernel.canonical import digest
from fiscus.kernel.documents import Document, did_you_mean, load_document
from fiscus.kernel.errors import BadConfig, BadInput, Where
from fiscus.kernel.limits import ALLOCATION_INPUT_BYTES_MAX, ALLOCATION_RULES_MAX
from fiscus.kernel.periods import FiscalCalendar

FOLDER: Final = "allocations"
TAKES: Final = {
    "fixed": "shares",
    "metric": "metric",
    "telemetry": "telemetry",
    "opencost": "opencost",
    "split": "split",
}
WHOLE: Final = Decimal(100)
Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class AllocationContext:
    """What rules are read against: `read` gives a file of the folder (None: it is not there), `teams` any spelling -> id."""

    read: Callable[[str], str | None]
    teams: Mapping[str, str]
    calendar: FiscalCalendar


def load_allocations(texts: Mapping[str, str], context: AllocationContext) -> AllocationRules:
    """The rules of all files (name -> text), by file and place.

    Raises BadConfig with file and line, and BadInput with file, row and column for a telemetry or OpenCost file.
    """
    schema = allocation_schema()
    rules: list[Rule] = []
    inputs: dict[str, str] = {}
    for file, text in sorted(texts.items()):
        document = load_document(text, file, schema)
        for number, item in enumerate(cast("dict[str, Any]", document.data)["allocations"]):
            loading = _Loading(document, ("allocations", number), item, context, inputs)
            rule = loading.rule()
            if (known := next((one for one in rules if one.id == rule.id), None)) is not None:
                message = f"Rule {rule.id!r} stands twice: also in {known.file}, line {known.line}"
                raise loading.error(("id",), message, "Rename one of them.")
            rules.append(rule)
            if len(rules) > ALLOCATION_RULES_MAX:
                raise loading.error((), f"More than {ALLOCATION_RULES_MAX} rules", "Let one rule share more.")
    _check_rule_targets(rules)
    if not rules:
        return AllocationRules()
    return AllocationRules(tuple(rules), digest(dict(texts)), digest(inputs), dict(texts), inputs)


@cache
def allocation_schema() -> Mapping[str, object]:
    """The JSON Schema of a file of allocation rules."""
    text = files("fiscus.cost").joinpath("schema", "allocations.schema.json").read_text("utf-8")
    return cast("Mapping[str, object]", json.loads(text))


def _check_rule_targets(rules: Sequence[Rule]) -> None:
    known = [rule.id for rule in rules]
    for rule in rules:
        told = {target for drivers in rule.drivers.values() for target in drivers}
        for target in (*rule.targets, *rule.shares, *told):
            if target.dimension == RULE and target.value not in known:
                where = Where(file=rule.file, line=rule.line)
                message = f"{rule.id} hands on to the rule {target.value!r}, which there is not"
                raise BadConfig(message, remedy=did_you_mean(target.value, known), where=where)


@dataclass(frozen=True, slots=True)
class _Loading:
    """One rule of a document under way. `inputs` collects the texts of the files that it names."""

    document: Document
    path: Path
    item: Mapping[str, Any]
    context: AllocationContext
    inputs: dict[str, str]

    def error(self, path: Path, message: str, remedy: str) -> Exception:
        return self.document.error((*self.path, *path), message, remedy)

    def rule(self) -> Rule:
        item, method = self.item, self.item["method"]
        self._check_keys(method)
        start, end = self._days()
        to = self._dimension(("to",), item["to"])
        targets = tuple(self._target(("targets", n), name) for n, name in enumerate(item.get("targets", ())))
        rule = Rule(
            id=item["id"],
            title=item.get("title", item["id"]),
            share=self._scope(("share",), item["share"]),
            to=to,
            method=method,
            file=self.document.file,
            line=self.document.line(self.path),
            start=start,
            end=end,
            targets=targets,
            excepted=tuple(self._target(("except", n), name).value for n, name in enumerate(item.get("except", ()))),
            shares=self._shares(),
            metric=self._metric(),
            split=self._split(),
            otherwise=item.get("otherwise", "keep"),
        )
        return self._with_drivers(rule)

    def _check_keys(self, method: str) -> None:
        for other, key in TAKES.items():
            if (key in self.item) != (method == other):
                if method == other:
                    raise self.error((), f"The method {method} needs {key!r}", f"Add {key}.")
                raise self.error(
                    (key,), f"{key!r} says nothing for the method {method}", f"Leave it out, or write method: {other}."
                )
        if method in {"fixed", "split"} and ("targets" in self.item or "except" in self.item):
            key = "targets" if "targets" in self.item else "except"
            raise self.error((key,), f"The method {method} names its targets itself", f"Leave {key} out.")
        if self.item.get("otherwise") == "even" and "targets" not in self.item:
            raise self.error(("otherwise",), "Even over whom? The rule names no targets", "Add targets.")

    def _days(self) -> tuple[date | None, date | None]:
        start, last = self._day("from"), self._day("until")
        end = None if last is None else last + timedelta(days=1)
        if start is not None and end is not None and start >= end:
            raise self.error(("until",), "The rule ends before it begins", "Write from before until.")
        return start, end

    def _day(self, key: str) -> date | None:
        if (text := self.item.get(key)) is None:
            return None
        try:
            return date.fromisoformat(text)
        except ValueError:
            raise self.error((key,), f"{text!r} is no date", "Write it as YYYY-MM-DD.") from None

    def _dimension(self, path: Path, name: str, more: Sequence[str] = ()) -> str:
        kind, _, key = name.partition(":")
        tagged = key and kind in {"tag", *(one.partition(":")[0] for one in more if ":" in one)}
        if name not in CHARGE_DIMENSIONS and name not in more and not tagged:
            known = did_you_mean(name, [*CHARGE_DIMENSIONS, *more, "tag:KEY"])
            raise self.error(path, f"Unknown dimension {name!r}", known)
        return name

    def _scope(self, path: Path, given: Mapping[str, Any]) -> dict[str, tuple[str, ...]]:
        scope = {}
        for name, values in given.items():
            many = (values,) if isinstance(values, str) else tuple(values)
            scope[self._dimension((*path, name), name)] = many
        return scope

    def _target(self, path: Path, name: str) -> Target:
        named = team_named(self.context.teams, self.item["to"], {})
        try:
            return named(name)
        except BadInput as wrong:
            raise self.error(path, wrong.message, wrong.remedy) from None

    def _shares(self) -> dict[Target, Decimal]:
        shares: dict[Target, Decimal] = {}
        for name, given in self.item.get("shares", {}).items():
            try:
                share = Decimal(str(given))
            except InvalidOperation:
                share = Decimal("NaN")
            if not share.is_finite() or not 0 <= share <= WHOLE:
                raise self.error(("shares", name), f"{given!r} is no percentage", "Write a number from 0 to 100.")
            target = self._target(("shares", name), name)
            if target in shares:
                raise self.error(("shares", name), f"{name!r} is {target}, which stands here twice", "Keep one.")
            shares[target] = share
        if (whole := sum(shares.values(), Decimal(0))) > WHOLE:
            raise self.error(
                ("shares",), f"The shares come to {whole} %", "Let them come to 100, or less to keep the rest."
            )
        return shares

    def _metric(self) -> Metric | None:
        if (given := self.item.get("metric")) is None:
            return None
        quantity = given["column"].endswith("Quantity")
        if quantity != ("unit" in given):
            message = f"{given['column']} has many units" if quantity else f"{given['column']} has no unit"
            raise self.error(("metric",), message, "Name the unit to add up." if quantity else "Leave unit out.")
        return Metric(given["column"], given.get("unit"), self._scope(("metric", "where"), given.get("where", {})))

    def _split(self) -> Split | None:
        if (given := self.item.get("split")) is None:
            return None
        by = self._dimension(("split", "by"), given["by"], [*SPLIT_COLUMNS, f"{ALLOCATED_TAG}:KEY"])
        names = dict(given.get("names", {}))
        for told, name in names.items():
            names[told] = self._target(("split", "names", told), name).value
        if self.item["to"] == "team":
            return Split(by, {**self.context.teams, **names}, only_named=True)
        return Split(by, names)

    def _with_drivers(self, rule: Rule) -> Rule:
        if (given := self.item.get("telemetry")) is not None:
            file, text = self._text(("telemetry", "file"), given["file"])
            named = team_named(self.context.teams, rule.to, given.get("names", {}))
            drivers = read_telemetry(text, file, given.get("column", VALUE), named, self.context.calendar)
            return replace(rule, drivers=drivers, source_file=file)
        if (given := self.item.get("opencost")) is None:
            return rule
        named = team_named(self.context.teams, rule.to, given.get("names", {}))
        shared = frozenset(given.get("shared", ()))
        reading = OpenCostReading(given["by"], named, given.get("idle", "weighted"), shared)
        merged: dict[str, dict[Target, Decimal]] = {}
        for number, name in enumerate(given["files"]):
            file, text = self._text(("opencost", "files", number), name)
            for month, costs in read_opencost(text, file, reading).items():
                known = merged.setdefault(month, {})
                known |= {target: known.get(target, Decimal(0)) + cost for target, cost in costs.items()}
        return replace(rule, drivers=merged, source_file=", ".join(f"{FOLDER}/{name}" for name in given["files"]))

    def _text(self, path: Path, name: str) -> tuple[str, str]:
        if ".." in name.split("/"):
            raise self.error(path, f"{name!r} is outside the folder {FOLDER}", "Name a file in it.")
        if (text := self.context.read(name)) is None:
            raise self.error(path, f"{FOLDER}/{name} is missing", "Put the file there, or mend its name.")
        if len(text) > ALLOCATION_INPUT_BYTES_MAX:
            raise self.error(
                path, f"{FOLDER}/{name} is larger than {ALLOCATION_INPUT_BYTES_MAX:,} bytes", "Aggregate it."
            )
        self.inputs[name] = text
        return f"{FOLDER}/{name}", text
