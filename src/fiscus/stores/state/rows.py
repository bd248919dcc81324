"""Writing one row whether it is there or not. Safe without ON CONFLICT: a write transaction is alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import ColumnElement, Connection, Table, and_, insert, select, update


def upsert(connection: Connection, table: Table, key: Mapping[str, Any], values: Mapping[str, Any]) -> bool:
    """Update the row with `key`, or insert it. True when it was inserted."""
    where = and_(*(table.c[name] == value for name, value in key.items()))
    if connection.execute(update(table).where(where).values(**values)).rowcount:
        return False
    connection.execute(insert(table).values(**key, **values))
    return True


def documents(
    connection: Connection, table: Table, where: Sequence[ColumnElement[bool]], order: Any, limit: int | None = None
) -> list[str]:
    """The `document` texts of the rows that match, in order."""
    query = select(table.c.document).where(*where).order_by(order)
    return list(connection.execute(query if limit is None else query.limit(limit)).scalars())


def document(connection: Connection, table: Table, column: str, value: str) -> str | None:
    """The `document` text of the row whose `column` is `value`."""
    return connection.execute(select(table.c.document).where(table.c[column] == value)).scalar_one_or_none()
