"""Charges that conditions are asked about: as a table of the lake's engine, and as plain data for Google's CEL."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from types import TracebackType
from typing import Any, Self

import duckdb
import pyarrow as pa
from cel_expr_python import cel
from tests.property.drawn_conditions import MAPS, NUMBERS, TEXT_FACTS, TooLarge

from fiscus.cost.columns import FOCUS_1_4, SQL_TYPE
from fiscus.guardrails.policies.facts import facts_of

ANSWER = {True: "match", False: "no_match", None: "error"}
COLUMN = {name: str(facts_of("charge")[name].column) for name in (*TEXT_FACTS, *NUMBERS, *MAPS)}
TYPES = {column.name: SQL_TYPE[column.type] for column in FOCUS_1_4} | {"x_Team": "VARCHAR"}
ARROW = {
    "VARCHAR": pa.string(), "DECIMAL(28,12)": pa.decimal128(28, 12), "DECIMAL(38,18)": pa.decimal128(38, 18),
    "MAP(VARCHAR, VARCHAR)": pa.map_(pa.string(), pa.string()),
}  # fmt: skip


class Charges:
    """A table `charges` in DuckDB, its rows in blocks; all rows of a block are asked in one vector, as they are in a bill."""

    def __init__(self) -> None:
        self._db = duckdb.connect()
        self._db.execute("SET threads=1; SET TimeZone='UTC'")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, fault: BaseException | None, at: TracebackType | None) -> None:
        self._db.close()

    def put(self, *blocks: Sequence[Mapping[str, Any]]) -> None:
        """Replace what is there."""
        self._db.register("given", arrow_table(blocks))
        self._db.execute("CREATE OR REPLACE TABLE charges AS SELECT * FROM given")
        self._db.unregister("given")

    def answers(self, condition: str, block: int = 0) -> list[str]:
        """What SQL says of each row of a block."""
        return [ANSWER[answer] for answer in self.values(condition, block)]

    def values(self, expression: str, block: int = 0) -> list[Any]:
        """The value of an expression in each row of a block."""
        rows = self._db.execute(f"SELECT {expression} FROM charges WHERE block = {block} ORDER BY number").fetchall()
        return [value for (value,) in rows]


def arrow_table(blocks: Sequence[Sequence[Mapping[str, Any]]]) -> pa.Table:
    """Charges as they are stored: block, number, and the columns of the facts."""
    rows = [(block, number, charge) for block, charges in enumerate(blocks) for number, charge in enumerate(charges)]
    columns: dict[str, pa.Array] = {
        "block": pa.array([block for block, _, _ in rows], pa.int32()),
        "number": pa.array([number for _, number, _ in rows], pa.int32()),
    }
    for name, column in COLUMN.items():
        columns[column] = pa.array([_stored(name, charge[name]) for _, _, charge in rows], ARROW[TYPES[column]])
    return pa.table(columns)


def _stored(name: str, value: Any) -> Any:
    if name == "charge.details":
        return json.dumps(value) if value else None
    return list(value.items()) if isinstance(value, Mapping) else value


class Oracle:
    """Plain CEL, Google's own, with nothing of ours in it."""

    def __init__(self, plain: str) -> None:
        self._expression = _GOOGLE.compile(plain)

    def answer(self, charge: Mapping[str, Any], facts: Mapping[str, object]) -> str:
        """Texts and maps are always there, a number that is missing or too large is not there at all."""
        data: dict[str, object] = {name: facts.get(name, "") for name in TEXT_FACTS}
        data |= {name: {key: text for key, text in (charge[name] or {}).items() if text is not None} for name in MAPS}
        data |= {name: facts[name] for name in NUMBERS if name in facts and not isinstance(facts[name], TooLarge)}
        data |= {given: name in facts for name, given in _GIVEN.items()}
        answer = self._expression.eval(data=data).plain_value()
        return ANSWER[answer] if isinstance(answer, bool) else "error"


_GIVEN = {name: f"given.{name.partition('.')[2]}" for name in NUMBERS}


def _environment() -> Any:
    kinds = dict.fromkeys(TEXT_FACTS, cel.Type.STRING) | dict.fromkeys(NUMBERS, cel.Type.INT)
    kinds |= {name: cel.Type.Map(cel.Type.STRING, cel.Type.STRING) for name in MAPS}
    return cel.NewEnv(variables=kinds | dict.fromkeys(_GIVEN.values(), cel.Type.BOOL))


_GOOGLE = _environment()
