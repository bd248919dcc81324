"""SQL that a room owns, kept as text beside it: `sql_text("fiscus.cost", "spend_by_day")` reads cost/sql/spend_by_day.sql."""

from __future__ import annotations

from functools import cache
from importlib.resources import files


@cache
def sql_text(package: str, name: str) -> str:
    """The text of `sql/<name>.sql` in `package`. Package data, read once."""
    return files(package).joinpath("sql", f"{name}.sql").read_text(encoding="utf-8")
