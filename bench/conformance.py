"""`fiscus check` beside focus-validator 2.2.1 on one FOCUS 1.2 file: whole processes, wall and processor seconds, memory, rules.

The peer runs in a Python 3.12 environment of its own, which the bench prepares once (by uv, or a newer python by its name). It is
helped twice: pyarrow is pinned, because a fresh install does not start, and its list of currencies is laid where it looks for
it, because it would stop half-way. A rule is answered when it passes or fails; what we call not applicable is counted apart.

Each side runs once on a hundred rows beforehand, and neither is kept from storing its compiled modules: an installation by pip
has them, an environment made by uv, or with PYTHONDONTWRITEBYTECODE set, compiles a thousand modules at every start.

The peer needs a minute for a million rows, we two seconds: on a machine whose speed changes within seconds ours is therefore
the middle of five runs, two before the peer's one and three after it.

The times are judged on Parquet. On CSV the greater part of our time is reading the text once, 670 MB for a million rows, which no
cleverness about rules shortens: those lines are measured and printed, and judged by their rules and memory only.

    python -m bench.conformance [--quick] [--json] [--rows 10000,100000,1000000] [--format parquet|csv|both] [--env FOLDER]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import resource
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Literal

from bench.conformance_bills import write_bill

PEER = ("focus-validator==2.2.1", "pyarrow<18")
FASTER_MIN = {100_000: 15.0, 1_000_000: 30.0}
ANSWERED_MIN = 4.0
MEMORY_MB_MAX = 2_000
NEWEST_MINOR = 15
FIRST_ROWS = 100


@dataclass(frozen=True, slots=True)
class Run:
    """One process. `answered` rules passed or failed; `reasoned` ended as not applicable with a reason."""

    seconds: float
    cpu_seconds: float
    peak_mb: int
    answered: int
    reasoned: int


@dataclass(frozen=True, slots=True)
class Line:
    """Both sides on one file. Ratios are peer to ours: of wall, of processor seconds, and ours to peer of answered rules."""

    rows: int
    form: str
    ours: Run
    peer: Run
    faster: float
    faster_cpu: float
    answered_ratio: float
    kept: bool


def main() -> int:
    """Print a line a file; 1 when a limit is broken."""
    asked = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    asked.add_argument("--quick", action="store_true", help="10,000 rows of Parquet: shows that it runs")
    asked.add_argument("--json", action="store_true")
    asked.add_argument("--rows", default="10000,100000,1000000")
    asked.add_argument("--format", choices=("parquet", "csv", "both"), default="both")
    asked.add_argument("--env", type=Path, help="keep the peer's environment there, and use it again")
    given = asked.parse_args()
    rows = [10_000] if given.quick else [int(n) for n in given.rows.split(",")]
    forms = ["parquet"] if given.quick else ["csv", "parquet"] if given.format == "both" else [given.format]
    with tempfile.TemporaryDirectory(prefix="fiscus-bench-") as folder:
        peer = prepare_peer(given.env or Path(folder) / "peer")
        _measured(write_bill(Path(folder) / "first.parquet", FIRST_ROWS, "parquet"), FIRST_ROWS, "parquet", peer)
        lines = list(_lines(Path(folder), peer, rows, forms))
    kept = all(line.kept for line in lines)
    if given.json:
        print(json.dumps({"bench": "conformance", "kept": kept, "lines": [asdict(line) for line in lines]}, indent=2))
    else:
        for line in lines:
            _print(line)
    return 0 if kept else 1


def _lines(folder: Path, peer: Path, rows: Sequence[int], forms: Sequence[Literal["csv", "parquet"]]) -> Iterator[Line]:
    for count in rows:
        for form in forms:
            bill = write_bill(folder / f"bill-{count}.{form}", count, form)
            yield _measured(bill, count, form, peer)
            bill.unlink()


def _measured(bill: Path, count: int, form: str, peer: Path) -> Line:
    before = [_ours(bill) for _ in range(2)]
    theirs = _peer(bill, peer)
    runs = [*before, *(_ours(bill) for _ in range(3))]
    ours = sorted(runs, key=lambda run: run.seconds)[len(runs) // 2]
    faster = round(theirs.seconds / ours.seconds, 1)
    answered = round(ours.answered / theirs.answered, 2)
    quick = form == "csv" or faster >= FASTER_MIN.get(count, 0.0)
    kept = quick and answered >= ANSWERED_MIN and ours.peak_mb < MEMORY_MB_MAX
    return Line(count, form, ours, theirs, faster, round(theirs.cpu_seconds / ours.cpu_seconds, 1), answered, kept)


def _ours(bill: Path) -> Run:
    command = [str(Path(sys.executable).parent / "fiscus"), "check", str(bill), "--focus", "1.2", "--format", "json"]
    out, run = _process(command, bill.parent)
    verdicts = [verdict["outcome"] for verdict in json.loads(out)["verdicts"]]
    answered = sum(outcome in {"pass", "fail"} for outcome in verdicts)
    return Run(*run, answered, verdicts.count("not_applicable"))


def _peer(bill: Path, peer: Path) -> Run:
    command = [str(peer / "bin" / "focus-validator"), "--data-file", str(bill), "--validate-version", "1.2"]
    out, run = _process([*command, "--focus-dataset", "CostAndUsage", "--block-download"], peer / "work")
    found = re.search(r"Pass: (\d+) \| Fail: (\d+)", out)
    if found is None:
        raise SystemExit(f"focus-validator gave no result:\n{out[-2000:]}")
    return Run(*run, int(found[1]) + int(found[2]), 0)


def _process(command: Sequence[str], folder: Path) -> tuple[str, tuple[float, float, int]]:
    """Standard output, and wall seconds, processor seconds and peak megabytes of the process."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryFile() as out:
        start = time.perf_counter()
        child = subprocess.Popen(command, stdout=out, stderr=subprocess.DEVNULL, cwd=folder, env=environment)
        _, _, used = os.wait4(child.pid, 0)
        child.returncode = 0  # waited for here, so that its own use of the machine is known
        seconds = time.perf_counter() - start
        out.seek(0)
        text = out.read().decode("utf-8", errors="replace")
    return text, (round(seconds, 2), round(used.ru_utime + used.ru_stime, 2), _megabytes(used))


def _megabytes(used: resource.struct_rusage) -> int:
    return used.ru_maxrss // (1024 if sys.platform != "darwin" else 1024**2)


def prepare_peer(folder: Path) -> Path:
    """The peer's environment at `folder`, made if it is not there."""
    if not (folder / "bin" / "focus-validator").exists():
        uv = str(Path(sys.executable).parent / "uv")
        subprocess.run([uv, "venv", "--quiet", "--python", _newer_python(uv), str(folder)], check=True)
        python = str(folder / "bin" / "python")
        subprocess.run([uv, "pip", "install", "--quiet", "--python", python, *PEER], check=True)
    work = folder / "work" / "focus_validator" / "rules"
    work.mkdir(parents=True, exist_ok=True)
    for codes in folder.glob("lib/python*/site-packages/focus_validator/rules/currency_codes.csv"):
        shutil.copy(codes, work)
    return folder


def _newer_python(uv: str) -> str:
    """A Python of 3.12 or newer: what uv finds, else a name on the path that starts, also behind a version switcher."""
    found = subprocess.run([uv, "python", "find", ">=3.12"], capture_output=True, text=True, check=False)
    if found.returncode == 0:
        return found.stdout.strip()
    ask = "import sys; print(sys.executable if sys.version_info >= (3, 12) else '')"
    for name in [f"python3.{minor}" for minor in range(12, NEWEST_MINOR)]:
        for version in ("", *_switched(name)):
            environment = {**os.environ, "PYENV_VERSION": version} if version else dict(os.environ)
            if shutil.which(name) is None:
                continue
            tried = subprocess.run([name, "-c", ask], capture_output=True, text=True, check=False, env=environment)
            if tried.returncode == 0 and tried.stdout.strip():
                return tried.stdout.strip()
    raise SystemExit("focus-validator needs Python 3.12 or newer: install one, or let uv: `uv python install 3.12`")


def _switched(name: str) -> list[str]:
    """Versions that pyenv keeps for this name, where there is a pyenv."""
    if shutil.which("pyenv") is None:
        return []
    listed = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True, check=False)
    return [version for version in listed.stdout.split() if version.startswith(name.removeprefix("python"))]


def _print(line: Line) -> None:
    ours, peer = line.ours, line.peer
    print(
        f"{line.rows:>9,} rows {line.form:<7}  fiscus {ours.seconds:7.2f} s ({ours.cpu_seconds:.1f} cpu, {ours.peak_mb} MB,"
        f" {ours.answered} answered, {ours.reasoned} not applicable)   focus-validator {peer.seconds:7.2f} s"
        f" ({peer.cpu_seconds:.1f} cpu, {peer.peak_mb} MB, {peer.answered} answered)   {line.faster} times faster"
        f" ({line.faster_cpu} by processor time), {line.answered_ratio} times the rules"
        f"{'' if line.kept else '   LIMIT BROKEN'}"
    )


if __name__ == "__main__":
    raise SystemExit(main())
