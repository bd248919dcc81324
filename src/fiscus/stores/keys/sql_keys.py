"""Virtual keys by their digests, and vendors' own keys as sealed documents. No secret is ever in here in the clear."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import msgspec

from fiscus.guardrails.doors.ai.types import SealedKey, VirtualKey
from fiscus.stores.databases.drivers import Driver, Purpose
from fiscus.stores.databases.schema_versions import bring_up_to_date

KEYS: Final = Purpose(
    "The store of virtual keys",
    "stores.gateway",
    "gateway.db",
    "Do it again: a key is stored once.",
)
VERSIONS: Final[tuple[tuple[str, ...], ...]] = (
    (
        "CREATE TABLE keys_virtual (id TEXT PRIMARY KEY, digest TEXT NOT NULL UNIQUE, document TEXT NOT NULL){clustered}",
        "CREATE TABLE keys_sealed (upstream TEXT PRIMARY KEY, document TEXT NOT NULL){clustered}",
        "CREATE TABLE keys_changes (id BIGINT PRIMARY KEY, changes BIGINT NOT NULL)",
        "INSERT INTO keys_changes VALUES (1, 0)",
    ),
)
_PUT_KEY: Final = (
    "INSERT INTO keys_virtual (id, digest, document) VALUES (?,?,?) "
    "ON CONFLICT (id) DO UPDATE SET document = excluded.document"
)
_PUT_SEALED: Final = (
    "INSERT INTO keys_sealed (upstream, document) VALUES (?,?) "
    "ON CONFLICT (upstream) DO UPDATE SET document = excluded.document"
)
_CHANGED: Final = "UPDATE keys_changes SET changes = changes + 1"


class SqlKeys:
    """Implements guardrails.doors.ai.ports.KeyStore. Safe between threads and processes."""

    def __init__(self, driver: Driver) -> None:
        self._driver = driver
        with driver.writing() as tx:
            bring_up_to_date(tx, driver, "keys", VERSIONS)

    def put(self, key: VirtualKey) -> None:
        self._write(_PUT_KEY, (key.id, key.digest, msgspec.json.encode(key).decode()))

    def everything(self) -> Sequence[VirtualKey]:
        with self._driver.reading() as tx:
            rows = tx.rows("SELECT document FROM keys_virtual ORDER BY id")
        return [msgspec.json.decode(document, type=VirtualKey) for (document,) in rows]

    def put_sealed(self, upstream: str, sealed: SealedKey) -> None:
        self._write(_PUT_SEALED, (upstream, msgspec.json.encode(sealed).decode()))

    def sealed(self, upstream: str) -> SealedKey | None:
        with self._driver.reading() as tx:
            rows = tx.rows("SELECT document FROM keys_sealed WHERE upstream = ?", (upstream,))
        return msgspec.json.decode(rows[0][0], type=SealedKey) if rows else None

    def changes(self) -> int:
        """Grows with every change: whoever keeps keys in memory asks this, and reads again when it has."""
        with self._driver.reading() as tx:
            return int(tx.rows("SELECT changes FROM keys_changes")[0][0])

    def close(self) -> None:
        self._driver.close()

    def _write(self, sql: str, params: tuple[Any, ...]) -> None:
        with self._driver.writing() as tx:
            tx.run(sql, params)
            tx.run(_CHANGED)
