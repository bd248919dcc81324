"""Virtual keys: issued to an owner, shown once, revoked. Evidence is written first: no key without its record."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from fiscus.flows.settle_intent import settle_intent
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.ai.ports import KeyStore
from fiscus.guardrails.doors.ai.types import Pace, VirtualKey
from fiscus.guardrails.doors.ai.virtual_key import SHOWN_CHARS, digest_of, new_secret
from fiscus.guardrails.types import Intent
from fiscus.kernel.actor import Actor
from fiscus.kernel.errors import BadInput, NotFound, Where
from fiscus.kernel.money import ZERO
from fiscus.ownership.people import require_live


@dataclass(frozen=True, slots=True)
class KeyOrder:
    """What a key is to be for. `days`: how long it lives; None: until it is revoked."""

    name: str
    owner: str
    environment: str
    team: str = ""
    product: str = ""
    days: int | None = 90
    upstreams: tuple[str, ...] = ()
    models: tuple[str, ...] = ()
    pace: Pace = field(default_factory=Pace)


@dataclass(frozen=True, slots=True)
class IssuedKey:
    """`secret` is in nobody's hands but the caller's: it is not kept."""

    key: VirtualKey
    secret: str


def issue_key(ws: Workspace, keys: KeyStore, order: KeyOrder, actor: Actor) -> IssuedKey:
    """A new key. Raises BadInput (an owner, team or environment that nobody knows; days below 1), NotAllowed."""
    require_live(ws.config.directory, actor.person_id, ws.as_of)
    if order.days is not None and order.days < 1:
        raise BadInput(f"A key cannot live {order.days} days", remedy="Give it 1 day or more.", where=Where(key="days"))
    probe = Intent("ai.request", order.owner, order.team, order.environment, ZERO, ws.config.company.currency)
    stands = settle_intent(ws, replace(probe, product=order.product)).intent
    now = ws.clock.now()
    secret = new_secret()
    key = VirtualKey(
        id=ws.ids.new("key"),
        digest=digest_of(secret),
        shown=secret[:SHOWN_CHARS],
        name=order.name,
        owner=stands.requested_by,
        team=stands.team,
        environment=stands.environment,
        product=stands.product,
        created_at=now,
        created_by=actor.person_id,
        expires_at=now + timedelta(days=order.days) if order.days is not None else None,
        upstreams=order.upstreams,
        models=order.models,
        pace=order.pace,
    )
    _record(ws, "key.issued", key, actor)
    keys.put(key)
    return IssuedKey(key, secret)


def revoke_key(ws: Workspace, keys: KeyStore, key_id: str, actor: Actor, reason: str) -> VirtualKey:
    """It opens nothing from now on; every worker knows within a second or two. Raises NotFound, BadInput (no reason)."""
    require_live(ws.config.directory, actor.person_id, ws.as_of)
    if not reason.strip():
        raise BadInput("A key is not revoked without a reason", remedy="Say why.", where=Where(key="reason"))
    known = next((one for one in keys.everything() if one.id == key_id), None)
    if known is None:
        raise NotFound(f"There is no key {key_id!r}", remedy="`fiscus key list` shows them.")
    if known.revoked_at is not None:
        return known
    revoked = replace(known, revoked_at=ws.clock.now())
    _record(ws, "key.revoked", revoked, actor, reason)
    keys.put(revoked)
    return revoked


def list_keys(keys: KeyStore, *, everything: bool = False, now: datetime | None = None) -> Sequence[VirtualKey]:
    """Those that open something; `everything`: revoked and expired ones too. The newest first."""

    def opens(key: VirtualKey) -> bool:
        return key.revoked_at is None and (key.expires_at is None or now is None or key.expires_at > now)

    found = [one for one in keys.everything() if everything or opens(one)]
    return sorted(found, key=lambda one: (one.created_at, one.id), reverse=True)


def _record(ws: Workspace, what: str, key: VirtualKey, actor: Actor, reason: str = "") -> None:
    said = {
        "key": key.id, "shown": key.shown, "name": key.name, "owner": key.owner, "team": key.team,
        "environment": key.environment, "product": key.product, "expires_at": key.expires_at, "models": key.models,
        "upstreams": key.upstreams, "reason": reason,
    }  # fmt: skip
    with ws.state.begin() as tx:
        tx.evidence.append(what, key.id, actor, said)
