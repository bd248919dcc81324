"""Two hundred calls at once on a budget of exactly twenty, and what else overspends a budget, with the vendor's bill as truth.

The vendor is the simulator: it uses all that a call allows it, and its bill is a file that it writes before each answer. A call
is gpt-4o-mini with max_tokens 500. Budgets stand on four levels; two of them fit exactly twenty calls (or two thousand) at the
bound that the gateway holds for one. Ours must let through exactly what fits where everybody comes before anything is settled,
never bill past the budget, know of at least what was billed, and let at least 95 % of a budget be used where demand goes on.
LiteLLM is asked the same in its default and where it fails closed; it is shown, and held to nothing.

    python -m bench.overshoot [--quick] [--json] [--no-peer]
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Final

from tests.fixtures.vendor_process import Vendor, running_vendor

from bench.gateway import litellm_proxy
from bench.overshoot import ours, peer
from bench.overshoot.callers import OUTPUT, Load
from bench.overshoot.trial import Outcome

WORKERS: Final = (1, 2, 4)


def main() -> int:
    """Print a table or JSON; 1 where ours broke a limit."""
    given = _arguments()
    outcomes = list[Outcome]()
    with tempfile.TemporaryDirectory(prefix="fiscus-bench-") as folder, running_vendor(Path(folder)) as vendor:
        for one in _trials(Path(folder), vendor, quick=given.quick, with_peer=not given.no_peer):
            outcomes.append(one)
            if not given.json:
                _print(one, first=len(outcomes) == 1)
    broken = [f"{one.trial}, {one.workers} worker(s): {fault}" for one in outcomes for fault in one.faults()]
    if given.json:
        body = {
            "bench": "overshoot",
            "note": litellm_proxy.NOTE,
            "trials": [asdict(one) for one in outcomes],
            "broken": broken,
        }
        print(json.dumps(body, indent=2))
    else:
        print("" if given.no_peer else f"\n{litellm_proxy.NOTE}")
        print("\n".join(f"NOT met  {line}" for line in broken) or "met      every limit of ours")
    return 1 if broken else 0


def _trials(folder: Path, vendor: Vendor, *, quick: bool, with_peer: bool) -> Iterator[Outcome]:
    few = ours.write(folder, vendor, ours.FEW)
    workers = (1, 2) if quick else WORKERS
    for count in workers:
        yield ours.at_once(few, vendor, count, Load(), "200 at once")
        yield ours.at_once(few, vendor, count, peer.STAGGERED, "staggered, 4 x 50")
    several = workers[-1]
    yield ours.at_once(
        few, vendor, several, Load(maximum=False), "without max_tokens", output_tokens_default=OUTPUT
    )  # fmt: skip
    yield ours.at_once(few, vendor, several, Load(), "without a key", default_scope=dict(ours.NOBODY))
    yield ours.broken_streams(few, vendor, several)
    yield ours.killed(few, vendor, several)
    yield ours.until_used_up(few, vendor, several)
    many = ours.write(folder, vendor, ours.MANY)
    for count in workers:
        yield ours.until_used_up(many, vendor, count)
    yield ours.until_used_up(many, vendor, several, idle=True)
    if with_peer:
        yield from peer.trials(few, vendor, folder, workers[:2])


def _print(one: Outcome, *, first: bool) -> None:
    if first:
        print(
            f"{'':<22}{'trial':<44}{'workers':>8}{'asked':>8}{'fit':>7}{'let in':>8}{'billed of budget':>18}{'known':>8}"
        )
    known = f"{one.known / one.budget:.1%}" if one.known is not None else "-"
    mark = "" if not one.faults() else "   NOT met"
    print(
        f"{one.who:<22}{one.trial:<44}{one.workers:>8}{one.asked:>8}{one.fits:>7}{one.reached:>8}{one.used:>18.1%}{known:>8}{mark}"
    )
    sys.stdout.flush()


def _arguments() -> argparse.Namespace:
    asked = argparse.ArgumentParser(prog="python -m bench.overshoot", description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--quick", action="store_true", help="one and two workers only")
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--no-peer", action="store_true", help="without the LiteLLM proxy")
    return asked.parse_args()


if __name__ == "__main__":
    sys.exit(main())
