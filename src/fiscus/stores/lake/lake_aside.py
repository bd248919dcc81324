"""A lake that is only looked at from the side: its version, by listing its commits. Loads no engine."""

from __future__ import annotations

from dataclasses import fields
from pathlib import Path
from typing import NoReturn

from fiscus.cost.types import LakeVersion
from fiscus.kernel.errors import Unavailable


class LakeAside:
    """For a process that decides and never reads bills. `folder`: a local lake; elsewhere the version is not known (-1)."""

    def __init__(self, folder: str) -> None:
        self._folder = None if "://" in folder else Path(folder)
        self._seen = LakeVersion()

    def version(self) -> LakeVersion:
        """As of the last `refresh`: a decision says on what it rests, and waits for no disk."""
        return self._seen

    def refresh(self) -> LakeVersion:
        """Count the commits anew."""
        self._seen = LakeVersion(*(self._newest(table.name) for table in fields(LakeVersion)))
        return self._seen

    def __getattr__(self, name: str) -> NoReturn:
        raise Unavailable(f"This process does not read the lake ({name})", remedy="Ask the server: fiscus serve.")

    def _newest(self, table: str) -> int:
        if self._folder is None:
            return -1
        commits = (self._folder / table / "_delta_log").glob("*.json")
        return max((int(path.stem) for path in commits if path.stem.isdigit()), default=-1)
