"""fiscus.yaml as typed settings: what the composition needs beside the rooms' own files."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from decimal import Decimal
from importlib.resources import files
from pathlib import Path
from typing import Any, cast

from fiscus.actions.types import SafetyBelts
from fiscus.app.ai_accounts import ai_accounts_from
from fiscus.app.calendar_settings import calendar_from, freezes_from
from fiscus.app.gates import gate_settings_from
from fiscus.app.gateway_settings import gateway_settings_from
from fiscus.app.lake_settings import lake_settings_from
from fiscus.app.reporting_settings import reporting_from
from fiscus.app.workspace_text import workspace_text
from fiscus.board.types import Outcome
from fiscus.cost.ai.types import GATEWAY_SOURCE, AiAccount
from fiscus.cost.currency.types import Reporting
from fiscus.cost.focus_names import FOCUS_VERSIONS
from fiscus.cost.types import Source
from fiscus.flows.workspace import Company, ConfiguredSource
from fiscus.guardrails.doors.ai.settings import GatewaySettings
from fiscus.guardrails.doors.gate_settings import GateSettings
from fiscus.guardrails.policies.moment import Freeze
from fiscus.kernel.documents import Document, load_document
from fiscus.kernel.errors import BadConfig, BadInput, Where
from fiscus.kernel.periods import day_named
from fiscus.stores.lake.object_address import object_url

FILE = "fiscus.yaml"
DEFAULT_LAKE = ".fiscus/lake"
DEFAULT_STATE = "sqlite:///.fiscus/state.db"
DEFAULT_PAGES = "http://127.0.0.1:8720"
DEFAULT_LEDGER = "sqlite:///.fiscus/ledger.db"
DEFAULT_ENGINE = "duckdb"
DEFAULT_CALLS = "sqlite:///.fiscus/gateway.db"


@dataclass(frozen=True, slots=True)
class Smtp:
    """Where mail is handed over. Credentials, if any, come from FISCUS_SMTP_USER and FISCUS_SMTP_PASSWORD."""

    host: str
    port: int
    sender: str


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where signed notices go; the secret's value is only in the environment."""

    url: str
    secret_env: str


@dataclass(frozen=True, slots=True)
class Telemetry:
    """A collector of OpenTelemetry: its base address (OTLP over HTTP), and what this is called there."""

    endpoint: str
    service: str = "fiscus-gateway"


@dataclass(frozen=True, slots=True)
class Settings:
    """The whole of fiscus.yaml, defaults filled in."""

    company: Company
    as_of: date | None
    sources: Mapping[str, ConfiguredSource]
    promoted_tags: tuple[str, ...]
    lake: str
    state: str
    ledger: str
    calls: str
    smtp: Smtp | None
    webhook: Webhook | None
    aws: Mapping[str, str] | None
    belts: SafetyBelts
    escalation: Mapping[str, Mapping[str, float]]
    outcomes: tuple[Outcome, ...]
    simulated: tuple[str, ...]
    pages_url: str = DEFAULT_PAGES
    ai_accounts: tuple[AiAccount, ...] = ()
    freezes: tuple[Freeze, ...] = ()
    gates: GateSettings = field(default_factory=GateSettings)
    gateway: GatewaySettings = field(default_factory=GatewaySettings)
    telemetry: Telemetry | None = None
    reporting: Reporting | None = None
    engine: str = DEFAULT_ENGINE
    engine_settings: Mapping[str, str] = field(default_factory=dict)
    lake_settings: Mapping[str, str] = field(default_factory=dict)


def is_engine(text: str) -> bool:
    """Whether `text` could stand as `engine` in fiscus.yaml."""
    return re.fullmatch(_schema()["properties"]["engine"]["pattern"], text) is not None


def _schema() -> dict[str, Any]:
    text = files("fiscus.app").joinpath("schema", "fiscus.schema.json").read_text(encoding="utf-8")
    return cast("dict[str, Any]", json.loads(text))


def load_settings(home: Path) -> Settings:
    """Read `home`/fiscus.yaml. BadConfig names the line; NotFound-like BadConfig when it is no workspace."""
    path = home / FILE
    if not path.is_file():
        raise BadConfig(
            f"{home} is not a Fiscus workspace",
            remedy=f"Run `fiscus init {home}`, or name another folder with --home or FISCUS_HOME.",
            where=Where(file=str(path)),
        )
    document = load_document(workspace_text(path, FILE), FILE, _schema())
    data = cast("dict[str, Any]", document.data)
    company, stores, notify = data["company"], data.get("stores", {}), data.get("notify", {})
    outcomes = data.get("outcomes", [])
    return Settings(
        company=Company(company["name"], company["currency"], calendar_from(document)),
        as_of=_as_of(document, data),
        sources=_sources(document, data.get("sources", []), home),
        promoted_tags=tuple(data.get("promoted_tags", ())),
        lake=stores.get("lake", DEFAULT_LAKE),
        state=stores.get("state", DEFAULT_STATE),
        ledger=stores.get("ledger", _beside(stores.get("state", DEFAULT_STATE), DEFAULT_LEDGER)),
        calls=stores.get("gateway", _beside(stores.get("state", DEFAULT_STATE), DEFAULT_CALLS)),
        smtp=Smtp(s["host"], s["port"], s["from"]) if (s := notify.get("smtp")) else None,
        webhook=Webhook(**w) if (w := notify.get("webhook")) else None,
        aws=data.get("aws"),
        belts=_belts(data.get("belts", {})),
        escalation=data.get("escalation", {}),
        outcomes=tuple(_outcome(item) for item in outcomes),
        simulated=tuple(data.get("simulated", ())),
        pages_url=str(data.get("pages_url", DEFAULT_PAGES)).rstrip("/"),
        freezes=freezes_from(document),
        ai_accounts=ai_accounts_from(document, [item["name"] for item in data.get("sources", [])]),
        gates=gate_settings_from(data.get("gates", {})),
        gateway=gateway_settings_from(document),
        telemetry=Telemetry(**t) if (t := data.get("telemetry")) else None,
        reporting=reporting_from(document, home),
        engine=data.get("engine", DEFAULT_ENGINE),
        engine_settings=data.get("engine_settings", {}),
        lake_settings=lake_settings_from(document, data),
    )


def _belts(given: Mapping[str, Any]) -> SafetyBelts:
    typed = {name: tuple(value) if isinstance(value, list) else value for name, value in given.items()}
    if "money_per_run_max" in typed:
        typed["money_per_run_max"] = Decimal(typed["money_per_run_max"])
    return SafetyBelts(**typed)


def _beside(state: str, default: str) -> str:
    """In the same PostgreSQL database as the state, unless it is told otherwise; in a file of its own beside SQLite."""
    return state if state.startswith("postgres") else default


def _outcome(item: Mapping[str, Any]) -> Outcome:
    scope = {dimension: _many(values) for dimension, values in item["scope"].items()}
    return Outcome(item["name"], scope, item.get("volumes", {}), item.get("unit", ""), item.get("result", ""))


def _many(value: str | Sequence[str]) -> tuple[str, ...]:
    return (value,) if isinstance(value, str) else tuple(value)


def _as_of(document: Document, data: Mapping[str, Any]) -> date | None:
    if (text := data.get("as_of")) is None:
        return None
    try:
        return day_named(text)
    except BadInput as wrong:
        raise document.error(["as_of"], wrong.message, wrong.remedy) from None


def _sources(document: Document, items: Sequence[Mapping[str, Any]], home: Path) -> dict[str, ConfiguredSource]:
    sources: dict[str, ConfiguredSource] = {}
    for number, item in enumerate(items):
        if item["name"] in sources:
            raise document.error(
                ["sources", number], f"Source {item['name']!r} stands here twice", "Rename one of them."
            )
        if item["name"].startswith(GATEWAY_SOURCE):
            message = f"Source {item['name']!r} begins as the gateway's own sources do"
            raise document.error(["sources", number, "name"], message, "Give it another name.")
        focus = item.get("focus", "auto")
        source = Source(
            name=item["name"],
            focus=next((version for version in FOCUS_VERSIONS if version == focus), None),
            date_format=item.get("date_format"),
            default_currency=item.get("default_currency"),
            corrections=item.get("corrections", "replacement"),
        )
        sources[source.name] = ConfiguredSource(source, tuple(_place(home, path) for path in item["paths"]))
    return sources


def _place(home: Path, path: str) -> Path:
    """In the workspace, unless it is an object store's address."""
    return Path(path) if object_url(Path(path)) else home / path
