"""One answer to an AdmissionReview: what the change of a workload costs a month, asked as an intent of its namespace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any, Final

from fiscus.cost.node_rates import Rates, node_rates
from fiscus.cost.price_book import PriceBook
from fiscus.flows.decide_intent import decide_intent
from fiscus.flows.learn_price_book import price_book
from fiscus.flows.settle_hold import release_hold, settle_hold
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.doors.gate_settings import UNPRICED_VERDICT
from fiscus.guardrails.doors.kubernetes.known_workloads import Key, KnownWorkloads, MoneyHeld
from fiscus.guardrails.doors.kubernetes.price_workload import (
    Change,
    RatesOf,
    WorkloadCost,
    beyond_asking,
    configured,
    workload_cost,
    workload_intent,
)
from fiscus.guardrails.doors.kubernetes.review import Admission, Review
from fiscus.guardrails.doors.kubernetes.workload import Workload, workload_of
from fiscus.guardrails.types import Decision, Verdict
from fiscus.kernel.errors import BadConfig, FiscusError, NotFound
from fiscus.kernel.money import EXACT, ZERO, display
from fiscus.ownership.people import require_live

LET_IN: Final = frozenset({"allow", "warn"})
STOP: Final[Mapping[Verdict, str]] = {
    "degrade": "Take a cheaper way", "require_approval": "Needs approval", "deny": "Denied",
}  # fmt: skip
FORBIDDEN: Final = 403
APPROVAL: Final = "fiscus.dev/approval"  # the annotation that names a yes that was given to exactly this


def admit_workload(ws: Workspace, review: Review, known: KnownWorkloads, book: PriceBook | None = None) -> Admission:
    """The answer. What goes away, costs no more, or was asked about with its controller, is let in without a question.

    A dry run holds no money; that somebody asked is evidence. Raises what `decide_intent` raises: the server answers then by the
    declared failure policy.
    """
    if review.operation not in {"CREATE", "UPDATE"}:
        return Admission(allowed=True)
    rates_of = _rates(ws, book or price_book(ws))
    if review.subresource == "scale":
        return _kept(known, review, _scaled(ws, review, known))
    if review.subresource:
        return Admission(allowed=True)
    workload = _workload(ws, review.object)
    if workload is None:
        return Admission(allowed=True)
    after = workload_cost(workload, rates_of)
    if after.each is not None and not review.dry_run:
        known.put(_key(review), (workload, after.each, after.currency))
    before = _before(ws, review, rates_of)
    if after.monthly is None:
        return _unpriced(ws, after.unknown)
    delta = EXACT.subtract(after.monthly, before)
    if delta <= 0:
        return Admission(allowed=True)
    return _kept(known, review, _asked(ws, review, Change(workload, review.namespace, delta, after.currency), after))


def settle_gone(ws: Workspace, review: Review, known: KnownWorkloads) -> int:
    """What is deleted did cost its hours until now, an estimate until bills say more; how many holds were settled.

    Raises what `settle_hold` raises; money that is not settled is charged when its hold expires.
    """
    gone = known.gone(_key(review))
    for held in gone:
        settle_hold(ws, held.hold_id, held.used(ws.clock.now()), estimate=True)
    return len(gone)


def _key(review: Review) -> Key:
    return review.resource, review.namespace, review.name


def _kept(known: KnownWorkloads, review: Review, admission: Admission) -> Admission:
    if admission.money is not None and not review.dry_run:
        known.hold(_key(review), admission.money)
    return admission


def release_late(ws: Workspace, hold_id: str) -> None:
    """The money of a judgement that came after its answer, which was no: nothing will run of it."""
    release_hold(ws, hold_id, "the answer was given before this judgement, and it was no")


def _workload(ws: Workspace, data: Mapping[str, Any]) -> Workload | None:
    gates = ws.config.gates
    return workload_of(data, gates.kubernetes, gates.hours_per_month, ws.as_of)


def _before(ws: Workspace, review: Review, rates_of: RatesOf) -> Decimal:
    """What it costs now. One that could not be priced counts as nothing: the whole of what comes is then asked for."""
    old = _workload(ws, review.old) if review.operation == "UPDATE" else None
    return (workload_cost(old, rates_of).monthly or ZERO) if old else ZERO


def _rates(ws: Workspace, book: PriceBook) -> RatesOf:
    settings = ws.config.gates.kubernetes

    def rates_of(instance_type: str) -> Rates | None:
        learned = node_rates(book, settings.provider, settings.region, instance_type)
        return learned or (None if instance_type else configured(settings.rates))

    return rates_of


def _scaled(ws: Workspace, review: Review, known: KnownWorkloads) -> Admission:
    """`kubectl scale` and autoscalers: so many pods more of a workload that was asked about before."""
    more = _replicas(review.object) - _replicas(review.old)
    if more <= 0:
        return Admission(allowed=True)
    found = known.get(_key(review))
    if found is None:
        why = f"{review.resource}/{review.name} was not seen since this webhook started, so one more pod has no price"
        return _unpriced(ws, (why,))
    workload, each, currency = found
    delta = EXACT.multiply(each, Decimal(more))
    cost = WorkloadCost(delta, each, currency, f"{more} more pods", ())
    scaled = replace(workload, pods=Decimal(_replicas(review.object)))
    return _asked(ws, review, Change(scaled, review.namespace, delta, currency), cost)


def _replicas(scale: Mapping[str, Any]) -> int:
    spec = scale.get("spec")
    count = spec.get("replicas") if isinstance(spec, Mapping) else 0
    return count if isinstance(count, int) and count > 0 else 0


def _unpriced(ws: Workspace, why: tuple[str, ...]) -> Admission:
    """What the setting on_unpriced makes of it."""
    verdict = UNPRICED_VERDICT[ws.config.gates.on_unpriced]
    text = f"Fiscus cannot price this: {'; '.join(why)}."
    if verdict in LET_IN:
        return Admission(allowed=True, warnings=(text,), verdict=verdict)
    return Admission(allowed=False, message=text, code=FORBIDDEN, verdict=verdict)


def _asked(ws: Workspace, review: Review, change: Change, cost: WorkloadCost) -> Admission:
    if why := beyond_asking(change):  # denied and no failure: `Ignore` must not let in what is dearest of all
        return Admission(allowed=False, message=f"Denied: {why}.", code=FORBIDDEN, verdict="deny")
    intent = workload_intent(change, _requester(ws, review), ws.config.gates)
    dry, approval_id = review.dry_run, change.workload.annotations.get(APPROVAL, "")
    try:
        decision = decide_intent(
            ws, intent, key="" if dry else f"admission:{review.uid}", hold=not dry, approval_id=approval_id
        )
    except NotFound as unknown:  # it is the caller's mistake and no failure: never let in for it
        return Admission(allowed=False, message=f"{APPROVAL}: {unknown}", code=FORBIDDEN, verdict="deny")
    money = f"{display(change.delta)} {change.currency} a month ({cost.how})"
    if decision.verdict in LET_IN:
        said = tuple(decision.reasons) if decision.verdict != "allow" else ()
        return Admission(
            True, "", said, verdict=decision.verdict, decision_id=decision.id, told=money,
            money=_money(decision, change.workload),
        )  # fmt: skip
    if decision.hold is not None:  # for a cheaper way, which an object that is turned away does not take
        release_hold(ws, decision.hold.id, "the object was turned away")
    ways = "; ".join(f"{one.title}: {display(one.amount)} {one.currency}" for one in decision.options)
    text = f"{STOP[decision.verdict]}: {money}. {' '.join(decision.reasons)} {decision.next_step} {ways} {_reference(decision)}"
    return Admission(
        allowed=False, message=" ".join(text.split()), code=FORBIDDEN, verdict=decision.verdict, decision_id=decision.id
    )


def _money(decision: Decision, workload: Workload) -> MoneyHeld | None:
    hold = decision.hold
    return MoneyHeld(hold.id, hold.amount, workload.hours, decision.at) if hold else None


def _reference(decision: Decision) -> str:
    return f"[{decision.approval_id or decision.id}]"


def _requester(ws: Workspace, review: Review) -> str:
    """The person of the directory who asks: by id or mail address; for service accounts, who stands for them."""
    directory = ws.config.directory
    name = review.username.casefold()
    for person in directory.people.values():
        if name in {person.id.casefold(), person.email.casefold()}:
            try:
                return require_live(directory, person.id, ws.as_of).id
            except FiscusError:
                break
    if requester := ws.config.gates.kubernetes.requester:
        return requester
    raise BadConfig(
        f"{review.username!r} is no person of owners/directory.yaml, and nobody stands for service accounts",
        remedy="Name a person under gates.kubernetes.requester in fiscus.yaml.",
    )
