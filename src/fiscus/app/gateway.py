"""Composition of one gateway worker: what decides and settles, and nothing that reads bills. Imports only what it needs."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Final, cast

from fiscus.kernel.clock import Clock, ShiftedClock, SystemClock
from fiscus.kernel.errors import BadConfig, FiscusError, Where

if TYPE_CHECKING:
    from fiscus.flows.govern_call import GovernCalls
    from fiscus.flows.keep_calls import CallKeeper
    from fiscus.flows.workspace import Workspace
    from fiscus.guardrails.doors.ai.key_ring import KeyRing
    from fiscus.guardrails.doors.ai.ports import KeyStore, Wire
    from fiscus.guardrails.doors.ai.settings import GatewaySettings
    from fiscus.guardrails.ledger.lease_pools import LeasePools
    from fiscus.stores.lake.lake_aside import LakeAside

LOG: Final = logging.getLogger(__name__)
WATCHED: Final = (
    "fiscus.yaml", "owners/*.yaml", "policies/**/*.yaml", "budgets/**/*.yaml", "prices/*.yaml", ".fiscus/policy-proofs",
    ".fiscus/prices/*.json",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Governing:
    """What stands between two reloads. A request keeps the one that it began with."""

    governs: GovernCalls
    ring: KeyRing
    settings: GatewaySettings
    wires: Mapping[str, Wire]
    vendor_keys: Mapping[str, str]  # upstream -> the vendor's own key, in the clear, in this process only


class OpenGateway:
    """One worker's object graph. `renew` is called every so often beside the requests; what fails keeps what stood."""

    def __init__(self, home: Path, workers: int = 1, clock: Clock | None = None) -> None:
        from fiscus.app.telemetry import open_telemetry
        from fiscus.app.worker_counters import WorkerCounters
        from fiscus.flows.keep_calls import CallKeeper
        from fiscus.guardrails.ledger.lease_pools import LeasePools, LeaseTerms
        from fiscus.stores.calls import open_unheld

        self._home = home.resolve()
        self._stamp = self._stamped()
        self.ws, settings = _open(self._home, clock)
        self.keys: KeyStore = _keys(self._home)
        self.telemetry = open_telemetry(self._home)
        observers = [self.telemetry] if self.telemetry is not None else []
        self.counters = WorkerCounters(self._home, self.ws.counters, workers)
        unheld = open_unheld(self._home / ".fiscus")
        self.keeper: CallKeeper = CallKeeper(self.ws.ledger, self.ws.calls, self.ws.counters, observers, unheld)
        self.pools: LeasePools = LeasePools(self.ws.ledger.ask, LeaseTerms(self.ws.clock, self.ws.ids, workers))
        self.governing = self._governing(self.ws, settings)
        self._opened_for: date | None = None
        self._open_accounts()

    def renew(self) -> None:
        """New files, keys, freezes. Raises FiscusError: BadConfig with the line, Unavailable; the old stays."""
        stamp = self._stamped()
        if stamp != self._stamp:
            self._stamp = stamp  # a file that does not load is said once, not every second
            ws, settings = _reopened(self.ws, self._home)
            self.governing = self._governing(ws, settings)
            self._opened_for = None
        self._open_accounts()
        cast("LakeAside", self.ws.lake).refresh()
        if self.governing.ring.refresh():  # a vendor's key may be among what changed: turned, or a token renewed
            keys = _vendor_keys(self._home, self.governing.settings, self.keys)
            self.governing = replace(self.governing, vendor_keys=keys)
        self.governing.governs.frozen = frozenset(one.subject for one in self.ws.ledger.store.frozen())

    def _open_accounts(self) -> None:
        """Once a day and a change of files: tried, and told where it fails. What has no account is not let in."""
        from fiscus.app.gateway_accounts import open_accounts

        ws = self.governing.governs.ws
        if self._opened_for == ws.as_of:
            return
        self._opened_for = ws.as_of
        try:
            open_accounts(ws)
        except FiscusError as failed:
            LOG.warning("%s. %s", failed, failed.remedy)

    def _governing(self, ws: Workspace, settings: GatewaySettings) -> Governing:
        from fiscus.app.ai_prices import load_ai_prices
        from fiscus.flows.decide_intent import keep_rulebook
        from fiscus.flows.govern_call import GovernCalls
        from fiscus.guardrails.doors.ai.key_ring import KeyRing
        from fiscus.guardrails.doors.ai.wires import wire_named

        keep_rulebook(ws)
        prices = load_ai_prices(self._home, {one.prices for one in settings.upstreams.values()})
        frozen = frozenset(one.subject for one in ws.ledger.store.frozen())
        governs = GovernCalls(ws, prices, self.pools, self.keeper, settings.output_tokens_default, frozen)
        return Governing(
            governs=governs,
            ring=KeyRing(self.keys, settings.default_scope, settings.pace),
            settings=settings,
            wires={name: wire_named(one.wire) for name, one in settings.upstreams.items()},
            vendor_keys=_vendor_keys(self._home, settings, self.keys),
        )

    def _stamped(self) -> tuple[tuple[str, int, int], ...]:
        found = sorted(path for pattern in WATCHED for path in self._home.glob(pattern))
        return tuple((str(path), (stat := path.stat()).st_mtime_ns, stat.st_size) for path in found)

    def close(self) -> None:
        """Hand in what is leased and write what waits. Raises Unavailable: then it stays held, and is charged when it expires."""
        try:
            self.keeper.settle()
            self.pools.close()
            self.keeper.flush()
            self.keeper.post(self.ws.clock.now())
        finally:
            if self.telemetry is not None:
                self.telemetry.close()
        self.ws.ledger.close()


def open_keys_of(home: Path) -> KeyStore:
    """The virtual keys of a workspace."""
    return _keys(home.resolve())


def seal_vendor_key(home: Path, upstream: str, secret: str) -> None:
    """Keep a vendor's key, sealed; the master key is made where there is none. Raises BadConfig, BadInput (no such upstream)."""
    from fiscus.app.settings import load_settings
    from fiscus.kernel.documents import did_you_mean
    from fiscus.kernel.errors import BadInput
    from fiscus.stores.keys.sealing import Sealer, master_key

    names = list(load_settings(home).gateway.upstreams)
    if upstream not in names:
        raise BadInput(
            f"{upstream!r} is no upstream", remedy=did_you_mean(upstream, names), where=Where(key="upstream")
        )
    sealed = Sealer(master_key(home / ".fiscus", create=True)).seal(upstream, secret)
    _keys(home).put_sealed(upstream, sealed)


def _keys(home: Path) -> KeyStore:
    from fiscus.app.settings import load_settings
    from fiscus.app.workspace import sqlite_in
    from fiscus.stores.keys import open_keys

    (home / ".fiscus").mkdir(exist_ok=True)
    return open_keys(sqlite_in(load_settings(home).calls, home))


def _vendor_keys(home: Path, settings: GatewaySettings, keys: KeyStore) -> Mapping[str, str]:
    """Every upstream's key that there is; one without is told when a request needs it."""
    from fiscus.stores.keys.sealing import Sealer, master_key

    found = {}
    sealer: Sealer | None = None
    for name, upstream in settings.upstreams.items():
        if upstream.key_env:
            if text := os.environ.get(upstream.key_env, ""):
                found[name] = text
        elif (sealed := keys.sealed(name)) is not None:
            sealer = sealer or Sealer(master_key(home / ".fiscus"))
            found[name] = sealer.open(name, sealed)
    return found


def _open(home: Path, clock: Clock | None) -> tuple[Workspace, GatewaySettings]:
    from fiscus.app.configuration import load_configuration
    from fiscus.app.workspace import NOON, lake_at, sqlite_in
    from fiscus.flows.prove_policies import with_enforced
    from fiscus.flows.workspace import Workspace
    from fiscus.guardrails.ledger.ledger import Ledger
    from fiscus.kernel.ids import RandomIds
    from fiscus.stores.calls import open_calls
    from fiscus.stores.lake.lake_aside import LakeAside
    from fiscus.stores.ledger import open_ledger
    from fiscus.stores.state import open_state

    settings, config = load_configuration(home)
    pinned = settings.as_of
    clock = clock or (ShiftedClock(datetime.combine(pinned, NOON)) if pinned else SystemClock())
    (home / ".fiscus").mkdir(exist_ok=True)
    state = open_state(sqlite_in(settings.state, home), clock)
    with state.read() as tx:
        config = with_enforced(config, tx)
    ws = Workspace(
        home=home,
        config=config,
        lake=cast("Callable[[object], object]", LakeAside)(lake_at(settings, home)),  # type: ignore[arg-type]
        state=state,
        clock=clock,
        ids=RandomIds(),
        executors={},
        channels={},
        ledger=Ledger(open_ledger(sqlite_in(settings.ledger, home), clock)),
        calls=open_calls(sqlite_in(settings.calls, home), clock),
    )
    cast("LakeAside", ws.lake).refresh()
    if not settings.gateway.upstreams:
        raise BadConfig(
            "The gateway has no upstreams",
            remedy="Name them under gateway.upstreams: docs/how-to/run-the-gateway.md shows each vendor.",
            where=Where(file=str(home / "fiscus.yaml"), key="gateway"),
        )
    return ws, settings.gateway


def _reopened(ws: Workspace, home: Path) -> tuple[Workspace, GatewaySettings]:
    """The same stores under new files."""
    from fiscus.app.configuration import load_configuration
    from fiscus.flows.prove_policies import with_enforced

    settings, config = load_configuration(home)
    with ws.state.read() as tx:
        config = with_enforced(config, tx)
    return replace(ws, config=config), settings.gateway


__all__ = ["FiscusError", "Governing", "OpenGateway", "open_keys_of", "seal_vendor_key"]
