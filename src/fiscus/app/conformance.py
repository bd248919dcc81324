"""Composition of `fiscus check`: a delivery, the engine that holds it, the rules that judge it. Needs no workspace."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from fiscus.cost.conformance.choose import check_has_dataset, column_types, dataset_of, version_for
from fiscus.cost.conformance.delivery_facts import learn_facts
from fiscus.cost.conformance.heuristics import warn
from fiscus.cost.conformance.judge import judge
from fiscus.cost.conformance.types import Declared, Report
from fiscus.cost.types import Dataset, FocusVersion
from fiscus.kernel.progress import Progress
from fiscus.stores.lake.check_desk import CheckDesk


@dataclass(frozen=True, slots=True)
class CheckRequest:
    """What to check. `version` and `dataset` None: told by the columns. `beside`: other datasets of the vendor, by name.

    `heuristics`: warn beyond the specification too.
    """

    paths: Sequence[Path]
    version: FocusVersion | None = None
    dataset: Dataset | None = None
    declared: Declared = field(default_factory=Declared)
    beside: Mapping[str, Path] = field(default_factory=dict)
    heuristics: bool = False


def check_delivery(request: CheckRequest, progress: Progress) -> Report:
    """Judge the delivery. Raises BadInput for what cannot be read, or a version without the dataset."""
    with CheckDesk(request.paths, column_types(), progress) as desk:
        columns = [column.name for column in desk.columns]
        dataset = request.dataset or dataset_of(columns)
        version = request.version or version_for(dataset, columns)
        check_has_dataset(version, dataset)
        for name, path in request.beside.items():
            desk.put_beside(name, path)
        progress.stage("What the vendor supports")
        facts = learn_facts(desk, version, dataset, request.declared)
        verdicts = judge(desk, facts, progress)
        warnings = tuple(warn(desk, facts)) if request.heuristics else ()
        return Report(version, dataset, tuple(file.path for file in desk.files), desk.row_count, verdicts, warnings)
