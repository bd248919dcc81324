"""The demo's AWS, mail server and webhook receiver: real servers on this machine, for as long as a process holds them."""

from __future__ import annotations

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from fiscus.kernel.errors import Unavailable, Where

if TYPE_CHECKING:
    from fiscus.app.settings import Settings
    from fiscus.connectors.aws.fakes import LocalAws
    from fiscus.connectors.simulated_ai.server import LocalAi
    from fiscus.connectors.smtp.fakes import LocalMailServer
    from fiscus.connectors.webhook.fakes import LocalHook
    from fiscus.flows.workspace import Workspace
    from fiscus.twin.build import Endpoints

SECRET_VARIABLE = "FISCUS_WEBHOOK_SECRET"  # noqa: S105  the variable's name, not its value
MAIL = "mail"
TRUTH = "truth.json"
AI_BILL = "ai-bill.jsonl"
REGION = "us-east-1"


@dataclass(frozen=True, slots=True)
class SimulatedVendors:
    """The running servers. `instances`: machine name -> instance id; the same seed gives the same ids every time."""

    aws: LocalAws
    mail: LocalMailServer
    hook: LocalHook
    ai: LocalAi
    instances: Mapping[str, str]

    @property
    def endpoints(self) -> Endpoints:
        """Where they listen, for fiscus.yaml."""
        from fiscus.twin.build import Endpoints

        return Endpoints(
            self.aws.endpoint_url, "127.0.0.1", self.mail.port, self.hook.url, self.aws.region, self.ai.address
        )


@dataclass(frozen=True, slots=True)
class Ports:
    """Where to listen; 0 takes a free port."""

    aws: int = 0
    mail: int = 0
    hook: int = 0
    ai: int = 0


@contextmanager
def simulated_vendors(home: Path, seed: int, ports: Ports | None = None) -> Iterator[SimulatedVendors]:
    """Start them all. Mail is kept as files under `home`/mail too, and the AI vendors' bill in `home`/ai-bill.jsonl.

    Raises Unavailable when a port is taken.
    """
    from fiscus.connectors.aws.fakes import LocalAws
    from fiscus.connectors.simulated_ai.server import LocalAi
    from fiscus.connectors.smtp.fakes import LocalMailServer
    from fiscus.connectors.webhook.fakes import LocalHook
    from fiscus.twin.build import fleet

    ports = ports or Ports()
    secret = os.environ.setdefault(SECRET_VARIABLE, secrets.token_hex(32))
    with ExitStack() as stack:
        try:
            aws = stack.enter_context(LocalAws(ports.aws, REGION))
            mail = stack.enter_context(LocalMailServer(home / MAIL, port=ports.mail))
            hook = stack.enter_context(LocalHook(secret, port=ports.hook))
            ai = stack.enter_context(LocalAi(port=ports.ai, seed=seed, bill=home / AI_BILL))
        except (OSError, SystemExit) as taken:  # werkzeug exits when it cannot bind
            raise Unavailable(
                f"A port of the simulated vendors is taken: {taken}",
                remedy="End the other `fiscus demo` or `fiscus serve` of this workspace.",
                where=Where(file="fiscus.yaml"),
            ) from None
        yield SimulatedVendors(aws, mail, hook, ai, aws.launch_fleet(fleet(seed), seed))


def is_simulated(home: Path) -> bool:
    """Whether `home` is a demo's: only those carry a truth."""
    return (home / TRUTH).is_file()


@contextmanager
def revived_vendors(ws: Workspace, settings: Settings) -> Iterator[SimulatedVendors]:
    """The vendors of a demo that was built before, at the addresses in its fiscus.yaml, its machines as actions left them."""
    from fiscus.actions.machine import DONE
    from fiscus.flows.plan_actions import identity

    truth: dict[str, Any] = json.loads((ws.home / TRUTH).read_text(encoding="utf-8"))
    aws, webhook, smtp = settings.aws or {}, settings.webhook, settings.smtp
    ports = Ports(
        aws=_port(aws.get("endpoint_url", "")),
        mail=smtp.port if smtp else 0,
        hook=_port(webhook.url if webhook else ""),
        ai=_port(next((one.base_url for one in settings.gateway.upstreams.values()), "")),
    )
    with simulated_vendors(ws.home, int(truth["seed"]), ports) as vendors:
        vendors.ai.live_on(ws.as_of)
        with ws.state.read() as tx:
            done = [action.plan for action in tx.actions.all(list(DONE)) if action.plan.kind == "aws.ec2.stop"]
        stopped = sorted({identity(target) for plan in done for target in plan.targets})
        if stopped:
            vendors.aws.client.stop_instances(InstanceIds=stopped)
        yield vendors


def _port(url: str) -> int:
    return urlsplit(url).port or 0
