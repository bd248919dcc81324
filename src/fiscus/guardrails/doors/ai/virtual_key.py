"""A virtual key: what a team's client sends instead of the vendor's own. Shown once; only its digest is kept."""

from __future__ import annotations

import hashlib
import secrets
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from fiscus.guardrails.doors.ai.settings import CallerScope, Pace

PREFIX: Final = "fsk"
SECRET_BYTES: Final = 32  # 256 random bits: nobody guesses one, so a fast digest is enough
SHOWN_CHARS: Final = 12


@dataclass(frozen=True, slots=True)
class VirtualKey:
    """Who spends with it, where, and until when. `digest`: SHA-256 of the whole key, hexadecimal."""

    id: str
    digest: str
    shown: str  # its first characters, for people to recognise it by
    name: str
    owner: str
    team: str
    environment: str
    product: str
    created_at: datetime
    created_by: str
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    upstreams: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    pace: Pace = field(default_factory=Pace)

    def why_not(self, now: datetime) -> str:
        """Why it opens nothing now; empty where it does."""
        if self.revoked_at is not None and self.revoked_at <= now:
            return f"The key {self.shown}… was revoked on {self.revoked_at:%Y-%m-%d}"
        if self.expires_at is not None and self.expires_at <= now:
            return f"The key {self.shown}… expired on {self.expires_at:%Y-%m-%d}"
        return ""

    def scope(self, default: Pace) -> CallerScope:
        """What it stands for; its own pace where it has one."""
        return CallerScope(
            key_id=self.id,
            requested_by=self.owner,
            team=self.team,
            environment=self.environment,
            product=self.product,
            upstreams=frozenset(self.upstreams),
            models=self.models,
            pace=self.pace if self.pace != Pace() else default,
        )


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
