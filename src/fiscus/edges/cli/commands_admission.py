"""The command that serves the Kubernetes webhook. How it is served is handed in."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Protocol

from cyclopts import App, Parameter

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, note, say_json

HOST = "127.0.0.1"
PORT = 8443


class ServeAdmission(Protocol):
    """Serves the webhook of a home with TLS until it is interrupted; `started` is told the address once it answers."""

    def __call__(
        self, home: Path, files: tuple[Path, Path, Path | None], host: str, port: int, started: Callable[[str], None]
    ) -> None: ...


def mount(app: App, serve: ServeAdmission) -> None:
    """Add `serve-admission` to `app`."""

    @guarded
    def serve_admission(
        *,
        cert: Path,
        key: Path,
        client_ca: Annotated[Path | None, Parameter(name="--client-ca")] = None,
        host: str = HOST,
        port: int = PORT,
        common: Common = NO_OPTIONS,
    ) -> None:
        """Serve the Kubernetes admission webhook with TLS: POST /admit, GET /healthz, GET /metrics. Ends with Ctrl-C.

        Parameters
        ----------
        cert
            Its certificate with the chain, PEM; renewed when the file changes.
        key
            The key of the certificate, PEM.
        client_ca
            Hear only callers with a certificate of this CA.
        host
            Where to listen; in a pod 0.0.0.0.
        port
            Where to listen; 0 takes a free one.
        """
        from fiscus.app.workspace import find_home

        def started(url: str) -> None:
            if common.json:
                say_json({"url": url})
            else:
                note(f"Admission is asked at {url}   (Ctrl-C ends it)")

        serve(find_home(common.home), (cert, key, client_ca), host, port, started)

    app.command(serve_admission)
