"""A Chromium for tests and pictures: the system's, else the one that package-lock.json pins, unpacked."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

from tools.build_assets import find_program

REPO = Path(__file__).resolve().parents[1]
FLAGS = ("--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage")
UNPACK = 'import chromium from "@sparticuz/chromium"; process.stdout.write(await chromium.executablePath());'
UNPACK_SECONDS_MAX = 60


def find_chromium() -> tuple[str | None, str]:
    """(path, "") or (None, why there is none)."""
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found, ""
    node = find_program("node")
    if node is None or not (REPO / "node_modules" / "@sparticuz" / "chromium").is_dir():
        return None, "no Chromium on the PATH, and none installed by `FISCUS_DEV=1 python tools/build_assets.py`"
    command = [node, "--input-type=module", "-e", UNPACK]
    done = subprocess.run(  # noqa: S603  the arguments are ours
        command, cwd=REPO, capture_output=True, text=True, check=False, timeout=UNPACK_SECONDS_MAX
    )
    if done.returncode:
        return None, f"the Chromium of package-lock.json does not unpack here: {done.stderr[-300:]}"
    return done.stdout.strip(), ""
