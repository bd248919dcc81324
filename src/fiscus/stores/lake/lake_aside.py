"""A lake that is only looked at from the side: its version, by listing its commits. Loads no engine."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import fields
from typing import TYPE_CHECKING, Final, NoReturn

from fiscus.cost.types import LakeVersion
from fiscus.kernel.errors import Unavailable
from fiscus.stores.lake.bucket_address import is_bucket

if TYPE_CHECKING:
    from fiscus.stores.lake import LakeAddress
    from fiscus.stores.lake.places import Place

LOG: Final = logging.getLogger(__name__)
BUCKET_SECONDS: Final = 60.0  # between two looks at a bucket


class LakeAside:
    """For a process that decides and never reads bills."""

    def __init__(self, address: LakeAddress) -> None:
        self._place: Place = address.place()
        self._seen = LakeVersion()
        self._far = is_bucket(str(address.location))
        self._look_at = 0.0  # when a bucket is asked again
        self._looking = threading.Lock()

    def version(self) -> LakeVersion:
        """As of the last `refresh`: a decision says on what it rests, and waits for no disk."""
        return self._seen

    def refresh(self) -> LakeVersion:
        """Count the commits anew. A bucket, after the first time, beside what goes on and not every second: asking it costs time
        and money, and one that is away must not keep a freeze from being seen. Decisions rest on what was seen last.
        """
        if not self._far or self._look_at == 0.0:
            self._look()
        elif time.monotonic() >= self._look_at and self._looking.acquire(blocking=False):
            threading.Thread(target=self._look_beside, name="fiscus-lake", daemon=True).start()
        return self._seen

    def _look_beside(self) -> None:
        try:
            self._look()
        finally:
            self._looking.release()

    def _look(self) -> None:
        try:
            self._seen = LakeVersion(*self._place.versions([table.name for table in fields(LakeVersion)]))
        except Unavailable as away:
            LOG.warning("The lake's version is not known: %s", away)
        self._look_at = time.monotonic() + BUCKET_SECONDS

    def __getattr__(self, name: str) -> NoReturn:
        raise Unavailable(f"This process does not read the lake ({name})", remedy="Ask the server: fiscus serve.")
