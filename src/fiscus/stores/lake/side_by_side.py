"""Statements that do not wait for one another, asked of one database by a few threads at once."""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from threading import Lock, Thread
from typing import Final, TypeVar

import _duckdb as duckdb  # the database itself: what the package puts around it takes a tenth of a second to load

Answer = TypeVar("Answer")
AT_ONCE_MAX: Final = 4


def side_by_side(
    connection: duckdb.DuckDBPyConnection,
    statements: Sequence[str],
    ask: Callable[[duckdb.DuckDBPyConnection, str], Answer],
    settings: str,
) -> list[Answer]:
    """The answers in the order of the statements. The first error is raised, once every thread has stopped.

    Each thread has a cursor of its own on the database, with `settings`: it sees tables and views, none that are TEMP.
    """
    threads = min(AT_ONCE_MAX, os.cpu_count() or 1, len(statements))
    if threads < 2:
        return [ask(connection, sql) for sql in statements]
    answers: dict[int, Answer] = {}
    errors: list[BaseException] = []
    waiting = iter(range(len(statements)))
    turn = Lock()

    def work() -> None:
        with connection.cursor() as own:
            own.execute(settings)
            while not errors:
                with turn:
                    n = next(waiting, None)
                if n is None:
                    return
                try:
                    answers[n] = ask(own, statements[n])
                except BaseException as broken:  # noqa: BLE001  raised below, in the thread that asked
                    errors.append(broken)

    workers = [Thread(target=work, name=f"fiscus-ask-{n}", daemon=True) for n in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    if errors:
        raise errors[0]
    return [answers[n] for n in range(len(statements))]
