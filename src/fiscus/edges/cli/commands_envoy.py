"""The command that serves Envoy. How it is served is handed in."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Annotated, Any, Protocol

from cyclopts import App, Parameter

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, note, say_json

HOST = "127.0.0.1"
PORT = 8750


class ServeEnvoy(Protocol):
    """Serves the gRPC services of a home until it is interrupted; `where` is what `Listening` takes."""

    def __call__(self, home: Path, where: Mapping[str, Any], started: Callable[[str], None]) -> None: ...


def mount(app: App, serve: ServeEnvoy) -> None:
    """Add `envoy` to `app`."""

    @guarded
    def envoy(
        *,
        host: str = HOST,
        port: int = PORT,
        metrics_port: int | None = None,
        cert: Path | None = None,
        key: Path | None = None,
        client_ca: Annotated[Path | None, Parameter(name="--client-ca")] = None,
        common: Common = NO_OPTIONS,
    ) -> None:
        """Answer Envoy over gRPC: external authorization before a request, an external processor after it. Ends with Ctrl-C.

        Parameters
        ----------
        host
            Where to listen; beside Envoy, 127.0.0.1.
        port
            Where to listen; 0 takes a free one.
        metrics_port
            Where GET /metrics and GET /healthz answer; left out, nowhere.
        cert
            Its certificate, PEM: with TLS.
        key
            The key of the certificate, PEM.
        client_ca
            Hear only callers with a certificate of this CA; needed on any other address than loopback.
        """
        from fiscus.app.workspace import find_home

        def started(address: str) -> None:
            if common.json:
                say_json({"address": address})
            else:
                note(f"Envoy is answered at {address}   (Ctrl-C ends it)")

        where = {
            "host": host,
            "port": port,
            "metrics_port": metrics_port,
            "cert": cert,
            "key": key,
            "client_ca": client_ca,
        }
        serve(find_home(common.home), where, started)

    app.command(envoy)
