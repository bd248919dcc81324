"""Many that wait at once share one commit: whoever comes first commits for all who came while the one before was written."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from queue import SimpleQueue
from typing import Final, TypeAlias

from fiscus.guardrails.ledger.commands import Answer, Command
from fiscus.kernel.errors import FiscusError, Unavailable

GROUP_MAX: Final = 256  # commands of one transaction: what is refused or lost together
Transact = Callable[[Sequence[Command]], list[Answer]]
_Waiting: TypeAlias = "tuple[Command, asyncio.Future[Answer]]"


class GroupCommit:
    """For threads. One caller alone pays nothing for it: it commits its own command, in its own thread."""

    def __init__(self, transact: Transact) -> None:
        self._transact = transact
        self._waiting: deque[_Ticket] = deque()
        self._turn = threading.Lock()

    def ask(self, command: Command) -> Answer:
        """The answer, once it is durable. A command that the ledger refuses raises its error; Unavailable where it is lost."""
        if not self._waiting and self._turn.acquire(blocking=False):
            try:
                (answer,) = answers_of(self._transact, [command])
            finally:
                self._turn.release()
            return _unless_refused(answer)
        ticket = _Ticket(command)
        self._waiting.append(ticket)
        with self._turn:
            if ticket.answer is None:  # nobody committed it while this one waited for its turn
                self._commit()
        assert ticket.answer is not None
        return _unless_refused(ticket.answer)

    def _commit(self) -> None:
        group = [self._waiting.popleft() for _ in range(min(GROUP_MAX, len(self._waiting)))]
        for ticket, answer in zip(group, answers_of(self._transact, [one.command for one in group]), strict=True):
            ticket.answer = answer


class AsyncGroupCommit:
    """For one event loop: commands that come while a commit is written go together with the next one.

    A thread of its own writes them: one hand-over there and one back a group, whoever waits in it.
    """

    def __init__(self, transact: Transact) -> None:
        self._transact = transact
        self._waiting: list[_Waiting] = []
        self._busy = False  # a group is written, or will be in this turn of the loop
        self._groups: SimpleQueue[tuple[asyncio.AbstractEventLoop, list[_Waiting]] | None] = SimpleQueue()
        self._writer = threading.Thread(target=self._write, name="ledger", daemon=True)
        self._writer.start()

    def ask(self, command: Command) -> asyncio.Future[Answer]:
        """The answer, once it is durable. Raises as GroupCommit does. Giving up waiting does not take the command back."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((command, future))
        if not self._busy:
            self._busy = True
            loop.call_soon(self._next, loop)  # whoever is ready to ask now comes along
        return future

    def _next(self, loop: asyncio.AbstractEventLoop) -> None:
        group, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
        self._busy = bool(group)
        if group:
            self._groups.put((loop, group))

    def _write(self) -> None:
        while (asked := self._groups.get()) is not None:
            loop, group = asked
            answers = answers_of(self._transact, [command for command, _ in group])
            with suppress(RuntimeError):  # the loop is closed: nobody waits any more
                loop.call_soon_threadsafe(self._hand_out, loop, group, answers)

    def _hand_out(self, loop: asyncio.AbstractEventLoop, group: Sequence[_Waiting], answers: Sequence[Answer]) -> None:
        for (_, future), answer in zip(group, answers, strict=True):
            if future.done():
                continue
            if isinstance(answer, FiscusError):
                future.set_exception(answer)
            else:
                future.set_result(answer)
        loop.call_soon(self._next, loop)  # after those who were answered and ask again

    def close(self) -> None:
        """Wait for the commit under way."""
        self._groups.put(None)
        self._writer.join()


class _Ticket:
    __slots__ = ("answer", "command")

    def __init__(self, command: Command) -> None:
        self.command = command
        self.answer: Answer | None = None


def _unless_refused(answer: Answer) -> Answer:
    if isinstance(answer, FiscusError):
        raise answer
    return answer


def answers_of(transact: Transact, commands: Sequence[Command]) -> Sequence[Answer]:
    """One answer a command; where the whole transaction fails, its error is the answer of each.

    An error that is not one of ours (a judge that raised) must not be taken for another one's answer either: each command
    is then asked alone, so that only the one at fault fails.
    """
    try:
        return transact(commands)
    except FiscusError as failed:
        return [failed] * len(commands)
    except Exception as fault:  # noqa: BLE001 whatever it is, the others' money does not hang on it
        if len(commands) == 1:
            return [_internal(fault)]
        return [answer for command in commands for answer in answers_of(transact, [command])]


def _internal(fault: Exception) -> FiscusError:
    said = f"{type(fault).__name__}: {fault}"
    return Unavailable(f"The ledger could not judge this: {said}", remedy="Nothing is held; report this with its text.")
