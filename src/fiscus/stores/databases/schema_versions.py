"""Versions of a schema: each is a list of statements that is run once, in order, and never changed afterwards."""

from __future__ import annotations

from collections.abc import Sequence

from fiscus.kernel.errors import BadConfig, Where
from fiscus.stores.databases.drivers import Driver, Statements


def bring_up_to_date(tx: Statements, driver: Driver, prefix: str, versions: Sequence[Sequence[str]]) -> None:
    """Run what the database lacks, inside `tx`; two that open it at once wait for each other. Raises BadConfig for a newer one.

    `prefix` begins the names of the tables; `{clustered}` in a statement keeps a table's rows in its key, `{numbered}` is the
    type of a key that is a number, and what is `{inline}` is only run where a body would leave its row.
    """
    if driver.alone:
        tx.rows(driver.alone)
    tx.run(f"CREATE TABLE IF NOT EXISTS {prefix}_version (version BIGINT PRIMARY KEY)")
    ((found,),) = tx.rows(f"SELECT coalesce(max(version), 0) FROM {prefix}_version")
    if found > len(versions):
        raise BadConfig(
            f"{driver.purpose.what} has schema {found}, which this Fiscus ({len(versions)}) does not know",
            remedy="It was written by a newer Fiscus: upgrade, or restore the backup made before the upgrade.",
            where=Where(file=driver.name),
        )
    for number in range(found, len(versions)):
        for statement in versions[number]:
            if driver.inline or "{inline}" not in statement:
                tx.run(_meant(statement, driver))
        tx.run(f"INSERT INTO {prefix}_version VALUES (?)", (number + 1,))


def _meant(statement: str, driver: Driver) -> str:
    for word in ("clustered", "numbered", "inline"):
        statement = statement.replace(f"{{{word}}}", getattr(driver, word))
    return statement
