"""A link in a mail that lets one person answer one approval: signed, for exactly what was shown, until it expires. Pure.

It names approval, digest, person and expiry, and is signed with HMAC-SHA-256 by a secret of the workspace. It carries no right
of its own: whoever opens it is still held to four eyes, and it dies with the expiry, with a decision made, with the person
leaving. It is no password: whoever holds the mailbox holds the link, and the record says that a link was used.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from binascii import Error as NotBase64
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from fiscus.guardrails.approvals.types import Approval
from fiscus.kernel.canonical import canonical_bytes
from fiscus.kernel.errors import NotAllowed
from fiscus.kernel.limits import LINK_CHARS_MAX

_LABEL: Final = b"fiscus.approval-link.v1\0"  # a signature of this secret under another label is no link


@dataclass(frozen=True, slots=True)
class Link:
    """What a link says."""

    approval_id: str
    digest: str
    person: str
    expires_at: datetime


def sign_link(secret: bytes, approval: Approval, person: str) -> str:
    """The token of a link for `person`: text that is safe in an address."""
    content = {
        "a": approval.id,
        "d": approval.digest,
        "p": person,
        "e": approval.expires_at.astimezone(UTC).isoformat(),
    }
    body = canonical_bytes(content)
    return f"{_text(body)}.{_text(_seal(secret, body))}"


def open_link(secret: bytes, token: str, now: datetime) -> Link:
    """What `token` says. Raises NotAllowed when it was not signed here, was changed, or is over."""
    link = _opened(secret, token)
    if link is None:
        raise NotAllowed(
            "This link was not made by this workspace, or is not whole; nothing was done",
            remedy="Open it from the mail as it is, or answer on the page of approvals.",
        )
    if now >= link.expires_at:
        raise NotAllowed(
            f"This link expired at {link.expires_at:%Y-%m-%d %H:%M} UTC; nothing was done",
            remedy="Whoever wants the money asks again.",
        )
    return link


def check_link(link: Link, approval: Approval) -> None:
    """It is about this approval as it stands, and nobody has decided. Raises NotAllowed: the link is dead."""
    if link.approval_id != approval.id or not hmac.compare_digest(link.digest, approval.digest):
        raise NotAllowed(
            "This link is about something else than what is asked now; nothing was done",
            remedy=f"Look at {approval.id} on the page of approvals.",
        )
    if approval.state != "asked":
        last = approval.steps[-1]
        raise NotAllowed(
            f"This link is over: {approval.id} is {approval.state}, by {last.actor}; nothing was done",
            remedy="The page of approvals shows what was decided.",
        )
    if link.person in approval.yes:
        raise NotAllowed(
            f"This link was used: {link.person} said yes to {approval.id}; nothing was done",
            remedy="Somebody else must say yes as well.",
        )


def _opened(secret: bytes, token: str) -> Link | None:
    body_text, _, seal_text = token.partition(".")
    try:
        if len(token) > LINK_CHARS_MAX:
            return None
        body, seal = _bytes(body_text), _bytes(seal_text)
        if not hmac.compare_digest(seal, _seal(secret, body)):
            return None
        said = json.loads(body)
        return Link(said["a"], said["d"], said["p"], datetime.fromisoformat(said["e"]))
    except (NotBase64, ValueError, KeyError, TypeError):
        return None


def _seal(secret: bytes, body: bytes) -> bytes:
    return hmac.new(secret, _LABEL + body, hashlib.sha256).digest()


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def _bytes(text: str) -> bytes:
    """One text for one value: a token that was padded or respelt is not ours."""
    raw = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    if _text(raw) != text:
        raise ValueError(text)
    return raw
