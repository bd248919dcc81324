"""The ledger counted again from its evidence alone: what its tables say must be what its transitions add up to. Pure."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from fiscus.guardrails.ledger.types import Account, Hold
from fiscus.kernel.evidence import EvidenceRecord


@dataclass(slots=True)
class Counted:
    """A hold as its transitions left it. Amounts in nano-units."""

    state: str
    bound: int
    accounts: tuple[str, ...]
    settled: int = 0


class Recount:
    """Feed it every record in order, then compare. What a record says that nobody could have done is a fault too."""

    def __init__(self) -> None:
        self.holds: dict[str, Counted] = {}
        self.faults: list[tuple[int, str]] = []

    def records(self, records: Iterable[EvidenceRecord]) -> Iterator[EvidenceRecord]:
        """Hands each record on when it is counted, so that a chain is verified and counted in one reading."""
        for record in records:
            for entry in cast("Sequence[Mapping[str, Any]]", record.body.get("entries", ())):
                try:
                    self._count(entry)
                except (KeyError, TypeError, ValueError):
                    self.faults.append((record.seq, "a transition cannot be read"))
            yield record

    def _count(self, entry: Mapping[str, Any]) -> None:
        what = entry["what"]
        if what == "reserved":
            hold = entry["hold"]
            self.holds[hold["id"]] = Counted("held", int(hold["bound"]), tuple(hold["accounts"]))
        elif what == "spent":  # without a hold before
            hold = entry["hold"]
            known = Counted("settled", int(hold["bound"]), tuple(hold["accounts"]), int(entry["amount"]))
            self.holds[hold["id"]] = known
        elif what in {"settled", "charged"}:
            counted = self.holds[entry["hold"]]
            counted.state, counted.settled = what, int(entry["amount"])
        elif what == "released":
            self.holds[entry["hold"]].state = "released"

    def compare(self, holds: Iterable[Hold], accounts: Iterable[Account]) -> list[str]:
        """Where the tables differ: a hold that is gone, unknown or otherwise, an account that is not the sum of its holds."""
        faults, seen = list[str](), set[str]()
        held: dict[str, int] = defaultdict(int)
        for hold in holds:
            seen.add(hold.id)
            counted = self.holds.get(hold.id)
            if counted is None:
                faults.append(f"hold {hold.id} was never reserved")
            elif (counted.state, counted.bound, counted.accounts) != (hold.state, hold.bound, hold.accounts) or (
                hold.state in {"settled", "charged"} and counted.settled != hold.settled
            ):
                faults.append(
                    f"hold {hold.id} is {hold.state} in the table and {counted.state} by its evidence, or its amount differs"
                )
        for hold_id, counted in self.holds.items():
            if hold_id not in seen:
                faults.append(f"hold {hold_id} is gone")
            if counted.state == "held":
                for key in counted.accounts:
                    held[key] += counted.bound
        for account in accounts:
            if account.held != held.pop(account.key, 0):
                faults.append(f"account {account.key} does not hold what its holds add up to")
        return [*faults, *(f"account {key} is gone" for key, amount in held.items() if amount)]
