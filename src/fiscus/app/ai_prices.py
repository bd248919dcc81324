"""The AI prices of a workspace: the data source compiled once, the shipped overrides, its own `prices/ai.yaml`.

The source is compiled in a process of its own and kept in `.fiscus/prices/`, one file a version: compiling takes two seconds and
tens of megabytes that a gateway has no use for. A copy that is broken, or of another release of the source, is made anew.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from fiscus import __version__
from fiscus.app.settings import load_settings
from fiscus.cost.ai.load_overrides import FILE, load_overrides, shipped_overrides
from fiscus.cost.ai.price_overrides import PriceOverride, with_overrides
from fiscus.cost.ai.price_table import PriceTable, price_table_of
from fiscus.kernel.clock import SystemClock
from fiscus.kernel.errors import Unavailable

if TYPE_CHECKING:
    from fiscus.flows.keep_ai_prices import AiPriceChange
    from fiscus.flows.workspace import Workspace

COMPILE_SECONDS_MAX: Final = 120
FOLDER: Final = ".fiscus/prices"


def load_ai_prices(home: Path, wanted: Collection[str] | None = None) -> PriceTable:
    """The price table in force; of the `wanted` providers only, where a process has to stay small.

    Raises BadConfig (prices/ai.yaml, with the line), Unavailable (the source cannot be compiled).
    """
    overrides = (*shipped_overrides(), *own_overrides(home))
    document = with_overrides(source_document(home), overrides)
    if wanted is not None:
        document = {
            **document,
            "providers": {name: one for name, one in document["providers"].items() if name in wanted},
        }
    return price_table_of(document)


def own_overrides(home: Path) -> tuple[PriceOverride, ...]:
    """What the workspace's own file says; nothing where it has none."""
    path = home / FILE
    return load_overrides(path.read_text(encoding="utf-8"), FILE) if path.is_file() else ()


def source_document(home: Path, *, anew: bool = False) -> Mapping[str, Any]:
    """The compiled data source: as it was kept, or made now."""
    path = (
        home / FOLDER / f"{_release().replace(' ', '-')}-fiscus-{__version__}.json"
    )  # another release reads it another way
    if not anew and (kept := _kept(path)) is not None:
        return kept
    document = _compiled()
    _keep(path, document)
    return document


def _release() -> str:
    return f"genai-prices {version('genai-prices')}"


def _kept(path: Path) -> Mapping[str, Any] | None:
    try:
        document = json.loads(path.read_bytes())
    except (OSError, ValueError):
        return None
    return document if isinstance(document, dict) and document.get("source") == _release() else None


def _compiled() -> Mapping[str, Any]:
    command = [sys.executable, "-m", "fiscus.connectors.genai_prices"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=COMPILE_SECONDS_MAX, check=True)  # noqa: S603 our own module
        document = json.loads(done.stdout)
    except (OSError, subprocess.SubprocessError, ValueError) as fault:
        said = getattr(fault, "stderr", b"") or b""
        last = said.decode("utf-8", "replace").strip().rpartition("\n")[2]
        raise Unavailable(
            f"The price source cannot be compiled: {last or fault}",
            remedy="Check that the package genai-prices is installed whole.",
        ) from fault
    return dict(document)


def _keep(path: Path, document: Mapping[str, Any]) -> None:
    """Written whole or not at all; where the folder cannot be written, the next start compiles again."""
    half = path.with_suffix(f".{os.getpid()}.half")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        half.write_text(json.dumps(document, separators=(",", ":"), sort_keys=True), encoding="utf-8")
        half.replace(path)
    except OSError:
        half.unlink(missing_ok=True)


def today_of(home: Path) -> date:
    """The day that the workspace lives on: its pinned one, else the machine's, in UTC; also where there is no workspace."""
    pinned = load_settings(home).as_of if (home / "fiscus.yaml").is_file() else None
    return pinned or SystemClock().now().date()


def keep_prices(ws: Workspace) -> Sequence[AiPriceChange]:
    """What of the prices has changed since the run before, where the workspace has a gateway at all."""
    from fiscus.flows.keep_ai_prices import keep_ai_prices

    priced_as = {name: one.prices for name, one in load_settings(ws.home).gateway.upstreams.items()}
    if not priced_as:
        return ()
    return keep_ai_prices(ws, lambda: load_ai_prices(ws.home, {*priced_as.values()}), priced_as)
