"""A company in front of an upstream: the template with the library of policies, a key, and a budget on each of four levels."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import yaml
from tests.fixtures.gateways import Gateway, fiscus, gateway_home, hard_cap, running_gateway

from fiscus.app.ai_prices import load_ai_prices

OWNER, ENVIRONMENT = "ana.silva", "prod"


def write_company(home: Path, upstream: str, **amounts: str) -> str:
    """Everything but the gateway itself; returns the secret of its one key. `amounts`: of org, team, environment, key."""
    address: Any = SimpleNamespace(address=upstream)
    gateway_home(home, address)
    said = fiscus(
        home, "key", "issue", "a bench", "--owner", OWNER, "--environment", ENVIRONMENT, "--as", "sam.lee"
    )  # fmt: skip
    document = yaml.safe_load((home / "fiscus.yaml").read_text())
    document["gateway"]["upstreams"] = [{**document["gateway"]["upstreams"][0], "base_url": upstream}]
    (home / "fiscus.yaml").write_text(yaml.safe_dump(document))
    scopes = {
        "org": {}, "team": {"team": "platform"}, "environment": {"team": "platform", "environment": ENVIRONMENT},
        "key": {"api_key": said["id"]},
    }  # fmt: skip
    budgets = [{**hard_cap(amount), "id": name, "scope": scopes[name]} for name, amount in amounts.items()]
    (home / "budgets" / "bench.yaml").write_text(yaml.safe_dump({"budgets": budgets}))
    fiscus(home, "run")
    load_ai_prices(home)  # compiled once and kept, so that no gateway does it while somebody waits
    return str(said["secret"])


@contextmanager
def running(home: Path, workers: int) -> Iterator[Gateway]:
    """Its gateway."""
    with running_gateway(home, "--workers", str(workers)) as gateway:
        yield gateway
