"""Calls that Envoy was told to let on, until it says what came back. Whoever is never heard of again is charged at its bound."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass, field
from typing import Final

from fiscus.app.gateway import Governing
from fiscus.flows.govern_call import Ended, LetIn
from fiscus.guardrails.doors.ai.pacing import Pacing
from fiscus.guardrails.doors.ai.ports import Wire

UNHEARD: Final = "Envoy never said what came back: charged at its bound"
UNHEARD_TOTAL: Final = "fiscus_envoy_unheard_total"


@dataclass(frozen=True, slots=True)
class Going:
    """One call under way, with what it was decided by: a reload in between changes nothing for it."""

    let_in: LetIn
    wire: Wire
    stands: Governing
    key_id: str
    until: float


@dataclass(slots=True)
class UnderWay:
    """By call id. Of one event loop."""

    pacing: Pacing
    calls: OrderedDict[str, Going] = field(default_factory=OrderedDict)

    def begin(self, going: Going) -> None:
        """It was let on."""
        self.calls[going.let_in.id] = going

    def find(self, call_id: str) -> Going | None:
        """Whether it is under way: somebody who was never let on, or is over, is not."""
        return self.calls.get(call_id)

    def end(self, call_id: str, ended: Ended) -> None:
        """It is over, once: what comes later about it changes nothing."""
        going = self.calls.pop(call_id, None)
        if going is not None:
            self.pacing.end(going.key_id)
            going.stands.governs.end(going.let_in, ended)

    def give_up(self, now: float) -> None:
        """End what is overdue; the oldest are first, because a reload of the time that answers may take is rare."""
        overdue = [call_id for call_id, going in self.calls.items() if going.until <= now]
        for call_id in overdue:
            self.calls[call_id].stands.governs.ws.counters.count(UNHEARD_TOTAL)
            self.end(call_id, Ended(0, note=UNHEARD))

    def end_all(self) -> None:
        """This process ends: each may still be billed."""
        for call_id in list(self.calls):
            self.end(call_id, Ended(0, note="the service ended before Envoy said what came back: charged at its bound"))
