"""An SMTP server on this machine: enough of RFC 5321 for any client. Keeps what it is given, refuses what it is told to."""

from __future__ import annotations

import re
import socketserver
import ssl
import threading
from base64 import b64decode
from collections.abc import Callable
from dataclasses import dataclass, field
from email import message_from_bytes, policy
from email.message import EmailMessage
from pathlib import Path
from typing import Self, cast

LINE_BYTES_MAX = 4_096
MAIL_BYTES_MAX = 10_000_000
_PATH = re.compile(r"(?:FROM|TO):\s*<([^<>\s]*)>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class ReceivedMail:
    """One mail as it was handed over. `secure`: over TLS; `user`: who signed in."""

    sender: str
    recipients: tuple[str, ...]
    raw: bytes
    secure: bool
    user: str | None

    @property
    def message(self) -> EmailMessage:
        """Parsed headers and body."""
        return message_from_bytes(self.raw, policy=policy.default)

    @property
    def text(self) -> str:
        """The body as text, line ends as on this machine."""
        return str(self.message.get_content()).replace("\r\n", "\n")


@dataclass
class Behaviour:
    """What the server does wrong when told to; all off by default."""

    refused: set[str] = field(default_factory=set)  # addresses answered 550
    busy: set[str] = field(default_factory=set)  # addresses answered 451
    lose_answers: int = 0  # so many mails are kept, and the connection closed without a word
    refuse_mails: int = 0  # so many mails are answered 554 after DATA
    deaf: bool = False  # accepts connections and says nothing


class LocalMailServer:
    """`with LocalMailServer() as mail:` listens on 127.0.0.1 at `mail.port`; `mail.messages` is what came in.

    `folder` also keeps each mail as an .eml file. `tls` makes it offer STARTTLS; `accounts` (user to password) makes it offer
    AUTH PLAIN, over TLS only.
    """

    def __init__(
        self,
        folder: Path | None = None,
        *,
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        accounts: dict[str, str] | None = None,
    ) -> None:
        self.messages: list[ReceivedMail] = []
        self.behaviour = Behaviour()
        self.tls, self.accounts = tls, accounts or {}
        self._folder, self._wanted_port = folder, port
        self._lock = threading.Lock()
        self._server: _Server | None = None
        self._stopping = threading.Event()

    @property
    def port(self) -> int:
        """Where it listens, while it does."""
        assert self._server is not None
        return int(self._server.server_address[1])

    def start(self) -> Self:
        """Listen; a stopped server may be started again, on a new port unless one was named."""
        self._stopping.clear()
        self._server = _Server(("127.0.0.1", self._wanted_port), _Conversation)
        self._server.owner = self
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def stop(self) -> None:
        """Close the port; what was received stays."""
        if self._server is not None:
            self._stopping.set()
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()

    def keep(self, mail: ReceivedMail) -> int:
        """Store one mail; its number."""
        with self._lock:
            self.messages.append(mail)
            number = len(self.messages)
        if self._folder is not None:
            self._folder.mkdir(parents=True, exist_ok=True)
            (self._folder / f"{number:05d}.eml").write_bytes(mail.raw)
        return number

    def wait_until_stopped(self, seconds: float) -> None:
        """What a deaf server does with a connection."""
        self._stopping.wait(seconds)


class _Server(socketserver.ThreadingTCPServer):
    allow_reuse_address = True
    daemon_threads = True
    owner: LocalMailServer


class _Conversation(socketserver.StreamRequestHandler):
    """One client's session: a small state machine over commands."""

    timeout = 30

    def setup(self) -> None:
        super().setup()
        self.mail = cast("_Server", self.server).owner
        self.sender: str | None = None
        self.recipients: list[str] = []
        self.user: str | None = None
        self.secure = False

    def handle(self) -> None:
        if self.mail.behaviour.deaf:
            self.mail.wait_until_stopped(30)
            return
        self._say("220 localhost Fiscus local mail")
        try:
            while line := self.rfile.readline(LINE_BYTES_MAX):
                if not self._answer(line.decode("utf-8", "replace").strip()):
                    return
        except OSError:
            return

    def _say(self, text: str) -> bool:
        self.wfile.write(text.encode() + b"\r\n")
        return True

    def _answer(self, line: str) -> bool:
        """Do one command; False ends the session."""
        verb, _, rest = line.partition(" ")
        answers: dict[str, Callable[[], bool]] = {
            "EHLO": self._hello,
            "HELO": self._hello,
            "STARTTLS": self._starttls,
            "AUTH": lambda: self._auth(rest),
            "MAIL": lambda: self._mail_from(rest),
            "RCPT": lambda: self._rcpt_to(rest),
            "DATA": self._data,
            "RSET": self._reset,
            "NOOP": lambda: self._say("250 OK"),
            "QUIT": lambda: not self._say("221 Bye"),
        }
        answer = answers.get(verb.upper())
        return answer() if answer else self._say("502 Not known here")

    def _reset(self) -> bool:
        self.sender, self.recipients = None, []
        return self._say("250 OK")

    def _hello(self) -> bool:
        offers = ["250-localhost", "250-8BITMIME", f"250-SIZE {MAIL_BYTES_MAX}"]
        if self.mail.tls is not None and not self.secure:
            offers.append("250-STARTTLS")
        if self.mail.accounts and self.secure:
            offers.append("250-AUTH PLAIN")
        return self._say("\r\n".join([*offers, "250 NOOP"]))

    def _starttls(self) -> bool:
        if self.mail.tls is None or self.secure:
            return self._say("454 TLS is not to be had")
        self._say("220 Go ahead")
        try:
            self.connection = self.mail.tls.wrap_socket(self.connection, server_side=True)
        except OSError:
            return False
        self.rfile, self.wfile = self.connection.makefile("rb"), self.connection.makefile("wb", 0)
        self.secure = True
        return True

    def _auth(self, rest: str) -> bool:
        kind, _, token = rest.partition(" ")
        if kind.upper() != "PLAIN" or not self.secure:
            return self._say("504 Only PLAIN, over TLS")
        _, user, password = b64decode(token).decode().split("\0")
        if self.mail.accounts.get(user) != password:
            return self._say("535 Not you")
        self.user = user
        return self._say("235 Welcome")

    def _mail_from(self, rest: str) -> bool:
        found = _PATH.match(rest)
        if found is None or (self.mail.accounts and self.user is None):
            return self._say("530 Sign in first" if found else "501 MAIL FROM:<address>")
        self.sender, self.recipients = found[1], []
        return self._say("250 OK")

    def _rcpt_to(self, rest: str) -> bool:
        found = _PATH.match(rest)
        if found is None or self.sender is None:
            return self._say("503 MAIL first")
        if found[1] in self.mail.behaviour.refused:
            return self._say("550 No such person")
        if found[1] in self.mail.behaviour.busy:
            return self._say("451 Later")
        self.recipients.append(found[1])
        return self._say("250 OK")

    def _data(self) -> bool:
        if self.sender is None or not self.recipients:
            return self._say("503 RCPT first")
        self._say("354 Go on, end with a dot")
        lines, size = list[bytes](), 0
        while (line := self.rfile.readline(LINE_BYTES_MAX)) not in {b".\r\n", b".\n"}:
            size += len(line)
            if not line or size > MAIL_BYTES_MAX:
                return False
            lines.append(line[1:] if line.startswith(b".") else line)
        behaviour = self.mail.behaviour
        if behaviour.refuse_mails:
            behaviour.refuse_mails -= 1
            return self._say("554 Not taken")
        mail = ReceivedMail(self.sender, tuple(self.recipients), b"".join(lines), self.secure, self.user)
        number = self.mail.keep(mail)
        self.sender, self.recipients = None, []
        if behaviour.lose_answers:
            behaviour.lose_answers -= 1
            return False
        return self._say(f"250 Kept as {number}")
