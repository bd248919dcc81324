"""The workloads of a manifest, judged one by one as the webhook of their cluster would: a dry run before anything is applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from fiscus.flows.admit_workload import admit_workload
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.gate_settings import NamespaceMap
from fiscus.guardrails.doors.kubernetes.known_workloads import KnownWorkloads
from fiscus.guardrails.doors.kubernetes.review import Review
from fiscus.guardrails.doors.kubernetes.workload import KINDS
from fiscus.guardrails.types import VERDICTS, Verdict


@dataclass(frozen=True, slots=True)
class WorkloadShown:
    """What would be answered to one workload."""

    kind: str
    namespace: str
    name: str
    verdict: Verdict
    said: str
    decision_id: str


@dataclass(frozen=True, slots=True)
class ManifestReport:
    """The strongest verdict of all, and each."""

    verdict: Verdict
    workloads: tuple[WorkloadShown, ...]


@dataclass(frozen=True, slots=True)
class ManifestAsked:
    """Who asks; the namespace of objects that name none; and whose namespaces are that the settings do not know."""

    person: str
    namespace: str = "default"
    rest: NamespaceMap = field(default_factory=NamespaceMap)


def gate_manifest(ws: Workspace, objects: Sequence[Mapping[str, Any]], by: ManifestAsked) -> ManifestReport:
    """Each object that runs pods, asked for in its namespace. Nothing is held. Raises as `decide_intent` does."""
    known = ws.config.gates.kubernetes
    spaces = {"*": by.rest, **known.namespaces} if by.rest != NamespaceMap() else known.namespaces
    kubernetes = replace(known, requester=by.person, namespaces=spaces)
    asked = replace(ws, config=replace(ws.config, gates=replace(ws.config.gates, kubernetes=kubernetes)))
    shown = [_shown(asked, data, by.namespace) for data in objects if data.get("kind") in KINDS]
    return ManifestReport(max((one.verdict for one in shown), key=VERDICTS.index, default="allow"), tuple(shown))


def _shown(ws: Workspace, data: Mapping[str, Any], namespace: str) -> WorkloadShown:
    meta = data.get("metadata")
    known = meta if isinstance(meta, Mapping) else {}
    kind, name = str(data["kind"]), str(known.get("name") or known.get("generateName") or "")
    where = str(known.get("namespace") or namespace)
    review = Review("", "CREATE", kind, where, name, f"{kind.lower()}s", "", data, {}, dry_run=True, username="")
    answer = admit_workload(ws, review, KnownWorkloads())
    told = (f"{answer.told}.",) if answer.told else ()
    said = answer.message or " ".join((*told, *answer.warnings)) or "it costs nothing more."
    return WorkloadShown(kind, where, name, answer.verdict, said, answer.decision_id)
