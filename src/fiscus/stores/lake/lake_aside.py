"""A lake that is only looked at from the side: its version, by listing its commits. Loads no engine."""

from __future__ import annotations

from dataclasses import fields
from typing import TYPE_CHECKING, NoReturn

from fiscus.cost.types import LakeVersion
from fiscus.kernel.errors import Unavailable

if TYPE_CHECKING:
    from fiscus.stores.lake import LakeAddress
    from fiscus.stores.lake.places import Place


class LakeAside:
    """For a process that decides and never reads bills."""

    def __init__(self, address: LakeAddress) -> None:
        self._place: Place = address.place()
        self._seen = LakeVersion()

    def version(self) -> LakeVersion:
        """As of the last `refresh`: a decision says on what it rests, and waits for no disk."""
        return self._seen

    def refresh(self) -> LakeVersion:
        """Count the commits anew. Decisions do not wait for a bucket that is away: they rest on what was seen last."""
        try:
            self._seen = LakeVersion(*self._place.versions([table.name for table in fields(LakeVersion)]))
        except Unavailable:
            return self._seen
        return self._seen

    def __getattr__(self, name: str) -> NoReturn:
        raise Unavailable(f"This process does not read the lake ({name})", remedy="Ask the server: fiscus serve.")
