"""Signed checkpoints of the evidence chain: small files that leave this machine and say how far the chain had come.

A chain can be recomputed by whoever owns the database; it cannot be made to agree with a checkpoint that was signed before and
kept elsewhere. Each checkpoint names the one before it, so that a missing one shows.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, PublicFormat

from fiscus.kernel.canonical import canonical_bytes
from fiscus.kernel.errors import IntegrityBroken, Where
from fiscus.kernel.evidence import GENESIS

KEY_FILE = "evidence.key"
PUBLIC_FILE = "evidence.pub"


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """At `at` the chain's record `seq` had this digest. `previous` is the SHA-256 of the checkpoint file before it."""

    seq: int
    digest: str
    at: str
    previous: str
    path: Path


def checkpoint_folder(home: Path) -> Path:
    """Where checkpoints are written; copy them to a place that this machine cannot change."""
    return home / ".fiscus" / "checkpoints"


def write_checkpoint(home: Path, seq: int, digest: str, at: datetime, folder: Path) -> Path:
    """Sign and write a checkpoint, durable before it returns. The same head again gives the file that is there already."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{seq:012d}.json"
    if path.exists():
        return path
    earlier = sorted(folder.glob("*.json"))
    content = {
        "seq": seq,
        "digest": digest,
        "at": at.isoformat(),
        "previous": _file_digest(earlier[-1]) if earlier else GENESIS,
    }
    signature = _private_key(home).sign(canonical_bytes(content)).hex()
    _write_durably(path, json.dumps({**content, "signature": signature}, indent=1).encode(), 0o644)
    return path


def read_checkpoints(home: Path, folder: Path) -> tuple[list[Checkpoint], list[tuple[int, str]]]:
    """(checkpoints whose signature holds, faults as (seq, reason)), oldest first."""
    good, faults, previous = list[Checkpoint](), list[tuple[int, str]](), GENESIS
    paths = sorted(folder.glob("*.json"))
    public = _public_key(home) if paths else None
    for path in paths:
        seq = int(path.stem) if path.stem.isdigit() else 0
        checkpoint = _read(path, public)
        if checkpoint is None or checkpoint.seq != seq:
            faults.append((seq, f"checkpoint {path.name} is not what was signed"))
        else:
            good.append(checkpoint)
            if checkpoint.previous != previous:
                faults.append((seq, f"a checkpoint before {path.name} was removed or changed"))
        previous = _file_digest(path)
    return good, faults


def check_against(checkpoints: Sequence[Checkpoint], digests: Mapping[int, str], records: int) -> list[tuple[int, str]]:
    """Faults (seq, reason): records that a checkpoint has seen and the chain does not have, or has otherwise."""
    faults = list[tuple[int, str]]()
    for checkpoint in checkpoints:
        if checkpoint.seq > records:
            reason = (
                f"the chain ends at {records}, but a checkpoint of {checkpoint.at} has seen record {checkpoint.seq}"
            )
            faults.append((checkpoint.seq, reason))
        elif digests.get(checkpoint.seq) != checkpoint.digest:
            faults.append(
                (checkpoint.seq, f"the record is not the one that the checkpoint of {checkpoint.at} has seen")
            )
    return faults


def _read(path: Path, public: Ed25519PublicKey | None) -> Checkpoint | None:
    try:
        data = json.loads(path.read_bytes())
        content = {name: data[name] for name in ("seq", "digest", "at", "previous")}
        if public is None or set(data) != {*content, "signature"}:
            return None
        public.verify(bytes.fromhex(data["signature"]), canonical_bytes(content))
        return Checkpoint(int(data["seq"]), data["digest"], data["at"], data["previous"], path)
    except (ValueError, KeyError, TypeError, InvalidSignature):
        return None


def _file_digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def _keys(home: Path) -> Path:
    return home / ".fiscus" / "keys"


def _private_key(home: Path) -> Ed25519PrivateKey:
    """The signing key; made at first use, readable by its owner only. Raises IntegrityBroken when the file is no such key."""
    path = _keys(home) / KEY_FILE
    if not path.exists():
        _keys(home).mkdir(parents=True, exist_ok=True, mode=0o700)
        key = Ed25519PrivateKey.generate()
        _write_durably(path, key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption()).hex().encode(), 0o600)
        public = key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw).hex().encode()
        _write_durably(_keys(home) / PUBLIC_FILE, public, 0o644)
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(path.read_text(encoding="ascii")))
    except ValueError:
        raise IntegrityBroken(
            "The key that signs checkpoints cannot be read",
            remedy="Restore it from a backup; without it, earlier checkpoints stay valid but no new one can follow.",
            where=Where(file=str(path)),
        ) from None


def _public_key(home: Path) -> Ed25519PublicKey | None:
    try:
        text = (_keys(home) / PUBLIC_FILE).read_text(encoding="ascii")
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
    except (OSError, ValueError):
        return None


def _write_durably(path: Path, content: bytes, mode: int) -> None:
    """All of it or nothing, on the disk when it returns."""
    part = path.with_name(f".{path.name}.{os.getpid()}")
    handle = os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode)
    with os.fdopen(handle, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())
    part.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    os.fsync(folder)
    os.close(folder)
