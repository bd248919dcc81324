"""A notice as a mail (RFC 5322), handed to an SMTP server (RFC 5321)."""

from __future__ import annotations

import hashlib
import os
import re
import smtplib
import ssl
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime

from fiscus.kernel.clock import Clock, SystemClock
from fiscus.kernel.errors import BadConfig, BadInput, OutcomeUnknown, Unavailable, Where
from fiscus.kernel.limits import NOTICE_SECONDS_MAX, NOTICE_SUBJECT_CHARS_MAX
from fiscus.ownership.types import Notice

USER_VARIABLE = "FISCUS_SMTP_USER"
PASSWORD_VARIABLE = "FISCUS_SMTP_PASSWORD"  # noqa: S105 (the variable's name, not its value)
_ADDRESS = re.compile(r"[^\s@<>,;:\"\\\x00-\x1f\x7f]+@[^\s@<>,;:\"\\\x00-\x1f\x7f]+")
_CONTROL = re.compile(r"[\x00-\x1f\x7f\x85\u2028\u2029]")


class SmtpChannel:
    """Implements ownership.ports.NoticeChannel over one connection a notice.

    `tls` None checks certificates against the machine's authorities. Credentials, if any, are read from the
    environment when it is made.
    """

    def __init__(
        self,
        host: str,
        port: int,
        sender: str,
        *,
        clock: Clock | None = None,
        tls: ssl.SSLContext | None = None,
        timeout_seconds: float = NOTICE_SECONDS_MAX,
    ) -> None:
        if not _ADDRESS.fullmatch(sender):
            raise BadConfig(
                f"{sender!r} is not a mail address",
                remedy="Write one address, such as fiscus@example.com.",
                where=Where(file="fiscus.yaml", key="notify.smtp.from"),
            )
        self._place = f"{host}:{port}"
        self._host, self._port, self._sender = host, port, sender
        self._clock = clock or SystemClock()
        self._tls = tls
        self._credentials = (os.environ.get(USER_VARIABLE), os.environ.get(PASSWORD_VARIABLE))
        self._timeout_seconds = timeout_seconds

    def send(self, notice: Notice) -> str:
        """Hand it over; the receipt is the server's answer. Raises BadInput, Unavailable, OutcomeUnknown."""
        raw = self._message(notice).as_bytes(policy=SMTP)
        try:
            server = smtplib.SMTP(self._host, self._port, timeout=self._timeout_seconds)
        except (OSError, smtplib.SMTPException) as broken:
            raise self._unavailable(broken) from None
        try:
            self._greet(server)
            self._address(server, notice.to)
            return self._hand_over(server, raw)
        finally:
            server.close()

    def _message(self, notice: Notice) -> EmailMessage:
        if not _ADDRESS.fullmatch(notice.to):
            raise BadInput(
                f"{notice.to!r} is not one mail address", remedy="Mend it in owners/directory.yaml: name@host."
            )
        if _CONTROL.search(notice.subject) or not notice.subject:
            raise BadInput(
                "A subject is one line of text", remedy="Take line breaks and control characters out of the subject."
            )
        message = EmailMessage()
        message["From"] = self._sender
        message["To"] = notice.to
        message["Subject"] = notice.subject[:NOTICE_SUBJECT_CHARS_MAX]
        message["Date"] = format_datetime(self._clock.now())
        message["Message-ID"] = message_id(notice.key, self._sender)
        message["X-Fiscus-Notice"] = hashlib.sha256(notice.key.encode()).hexdigest()
        message["Auto-Submitted"] = "auto-generated"  # RFC 3834: no holiday answers
        message.set_content(notice.body, charset="utf-8", cte="quoted-printable")
        return message

    def _greet(self, server: smtplib.SMTP) -> None:
        user, password = self._credentials
        try:
            server.ehlo_or_helo_if_needed()
            secure = server.has_extn("starttls")
            if secure:
                server.starttls(context=self._tls or ssl.create_default_context())
                server.ehlo()
            if user and password:
                if not secure:
                    raise Unavailable(
                        f"The mail server {self._place} offers no TLS, so the password was not sent",
                        remedy=f"Turn STARTTLS on there, or unset {USER_VARIABLE}.",
                    )
                server.login(user, password)
        except (OSError, smtplib.SMTPException) as broken:
            raise self._unavailable(broken) from None

    def _address(self, server: smtplib.SMTP, to: str) -> None:
        try:
            code, said = server.mail(self._sender)
            if code != 250:
                raise self._unavailable(f"it refuses the sender {self._sender}: {code} {_text(said)}")
            code, said = server.rcpt(to)
        except (OSError, smtplib.SMTPException, UnicodeEncodeError) as broken:
            raise self._unavailable(broken) from None
        if code in {250, 251}:
            return
        if 500 <= code < 600:
            raise BadInput(
                f"The mail server refuses {to} for good: {code} {_text(said)}",
                remedy="Mend the address in owners/directory.yaml, or set left_on if the person is gone.",
            )
        raise self._unavailable(f"it does not take mail for {to} now: {code} {_text(said)}")

    def _hand_over(self, server: smtplib.SMTP, raw: bytes) -> str:
        try:
            code, said = server.data(raw)
        except smtplib.SMTPDataError as refused:
            raise self._unavailable(refused) from None
        except (OSError, smtplib.SMTPException) as lost:
            raise OutcomeUnknown(
                f"The mail server {self._place} did not answer after it was given the mail: {lost}",
                remedy="It is sent again with the same Message-ID; a mailbox may see it twice.",
            ) from None
        if code != 250:
            raise self._unavailable(f"it refuses the mail: {code} {_text(said)}")
        return f"{code} {_text(said)}"

    def _unavailable(self, why: object) -> Unavailable:
        return Unavailable(
            f"Mail could not be handed to {self._place}: {why}",
            remedy="It waits in the outbox; the next run sends it. Check notify.smtp in fiscus.yaml and the server.",
        )


def message_id(key: str, sender: str) -> str:
    """The Message-ID of a notice: the same for the same key, at the sender's domain."""
    return f"<{hashlib.sha256(key.encode()).hexdigest()[:40]}@{sender.rpartition('@')[2]}>"


def _text(said: bytes) -> str:
    return said.decode("utf-8", "replace")
