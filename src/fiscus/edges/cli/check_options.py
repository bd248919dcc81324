"""The options of `fiscus check` that take a file or a pair: declarations and datasets beside."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from fiscus.cost.conformance.criteria import EVIDENCE
from fiscus.cost.conformance.types import Declared
from fiscus.kernel.errors import BadConfig, BadInput, Where

BESIDE = ("invoice_detail", "contract_commitment", "billing_period", "price_list", "previous")


def beside_paths(given: Sequence[str]) -> Mapping[str, Path]:
    """NAME=PATH pairs. Raises BadInput for a name that no rule reads, or a pair without a path."""
    found: dict[str, Path] = {}
    for pair in given:
        name, _, path = pair.partition("=")
        if name not in BESIDE or not path:
            raise BadInput(f"--with {pair!r} names no dataset", remedy=f"Write NAME=PATH; names: {', '.join(BESIDE)}.")
        found[name] = Path(path)
    return found


def refuse_odd_choice(paths: Sequence[Path], lake: str, engine: str) -> None:
    """Files or the lake: one of them, by an engine that there is. Raises BadInput."""
    if engine:
        from fiscus.app.settings import is_engine  # loads what a workspace may hold: half a second

        if not is_engine(engine):
            raise BadInput(
                f"--engine {engine!r} is no engine", remedy="Write duckdb, spark://host:port or sail://host:port."
            )
    if bool(paths) is bool(lake):
        raise BadInput(
            "Both files and the lake are named" if lake else "Nothing to check is named",
            remedy="Give paths of files, or --lake all, SOURCE or SOURCE/MONTH.",
        )


def read_declared(path: Path | None) -> Declared:
    """A YAML file of two maps to true or false. Raises BadConfig with the key at fault."""
    if path is None:
        return Declared()
    import yaml

    try:
        given: Any = yaml.safe_load(path.read_text(encoding="utf-8")) or {}
    except (OSError, yaml.YAMLError) as broken:
        raise BadConfig(f"The declarations cannot be read: {broken}", remedy="Check the path and the YAML.") from None
    if not isinstance(given, dict) or set(given) - {"criteria", "documented"}:
        raise BadConfig(
            "Declarations are two maps", remedy="Write criteria: and documented:.", where=Where(file=str(path))
        )
    criteria, documented = _flags(given, "criteria", path), _flags(given, "documented", path)
    for name in criteria:
        if name not in EVIDENCE:
            raise BadConfig(
                f"{name} is no criterion",
                remedy=f"Known: {', '.join(sorted(EVIDENCE))}.",
                where=Where(file=str(path), key=f"criteria.{name}"),
            )
    return Declared(criteria, documented)


def _flags(given: Mapping[str, Any], part: str, path: Path) -> dict[str, bool]:
    flags = given.get(part) or {}
    wrong = (
        [name for name, value in flags.items() if not isinstance(value, bool)] if isinstance(flags, dict) else [part]
    )
    if wrong:
        raise BadConfig(
            f"{part}.{wrong[0]} is not true or false",
            remedy="Write each as true or false.",
            where=Where(file=str(path), key=str(wrong[0])),
        )
    return {str(name): value for name, value in flags.items()}
