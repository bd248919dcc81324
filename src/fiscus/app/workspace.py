"""Composition: a home on disk becomes a Workspace. Heavy imports stay inside, so that `fiscus --help` loads no database."""

from __future__ import annotations

import os
from datetime import date, datetime, time
from pathlib import Path
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from fiscus.kernel.clock import Clock, SteppedClock, SystemClock
from fiscus.kernel.ids import RandomIds

if TYPE_CHECKING:
    from fiscus.app.settings import Settings
    from fiscus.flows.workspace import Workspace
    from fiscus.stores.lake import LakeAddress

NOON = time(12, tzinfo=ZoneInfo("UTC"))


def open_workspace(home: Path | str, as_of: date | None = None, clock: Clock | None = None) -> Workspace:
    """The workspace at `home`, configuration checked and stores open.

    The clock is `clock`, else noon UTC of `as_of`, else of `as_of` in fiscus.yaml, else the machine's.
    Raises BadConfig (a file of the workspace), Unavailable (a store that cannot be reached).
    """
    from fiscus.app.ai_accounts import open_vendor_costs
    from fiscus.app.configuration import load_configuration
    from fiscus.app.ways_out import open_channels, open_executors
    from fiscus.flows.prove_policies import with_enforced
    from fiscus.flows.workspace import Workspace
    from fiscus.guardrails.ledger.ledger import Ledger
    from fiscus.stores.calls import open_calls
    from fiscus.stores.lake import open_lake
    from fiscus.stores.ledger import open_ledger
    from fiscus.stores.state import open_state

    home = Path(home).resolve()
    settings, config = load_configuration(home)
    pinned = as_of or settings.as_of
    clock = clock or (SteppedClock(datetime.combine(pinned, NOON)) if pinned else SystemClock())
    (home / ".fiscus").mkdir(exist_ok=True)
    channels = open_channels(settings)
    state = open_state(sqlite_in(settings.state, home), clock)
    with state.read() as tx:
        config = with_enforced(config, tx)
    return Workspace(
        home=home,
        config=config,
        lake=open_lake(lake_at(settings, home), settings.promoted_tags, settings.engine, settings.engine_settings),
        state=state,
        clock=clock,
        ids=RandomIds(),
        executors=open_executors(settings, channels),
        channels=channels,
        ledger=Ledger(open_ledger(sqlite_in(settings.ledger, home), clock)),
        calls=open_calls(sqlite_in(settings.calls, home), clock),
        vendor_costs=open_vendor_costs(config.ai_accounts),
    )


def find_home(given: str | None) -> Path:
    """--home, else FISCUS_HOME, else the current folder."""
    return Path(given or os.environ.get("FISCUS_HOME") or ".").resolve()


def lake_at(settings: Settings, home: Path) -> LakeAddress:
    """Where the workspace's lake is. Beside one in a bucket stands a folder of this machine: locks, scratch, what is kept."""
    from fiscus.app.settings import DEFAULT_LAKE
    from fiscus.stores.lake import LakeAddress

    location = settings.lake if "://" in settings.lake else home / settings.lake
    return LakeAddress(location, settings.lake_settings, home / DEFAULT_LAKE)


def sqlite_in(url: str, home: Path) -> str:
    """sqlite:///relative becomes a path inside the workspace; every other URL stays."""
    prefix = "sqlite:///"
    if not url.startswith(prefix) or url.startswith(prefix + "/"):
        return url
    return f"{prefix}{home / url.removeprefix(prefix)}"
