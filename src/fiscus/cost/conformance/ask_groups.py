"""Rules that need more than one row: one value for each key, no key twice, and the queries under `sql/`.

A query returns a row a group: status ('broken', 'kept' or 'open'), place, number_of_rows, currency, amount, what. Its first lines
say which columns it reads (`-- columns:`) of the delivery and of the dataset beside it (`-- beside:`); `-- of:` says which rows
it reads, where it reads no others but those of `whole_delivery`; `-- turns on:` which rows it takes to find anything: where there
is none, it is not asked; `-- waits for:` what its open groups want, before their names.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from functools import cache
from importlib import resources
from typing import Final

from fiscus.cost.conformance.ask_one_each import COST
from fiscus.cost.conformance.ask_rows import SPARSE
from fiscus.cost.conformance.conditions import PIECE
from fiscus.cost.conformance.currencies import MINOR_DIGITS
from fiscus.cost.conformance.patterns import SHOWN
from fiscus.cost.conformance.ports import Desk
from fiscus.cost.conformance.readings import spell_readings
from fiscus.kernel.rows import Rows

_SUBUNIT: Final = (
    "CASE "
    + " ".join(
        f"WHEN {{x}} = '{code}' THEN {Decimal(1).scaleb(-digits)}" for code, digits in sorted(MINOR_DIGITS.items())
    )
    + " ELSE 0.01 END"
)
TERM: Final = "bills of the whole term of"
_WAITS_FOR: Final = re.compile(r"^-- waits for: (.*)$", re.MULTILINE)
_TURNS_ON: Final = re.compile(r"^-- turns on: (.*)$", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Groups:
    """What a grouped rule found. `open_groups` could not be judged: the data does not reach far enough; `open_first` of them."""

    broken: int = 0
    kept: int = 0
    open_groups: int = 0
    open_first: tuple[str, ...] = ()
    places: tuple[str, ...] = ()
    money: Mapping[str, Decimal] = field(default_factory=dict)
    note: str = ""
    """What was left out, whatever was found."""


@dataclass(frozen=True, slots=True)
class Query:
    """A file of `sql/`: its text, the columns that it reads, and a condition without whose rows it finds nothing (or none)."""

    text: str
    columns: tuple[str, ...]
    beside: tuple[str, ...]
    turns_on: str
    waits_for: str = TERM
    """What must be there to judge the groups that it leaves open, before their names."""


@cache
def query_named(name: str) -> Query:
    """The query of this name."""
    text = resources.files("fiscus.cost.conformance").joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
    lists = {key: tuple(names.split()) for key, names in re.findall(r"^-- (columns|beside): (.*)$", text, re.MULTILINE)}
    turning, waiting = _TURNS_ON.search(text), _WAITS_FOR.search(text)
    return Query(
        text,
        lists.get("columns", ()),
        lists.get("beside", ()),
        turning[1] if turning else "",
        waiting[1] if waiting else TERM,
    )


def ask_group(desk: Desk, text: str, kind_of: Callable[[str], str]) -> Groups:
    """Run a query of `sql/` and add up what it found."""
    return groups_of(desk, desk.query(group_sql(text, kind_of)))


def group_sql(text: str, kind_of: Callable[[str], str]) -> str:
    """The statement that adds up what a query of `sql/` finds."""
    text = text.replace(
        "whole_delivery", "delivery"
    )  # what a query with `-- of:` reads beyond the rows that it speaks of
    text = re.sub(r"\bsubunit\(([^()]+)\)", lambda call: _SUBUNIT.replace("{x}", call[1]), text)
    return (
        "SELECT status, currency, count(*), CAST(sum(number_of_rows) AS BIGINT), sum(abs(amount)),"
        f" min(place, {SHOWN}), min_by(what, (coalesce(place, 0), what), {SHOWN})"
        f" FROM ({spell_readings(text, kind_of)}) GROUP BY status, currency"
    )


def groups_of(desk: Desk, answer: Rows) -> Groups:
    """What the statement of `group_sql` answered."""
    rows = sorted(answer.rows, key=lambda row: (str(row[0]), str(row[1])))
    broken = [row for row in rows if row[0] == "broken"]
    seen: list[tuple[int, str]] = []
    for row in broken:
        places: list[int] = row[5] or []  # type: ignore[assignment]  # lists of row numbers and of texts
        whats: list[str] = row[6] or []  # type: ignore[assignment]
        seen += [(places[n] if n < len(places) else -1, what) for n, what in enumerate(whats)]
    texts = tuple(f"{desk.place(place)}: {what}" if place >= 0 else what for place, what in sorted(seen)[:SHOWN])
    money: dict[str, Decimal] = {}
    for row in broken:
        if isinstance(row[4], Decimal) and row[4]:
            money[str(row[1] or "without currency")] = row[4]
    return Groups(
        broken=sum(int(str(row[3])) for row in broken),
        kept=sum(int(str(row[2])) for row in rows if row[0] == "kept"),
        open_first=tuple(what for row in rows if row[0] == "open" for what in _texts(row[6]))[:SHOWN],
        open_groups=sum(int(str(row[2])) for row in rows if row[0] == "open"),
        places=texts,
        money=dict(sorted(money.items())),
    )


def _texts(cell: object) -> Sequence[str]:
    assert cell is None or isinstance(cell, list)
    return cell or []


_OF: Final = re.compile(r"^-- of: (.*)$", re.MULTILINE)
_REMARK: Final = re.compile(r"^--.*\n", re.MULTILINE)
_NAME: Final = re.compile(r"[A-Z][a-z]\w*")


@dataclass(frozen=True, slots=True)
class Slice:
    """The few rows that several queries of `sql/` speak of, read once for all of them as the table `name`."""

    name: str
    sql: str
    texts: tuple[str, ...]

    def told(self, text: str) -> str:
        """One of `texts`, asked of the slice."""
        return re.sub(r"\bdelivery\b", self.name, _REMARK.sub("", text))


def slices(judged: Mapping[str, int], rows: int) -> list[Slice]:
    """The slices of these queries, by how many of all `rows` each speaks of: where it is most of them, nothing is spared."""
    alike: dict[str, list[str]] = {}
    for text, spoken in judged.items():
        of = _OF.search(text)
        if of is not None and spoken * SPARSE <= rows:
            alike.setdefault(of[1], []).append(text)
    return [_slice(f"slice_{n}", of, texts) for n, (of, texts) in enumerate(alike.items()) if len(texts) > 1]


def _slice(name: str, of: str, texts: Sequence[str]) -> Slice:
    pieces = [piece for text in texts for piece in PIECE.findall(_REMARK.sub("", text))]
    columns = dict.fromkeys(piece for piece in pieces if _NAME.fullmatch(piece))
    cells = "".join(f', "{column}"' for column in columns)
    return Slice(name, f"CREATE TABLE {name} AS SELECT x__row{cells} FROM delivery WHERE {of}", tuple(texts))


def unique_sql(column: str) -> str:
    """A query like those of `sql/`: values of `column` that stand on more than one row."""
    return (
        f"SELECT 'broken' AS status, min(x__row) AS place, count(*) AS number_of_rows, {COST},"
        f" any_value({column}) || ' stands ' || count(*) || ' times' AS what"
        f" FROM delivery WHERE {column} IS NOT NULL GROUP BY {column} HAVING count(*) > 1"
    )
