"""The ledger's accounts for a gateway that starts: each budget has one before the first call asks for money of it.

Where a budget stands is told by the bills, and reading bills takes an engine that a gateway has no use for. So a process of its
own does it, once: what `fiscus run` does for budgets, and nothing else of it.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fiscus.kernel.errors import FiscusError, Unavailable

if TYPE_CHECKING:
    from fiscus.flows.workspace import Workspace

SECONDS_MAX: Final = 600


def open_accounts(ws: Workspace) -> bool:
    """Open what is missing, or stands open without anybody knowing where it stands. False: there was nothing to do.

    Twice at once, and by several workers, it comes to the same. Raises Unavailable.
    """
    rules, day = ws.rules, ws.as_of
    keys = [rules.account(budget, day) for budget in rules.budgets]
    known = ws.ledger.store.accounts(keys)
    if all(key in known and known[key].billed_until is not None for key in keys):
        return False
    command = [sys.executable, "-m", "fiscus.app.gateway_accounts", str(ws.home)]
    try:
        subprocess.run(command, capture_output=True, text=True, check=True, timeout=SECONDS_MAX)  # noqa: S603 our own program
    except (OSError, subprocess.SubprocessError) as fault:
        said = (getattr(fault, "stderr", "") or str(fault)).strip().rpartition("\n")[2]
        raise Unavailable(
            f"The ledger's accounts cannot be opened: {said}",
            remedy="Run `fiscus run`: it opens one a budget. Until then nothing is let in that they would hold.",
        ) from fault
    return True


def main() -> int:
    """The folder of a workspace -> its budgets' accounts, as the bills say."""
    from fiscus.app.workspace import open_workspace
    from fiscus.flows.evaluate import standing_budgets

    try:
        standing_budgets(open_workspace(Path(sys.argv[1])))
    except FiscusError as failed:
        sys.stderr.write(f"{failed}\n")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
