"""Composition of `fiscus check`: a delivery, the engine that holds it, the rules that judge it. Needs no workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from fiscus.cost.conformance.choose import check_has_dataset, check_is_focus, column_types, dataset_of, version_for
from fiscus.cost.conformance.types import Declared, Report
from fiscus.cost.focus_names import Dataset, FocusVersion
from fiscus.kernel.errors import BadConfig, Where
from fiscus.kernel.progress import Progress
from fiscus.stores.lake import EMBEDDED
from fiscus.stores.lake.check_desk import CheckDesk

if TYPE_CHECKING:
    from fiscus.cost.conformance.delivery_facts import Facts
    from fiscus.cost.conformance.ports import Desk
    from fiscus.cost.conformance.types import Verdict
    from fiscus.stores.lake.spark_desk import SparkDesk


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What to check. `version` and `dataset` None: told by the columns. `beside`: other datasets of the vendor, by name.

    `heuristics`: warn beyond the specification too. `engine`: what answers the questions of the rules, DuckDB
    where it is empty. `in_lake`: the files are the lake's own, and what we keep in them beside the delivery is not judged.
    """

    paths: Sequence[Path]
    version: FocusVersion | None = None
    dataset: Dataset | None = None
    declared: Declared = field(default_factory=Declared)
    beside: Mapping[str, Path] = field(default_factory=dict)
    heuristics: bool = False
    engine: str = ""
    engine_settings: Mapping[str, str] = field(default_factory=dict)
    in_lake: bool = False


def check_delivery(request: CheckRequest, progress: Progress) -> Report:
    """Judge the delivery. Raises BadInput for what cannot be read, is no FOCUS, or a version without the dataset."""
    waiting = _desk(request, progress)  # its database starts while the rules are loaded
    from fiscus.cost.conformance.delivery_facts import first_facts
    from fiscus.cost.conformance.judge import judge

    with waiting as desk:
        columns = [column.name for column in desk.columns]
        if request.version is None:
            check_is_focus(columns, desk.files[0].path)
        dataset = request.dataset or dataset_of(columns)
        version = request.version or version_for(dataset, columns)
        check_has_dataset(version, dataset)
        for name, path in request.beside.items():
            desk.put_beside(name, path)
        progress.stage("What the vendor delivers")
        facts = first_facts(desk, version, dataset, request.declared)
        verdicts = judge(desk, facts, progress)
        warnings = _warnings(desk, facts) if request.heuristics else ()
        return Report(version, dataset, tuple(file.path for file in desk.files), desk.row_count, verdicts, warnings)


def lake_request(request: CheckRequest, home: Path, part: str) -> CheckRequest:
    """`request` for what stands in the lake of the workspace at `home`, judged by its engine unless the request names one.

    `part`: all, a source, or source/month.

    Raises BadConfig (fiscus.yaml), NotFound (no such charges).
    """
    from fiscus.app.settings import load_settings
    from fiscus.app.workspace import lake_at
    from fiscus.stores.lake.lake_part import charge_files

    settings = load_settings(home)
    source, _, month = part.partition("/") if part != "all" else ("", "", "")
    own = request.engine in {"", settings.engine}
    if "://" in settings.lake and (settings.engine if own else request.engine) != EMBEDDED:
        raise BadConfig(
            "A cluster does not see what is fetched out of a bucket to be checked",
            remedy="Check it here: --engine duckdb.",
            where=Where(key="engine"),
        )
    files = charge_files(lake_at(settings, home).place(), source or None, month or None)
    return replace(
        request,
        paths=files,
        engine=settings.engine if own else request.engine,
        engine_settings=settings.engine_settings if own else {},
        in_lake=True,
    )


def _warnings(desk: Desk, facts: Facts) -> tuple[Verdict, ...]:
    from fiscus.cost.conformance.heuristics import warn

    return tuple(warn(desk, facts))


def _desk(request: CheckRequest, progress: Progress) -> CheckDesk | SparkDesk:
    leave_out = _is_ours if request.in_lake else None
    desk = CheckDesk(request.paths, column_types(), progress, leave_out=leave_out)
    if request.engine in {"", EMBEDDED}:
        return desk
    from fiscus.stores.lake.engine_address import EngineAddress
    from fiscus.stores.lake.spark_desk import SparkDesk

    return SparkDesk(desk, EngineAddress(request.engine, tuple(sorted(request.engine_settings.items()))))


def _is_ours(column: str) -> bool:
    from fiscus.cost.views import is_ours  # a check of a file reads no view of the lake

    return is_ours(column)
