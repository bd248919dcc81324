"""Serves the webhook with TLS. The certificate is checked before anything listens, and loaded anew when its file changes."""

from __future__ import annotations

import asyncio
import ssl
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import uvicorn
from cryptography import x509

from fiscus.edges.admission.standing import Standing
from fiscus.edges.admission.webhook import Webhook
from fiscus.edges.listening import listen
from fiscus.kernel.clock import SystemClock
from fiscus.kernel.counters import Counters
from fiscus.kernel.errors import BadInput, Where

PORT = 8443
HOST = "127.0.0.1"
SHUTDOWN_SECONDS = 5  # whoever is still connected then is cut off


@dataclass(frozen=True, slots=True)
class TlsFiles:
    """PEM files. `client_ca`: only callers with a certificate of it are heard; None: any caller."""

    cert: Path
    key: Path
    client_ca: Path | None = None


def serve_admission(
    home: Path, tls: TlsFiles, host: str = HOST, port: int = PORT, started: Callable[[str], None] | None = None
) -> None:
    """Serve until interrupted. Raises BadInput (certificate or key), Unavailable (port), BadConfig."""
    context = tls_context(tls, SystemClock().now())
    counters = Counters()
    standing = Standing(home, counters)
    standing.also(CertificateFile(tls, context).renew)
    listener = listen(host, port)
    webhook = Webhook(standing, counters)
    try:
        config = _config(webhook, context)
        if started is not None:
            shown = f"[{host}]" if ":" in host else host
            started(f"https://{shown}:{listener.getsockname()[1]}/admit")
        standing.start()
        asyncio.run(uvicorn.Server(config).serve(sockets=[listener]))
    finally:
        standing.stop()
        webhook.close()
        listener.close()


def tls_context(tls: TlsFiles, now: datetime) -> ssl.SSLContext:
    """TLS 1.2 or newer with this certificate. Raises BadInput that says what is wrong with which file."""
    certificate = _certificate(tls.cert)
    if not certificate.not_valid_before_utc <= now < certificate.not_valid_after_utc:
        raise _wrong(
            tls.cert,
            f"The certificate is valid from {certificate.not_valid_before_utc} to {certificate.not_valid_after_utc}, not now",
            "Renew it; cert-manager does that by itself.",
        )
    if not _has_names(certificate):
        raise _wrong(
            tls.cert,
            "The certificate names no DNS name or address as subjectAltName, so no API server accepts it",
            "Issue it for the service: fiscus-admission.NAMESPACE.svc.",
        )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(tls.cert, tls.key)
    except (ssl.SSLError, OSError) as broken:
        raise _wrong(
            tls.key,
            f"Certificate and key do not go together: {broken}",
            "Give the key that this certificate was issued for.",
        ) from None
    if tls.client_ca is not None:
        try:
            context.load_verify_locations(tls.client_ca)
        except (ssl.SSLError, OSError) as broken:
            raise _wrong(tls.client_ca, f"This is no CA certificate: {broken}", "Give it as PEM.") from None
        context.verify_mode = ssl.CERT_REQUIRED
    return context


class CertificateFile:
    """The certificate on disk: when it changes, new connections get the new one. A broken one is refused and the old stays."""

    def __init__(self, tls: TlsFiles, context: ssl.SSLContext) -> None:
        self._tls = tls
        self._context = context
        self._stamp = self._stamped()

    def renew(self) -> None:
        """Load it if it changed. Raises BadInput."""
        stamp = self._stamped()
        if stamp != self._stamp:
            tls_context(self._tls, SystemClock().now())
            self._context.load_cert_chain(self._tls.cert, self._tls.key)
            self._stamp = stamp

    def _stamped(self) -> tuple[int, ...]:
        return tuple(path.stat().st_mtime_ns for path in (self._tls.cert, self._tls.key))


def _config(webhook: Webhook, context: ssl.SSLContext) -> uvicorn.Config:
    return uvicorn.Config(
        webhook, log_level="warning", server_header=False, access_log=False, lifespan="off", timeout_keep_alive=60,
        timeout_graceful_shutdown=SHUTDOWN_SECONDS,
        ssl_context_factory=lambda _, __: context,
    )  # fmt: skip


def _certificate(path: Path) -> x509.Certificate:
    try:
        return x509.load_pem_x509_certificate(path.read_bytes())
    except (OSError, ValueError) as broken:
        raise _wrong(path, f"This is no certificate: {broken}", "Give it as PEM, with its chain after it.") from None


def _has_names(certificate: x509.Certificate) -> bool:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return False
    return bool(names.get_values_for_type(x509.DNSName) or names.get_values_for_type(x509.IPAddress))


def _wrong(path: Path, message: str, remedy: str) -> BadInput:
    return BadInput(message, remedy=remedy, where=Where(file=str(path)))
