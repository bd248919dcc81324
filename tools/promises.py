"""What Fiscus promises, proven: run their tests, print one table. Fails when a promise was violated or left no row.

python tools/promises.py [--only P8,P9] [--trials 10000] [--seed 7] [--json FILE]
"""

from __future__ import annotations

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

REPO = Path(__file__).resolve().parents[1]
COLUMNS = ("promise", "trials", "faults", "violations", "seed", "seconds")


def main() -> int:
    """0 when every promise that was asked for kept its word."""
    arguments = _arguments()
    wanted = {name.strip().lower() for name in (arguments.only or "").split(",") if name.strip()}
    tests = [path for path in sorted(REPO.glob("tests/promises/test_p*.py")) if not wanted or _name(path) in wanted]
    if missing := wanted - {_name(path) for path in tests}:
        sys.stderr.write(f"No test of {', '.join(sorted(missing)).upper()} in tests/promises.\n")
        return 2
    with tempfile.TemporaryDirectory() as folder:
        report = Path(arguments.json or Path(folder) / "promises.jsonl").resolve()
        report.unlink(missing_ok=True)
        environment = os.environ | {"FISCUS_PROMISE_REPORT": str(report), "FISCUS_NO_SKIP": "1", "FISCUS_THOROUGH": "1"}
        for variable, value in (("TRIALS", arguments.trials), ("SEED", arguments.seed)):
            if value:
                environment[f"FISCUS_PROMISE_{variable}"] = str(value)
        command = [sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "--no-header", *map(str, tests)]
        failed = subprocess.run(command, cwd=REPO, env=environment, check=False).returncode  # noqa: S603  the arguments are ours
        rows = [json.loads(line) for line in report.read_text("utf-8").splitlines()] if report.exists() else []
    _show(rows)
    silent = {_name(path) for path in tests} - {row["promise"].partition(".")[0].lower() for row in rows}
    if silent:
        sys.stderr.write(f"No row of {', '.join(sorted(silent)).upper()}.\n")
    return 1 if failed or silent or any(row["violations"] for row in rows) else 0


def _name(path: Path) -> str:
    """`test_p8_policy_errors.py` is p8."""
    found = re.match(r"test_(p\d+)", path.name)
    return found[1] if found else path.stem


def _show(rows: list[dict[str, Any]]) -> None:
    table = [COLUMNS, *(tuple(f"{row[name]:,}" if name != "seed" and not isinstance(row[name], str) else str(row[name])
                              for name in COLUMNS) for row in rows)]  # fmt: skip
    widths = [max(len(line[at]) for line in table) for at in range(len(COLUMNS))]
    for line, row in zip(table, [{"note": ""}, *rows], strict=True):
        cells = "  ".join(cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        sys.stdout.write(f"{cells}  {row['note']}".rstrip() + "\n")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("--only", help="such as P8,P9; every promise when left out")
    parser.add_argument("--trials", type=int, help="of each promise; its own small number when left out")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--json", help="keep the rows in this file, one JSON object a line")
    return parser.parse_args()


if __name__ == "__main__":
    sys.exit(main())
