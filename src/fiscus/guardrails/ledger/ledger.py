"""The spend ledger as its callers see it: commands go through the book, in groups, into the store."""

from __future__ import annotations

from collections.abc import Sequence

from fiscus.guardrails.ledger.book import apply_batch
from fiscus.guardrails.ledger.commands import Answer, Command
from fiscus.guardrails.ledger.group_commit import GroupCommit
from fiscus.guardrails.ledger.ports import LedgerStore


class Ledger:
    """`store` is for reading. Safe between threads; processes meet in the store."""

    def __init__(self, store: LedgerStore) -> None:
        self.store = store
        self._group = GroupCommit(self.transact)

    def transact(self, commands: Sequence[Command]) -> list[Answer]:
        """A batch in order, in one durable transaction. A command that is refused has its FiscusError as its answer."""
        return self.store.locked(lambda locked: apply_batch(commands, locked), len(commands))

    def ask(self, command: Command) -> Answer:
        """One command, committed together with those of other threads. Its refusal is raised; Unavailable where it is lost."""
        return self._group.ask(command)

    def close(self) -> None:
        """Give the connections back."""
        self.store.close()
