"""One AI call: decided before it leaves, with money behind it; settled by what the vendor says that it used.

Most calls are let in from memory: no policy objects, and the worker's lease over every covering budget has room. Whatever is
not that plain (a policy that objects, a cap that is near, a frozen key) is asked of the ledger like every other intent.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

from fiscus.cost.ai.price_table import PriceTable
from fiscus.cost.ai.price_usage import charged
from fiscus.cost.ai.types import AiCall, AskedAs, CallFacts, CallState, ModelPrice, PricedLine, Usage
from fiscus.flows.decide_intent import decide_intent, keep_rulebook
from fiscus.flows.keep_calls import CallKeeper
from fiscus.flows.settle_intent import settle_intent
from fiscus.flows.workspace import Workspace
from fiscus.guardrails.decisions.decide import Question, prepare
from fiscus.guardrails.decisions.holding import subjects_of
from fiscus.guardrails.doors.ai.asked_call import AskedCall, Bounded, CallQuotes, bounded, input_tokens, intent_of
from fiscus.guardrails.doors.ai.call_facts import facts_of, proof_of
from fiscus.guardrails.doors.ai.call_lane import SILENT, CallLane, LaneKey, lane_key, lane_of
from fiscus.guardrails.doors.ai.settings import Upstream
from fiscus.guardrails.doors.ai.types import Refusal, Refused
from fiscus.guardrails.ledger.commands import Overran, Release, Settle
from fiscus.guardrails.ledger.lease_pools import LEASED_FOR, Lane, LeasePools
from fiscus.guardrails.ledger.leases import Lease, LeasedAccounts
from fiscus.guardrails.ledger.types import Hold
from fiscus.guardrails.types import Decision, Intent, Verdict
from fiscus.kernel.errors import FiscusError, Unavailable
from fiscus.kernel.money import ZERO, display_small, from_nanos, to_nanos
from fiscus.kernel.quick_records import quickly

LANES_MAX: Final = 5_000
_call: Final = quickly(AiCall)
_asked_as: Final = quickly(AskedAs)
REFUSALS: Final = "fiscus_gateway_refused_total"
LET_IN: Final = frozenset({"allow", "warn", "degrade"})


@dataclass(slots=True)
class LetIn:
    """A call that may leave: its money is held. It must be ended exactly once, by `GovernCalls.end`."""

    id: str
    decision_id: str
    at: datetime
    one: Bounded
    verdict: Verdict
    requested_by: str
    team: str
    environment: str
    hold_id: str = ""
    pool: LeasedAccounts | None = None
    headroom: str = ""
    said: tuple[str, ...] = ()  # warnings, and how it was degraded
    accounts: tuple[str, ...] = ()
    unheld_id: str = ""  # let through without the ledger: what it is posted as once that is back
    facts: str = ""  # of a call that is its own decision: the id of what it shares with others
    past: tuple[str, ...] = ()

    @classmethod
    def of(cls, call_id: str, at: datetime, one: Bounded, intent: Intent) -> LetIn:
        """A call that is its own decision: nothing stands in its way."""
        return cls(call_id, call_id, at, one, "allow", intent.requested_by, intent.team, intent.environment)


@dataclass(frozen=True, slots=True)
class Ended:
    """How a call ended. `usage` None: nobody knows what it used. `billed` False: certainly nothing was billed."""

    status: int
    usage: Usage | None = None
    billed: bool = True
    streamed: bool = False
    note: str = ""


@dataclass(slots=True)
class GovernCalls:
    """Decides and settles the calls of one worker. `bound`, `at_once` and `end` never wait for a store."""

    ws: Workspace
    prices: PriceTable
    pools: LeasePools
    keeper: CallKeeper
    output_default: int
    frozen: frozenset[str] = field(default_factory=frozenset)
    _lanes: dict[LaneKey, CallLane] = field(default_factory=dict)
    _kept: set[str] = field(default_factory=set)  # ids of facts that are kept already

    def bound(self, call: AskedCall) -> Bounded | Refused:
        """The most that it may cost; refused where nobody knows."""
        price = self._price(call, call.ask.model)
        one = bounded(call, price, self.output_default) if price is not None else None
        if one is None:
            said = (
                f"{call.ask.model or 'this request'} has no price at {call.upstream.provider}, so no budget can hold it"
            )
            return Refused("forbidden", f"{said}. Add its price to prices/ai.yaml, or use a model that has one.")
        return one

    def at_once(self, one: Bounded) -> LetIn | Refused | None:
        """From memory. None: the ledger has to be asked."""
        at = self.ws.clock.now()
        try:
            lane = self._lane(one, at)
        except FiscusError as wrong:
            return Refused("forbidden", str(wrong))
        frozen = self.frozen and not self.frozen.isdisjoint(lane.subjects)
        if frozen or not lane.plain or one.change.model or one.change.tier or not lane.lets(one):
            return self._warned(one)
        let_in = LetIn.of(self.ws.ids.new("call"), at, one, lane.asked.intent)
        let_in.facts = lane.kept.id
        return self._taken(let_in, lane.lease)

    def with_the_ledger(self, one: Bounded) -> LetIn | Refused:
        """Ask for a lease, or else for this one request. Waits for a durable commit: not for the event loop."""
        try:
            question = self._question(one)
            if self._is_plain(question) and question.accounts:
                keep_rulebook(self.ws)
                pool = self.pools.of(_lane(question))
                if _drawn(pool, one.nanos) and isinstance(found := self.at_once(one), LetIn):
                    return found
            return self._decided(one)
        except FiscusError as wrong:
            kind: Refusal = "unavailable" if wrong.code == "unavailable" else "forbidden"
            return Refused(kind, str(wrong))

    def by_itself(self, one: Bounded) -> LetIn | Refused:
        """A hold of its own, of no lease. Waits for a durable commit: not for the event loop."""
        try:
            return self._decided(one)
        except FiscusError as wrong:
            return Refused("unavailable" if wrong.code == "unavailable" else "forbidden", str(wrong))

    def end(self, let_in: LetIn, ended: Ended) -> AiCall:
        """Settle its money, in memory, and hand everything to be kept. Exactly once a call."""
        one, usage = let_in.one, ended.usage
        state: CallState = "settled"
        lines: tuple[PricedLine, ...] = ()
        if not ended.billed:
            state, nanos = "released", 0
        elif usage is None:
            state, nanos = "unknown", one.nanos  # it may have been billed: charged at its bound
        else:
            price = self._price_of_answer(one, usage)
            lines, nanos, missing = charged(price, usage)
            state = "estimated" if usage.estimated else "settled"
            if missing:  # nobody knows what these cost: at least the bound is charged
                nanos, state = max(nanos, one.nanos), "estimated"
                ended = replace(ended, note=f"{', '.join(missing)} without a price {ended.note}".strip())
            elif usage.uncounted:  # an estimate that cannot see all
                nanos = max(nanos, one.nanos)
        call = call_of(let_in, ended, self.ws.clock.now(), lines, nanos, state)
        self._post(let_in, call)
        self.keeper.keep(call)
        return call

    def refused(self, call: AskedCall, why: Refused) -> AiCall:
        """A refusal is kept as a call that cost nothing; one that no policy was asked for is its own decision."""
        at, caller = self.ws.clock.now(), call.caller
        self.count_refused(call.upstream, why)
        call_id = self.ws.ids.new("call")
        kept = AiCall(
            id=call_id, decision_id=why.decision_id or call_id, at=at, ended_at=at, upstream=call.upstream.name,
            provider=call.upstream.provider, endpoint=call.ask.endpoint, model_asked=call.ask.model,
            model=call.ask.model, tier=call.ask.tier, key_id=caller.key_id, requested_by=caller.requested_by,
            team=caller.team, environment=caller.environment, product=caller.product, user=call.user,
            units=call.units, state="refused", verdict="deny", currency="USD", bound=0, settled=0,
            price_version="", hold_id="", note=why.message, trace=call.trace,
        )  # fmt: skip
        self.keeper.keep(kept)
        return kept

    def count_refused(self, upstream: Upstream, why: Refused) -> None:
        """Every refusal is counted, kept or not."""
        self.ws.counters.count(REFUSALS, upstream=upstream.name, why=why.kind)

    # What a call asks

    def _price(self, call: AskedCall, model: str) -> ModelPrice | None:
        return self.prices.price(call.upstream.prices, model, self.ws.clock.now().date())

    def _question(self, one: Bounded) -> Question:
        return prepare(settle_intent(self.ws, intent_of(one)), self.ws.rules, self._quotes(one.call))

    def _quotes(self, call: AskedCall) -> CallQuotes:
        return CallQuotes(call, lambda model: self._price(call, model), self.output_default)

    def _lane(self, one: Bounded, at: datetime) -> CallLane:
        """What is known of such calls already; found anew where it is older than a second. Raises BadInput."""
        key = lane_key(one)
        lane = self._lanes.get(key)
        if lane is None or at >= lane.until:
            if len(self._lanes) >= LANES_MAX:
                self._lanes.clear()
            question = self._question(one)
            policies = self.ws.rules.policies.asked("ai.request", at.date())
            lane = self._lanes[key] = lane_of(question, policies, self._rulebook)
            self._keep_facts(lane.kept)
        return lane

    @property
    def _rulebook(self) -> str:
        return self.ws.config.rulebook.digest if self.ws.config.rulebook else ""

    def _keep_facts(self, facts: CallFacts) -> str:
        if facts.id not in self._kept:
            if len(self._kept) >= LANES_MAX:
                self._kept.clear()
            self._kept.add(facts.id)
            self.keeper.keep_facts(facts)
        return facts.id

    def _warned(self, one: Bounded) -> LetIn | None:
        """Where some policy has something to say: let in all the same when it only warns. None: the ledger has to be asked."""
        question = self._question(one)
        if not self._is_plain(question):
            return None
        let_in = LetIn.of(self.ws.ids.new("call"), question.asked.at, one, question.asked.intent)
        let_in.facts = self._keep_facts(facts_of(question, self._rulebook))
        said = tuple(one.reason for one in question.results if one.verdict == "warn")
        if said:
            let_in.verdict, let_in.said = "warn", said
        return self._taken(let_in, _lane(question) if question.accounts else None)

    def _taken(self, let_in: LetIn, lane: Lane | None) -> LetIn | None:
        """With money of the worker's lease; None: it has none, or not enough."""
        if lane is None:
            return let_in
        pool = self.pools.of(lane)
        let_in.accounts = lane.accounts
        lease = pool.take(let_in.id, let_in.one.nanos)
        return _leased(let_in, pool, lease) if lease is not None else None

    def _is_plain(self, question: Question) -> bool:
        """Whether only money can stand in its way."""
        currency = question.asked.intent.currency
        return (
            all(said.verdict in SILENT for said in question.results)
            and all(budget.currency == currency for budget in question.budgets)
            and not (self.frozen and not self.frozen.isdisjoint(subjects_of(question.asked.intent)))
        )

    # What the ledger says

    def _decided(self, one: Bounded, *, again: bool = False) -> LetIn | Refused:
        decision = decide_intent(
            self.ws, intent_of(one), approval_id=one.call.approval_id, quotes=self._quotes(one.call)
        )
        if decision.verdict not in LET_IN:
            return _refusal(decision)
        let_in = LetIn(
            self.ws.ids.new("call"), decision.id, decision.at, one, decision.verdict, decision.intent.requested_by,
            decision.intent.team, decision.intent.environment, decision.hold.id if decision.hold else "",
            headroom=_headroom(decision),
            said=decision.reasons if decision.verdict != "allow" else (),
        )  # fmt: skip
        found = self._degraded(let_in, decision, again=again) if decision.verdict == "degrade" else let_in
        if isinstance(found, LetIn) and decision.ledger == "lost" and not found.unheld_id:
            self._let_through(found)
        return found

    def _let_through(self, let_in: LetIn) -> None:
        """Without the ledger, as the covering budgets say: what it may cost is written down before it leaves."""
        let_in.accounts = self._question(let_in.one).accounts
        if let_in.accounts:
            hold = _unheld(let_in, unheld_id(let_in.id), let_in.one.nanos)
            self.keeper.let_through(hold)
            let_in.unheld_id = hold.id

    def _degraded(self, let_in: LetIn, decision: Decision, *, again: bool) -> LetIn | Refused:
        """The cheapest way that can be done to a request. What it needs beyond the money that is held is asked for anew."""
        quotes = self._quotes(let_in.one.call)
        for option in decision.options:
            cheaper = quotes.bounded(decision.intent, option.change)
            if cheaper is None:
                continue
            held = to_nanos(decision.hold.amount) if decision.hold else cheaper.nanos
            if cheaper.nanos <= held:
                let_in.one, let_in.said = cheaper, (f"Degraded to {option.title}.", *decision.reasons)
                return let_in
            self._release(let_in, "a cheaper way is asked for")
            if again:
                break
            found = self._decided(cheaper, again=True)
            if isinstance(found, LetIn):  # asked for by itself it is allowed; for who asked it is a degrade
                found.verdict, found.said = "degrade", (f"Degraded to {option.title}.", *decision.reasons)
            return found
        self._release(let_in, "no cheaper way can be done to this request")
        why = _refusal(decision)
        return replace(why, kind="forbidden", message=f"{why.message} {let_in.one.call.cannot_wait}".strip())

    def _release(self, let_in: LetIn, why: str) -> None:
        if let_in.hold_id:
            self.keeper.command(Release(let_in.hold_id, why))

    # What it cost

    def _price_of_answer(self, one: Bounded, usage: Usage) -> ModelPrice:
        """What answered may be another model than what was asked: a dated version, or what a router chose."""
        price = self._price(one.call, usage.model) if usage.model else None
        return price if price is not None and price.currency == one.price.currency else one.price

    def _post(self, let_in: LetIn, call: AiCall) -> None:
        nanos, state = call.settled, call.state
        if let_in.unheld_id:
            self.keeper.let_through_ended(let_in.unheld_id, nanos, estimate=state not in {"settled", "released"})
        elif let_in.pool is not None:
            excess = let_in.pool.settle(let_in.id, nanos, proof_of(call))
            if excess:
                self.keeper.command(Overran(_unheld(let_in, f"over-{let_in.id}", 0), excess))
        elif let_in.hold_id and state == "released":
            self.keeper.command(Release(let_in.hold_id, "the vendor answered that it did nothing"))
        elif let_in.hold_id:
            self.keeper.command(
                Settle(let_in.hold_id, nanos, estimate=state != "settled", price_version=let_in.one.price.version)
            )


def _lane(question: Question) -> Lane:
    asked = question.asked
    return Lane(question.accounts, asked.intent.currency, asked.intent.provider, asked.at.date())


def _leased(let_in: LetIn, pool: LeasedAccounts, lease: Lease) -> LetIn:
    let_in.pool, let_in.hold_id = pool, lease.hold.id
    if lease.headroom is not None:
        left = lease.headroom - lease.spent - lease.reserved
        let_in.headroom = f"{display_small(from_nanos(left))} {lease.hold.currency}; {lease.tightest}"
    if lease.past:
        let_in.verdict, let_in.past = "warn", lease.past
        let_in.said = (*let_in.said, f"Over already and only watched: {', '.join(lease.past)}.")
    return let_in


def unheld_id(call_id: str) -> str:
    """What a call that was let through without the ledger is posted as."""
    return f"spent-{call_id}"


def _unheld(let_in: LetIn, hold_id: str, bound: int) -> Hold:
    """What is charged for a call beside every hold."""
    one = let_in.one
    return Hold(
        hold_id, "held", bound, one.price.currency, let_in.accounts, "usage", one.call.upstream.provider,
        subjects_of(intent_of(one)), let_in.at.date(), let_in.at, let_in.at + LEASED_FOR, let_in.decision_id,
        one.price.version,
    )  # fmt: skip


def _drawn(pool: LeasedAccounts, nanos: int) -> bool:
    """False where the ledger is gone, too: what the covering budgets say of that is the decision's to answer."""
    try:
        return pool.draw(nanos)
    except Unavailable:
        return False


def _refusal(decision: Decision) -> Refused:
    """In the decision's own words; over budget where a cap has no room, come again where the ledger is gone, else never."""
    over = any(row.after < ZERO and row.cap in {"hard", "soft"} for row in decision.headroom)
    said = " ".join((*decision.reasons[:3], decision.next_step)).strip()
    if decision.approval_id:
        said += f" Approval {decision.approval_id} was asked for: send it as x-fiscus-approval once it is given."
    if decision.ledger == "lost":
        return Refused("unavailable", said, decision.id)
    return Refused("over_budget" if over else "forbidden", said, decision.id)


def _headroom(decision: Decision) -> str:
    tightest = min(decision.headroom, key=lambda row: row.after, default=None)
    return f"{display_small(tightest.after)} {tightest.currency}; {tightest.budget_id}" if tightest is not None else ""


def call_of(
    let_in: LetIn, ended: Ended, now: datetime, lines: Iterable[PricedLine], nanos: int, state: CallState
) -> AiCall:
    """How a call ended, as it is kept."""
    one, usage = let_in.one, ended.usage
    call = one.call
    return _call(
        id=let_in.id, decision_id=let_in.decision_id, at=let_in.at, ended_at=now, upstream=call.upstream.name,
        provider=call.upstream.provider, endpoint=call.ask.endpoint, model_asked=call.ask.model,
        model=(usage.model if usage else "") or one.change.model or call.ask.model,
        tier=usage.tier if usage else one.change.tier or call.ask.tier, key_id=call.caller.key_id,
        requested_by=let_in.requested_by, team=let_in.team, environment=let_in.environment,
        product=call.caller.product, user=call.user, units=call.units, state=state, verdict=let_in.verdict,
        currency=one.price.currency, bound=one.nanos, settled=nanos, price_version=one.price.version,
        hold_id=let_in.hold_id, lines=tuple(lines), usage=usage.quantities if usage else {}, status=ended.status,
        streamed=ended.streamed, note=ended.note or " ".join(let_in.said), trace=call.trace,
        asked=_asked_as(let_in.facts, input_tokens(one), one.output_max, call.ask.stream, let_in.past) if let_in.facts else None,
    )  # fmt: skip
