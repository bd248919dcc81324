"""Rules that each key goes with one value: asked of the first key alone, and finer only where that has two.

Where the first key alone never has two values, no finer combination has. Where it has, few keys do: their rows are read again,
and only then it matters that one value may be spelled in two ways.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from fiscus.kernel.rows import Rows

NAMED_MAX: Final = 200
"""First keys with two values that are named to the finer question; where there are more, it finds them again."""

MEMBERS: Final = (
    r"""list_sort(regexp_split_to_array(regexp_replace(regexp_replace({x}, '^[{\s]+|[}\s]+$', '', 'g'), '"\s*:\s*', '":', 'g'),"""
    r" '\s*,\s*'))"
)
COST: Final = (
    "min(BillingCurrency) AS currency, CASE WHEN min(BillingCurrency) IS NOT DISTINCT FROM max(BillingCurrency)"
    " AND count(BillingCurrency) IN (0, count(*))"
    " THEN sum(greatest(abs(coalesce(amount(BilledCost), 0)), abs(coalesce(amount(EffectiveCost), 0)))) END AS amount"
)
"""What rows of a group cost, as `currency` and `amount`: those of two currencies have no sum."""
VENDOR: Final = ", coalesce(ServiceProviderName, ProviderName, InvoiceIssuerName)"
"""Whose ids they are, as newer and older versions say it: another vendor's may be the same."""
VALUE_OF: Final = {"Decimal": "number({x})", "Date/Time": "moment({x})", "JSON": MEMBERS}
"""By the type of a column: SQL, with our readings, of what two spellings of one value have in common. Else it is the text."""


@dataclass(frozen=True, slots=True)
class OneEach:
    """Each combination of `keys` goes with one value of `column`, a column of `type` in FOCUS; `by_vendor`: with each vendor."""

    keys: tuple[str, ...]
    column: str
    type: str = "String"
    by_vendor: bool = False

    @property
    def value(self) -> str:
        """SQL of what its spellings have in common: 0.5 and 0.50 are one value, and so is an object with its keys moved."""
        return VALUE_OF.get(self.type, "{x}").replace("{x}", self.column)


@dataclass(frozen=True, slots=True)
class Torn:
    """`one`, whose first key has two values somewhere. `among`: SQL of those first keys."""

    one: OneEach
    among: str

    @property
    def sql(self) -> str:
        """A query like those of `sql/`: the combinations that have two values, with their rows and money.

        They are found first, of a few columns and whosever they are; nearly always there is none, and then no money is read.
        """
        first, *rest = self.one.keys
        column, keys = self.one.column, ", ".join(self.one.keys)
        two = f"HAVING min({self.one.value}) <> max({self.one.value})"
        there = "".join(f" AND {key} IS NOT NULL" for key in rest)
        found = f"SELECT {keys} FROM delivery WHERE {first} IN ({self.among}){there} GROUP BY {keys} {two}"
        named = " || ' ' || ".join(f"any_value({key})" for key in self.one.keys if not key.startswith("ChargePeriod"))
        return (
            f"SELECT 'broken' AS status, min(x__row) AS place, count(*) AS number_of_rows, {COST}, {named}"
            f" || ' goes with ' || min({column}) || ' and ' || max({column}) AS what"
            f" FROM delivery JOIN ({found}) found USING ({keys}) WHERE {column} IS NOT NULL"
            f" GROUP BY {keys}{VENDOR if self.one.by_vendor else ''} {two}"
        )


@dataclass(frozen=True, slots=True)
class Tearing:
    """The statement that asks which first keys of `ones`, alone, have two values somewhere: the first of them, for each."""

    sql: str
    ones: tuple[OneEach, ...]

    def torn(self, answer: Rows) -> Iterator[Torn]:
        """Those that have: only they need the finer question."""
        for one, keys in zip(self.ones, answer.rows[0], strict=True):
            if keys:
                assert isinstance(keys, Sequence)
                yield Torn(one, _among(one, keys))


def tearings(wanted: Sequence[OneEach]) -> list[Tearing]:
    """A statement for each first key of `wanted`."""
    by_key: dict[str, list[OneEach]] = {}
    for one in wanted:
        by_key.setdefault(one.keys[0], []).append(one)
    return [Tearing(_tearing(key, [one.column for one in ones]), tuple(ones)) for key, ones in by_key.items()]


def _tearing(key: str, asked: Sequence[str]) -> str:
    columns = list(dict.fromkeys(asked))
    inner = ", ".join(f"min({c}) <> max({c}) AS t{n}" for n, c in enumerate(columns))
    outer = ", ".join(f"min(CASE WHEN t{columns.index(c)} THEN {key} END, {NAMED_MAX + 1})" for c in asked)
    pairs = f"SELECT DISTINCT {', '.join([key, *columns])} FROM delivery WHERE {key} IS NOT NULL"  # half the time of all rows
    return f"SELECT {outer} FROM (SELECT {key}, {inner} FROM ({pairs}) GROUP BY {key})"


def _among(one: OneEach, keys: Sequence[object]) -> str:
    """SQL of the first keys that have two values."""
    if len(keys) <= NAMED_MAX and all(isinstance(key, str) for key in keys):
        return ", ".join("'" + str(key).replace("'", "''") + "'" for key in keys)
    first, column = one.keys[0], one.column
    return (
        f"SELECT {first} FROM delivery WHERE {first} IS NOT NULL GROUP BY {first} HAVING min({column}) <> max({column})"
    )
