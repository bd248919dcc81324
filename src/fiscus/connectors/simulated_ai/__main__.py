"""`python -m fiscus.connectors.simulated_ai --port 4010 --seed 7 --bill bill.jsonl`: the simulated vendors as a process.

Its first line on standard output is JSON: the port that it listens on and the base URL of each vendor.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from fiscus.connectors.simulated_ai.bill import Bill
from fiscus.connectors.simulated_ai.engine import Behaviour, Engine
from fiscus.connectors.simulated_ai.fast import serve_fast
from fiscus.connectors.simulated_ai.server import BASE_PATHS, serve
from fiscus.kernel.clock import SystemClock


def main() -> None:
    """Listen until SIGTERM or SIGINT."""
    parser = argparse.ArgumentParser(prog="python -m fiscus.connectors.simulated_ai", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="where to listen on 127.0.0.1; 0 takes a free port")
    parser.add_argument("--seed", type=int, default=7, help="the same seed answers the same request alike")
    parser.add_argument(
        "--bill", type=Path, default=None, help="the file of the bill, continued if it exists; else in memory"
    )
    parser.add_argument(
        "--fill", type=float, default=None, help="the share of the allowed output that each answer uses; else seeded"
    )
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument("--pause", type=float, default=0.0, help="seconds before each piece of a stream")
    parser.add_argument(
        "--fast", action="store_true", help="canned chat answers at the speed of a socket, for benches; no faults"
    )
    asyncio.run(_run(parser.parse_args()))


async def _run(asked: argparse.Namespace) -> None:
    behaviour = Behaviour(fill=asked.fill, latency_seconds=asked.latency, piece_seconds=asked.pause)
    engine = Engine(SystemClock(), Bill(asked.bill), asked.seed, behaviour)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, engine.stopping.set)
    await (serve_fast if asked.fast else serve)(engine, asked.port, _say)


def _say(port: int) -> None:
    address = f"http://127.0.0.1:{port}"
    urls = {vendor: address + path for vendor, path in BASE_PATHS.items()}
    sys.stdout.write(json.dumps({"port": port, "address": address, "base_urls": urls}) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
