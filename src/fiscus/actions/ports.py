"""What the actions room asks of executors and of the state store."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

from fiscus.actions.types import Action, ActionState, Outcome, Plan, Reversibility, Target


class Executor(Protocol):
    """One kind of change. `send` makes exactly one vendor call (no retries) and raises OutcomeUnknown when its answer is lost."""

    kind: str
    reversibility: Reversibility
    undo_kind: str | None

    def observe(self, target_ids: Sequence[str]) -> Sequence[Target]:
        """What stands now; targets the vendor does not know are left out. Raises Unavailable."""
        ...

    def inventory_size(self) -> int:
        """How many things of this kind are running, for the percentage belt."""
        ...

    def send(self, plan: Plan, idempotency_key: str) -> str:
        """Do it; returns the vendor's receipt.

        Raises BadInput (refused, nothing happened), OutcomeUnknown (the answer was lost), Unavailable (nothing was sent).
        """
        ...

    def read_back(self, plan: Plan) -> Outcome: ...


class ActionTable(Protocol):
    """Actions inside one state transaction."""

    def get(self, action_id: str) -> Action | None: ...
    def put(self, action: Action) -> None: ...
    def all(self, states: Sequence[ActionState] | None = None) -> Sequence[Action]: ...
    def claim(self, action_id: str, epoch: int) -> bool:
        """Take it if its epoch still is `epoch`; False when someone else did."""
        ...
