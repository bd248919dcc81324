"""Telling somebody is an action like any other: planned, approved, sent once, its receipt kept."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from fiscus.actions.types import Outcome, Plan, Reversibility, Target
from fiscus.kernel.errors import BadInput
from fiscus.ownership.ports import NoticeChannel
from fiscus.ownership.types import Notice


class NotifyExecutor:
    """Hands one notice to a channel. `params`: subject, body and, for a webhook, payload; the one target is the address.

    A receipt cannot be read back from a mailbox, so an answer that was lost stays unknown and goes to a person.
    """

    reversibility: Reversibility = "R0"
    undo_kind: str | None = None

    def __init__(self, kind: str, channel: NoticeChannel) -> None:
        self.kind = kind
        self._channel = channel
        self._receipts: dict[str, str] = {}

    def observe(self, target_ids: Sequence[str]) -> Sequence[Target]:
        """Addresses have no state of their own."""
        return [Target(address, address, "", "") for address in target_ids]

    def inventory_size(self) -> int:
        """Addresses are not counted: the percentage belt does not apply."""
        return 0

    def send(self, plan: Plan, idempotency_key: str) -> str:
        """Hand it over once. Raises BadInput (not exactly one address, no subject), Unavailable (not handed over)."""
        if len(plan.targets) != 1:
            raise BadInput(
                f"{self.kind} goes to one address, not {len(plan.targets)}", remedy="Plan one action an address."
            )
        subject, payload = str(plan.params.get("subject", "")), plan.params.get("payload", {})
        if not subject or not isinstance(payload, Mapping):
            raise BadInput(
                f"{self.kind} needs a subject", remedy="Set params.subject, and params.payload as a mapping."
            )
        notice = Notice(
            key=idempotency_key,
            channel="email" if self.kind == "notify.email" else "webhook",
            to=plan.targets[0].id,
            subject=subject,
            body=str(plan.params.get("body", "")),
            payload=payload,
        )
        receipt = self._channel.send(notice)
        self._receipts[plan.digest] = receipt
        return receipt

    def read_back(self, plan: Plan) -> Outcome:
        """Done when this process holds the receipt; else it cannot be told."""
        receipt = self._receipts.get(plan.digest)
        if receipt is None:
            return Outcome(None, {}, "no receipt is known here")
        return Outcome(True, {"receipt": receipt}, "handed over")


def notify_executors(channels: Mapping[str, NoticeChannel]) -> Mapping[str, NotifyExecutor]:
    """An executor `notify.<channel>` for each channel that is configured."""
    return {f"notify.{name}": NotifyExecutor(f"notify.{name}", channel) for name, channel in channels.items()}
