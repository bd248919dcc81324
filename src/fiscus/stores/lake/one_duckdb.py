"""One DuckDB a process for the lakes in folders: to start another takes 20 ms, more than most questions.

A lake in a bucket has one of its own, because its files are read through a file system that is registered for all of a DuckDB;
so have people's SQL, exports and checks, whose limits hold for all of one too.
"""

from __future__ import annotations

import os
import threading
from typing import Final

import duckdb

_lock = threading.Lock()
# By process: the threads of one do not come along into a fork.
_started: Final[dict[int, duckdb.DuckDBPyConnection]] = {}


def another_connection() -> duckdb.DuckDBPyConnection:
    """A connection that shares nothing with others but memory and threads, as long as what it makes is TEMP."""
    with _lock:
        mine = _started.get(os.getpid())
        if mine is None:  # that of a parent stays as it is: to end it would wait for its threads
            mine = _started[os.getpid()] = duckdb.connect()
        return mine.cursor()
