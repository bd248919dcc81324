"""Who else watches calls as they end: a collector of OpenTelemetry, where the workspace or the environment names one."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from fiscus.connectors.opentelemetry.call_telemetry import CallTelemetry

ENVIRONMENT: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")


def open_telemetry(home: Path, environ: Mapping[str, str] = os.environ) -> CallTelemetry | None:
    """None where nobody names a collector, or OTEL_SDK_DISABLED says true. Raises Unavailable (the extra is not installed)."""
    from fiscus.app.settings import load_settings

    settings = load_settings(home).telemetry
    if settings is None and not any(environ.get(name) for name in ENVIRONMENT):
        return None
    if environ.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return None
    from fiscus import __version__
    from fiscus.app.extras import needs

    needs("telemetry", "opentelemetry.sdk", "opentelemetry.exporter.otlp.proto.http")
    from fiscus.connectors.opentelemetry.call_telemetry import CallTelemetry

    endpoint = settings.endpoint if settings else ""
    service = environ.get("OTEL_SERVICE_NAME") or (settings.service if settings else "") or "fiscus-gateway"
    return CallTelemetry(endpoint, service, __version__)
