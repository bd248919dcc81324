"""Reports: a question that somebody asks again and again, as SQL with its title, persona, parameters and columns."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal

Persona = Literal["FinOps", "Finance", "Engineering", "Procurement", "Owner", "CFO"]
PERSONAS: Final[tuple[Persona, ...]] = ("CFO", "Finance", "FinOps", "Procurement", "Owner", "Engineering")
ParameterType = Literal["text", "integer", "decimal", "month", "day", "choice"]
ColumnType = Literal[
    "text", "currency", "money", "price", "number", "count", "percent", "day", "month", "truth", "list"
]
ReadsBeside = Literal["budgets", "purchases"]
BESIDE: Final[tuple[ReadsBeside, ...]] = ("budgets", "purchases")


@dataclass(frozen=True, slots=True)
class Parameter:
    """What a person may choose. `default` is text as they would write it; a month or day may be relative, `3 months ago`."""

    name: str
    type: ParameterType
    default: str
    about: str
    choices: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class ReportChart:
    """How the answer is drawn: `value` (money or a number) by `label`; with `series`, stacked over time."""

    label: str
    value: str
    series: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    """One report. `sql` is its file's whole text, so that a line that the engine points at is a line of the file.

    `columns`: name -> type, in the order of the answer; a money column is in the currency of the row's currency column.
    `beside`: what it reads that stands in no bill. `own`: of the workspace, not of the product.
    """

    name: str
    title: str
    persona: Persona
    question: str
    parameters: tuple[Parameter, ...]
    columns: Mapping[str, ColumnType]
    sql: str
    file: str
    use_case: str = ""
    beside: tuple[ReadsBeside, ...] = ()
    chart: ReportChart | None = None
    own: bool = False
