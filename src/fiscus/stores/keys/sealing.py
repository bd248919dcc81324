"""Envelope encryption of vendors' keys: each has a data key of its own (AES-256-GCM), wrapped by the master key.

The master key is FISCUS_MASTER_KEY (32 bytes, base64), else a file that only its owner may read. It is in no database and no
backup of one. What a sealed key is for is bound to it (additional data), so that one cannot be put in another's place.
"""

from __future__ import annotations

import base64
import os
import stat
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from fiscus.guardrails.doors.ai.types import SealedKey
from fiscus.kernel.errors import BadConfig, NotAllowed, Where

MASTER_ENV: Final = "FISCUS_MASTER_KEY"
KEY_BYTES: Final = 32
NONCE_BYTES: Final = 12


class Sealer:
    """Seals and opens with one master key."""

    def __init__(self, master: bytes) -> None:
        assert len(master) == KEY_BYTES
        self._master = AESGCM(master)

    def seal(self, upstream: str, secret: str) -> SealedKey:
        """`secret` under a data key of its own, under the master key."""
        data_key = AESGCM.generate_key(KEY_BYTES * 8)
        bound = upstream.encode()
        return SealedKey(_locked(self._master, data_key, bound), _locked(AESGCM(data_key), secret.encode(), bound))

    def open(self, upstream: str, sealed: SealedKey) -> str:
        """The secret, in this process only. Raises NotAllowed: another master key sealed it, or it was changed."""
        try:
            data_key = _unlocked(self._master, sealed.data_key, upstream.encode())
            return _unlocked(AESGCM(data_key), sealed.secret, upstream.encode()).decode()
        except (InvalidTag, ValueError):
            raise NotAllowed(
                f"The key of upstream {upstream} cannot be opened with this master key",
                remedy=f"Give the master key that sealed it in {MASTER_ENV}, or seal the vendor's key anew: fiscus gateway-key.",
            ) from None


def master_key(folder: Path, *, create: bool = False) -> bytes:
    """From the environment, else from `folder`/master.key; made there where `create`. Raises BadConfig."""
    path = folder / "master.key"
    text = os.environ.get(MASTER_ENV, "")
    if not text and create and not path.exists():
        _make(path)
    if not text:
        if not path.exists():
            raise BadConfig(
                "There is no master key, so vendors' keys cannot be opened",
                remedy=f"Set {MASTER_ENV}, or seal a vendor's key first: fiscus gateway-key.",
                where=Where(file=str(path)),
            )
        if stat.S_IMODE(path.stat().st_mode) & 0o077:
            raise BadConfig(
                "Others can read the master key", remedy=f"Run: chmod 600 {path}", where=Where(file=str(path))
            )
        text = path.read_text("ascii")
    try:
        key = base64.b64decode(text.strip(), validate=True)
    except ValueError:
        key = b""
    if len(key) != KEY_BYTES:
        raise BadConfig(
            "The master key is not 32 bytes in base64",
            remedy="Make one: python3 -c 'import base64, os; print(base64.b64encode(os.urandom(32)).decode())'",
            where=Where(key=MASTER_ENV),
        )
    return key


def _make(path: Path) -> None:
    """Written whole under another name, then linked: two at once end with one of the two keys, never with half of one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    fresh = path.with_name(f"{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(base64.b64encode(os.urandom(KEY_BYTES)))
        file.flush()
        os.fsync(file.fileno())
    try:
        os.link(fresh, path)
    except FileExistsError:
        pass
    finally:
        fresh.unlink()


def _locked(cipher: AESGCM, plain: bytes, bound: bytes) -> str:
    nonce = os.urandom(NONCE_BYTES)
    return base64.b64encode(nonce + cipher.encrypt(nonce, plain, bound)).decode()


def _unlocked(cipher: AESGCM, sealed: str, bound: bytes) -> bytes:
    raw = base64.b64decode(sealed, validate=True)
    return cipher.decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], bound)
