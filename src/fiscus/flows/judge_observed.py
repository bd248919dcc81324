"""Asking policies about anomalies and invoices: each kind is read once, whatever the number of policies."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Literal

from fiscus.flows.find_anomalies import CURRENT_FACT
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.findings.anomaly_subjects import anomaly_subject
from fiscus.guardrails.findings.find_subjects import Judgements, Subject, find_subjects
from fiscus.guardrails.findings.invoice_subjects import first_month, invoice_subjects, invoices_query
from fiscus.guardrails.policies.moment import moment_facts
from fiscus.guardrails.policies.policy_set import CompiledPolicy
from fiscus.kernel.errors import FiscusError

FEW: Final[tuple[Literal["anomaly", "invoice"], ...]] = ("anomaly", "invoice")


@dataclass(frozen=True, slots=True)
class ObservedThings:
    """What policies on anomalies and invoices are asked about; a kind that could not be read is a fault instead."""

    subjects: Mapping[str, Sequence[Subject]]
    faults: Mapping[str, FiscusError]


def observed_things(ws: Workspace) -> ObservedThings:
    """Only of the kinds that a policy in force judges. Never raises: a kind that cannot be read fails its policies alone."""
    subjects: dict[str, Sequence[Subject]] = {}
    faults: dict[str, FiscusError] = {}
    for kind in FEW:
        if asked := ws.config.policies.in_force(kind, ws.as_of):
            try:
                subjects[kind] = _anomalies(ws) if kind == "anomaly" else _invoices(ws, asked)
            except FiscusError as fault:
                faults[kind] = fault
    return ObservedThings(subjects, faults)


def judge_things(ws: Workspace, compiled: CompiledPolicy, things: ObservedThings) -> Sequence[Judgements]:
    """What the policy finds in each kind that it judges. Raises the fault of a kind that could not be read."""
    judged = []
    for kind in FEW:
        if kind not in compiled.conditions:
            continue
        if kind in things.faults:
            raise things.faults[kind]
        subjects = things.subjects.get(kind, ())
        if kind == "invoice":
            since = str(first_month(compiled.policy, ws.as_of))
            subjects = [one for one in subjects if one.period_label >= since]
        judged.append(find_subjects(compiled, kind, subjects, ws.as_of, str(ws.lake.version())))
    return judged


def _moment(ws: Workspace, environment: str) -> Mapping[str, object]:
    return moment_facts(ws.clock.now(), ws.config.company.calendar, ws.config.freezes, environment)


def _anomalies(ws: Workspace) -> Sequence[Subject]:
    """Those that the newest look found."""
    with ws.state.read() as tx:
        current = tx.facts.get(CURRENT_FACT)
        found = {anomaly.id: anomaly for anomaly in tx.anomalies.all()}
    names = current if isinstance(current, list) else []
    return [anomaly_subject(found[name], ws.as_of, lambda env: _moment(ws, env)) for name in names if name in found]


def _invoices(ws: Workspace, asked: Sequence[CompiledPolicy]) -> Sequence[Subject]:
    query = invoices_query([compiled.policy for compiled in asked], ws.as_of)
    return invoice_subjects(ws.lake.query(query.sql, query.params), ws.as_of, _moment(ws, ""))
