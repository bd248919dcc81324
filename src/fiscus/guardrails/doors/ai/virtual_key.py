"""A virtual key: what a team's client sends instead of the vendor's own. Shown once; only its digest is kept."""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime
from typing import Final

from fiscus.guardrails.doors.ai.types import CallerScope, Pace, VirtualKey

PREFIX: Final = "fsk"
SECRET_BYTES: Final = 32  # 256 random bits: nobody guesses one, so a fast digest is enough
SHOWN_CHARS: Final = 12


def new_secret() -> str:
    """A key that nobody had before."""
    return f"{PREFIX}_{secrets.token_urlsafe(SECRET_BYTES)}"


def digest_of(secret: str) -> str:
    """What is kept of a key."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


def allowed_model(models: tuple[str, ...], model: str) -> bool:
    """Whether `model` is one of the names, or begins with one that ends in `*`."""
    if not models:
        return True
    return any(model.startswith(one[:-1]) if one.endswith("*") else model == one for one in models)


def why_not(key: VirtualKey, now: datetime) -> str:
    """Why it opens nothing now; empty where it does."""
    if key.revoked_at is not None and key.revoked_at <= now:
        return f"The key {key.shown}… was revoked on {key.revoked_at:%Y-%m-%d}"
    if key.expires_at is not None and key.expires_at <= now:
        return f"The key {key.shown}… expired on {key.expires_at:%Y-%m-%d}"
    return ""


def scope_of(key: VirtualKey, default: Pace) -> CallerScope:
    """What it stands for; its own pace where it has one."""
    return CallerScope(
        key_id=key.id,
        requested_by=key.owner,
        team=key.team,
        environment=key.environment,
        product=key.product,
        upstreams=frozenset(key.upstreams),
        models=key.models,
        pace=key.pace if key.pace != Pace() else default,
    )
