"""A session on Spark or Sail that answers as DuckDB does: UTC, exact decimals, strict casts. One connection a process."""

from __future__ import annotations

import os
import shutil
import socket
import threading
import time
from typing import Any, Final

from fiscus.kernel.errors import BadConfig, Unavailable
from fiscus.stores.lake.engine_address import EngineAddress

SETTINGS: Final = {
    "spark.sql.session.timeZone": "UTC",
    "spark.sql.ansi.enabled": "true",
    # Sums and products keep every digit, and fail where there is no room for them; else Spark cuts the scale of each row.
    "spark.sql.decimalOperations.allowPrecisionLoss": "false",
    "spark.sql.variable.substitute": "false",  # a text may hold ${...}
    "spark.sql.sources.partitionColumnTypeInference.enabled": "false",  # 202609 is a text
    "spark.sql.sources.parallelPartitionDiscovery.threshold": "10000",  # files are named: nothing is to be discovered
    "spark.sql.legacy.allowHashOnMapType": "true",
    "spark.sql.variant.allowDuplicateKeys": "true",  # JSON with a key twice is JSON
}
STARTING: Final = {
    "spark.ui.enabled": "false",
    "spark.ui.showConsoleProgress": "false",
    "spark.log.level": "OFF",
    "spark.sql.shuffle.partitions": "16",
    "spark.scheduler.minRegisteredResourcesRatio": "0",
}
LOOPBACK: Final = {"spark.driver.host": "127.0.0.1", "spark.driver.bindAddress": "127.0.0.1"}
EXECUTOR_SECONDS_MAX: Final = 60
LISTEN_SECONDS_MAX: Final = 5
GONE: Final = (
    "Py4JNetworkError", "ConnectionRefused", "SparkContext was shut down", "stopped SparkContext", "StatusCode.UNAVAILABLE",
    "All masters are unresponsive", "Master removed our application", "Connection refused", "Cannot call methods on a stopped",
)  # fmt: skip
_LOCK: Final = threading.Lock()
_OPEN: Final[dict[EngineAddress, Any]] = {}


def connected(engine: EngineAddress) -> Any:
    """A session of its own on the engine. Raises BadConfig, Unavailable."""
    if engine.is_connect:
        session = _connect(engine)  # a conversation of its own with the server, as a client of Spark 4.1 opens one too
    else:
        with _LOCK:
            if engine not in _OPEN:
                _OPEN[engine] = _connect(engine)
            session = _OPEN[engine]
        session = session.newSession()
    for name, value in SETTINGS.items():
        session.conf.set(name, value)
    return session


def is_gone(failed: BaseException) -> bool:
    """The cluster or the way to it went away, rather than that a query was wrong."""
    text = f"{type(failed).__name__} {failed}"
    return any(word in text for word in GONE)


def close_connections() -> None:
    """Leave every cluster."""
    with _LOCK:
        for session in _OPEN.values():
            session.stop()
        _OPEN.clear()


def _connect(engine: EngineAddress) -> Any:
    from pyspark.sql import SparkSession  # noqa: PLC0415  an extra, and a second to load

    _listens(engine)
    builder: Any = SparkSession.builder.appName("fiscus")
    if engine.is_connect:
        return _reached(engine, builder.remote(f"sc://{engine.url.partition('://')[2]}").create)
    if not (os.environ.get("JAVA_HOME") or shutil.which("java")):
        raise BadConfig(f"engine {engine.url} needs Java 17 or later", remedy="Install a JRE, or set JAVA_HOME.")
    near = any(name in engine.url for name in ("//127.0.0.1:", "//localhost:"))
    for name, value in {**STARTING, **(LOOPBACK if near else {}), **dict(engine.settings)}.items():
        builder = builder.config(name, value)
    session = _reached(engine, builder.master(engine.url).getOrCreate)
    _wait_for_executors(engine, session)
    return session


def _listens(engine: EngineAddress) -> None:
    """Somebody listens there: Spark itself asks a master that is away for two minutes. Raises Unavailable."""
    scheme, _, places = engine.url.partition("://")
    if scheme not in {"spark", "sail"}:
        return
    for place in places.split(","):
        host, _, port = place.rpartition(":")
        try:
            socket.create_connection((host, int(port)), timeout=LISTEN_SECONDS_MAX).close()
        except OSError as failed:
            reason = failed
        else:
            return
    raise Unavailable(
        f"The engine {engine.url} cannot be reached: {reason}",
        remedy="Start the cluster, or mend `engine` in fiscus.yaml; nothing was asked of another engine.",
    )


def _reached(engine: EngineAddress, opening: Any) -> Any:
    try:
        return opening()
    except Exception as failed:  # py4j's, gRPC's and the JVM's errors have no ancestor of their own
        raise Unavailable(
            f"The engine {engine.url} cannot be reached: {str(failed).strip().splitlines()[0][:200]}",
            remedy="Start the cluster, or mend `engine` in fiscus.yaml; nothing was asked of another engine.",
        ) from failed


def _wait_for_executors(engine: EngineAddress, session: Any) -> None:
    """Spark waits for ever for machines that it is not given: said instead."""
    if not engine.url.startswith("spark://"):
        return
    status = session.sparkContext._jsc.sc()  # noqa: SLF001  PySpark shows executors nowhere else
    for _ in range(EXECUTOR_SECONDS_MAX * 4):
        if status.getExecutorMemoryStatus().size() > 1:  # the driver is one
            return
        time.sleep(0.25)
    session.stop()
    raise Unavailable(
        f"The engine {engine.url} gave no executor within {EXECUTOR_SECONDS_MAX} s",
        remedy="Start workers, or ask for less: engine_settings, spark.executor.memory and spark.cores.max.",
    )
