"""Composition: a home on disk becomes a Workspace. Heavy imports stay inside, so that `fiscus --help` loads no database."""

from __future__ import annotations

import os
from collections.abc import Mapping
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from fiscus.kernel.clock import Clock, SteppedClock, SystemClock
from fiscus.kernel.errors import BadConfig, Where
from fiscus.kernel.ids import RandomIds

if TYPE_CHECKING:
    from fiscus.actions.ports import Executor
    from fiscus.app.settings import Settings
    from fiscus.flows.workspace import Workspace
    from fiscus.ownership.ports import NoticeChannel

NOON = time(12, tzinfo=ZoneInfo("UTC"))


def open_workspace(home: Path | str, as_of: date | None = None, clock: Clock | None = None) -> Workspace:
    """The workspace at `home`, configuration checked and stores open.

    The clock is `clock`, else noon UTC of `as_of`, else of `as_of` in fiscus.yaml, else the machine's.
    Raises BadConfig (a file of the workspace), Unavailable (a store that cannot be reached).
    """
    from fiscus.app.configuration import load_configuration
    from fiscus.flows.workspace import Workspace
    from fiscus.stores.lake import open_lake
    from fiscus.stores.state import open_state

    home = Path(home).resolve()
    settings, config = load_configuration(home)
    pinned = as_of or settings.as_of
    clock = clock or (SteppedClock(datetime.combine(pinned, NOON)) if pinned else SystemClock())
    (home / ".fiscus").mkdir(exist_ok=True)
    channels = _channels(settings)
    return Workspace(
        home=home,
        config=config,
        lake=open_lake(_located(settings.lake, home), settings.promoted_tags),
        state=open_state(_sqlite_in(settings.state, home), clock),
        clock=clock,
        ids=RandomIds(),
        executors=_executors(settings, channels),
        channels=channels,
    )


def find_home(given: str | None) -> Path:
    """--home, else FISCUS_HOME, else the current folder."""
    return Path(given or os.environ.get("FISCUS_HOME") or ".").resolve()


def _located(url: str, home: Path) -> str:
    return url if "://" in url else str(home / url)


def _sqlite_in(url: str, home: Path) -> str:
    """sqlite:///relative becomes a path inside the workspace; every other URL stays."""
    prefix = "sqlite:///"
    if not url.startswith(prefix) or url.startswith(prefix + "/"):
        return url
    return f"{prefix}{home / url.removeprefix(prefix)}"


def _channels(settings: Settings) -> Mapping[str, NoticeChannel]:
    channels: dict[str, NoticeChannel] = {}
    if settings.smtp:
        from fiscus.connectors.smtp.notify import SmtpChannel

        channels["email"] = SmtpChannel(settings.smtp.host, settings.smtp.port, settings.smtp.sender)
    if settings.webhook:
        from fiscus.connectors.webhook.notify import WebhookChannel

        secret = os.environ.get(settings.webhook.secret_env)
        if not secret:
            raise BadConfig(
                f"The environment has no {settings.webhook.secret_env}",
                remedy="Set it to the secret that the receiver of the webhook checks signatures with.",
                where=Where(file="fiscus.yaml", key="notify.webhook.secret_env"),
            )
        channels["webhook"] = WebhookChannel(settings.webhook.url, secret)
    return channels


def _executors(settings: Settings, channels: Mapping[str, NoticeChannel]) -> Mapping[str, Executor]:
    from fiscus.actions.notify import notify_executors

    executors: dict[str, Executor] = dict(notify_executors(channels))
    if settings.aws is not None:
        from fiscus.connectors.aws.actions import ec2_executors

        executors |= ec2_executors(settings.aws.get("endpoint_url"), settings.aws.get("region", "us-east-1"))
    return executors
