"""Ingests that are killed: at a named point of their way, or at any time. Each runs in a process of its own, forked when warm."""

from __future__ import annotations

import multiprocessing
import os
import signal
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest
from tests.fixtures.company import Settings, open_company

from fiscus.cost.types import IngestOptions, Source
from fiscus.flows import ingest_bills
from fiscus.kernel.progress import Silent
from fiscus.stores.lake import delivery_staging, delta_lake
from fiscus.stores.lake.delivery_staging import DeliveryStaging

PRELOADED: Final = ["tests.promises.killed_ingests"]


@dataclass(frozen=True, slots=True)
class FailPoint:
    """Where a process dies: before or after the `call`-th call of `name` of `owner`."""

    title: str
    owner: Any
    name: str
    after: bool
    call: int = 1


FAIL_POINTS: Final = (
    FailPoint("files inspected", delta_lake, "inspect_file", after=True),
    FailPoint("staging opened", DeliveryStaging, "__init__", after=True),
    FailPoint("a file converted", DeliveryStaging, "load", after=True),
    FailPoint("currencies checked", DeliveryStaging, "check", after=True),
    FailPoint("what stands was read", DeliveryStaging, "standing", after=True),
    FailPoint("the first of two months placed", DeliveryStaging, "_put", after=True),
    FailPoint("all months placed", DeliveryStaging, "_put", after=True, call=2),
    FailPoint("the manifest stored", delivery_staging, "write_manifest", after=True),
    FailPoint("before the commit of the lake", delivery_staging, "replace_partitions", after=False),
    FailPoint("the lake committed, nothing recorded", delivery_staging, "replace_partitions", after=True),
    FailPoint("in the middle of the record", ingest_bills, "_evidence", after=False),
    FailPoint("recorded, closes not kept", ingest_bills, "keep_closes", after=False),
)


@dataclass(frozen=True, slots=True)
class Ingest:
    """What a process is to do: deliver `bill` into the company at `home`, and die at a point if one is named."""

    home: Path
    bill: Path
    point: int | None = None


def start(ingest: Ingest) -> Any:
    """A process at work on it."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    process = context.Process(target=_work, args=(ingest,))
    process.start()
    return process


def _work(ingest: Ingest) -> None:
    with pytest.MonkeyPatch.context() as patch:
        if ingest.point is not None:
            point = FAIL_POINTS[ingest.point]
            patch.setattr(point.owner, point.name, _dying(getattr(point.owner, point.name), point))
        ws = open_company(ingest.home, Settings())
        options = IngestOptions(promote=("team",), restate=True)
        ingest_bills.ingest_bills(ws, Source("bills"), [ingest.bill], options, Silent())


def _dying(call: Callable[..., Any], point: FailPoint) -> Callable[..., Any]:
    seen = 0

    def dying(*given: Any, **named: Any) -> Any:
        nonlocal seen
        seen += 1
        if seen == point.call and not point.after:
            os.kill(os.getpid(), signal.SIGKILL)
        answer = call(*given, **named)
        if seen == point.call and point.after:
            os.kill(os.getpid(), signal.SIGKILL)
        return answer

    return dying
