"""The token of every form: a signed value beside a cookie of this browser. Neither alone is worth anything."""

from __future__ import annotations

import hmac
import secrets

from itsdangerous import BadData, URLSafeTimedSerializer

from fiscus.kernel.errors import NotAllowed
from fiscus.kernel.limits import WEB_TOKEN_SECONDS_MAX

SESSION_COOKIE = "fiscus_session"
FIELD = "csrf"


class FormTokens:
    """Double submit: the form holds the browser's session, signed with a secret of this process."""

    def __init__(self) -> None:
        self._signer = URLSafeTimedSerializer(secrets.token_bytes(32), salt="fiscus.form")

    def session(self, given: str | None) -> str:
        """The session that the browser has, or a new one."""
        return given if given and len(given) <= 64 else secrets.token_urlsafe(24)

    def token(self, session: str) -> str:
        """What a form of `session` carries."""
        return self._signer.dumps(session)

    def check(self, session: str | None, token: str | None) -> None:
        """NotAllowed unless `token` was made for `session`, by this process, within the last hours."""
        try:
            signed = self._signer.loads(token or "", max_age=WEB_TOKEN_SECONDS_MAX)
        except BadData:
            signed = None
        if not session or not isinstance(signed, str) or not hmac.compare_digest(signed.encode(), session.encode()):
            raise NotAllowed(
                "This form was not opened here, or long ago; nothing was done",
                remedy="Open the page again and repeat what you did.",
            )
