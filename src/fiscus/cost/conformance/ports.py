"""What a conformance check asks of the engine that holds the delivery."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fiscus.cost.conformance.types import DeliveredColumn
from fiscus.kernel.rows import Rows


class Desk(Protocol):
    """A delivery laid out to be checked: the table `delivery`, one row a data row, in the order of the files.

    Text stays as it was delivered; columns that FOCUS calls text or JSON are VARCHAR, the others keep their own type.
    `rowid` counts rows from 0 over all files. Another dataset of the same delivery may stand beside it under its own name.
    """

    @property
    def columns(self) -> Sequence[DeliveredColumn]: ...
    @property
    def row_count(self) -> int: ...
    @property
    def keeps_tables(self) -> bool:
        """Whether CREATE TABLE spares the desk reading the files again."""
        ...

    def query(self, sql: str) -> Rows:
        """Our own SQL, DuckDB dialect."""
        ...

    def query_all(self, statements: Sequence[str]) -> Sequence[Rows]:
        """Several statements that do not wait for one another: their answers in the order of the questions."""
        ...

    def place(self, row: int) -> str:
        """`rowid` as people find it: file and row, from 1."""
        ...

    def beside(self) -> frozenset[str]:
        """Names of the other tables at hand: invoice_detail, contract_commitment, billing_period, price_list, previous."""
        ...

    def columns_of(self, table: str) -> frozenset[str]:
        """Column names of a table beside."""
        ...
