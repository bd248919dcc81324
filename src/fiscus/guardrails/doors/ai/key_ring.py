"""The virtual keys of a worker, in memory: asked by every request, read again when the store says that they changed."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from datetime import datetime
from typing import Final

from fiscus.guardrails.doors.ai.ports import KeyStore
from fiscus.guardrails.doors.ai.types import CallerScope, Pace, Refused, VirtualKey
from fiscus.guardrails.doors.ai.virtual_key import digest_of, scope_of, why_not

REMEMBERED_MAX: Final = 10_000


class KeyRing:
    """Safe between threads. `default`: whom a request without a key is charged to; None: it is refused."""

    def __init__(self, store: KeyStore, default: CallerScope | None, pace: Pace) -> None:
        self._store = store
        self._default = default
        self._pace = pace
        self._changes = -1
        self._keys: Mapping[str, VirtualKey] = {}
        # secret -> what it stands for: a digest a key, not a digest a request
        self._found: dict[str, tuple[VirtualKey, CallerScope]] = {}
        self._turn = threading.Lock()
        self.refresh()

    def refresh(self) -> bool:
        """Read the keys if they changed; whether they did. Raises Unavailable; what is known stays known."""
        changes = self._store.changes()
        if changes == self._changes:
            return False
        keys = {key.digest: key for key in self._store.everything()}
        with self._turn:
            self._keys, self._found, self._changes = keys, {}, changes
        return True

    def caller(self, secret: str, now: datetime) -> CallerScope | Refused:
        """Whom a request with this key is charged to."""
        if not secret:
            if self._default is None:
                return Refused("unauthenticated", "No key was sent. Ask for one: fiscus key issue.")
            return self._default
        found = self._found.get(secret) or self._known(secret)
        if found is None:
            return Refused("unauthenticated", "This key is not known here. Send a key that `fiscus key issue` gave.")
        key, scope = found
        if said := why_not(key, now):
            return Refused("unauthenticated", f"{said}. Ask for a new one: fiscus key issue.")
        return scope

    def _known(self, secret: str) -> tuple[VirtualKey, CallerScope] | None:
        key = self._keys.get(digest_of(secret))
        if key is None:
            return None
        found = key, scope_of(key, self._pace)
        with self._turn:
            if len(self._found) >= REMEMBERED_MAX:
                self._found.clear()
            self._found[secret] = found
        return found
