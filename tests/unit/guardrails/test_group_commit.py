"""Many tasks of one event loop that wait for the ledger share a commit, and each gets its own answer."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Coroutine, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from tests.fixtures.ledgers import NOON, USD, account, reserve, sync

from fiscus.guardrails.ledger.commands import Answer, Command, Reserved, Settle
from fiscus.guardrails.ledger.group_commit import AsyncGroupCommit
from fiscus.guardrails.ledger.ledger import Ledger
from fiscus.kernel.clock import SteppedClock
from fiscus.kernel.errors import NotFound, Unavailable
from fiscus.stores.ledger import open_ledger

Work = Callable[[AsyncGroupCommit], Coroutine[Any, Any, Any]]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    opened = Ledger(open_ledger(f"sqlite:///{tmp_path}/ledger.db", SteppedClock(NOON)))
    opened.ask(sync({"team": 10 * USD}))
    yield opened
    opened.close()


def run(work: Work, transact: Callable[[Sequence[Command]], list[Answer]]) -> tuple[Any, list[int]]:
    """(what `work` gives, the sizes of the groups that were committed for it)."""
    sizes = list[int]()

    def counted(commands: Sequence[Command]) -> list[Answer]:
        sizes.append(len(commands))
        return transact(commands)

    async def whole() -> Any:
        group = AsyncGroupCommit(counted)
        try:
            return await asyncio.wait_for(work(group), 20)
        finally:
            group.close()

    return asyncio.run(whole()), sizes


def test_those_that_ask_again_when_they_are_answered_go_together_again(ledger: Ledger) -> None:
    async def caller(group: AsyncGroupCommit, name: str) -> list[str]:
        answers = [await group.ask(reserve(f"{name}-{n}", USD // 10, "team")) for n in range(3)]
        return [one.hold.id for one in answers if isinstance(one, Reserved) and one.hold]

    async def many(group: AsyncGroupCommit) -> list[list[str]]:
        return await asyncio.gather(*(caller(group, f"c{n}") for n in range(20)))

    held, sizes = run(many, ledger.transact)
    assert held == [[f"c{n}-{k}" for k in range(3)] for n in range(20)]
    assert sizes == [20, 20, 20]
    assert account(ledger, "team").held == 6 * USD


def test_a_refusal_is_raised_to_the_one_that_is_refused(ledger: Ledger) -> None:
    async def two(group: AsyncGroupCommit) -> list[Any]:
        asked = (group.ask(Settle("ghost", 1)), group.ask(reserve("h1", USD, "team")))
        return await asyncio.gather(*asked, return_exceptions=True)

    (refused, given), sizes = run(two, ledger.transact)
    assert isinstance(refused, NotFound)
    assert given.hold.id == "h1"
    assert sizes == [2]


def test_a_ledger_that_is_lost_is_told_to_everybody_who_waits() -> None:
    def lost(commands: Sequence[Command]) -> list[Answer]:
        raise Unavailable("gone", remedy="wait")

    async def two(group: AsyncGroupCommit) -> list[Any]:
        asked = [group.ask(reserve(f"h{n}", USD, "team")) for n in range(2)]
        return await asyncio.gather(*asked, return_exceptions=True)

    answers, _ = run(two, lost)
    assert [type(one) for one in answers] == [Unavailable, Unavailable]


def test_giving_up_waiting_takes_no_command_back(ledger: Ledger) -> None:
    under_way, go_on = threading.Event(), threading.Event()

    def slow(commands: Sequence[Command]) -> list[Answer]:
        under_way.set()
        assert go_on.wait(20)
        return ledger.transact(commands)

    async def impatient(group: AsyncGroupCommit) -> Answer:
        async def waits() -> Answer:
            return await group.ask(reserve("h1", USD, "team"))

        first = asyncio.create_task(waits())
        await asyncio.to_thread(under_way.wait, 20)
        first.cancel()
        second = group.ask(reserve("h2", USD, "team"))  # comes while that is written: goes with the next one
        go_on.set()
        return await second

    given, sizes = run(impatient, slow)
    assert given.hold.id == "h2"
    assert sizes == [1, 1]
    assert account(ledger, "team").held == 2 * USD
