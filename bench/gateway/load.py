"""`wrk` as a function: so many connections for so long, and what it saw."""

from __future__ import annotations

import json
import re
import shutil
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

BODIES: Final = 512  # prompts that differ: nothing may live of having seen the same request before
WORDS: Final = 150
PATH: Final = "/v1/chat/completions"
MEDIANS: Final = ("rate", "p50", "p95", "p99", "cpu_us")
NO_WRK: Final = "This bench drives its load with wrk, which is not here. On Debian or Ubuntu: apt-get install wrk"
SCRIPT: Final = """
local bodies, at = {}, 0
local words = string.rep("word ", WORDS)
wrk.headers["Content-Type"] = "application/json"
wrk.headers["Authorization"] = "Bearer KEY"
function init(args)
  for i = 1, BODIES do
    local body = '{"model":"gpt-4o-mini","max_tokens":500,STREAMED"messages":[{"role":"system","content":"Answer tickets."},' ..
      '{"role":"user","content":"' .. i .. " " .. words .. '"}]}'
    bodies[i] = wrk.format("POST", nil, nil, body)
  end
end
function request()
  at = at % #bodies + 1
  return bodies[at]
end
function done(summary, latency, requests)
  local e = summary.errors
  io.write(string.format('FIGURES {"requests":%d,"micros":%d,"p50":%d,"p95":%d,"p99":%d,"failed":%d}\\n', summary.requests,
    summary.duration, latency:percentile(50), latency:percentile(95), latency:percentile(99),
    e.connect + e.read + e.write + e.status + e.timeout))
end
"""


@dataclass(frozen=True, slots=True)
class Seen:
    """Answers a second, and how long they took, in milliseconds. `failed`: answers that were no 200, or none.

    `cpu_us`: microseconds of processor time of the stack for one answer, which other people's load hardly touches.
    """

    rate: float
    p50: float
    p95: float
    p99: float
    failed: int = 0
    answers: int = 0
    cpu_us: float = 0.0


def find_wrk() -> str:
    """The program; ends this one with a remedy where there is none."""
    found = shutil.which("wrk")
    if found is None:
        sys.exit(NO_WRK)
    return found


def write_script(folder: Path, key: str, *, streamed: bool) -> Path:
    """What is asked with `key`."""
    text = SCRIPT
    words: Mapping[str, object] = {
        "STREAMED": '"stream":true,' if streamed else "", "KEY": key, "BODIES": BODIES, "WORDS": WORDS,
    }  # fmt: skip
    for name, value in words.items():
        text = text.replace(name, str(value))
    path = folder / f"{'stream' if streamed else 'whole'}-{len(list(folder.glob('*.lua')))}.lua"
    path.write_text(text, encoding="utf-8")
    return path


def drive(url: str, script: Path, connections: int, seconds: float) -> Seen:
    """One thread of wrk, closed loop."""
    command = [
        find_wrk(), "-t1", f"-c{connections}", f"-d{max(1, round(seconds))}", "--timeout", "60s", "-s", str(script), url + PATH,
    ]  # fmt: skip
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=seconds + 90)
    found = re.search(r"FIGURES (\{.*\})", done.stdout)
    if found is None:
        raise RuntimeError(f"wrk said nothing of use: {done.stdout}{done.stderr}")
    figures = json.loads(found[1])
    rate = figures["requests"] / (figures["micros"] / 1e6)
    return Seen(rate, *(figures[name] / 1e3 for name in ("p50", "p95", "p99")), figures["failed"], figures["requests"])


def median(rounds: Sequence[Seen]) -> Seen:
    """Of each figure its own median; of what failed, everything."""
    values = {name: statistics.median(getattr(one, name) for one in rounds) for name in MEDIANS}
    return Seen(**values, failed=sum(one.failed for one in rounds), answers=sum(one.answers for one in rounds))
