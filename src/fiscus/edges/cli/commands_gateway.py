"""The AI gateway: serve it, give it the vendors' keys, and give teams theirs."""

from __future__ import annotations

import sys
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Protocol

from cyclopts import App, Parameter

from fiscus.edges.cli.terminal import NO_OPTIONS, Common, guarded, note, open_home, say, say_json, table

if TYPE_CHECKING:
    from fiscus.guardrails.doors.ai.types import Pace, VirtualKey

HOST = "127.0.0.1"
PORT = 8730


class ServeGateway(Protocol):
    """Serves the gateway of a home until it is ended, or its parent is. `worker`: this process is one of so many."""

    def __call__(
        self,
        home: Path,
        address: tuple[str, int],
        workers: int,
        worker: tuple[int, int] | None,
        started: Callable[[str], None],
        with_parent: bool,
    ) -> None: ...


@Parameter(name="*")
@dataclass(frozen=True)
class PaceOptions:
    """How fast a key may go."""

    requests_per_minute: Annotated[int | None, Parameter(help="How many requests it may send a minute.")] = None
    tokens_per_minute: Annotated[int | None, Parameter(help="How many tokens it may use a minute.")] = None
    concurrent: Annotated[int | None, Parameter(help="How many requests at once.")] = None
    money_per_minute: Annotated[Decimal | None, Parameter(help="How much it may spend a minute.")] = None

    def pace(self) -> Pace:
        """The same in nano-units."""
        from fiscus.guardrails.doors.ai.types import Pace
        from fiscus.kernel.money import to_nanos

        money = to_nanos(self.money_per_minute) if self.money_per_minute is not None else None
        return Pace(self.requests_per_minute, self.tokens_per_minute, self.concurrent, money)


def mount(app: App, serve: ServeGateway) -> None:
    """Add `gateway`, `gateway-key` and the group `key` to `app`."""

    @guarded
    def gateway(
        *,
        workers: int = 1,
        host: str = HOST,
        port: int = PORT,
        worker_of: Annotated[int, Parameter(show=False)] = 0,
        ready_fd: Annotated[int, Parameter(show=False)] = -1,
        with_parent: Annotated[bool, Parameter(show=False)] = False,
        common: Common = NO_OPTIONS,
    ) -> None:
        """Serve the AI gateway: clients set base_url to http://HOST:PORT/<upstream>. Ends with Ctrl-C; SIGHUP reloads.

        Parameters
        ----------
        workers
            Processes that answer; each holds leases of its own on the budgets.
        host
            Where to listen. Whoever reaches it needs a virtual key, unless a default scope is configured.
        port
            Where to listen; 0 takes a free one.
        """
        from fiscus.app.workspace import find_home

        def started(url: str) -> None:
            if common.json:
                say_json({"url": url})
            else:
                note(f"The gateway answers at {url}   (Ctrl-C ends it)")

        worker = (worker_of, ready_fd) if worker_of else None
        serve(find_home(common.home), (host, port), workers, worker, started, with_parent)

    app.command(gateway)
    app.command(gateway_key, name="gateway-key")
    keys = App(name="key", help="Virtual keys: what teams send to the gateway instead of the vendor's own.")
    keys.command(issue)
    keys.command(list_, name="list")
    keys.command(revoke)
    app.command(keys)


@guarded
def gateway_key(upstream: str, *, common: Common = NO_OPTIONS) -> None:
    """Seal a vendor's own key for an upstream. It is read from standard input, so that it stands in no history.

    Parameters
    ----------
    upstream
        Its name in fiscus.yaml.
    """
    from fiscus.app.gateway import seal_vendor_key
    from fiscus.app.workspace import find_home
    from fiscus.kernel.errors import BadInput

    if sys.stdin.isatty():
        note(f"The key of {upstream}, then Enter:")
    secret = sys.stdin.readline().strip()
    if not secret:
        raise BadInput("No key was given", remedy=f'Pipe it in: printf %s "$KEY" | fiscus gateway-key {upstream}')
    seal_vendor_key(find_home(common.home), upstream, secret)
    if common.json:
        say_json({"upstream": upstream, "sealed": True})
    else:
        note(f"Sealed. A gateway that runs uses it for {upstream} within seconds.")


@guarded
def issue(
    name: str,
    *,
    owner: str,
    environment: str,
    as_: Annotated[str, Parameter(name="--as")],
    team: str = "",
    product: str = "",
    days: int = 90,
    upstream: tuple[str, ...] = (),
    model: tuple[str, ...] = (),
    pace: PaceOptions | None = None,
    common: Common = NO_OPTIONS,
) -> None:
    """Issue a key. It is shown once, on standard output.

    Parameters
    ----------
    name
        What it is for, in a few words.
    owner
        Who answers for what it spends.
    environment
        Where it is used.
    as_
        Who issues it.
    team
        Who pays; else the owner's team.
    product
        What it is spent on.
    days
        How long it lives; 0: until it is revoked.
    upstream
        Only these; give it again for another one.
    model
        Only these, or prefixes that end in *.
    """
    from fiscus.app.gateway import open_keys_of
    from fiscus.flows.manage_keys import KeyOrder, issue_key
    from fiscus.kernel.actor import Actor

    ws = open_home(common)
    asked = (pace or PaceOptions()).pace()
    order = KeyOrder(name, owner, environment, team, product, days or None, upstream, model, asked)
    issued = issue_key(ws, open_keys_of(ws.home), order, Actor(as_))
    if common.json:
        say_json({"secret": issued.secret, **_shown(issued.key)})
        return
    say(issued.secret)
    key = issued.key
    until = f"until {key.expires_at:%Y-%m-%d}" if key.expires_at else "until it is revoked"
    note(f"{key.id} for {key.team} in {key.environment}, {until}. It is not shown again.")


@guarded
def list_(*, all_: Annotated[bool, Parameter(name="--all")] = False, common: Common = NO_OPTIONS) -> None:
    """The keys that open something.

    Parameters
    ----------
    all_
        Revoked and expired ones too.
    """
    from fiscus.app.gateway import open_keys_of
    from fiscus.flows.manage_keys import list_keys

    ws = open_home(common)
    found = list_keys(open_keys_of(ws.home), everything=all_, now=ws.clock.now())
    if common.json:
        say_json([_shown(key) for key in found])
        return
    rows = [
        (key.id, f"{key.shown}…", key.name, key.owner, key.team, key.environment, _day(key.expires_at)) for key in found
    ]
    table(("id", "key", "name", "owner", "team", "environment", "expires"), rows, "No key: fiscus key issue.")


@guarded
def revoke(
    key_id: str, *, reason: str, as_: Annotated[str, Parameter(name="--as")], common: Common = NO_OPTIONS
) -> None:
    """Revoke a key: it opens nothing from now on.

    Parameters
    ----------
    key_id
        Its id, from `fiscus key list`.
    reason
        Why.
    as_
        Who revokes it.
    """
    from fiscus.app.gateway import open_keys_of
    from fiscus.flows.manage_keys import revoke_key
    from fiscus.kernel.actor import Actor

    ws = open_home(common)
    key = revoke_key(ws, open_keys_of(ws.home), key_id, Actor(as_), reason)
    if common.json:
        say_json(_shown(key))
    else:
        note(f"{key.id} is revoked.")


def _day(at: datetime | None) -> str:
    return f"{at:%Y-%m-%d}" if at else ""


def _shown(key: VirtualKey) -> dict[str, object]:
    """Everything but the digest."""
    from fiscus.kernel.canonical import to_json

    shown = to_json(key)
    assert isinstance(shown, dict)
    return {name: value for name, value in shown.items() if name != "digest"}
