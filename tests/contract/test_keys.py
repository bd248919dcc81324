"""Virtual keys and sealed vendor keys, on both databases."""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from fiscus.guardrails.doors.ai.key_ring import KeyRing
from fiscus.guardrails.doors.ai.ports import KeyStore
from fiscus.guardrails.doors.ai.types import CallerScope, Pace, Refused, VirtualKey
from fiscus.guardrails.doors.ai.virtual_key import digest_of, new_secret
from fiscus.kernel.errors import BadConfig, NotAllowed
from fiscus.stores.keys import open_keys
from fiscus.stores.keys.sealing import Sealer, master_key

NOW = datetime(2026, 11, 20, 12, tzinfo=UTC)


def virtual_key(secret: str, **more: object) -> VirtualKey:
    fields = {
        "id": f"key-{digest_of(secret)[:8]}", "digest": digest_of(secret), "shown": secret[:12], "name": "n", "owner": "ada",
        "team": "search", "environment": "dev", "product": "", "created_at": NOW, "created_by": "fin",
    }  # fmt: skip
    return VirtualKey(**(fields | more))  # type: ignore[arg-type]  # fields by name


@pytest.fixture(params=["sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[KeyStore]:
    url = f"sqlite:///{tmp_path}/gateway.db"
    if request.param == "postgres":
        url = request.getfixturevalue("postgres_url")
    opened = open_keys(url)
    yield opened
    opened.close()


def test_a_key_is_found_by_its_secret_and_its_secret_is_nowhere(store: KeyStore, tmp_path: Path) -> None:
    secret = new_secret()
    store.put(virtual_key(secret))
    ring = KeyRing(store, None, Pace())
    caller = ring.caller(secret, NOW)
    assert isinstance(caller, CallerScope)
    assert (caller.requested_by, caller.team) == ("ada", "search")
    store.close()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and secret.encode() in path.read_bytes()]


def test_a_key_that_is_revoked_expired_or_unknown_opens_nothing(store: KeyStore) -> None:
    secret = new_secret()
    store.put(virtual_key(secret, expires_at=NOW + timedelta(days=1)))
    ring = KeyRing(store, None, Pace())
    assert isinstance(ring.caller(secret, NOW), CallerScope)
    assert isinstance(ring.caller(secret, NOW + timedelta(days=1)), Refused)
    assert isinstance(ring.caller(new_secret(), NOW), Refused)
    store.put(virtual_key(secret, revoked_at=NOW))
    assert isinstance(ring.caller(secret, NOW), CallerScope)  # as it was read
    ring.refresh()
    refused = ring.caller(secret, NOW)
    assert isinstance(refused, Refused)
    assert "revoked" in refused.message
    assert secret not in refused.message


def test_who_sends_no_key_is_the_default_scope_or_nobody(store: KeyStore) -> None:
    assert isinstance(KeyRing(store, None, Pace()).caller("", NOW), Refused)
    default = CallerScope("", "fin", "platform", "dev")
    assert KeyRing(store, default, Pace()).caller("", NOW) == default
    assert isinstance(KeyRing(store, default, Pace()).caller("sk-somebody-s", NOW), Refused)


def test_a_vendor_s_key_is_opened_by_its_master_key_and_for_its_upstream_only(store: KeyStore) -> None:
    sealer = Sealer(os.urandom(32))
    store.put_sealed("openai", sealer.seal("openai", "sk-canary"))
    sealed = store.sealed("openai")
    assert sealed is not None
    assert sealer.open("openai", sealed) == "sk-canary"
    assert "canary" not in repr(sealed)
    assert store.sealed("anthropic") is None
    with pytest.raises(NotAllowed):
        sealer.open("anthropic", sealed)
    with pytest.raises(NotAllowed):
        Sealer(os.urandom(32)).open("openai", sealed)
    with pytest.raises(NotAllowed):
        sealer.open("openai", replace(sealed, secret=sealed.secret[:-4] + "AAA="))


def test_the_master_key_is_made_once_and_only_its_owner_reads_it(tmp_path: Path) -> None:
    with pytest.raises(BadConfig):
        master_key(tmp_path)
    key = master_key(tmp_path, create=True)
    assert master_key(tmp_path, create=True) == master_key(tmp_path) == key
    path = tmp_path / "master.key"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    path.chmod(0o644)
    with pytest.raises(BadConfig, match="Others can read"):
        master_key(tmp_path)


def test_a_master_key_that_is_none_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FISCUS_MASTER_KEY", "short")
    with pytest.raises(BadConfig, match="32 bytes"):
        master_key(tmp_path)
