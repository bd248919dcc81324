"""The schema's version: brought up to date when the store is opened, refused when it is newer than this program."""

from __future__ import annotations

from sqlalchemy import Connection, inspect, text

from fiscus.kernel.errors import BadConfig, Where
from fiscus.stores.state.database import Database
from fiscus.stores.state.schema import HEAD_REVISION, VERSION_TABLE


def migrate(database: Database) -> None:
    """Apply what is missing, in one transaction under the write lock: two processes that open at once apply it once.

    Raises BadConfig when the store was written by a newer Fiscus.
    """
    with database.reading() as connection:
        if _revision(connection) == HEAD_REVISION:
            return
    with database.writing() as connection:
        found = _revision(connection)
        if found == HEAD_REVISION:  # another process was first
            return
        _upgrade(connection, database.name, found)


def _revision(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    return connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar_one_or_none()


def _upgrade(connection: Connection, name: str, found: str | None) -> None:
    # Alembic takes a third of a second to load: only a store that must change pays for it.
    from alembic import command  # noqa: PLC0415
    from alembic.config import Config  # noqa: PLC0415
    from alembic.script import ScriptDirectory  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", "fiscus.stores.state:migrations")
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    if found is not None and found not in known:
        raise BadConfig(
            f"The state store has schema {found}, which this Fiscus ({HEAD_REVISION}) does not know",
            remedy="It was written by a newer Fiscus: upgrade, or restore the backup made before the upgrade.",
            where=Where(file=name),
        )
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    assert _revision(connection) == HEAD_REVISION
