"""The secret that signs the links of this workspace's mails: made at first use, readable by its owner only."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

from fiscus.kernel.errors import IntegrityBroken, Where

FILE = "links.key"
BYTES = 32


def link_secret(home: Path) -> bytes:
    """The 32 bytes. Two processes that need it first at once get the same. Raises IntegrityBroken for a file that is no key."""
    folder = home / ".fiscus" / "keys"
    path = folder / FILE
    if not path.exists():
        folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _make(path)
    try:
        secret = bytes.fromhex(path.read_text(encoding="ascii"))
    except ValueError:
        secret = b""
    if len(secret) != BYTES:
        raise IntegrityBroken(
            "The key that signs the links in mails cannot be read",
            remedy="Restore it from a backup, or remove it: a new one is made, and the links that were mailed are dead.",
            where=Where(file=str(path)),
        )
    return secret


def _make(path: Path) -> None:
    """Whole and on the disk before it has its name; whoever is second keeps the first one's."""
    part = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="ascii") as file:
        file.write(secrets.token_hex(BYTES))
        file.flush()
        os.fsync(file.fileno())
    try:
        path.hardlink_to(part)
    except FileExistsError:
        pass
    finally:
        part.unlink()
