"""The same trials at the LiteLLM proxy: in its default setting, and where it fails closed."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Final

from tests.fixtures.vendor_process import Vendor

from bench.gateway.litellm_proxy import Asked, running_litellm
from bench.overshoot.callers import Load, ask
from bench.overshoot.ours import HELD_SECONDS, Company
from bench.overshoot.trial import Outcome

SETTINGS: Final = {
    "litellm": {},
    "litellm, fail closed": {"fail_closed_budget_enforcement": True},
}
STAGGERED: Final = Load(callers=50, waves=4, gap=0.15)


def trials(company: Company, vendor: Vendor, folder: Path, workers: tuple[int, ...]) -> Iterator[Outcome]:
    """First waves only: after them its settling does not run on keys of its custom_auth hook."""
    for who, settings in SETTINGS.items():
        for count in workers:
            asked = Asked(
                f"{vendor.address}/openai", count, company.budget / 1e9, windows=(), settings=dict(settings)
            )  # fmt: skip
            with running_litellm(folder / f"{who}-{count}".replace(" ", "-"), asked) as (url, _):
                vendor.behave(latency_seconds=0.0)
                ask(
                    url, "sk-warm", Load(callers=4 * count, connections=4 * count)
                )  # everything that it loads late is loaded
                vendor.behave(latency_seconds=HELD_SECONDS)
                loads = {"200 at once": Load(), "staggered, 4 x 50": STAGGERED}
                if count == 1:
                    loads["without max_tokens"] = Load(maximum=False)
                for number, (name, load) in enumerate(loads.items()):
                    before = vendor.billed()
                    ask(url, f"sk-{number}", load)  # a key of its own: its budget is whole
                    new = {request: nanos for request, nanos in vendor.billed().items() if request not in before}
                    yield Outcome(
                        who,
                        name,
                        count,
                        load.callers * load.waves,
                        company.calls,
                        len(new),
                        sum(new.values()),
                        company.budget,
                    )
