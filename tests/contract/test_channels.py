"""What every way out must do, mail and webhook alike, against real servers on this machine."""

from __future__ import annotations

import base64
import ipaddress
import socket
import ssl
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Protocol

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from fiscus.connectors.smtp.fakes import LocalMailServer
from fiscus.connectors.smtp.notify import PASSWORD_VARIABLE, USER_VARIABLE, SmtpChannel, message_id
from fiscus.connectors.webhook.fakes import LocalHook
from fiscus.connectors.webhook.notify import WebhookChannel, signature, webhook_id
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import BadConfig, BadInput, OutcomeUnknown, Unavailable
from fiscus.ownership.ports import NoticeChannel
from fiscus.ownership.types import Notice

NOON = datetime(2026, 11, 20, 12, tzinfo=UTC)
SECRET = "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"
ANA = "ana.silva@northwind.example"


class Receiver(Protocol):
    """What both stand-ins are to these tests."""

    channel: NoticeChannel
    server: LocalMailServer | LocalHook

    def ids(self) -> list[str]: ...


class Mail:
    def __init__(self) -> None:
        self.server = LocalMailServer().start()
        self.channel = SmtpChannel(
            "127.0.0.1", self.server.port, "fiscus@northwind.example", clock=SteppedClock(NOON), timeout_seconds=0.3
        )

    def ids(self) -> list[str]:
        return [str(mail.message["Message-ID"]) for mail in self.server.messages]


class Hook:
    def __init__(self) -> None:
        clock = SteppedClock(NOON)
        self.server = LocalHook(SECRET, clock=clock).start()
        self.channel = WebhookChannel(self.server.url, SECRET, clock=clock, timeout_seconds=0.3)

    def ids(self) -> list[str]:
        return [hook.id for hook in self.server.received]


@pytest.fixture(params=[Mail, Hook], ids=["smtp", "webhook"])
def receiver(request: pytest.FixtureRequest) -> Iterator[Receiver]:
    made = request.param()
    yield made
    made.server.stop()


def notice(key: str = "case-1", **changes: object) -> Notice:
    values: dict[str, object] = {
        "key": key,
        "channel": "email",
        "to": ANA,
        "subject": "4,210.00 USD more than expected on GPU in staging – yours",
        "body": "Zürich: 4.210 €\n.a line that begins with a dot\n",
        "payload": {"case": "case-1"},
    }
    return Notice(**{**values, **changes})  # type: ignore[arg-type]


def test_a_notice_arrives_and_its_receipt_says_so(receiver: Receiver) -> None:
    assert receiver.channel.send(notice())
    assert len(receiver.ids()) == 1


def test_the_same_notice_twice_carries_the_same_id_so_that_a_copy_can_be_dropped(receiver: Receiver) -> None:
    for key in ("case-1", "case-1", "case-2"):
        receiver.channel.send(notice(key))
    first, again, other = receiver.ids()
    assert first == again != other


def test_a_server_that_is_down_is_unavailable_and_says_what_to_do(receiver: Receiver) -> None:
    receiver.server.stop()
    with pytest.raises(Unavailable, match="next run"):
        receiver.channel.send(notice())


def test_an_answer_that_was_lost_is_neither_yes_nor_no(receiver: Receiver) -> None:
    receiver.server.behaviour.lose_answers = 1
    with pytest.raises(OutcomeUnknown, match="again"):
        receiver.channel.send(notice())
    assert len(receiver.ids()) == 1
    receiver.channel.send(notice())
    assert len(set(receiver.ids())) == 1


def test_a_server_that_hangs_does_not_hold_the_loop(receiver: Receiver) -> None:
    receiver.server.behaviour.deaf = True
    with pytest.raises((Unavailable, OutcomeUnknown), match="timed out"):
        receiver.channel.send(notice())
    assert receiver.ids() == []


# Mail


def test_a_mail_says_in_any_script_what_the_notice_says(tmp_path: Path) -> None:
    with LocalMailServer(tmp_path / "mail") as server:
        SmtpChannel("127.0.0.1", server.port, "fiscus@x.example", clock=SteppedClock(NOON)).send(notice())
        (mail,) = server.messages
    assert mail.text == notice().body
    assert mail.message["Subject"] == notice().subject
    assert mail.message["Message-ID"] == message_id("case-1", "fiscus@x.example")
    assert mail.message["Date"] == "Fri, 20 Nov 2026 12:00:00 +0000"
    assert (mail.sender, mail.recipients) == ("fiscus@x.example", (ANA,))
    assert mail.raw.isascii()
    assert (tmp_path / "mail" / "00001.eml").read_bytes() == mail.raw


@pytest.mark.parametrize(
    "changes",
    [
        {"to": "ana@x.example\r\nBcc: all@x.example"},
        {"to": "ana@x.example, all@x.example"},
        {"to": "ana@x.example> NOTIFY=NEVER <"},
        {"to": "nobody"},
        {"subject": "a\r\nBcc: all@x.example"},
        {"subject": "a\nb"},
        {"subject": "a\u2028b"},
        {"subject": ""},
    ],
)
def test_nobody_adds_a_header_or_a_recipient(changes: dict[str, str]) -> None:
    with LocalMailServer() as server:
        with pytest.raises(BadInput):
            SmtpChannel("127.0.0.1", server.port, "fiscus@x.example").send(notice(**changes))
        assert server.messages == []


def test_an_address_refused_for_good_is_told_from_one_that_is_busy() -> None:
    with LocalMailServer() as server:
        channel = SmtpChannel("127.0.0.1", server.port, "fiscus@x.example")
        server.behaviour.refused.add(ANA)
        with pytest.raises(BadInput, match="No such person"):
            channel.send(notice())
        server.behaviour.refused.clear()
        server.behaviour.busy.add(ANA)
        with pytest.raises(Unavailable, match="451 Later"):
            channel.send(notice())
        server.behaviour.busy.clear()
        server.behaviour.refuse_mails = 1
        with pytest.raises(Unavailable, match="554"):
            channel.send(notice())
        assert server.messages == []


def test_tls_is_used_when_offered_and_its_certificate_is_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(USER_VARIABLE, "fiscus")
    monkeypatch.setenv(PASSWORD_VARIABLE, "right")
    offered, trusting = certificate(tmp_path)
    with LocalMailServer(tls=offered, accounts={"fiscus": "right"}) as server:
        SmtpChannel("127.0.0.1", server.port, "fiscus@x.example", tls=trusting).send(notice())
        assert [(mail.secure, mail.user) for mail in server.messages] == [(True, "fiscus")]
        with pytest.raises(Unavailable, match="CERTIFICATE_VERIFY_FAILED"):
            SmtpChannel("127.0.0.1", server.port, "fiscus@x.example").send(notice())
        monkeypatch.setenv(PASSWORD_VARIABLE, "wrong")
        with pytest.raises(Unavailable, match="535"):
            SmtpChannel("127.0.0.1", server.port, "fiscus@x.example", tls=trusting).send(notice())
        assert len(server.messages) == 1


def test_a_password_never_travels_in_the_clear(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(USER_VARIABLE, "fiscus")
    monkeypatch.setenv(PASSWORD_VARIABLE, "right")
    with LocalMailServer() as server:
        with pytest.raises(Unavailable, match="no TLS"):
            SmtpChannel("127.0.0.1", server.port, "fiscus@x.example").send(notice())
        assert server.messages == []


def test_a_sender_that_is_no_address_is_refused_at_once() -> None:
    with pytest.raises(BadConfig, match="not a mail address"):
        SmtpChannel("127.0.0.1", 25, "Fiscus <fiscus@x.example>")


# Webhook


def test_the_signature_is_the_one_of_the_standards_own_example() -> None:
    """The example of the Standard Webhooks reference libraries: whoever verifies with one of them accepts ours."""
    key = base64.b64decode("MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")
    made = signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", 1614265330, b'{"test": 2432232314}')
    assert made == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_a_notice_reaches_the_hook_with_its_payload() -> None:
    with LocalHook(SECRET) as hook:
        WebhookChannel(hook.url, SECRET).send(notice())
        assert [received.id for received in hook.received] == [webhook_id("case-1")]
        assert hook.received[0].data["data"] == {"case": "case-1"}
        assert hook.received[0].data["subject"] == notice().subject


def test_a_receiver_refuses_a_wrong_secret_and_an_old_timestamp() -> None:
    with LocalHook(SECRET) as hook:
        with pytest.raises(Unavailable, match="401"):
            WebhookChannel(hook.url, "another secret of length").send(notice())
        late = SteppedClock(datetime.now(UTC) - timedelta(hours=1))
        with pytest.raises(Unavailable, match="401"):
            WebhookChannel(hook.url, SECRET, clock=late).send(notice())
        assert hook.refused == ["wrong signature", "too old or too new"]
        assert hook.received == []


@pytest.mark.parametrize("status", [301, 302, 307, 308])
def test_a_redirect_is_not_followed(status: int) -> None:
    with LocalHook(SECRET) as hook:
        hook.behaviour.statuses.append(status)
        with pytest.raises(Unavailable, match="not followed"):
            WebhookChannel(hook.url, SECRET).send(notice())
        assert hook.received == []


@pytest.mark.parametrize(
    "url",
    [
        "file:///etc/passwd",
        "ftp://x.example/",
        "gopher://x",
        "http://",
        "http://a b/",
        "https://u:p@x.example/",
        "http://x:99999/",
    ],
)
def test_a_url_that_is_no_plain_web_address_is_refused(url: str) -> None:
    with pytest.raises(BadConfig):
        WebhookChannel(url, SECRET)


@pytest.mark.parametrize(
    "host",
    ["169.254.169.254", "10.0.0.1", "192.168.1.1", "100.64.0.1", "0.0.0.0", "[::]", "[fe80::1]", "[fd00::1]", "[::ffff:10.0.0.1]",
     "224.0.0.1"],
)  # fmt: skip
def test_an_address_inside_a_private_network_is_refused(host: str) -> None:
    with pytest.raises(Unavailable, match="private network"):
        WebhookChannel(f"http://{host}/hook", SECRET, timeout_seconds=0.2).send(notice())


def test_a_name_that_turns_out_to_be_this_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """Name resolution is the one thing that cannot be had for real on loopback: the resolver's answer is given here."""
    with LocalHook(SECRET) as hook:
        port = int(hook.url.rpartition(":")[2].partition("/")[0])
        answer = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port))]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: answer)
        with pytest.raises(Unavailable, match="private network"):
            WebhookChannel(f"http://hooks.attacker.example:{port}/hook", SECRET).send(notice())
        assert hook.received == []


@pytest.mark.parametrize("secret", ["", "short", "whsec_%%%", "whsec_AAAA"])
def test_a_secret_that_anybody_could_guess_is_refused(secret: str) -> None:
    with pytest.raises(BadConfig, match="secret"):
        WebhookChannel("https://x.example/", secret)


def certificate(folder: Path) -> tuple[ssl.SSLContext, ssl.SSLContext]:
    """A server's context with a fresh certificate for 127.0.0.1, and a client's that trusts it."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(hours=1))
        .not_valid_after(now + timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    pem = folder / "server.pem"
    private = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    pem.write_bytes(private + made.public_bytes(serialization.Encoding.PEM))
    server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server.load_cert_chain(pem)
    return server, ssl.create_default_context(cadata=made.public_bytes(serialization.Encoding.PEM).decode())
