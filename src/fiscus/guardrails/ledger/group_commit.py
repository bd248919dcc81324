"""Many that wait at once share one commit: whoever comes first commits for all who came while the one before was written."""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Final

from fiscus.guardrails.ledger.commands import Answer, Command
from fiscus.kernel.errors import FiscusError, Unavailable

GROUP_MAX: Final = 256  # commands of one transaction: what is refused or lost together
Transact = Callable[[Sequence[Command]], list[Answer]]


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
    """For one event loop: commands that come while a commit is written go together with the next one."""

    def __init__(self, transact: Transact) -> None:
        self._transact = transact
        self._waiting: list[tuple[Command, asyncio.Future[Answer]]] = []
        self._writer = ThreadPoolExecutor(1, thread_name_prefix="ledger")
        self._task: asyncio.Task[None] | None = None

    async def ask(self, command: Command) -> Answer:
        """The answer, once it is durable. Raises as GroupCommit does. Giving up waiting does not take the command back."""
        loop = asyncio.get_running_loop()
        future: asyncio.Future[Answer] = loop.create_future()
        self._waiting.append((command, future))
        if self._task is None or self._task.done():
            self._task = loop.create_task(self._write(loop))
        answer = await future
        if isinstance(answer, FiscusError):
            raise answer
        return answer

    async def _write(self, loop: asyncio.AbstractEventLoop) -> None:
        while self._waiting:
            await asyncio.sleep(0)  # whoever is ready to ask now comes along
            group, self._waiting = self._waiting[:GROUP_MAX], self._waiting[GROUP_MAX:]
            commands = [command for command, _ in group]
            answers = await loop.run_in_executor(self._writer, answers_of, self._transact, commands)
            for (_, future), answer in zip(group, answers, strict=True):
                if not future.done():
                    future.set_result(answer)

    def close(self) -> None:
        """Wait for the commit under way."""
        self._writer.shutdown()


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
