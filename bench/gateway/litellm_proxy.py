"""The LiteLLM proxy, from requirements-litellm.lock in an environment of its own, with a key that has budgets.

Its own keys live in PostgreSQL through Prisma, whose engine is a binary that is downloaded when it runs: that cannot be had
offline. So the key comes from its `custom_auth` hook with `custom_auth_run_common_checks`, and its own budget reservation runs
on it, in the memory of each worker, as it does without Redis.
"""

from __future__ import annotations

import json
import os
import secrets
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

REPO: Final = Path(__file__).resolve().parents[2]
ENVIRONMENT: Final = Path(sys.prefix) / "litellm"
LOCK: Final = REPO / "requirements-litellm.lock"
NOTE: Final = (
    "LiteLLM's keys are given by its custom_auth hook (custom_auth_run_common_checks on): its own need PostgreSQL through an "
    "engine that is downloaded at run time and cannot be had offline."
)
KEY: Final = "sk-bench"
START_SECONDS: Final = 300
WINDOWS: Final = ("1d", "7d", "30d")  # with the key's own budget: four counters that it reserves from
AUTH: Final = """
from litellm.proxy._types import UserAPIKeyAuth

async def by_key(request, api_key):
    windows = [{"budget_duration": name, "max_budget": BUDGET} for name in WINDOWS]
    return UserAPIKeyAuth(api_key=api_key, max_budget=BUDGET, budget_limits=windows)
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """How it is run. `prices`: USD a token, input and output, of gpt-4o-mini; `settings`: of its general_settings."""

    upstream: str
    workers: int = 1
    budget: float = 1_000_000.0
    windows: tuple[str, ...] = WINDOWS
    prices: tuple[float, float] = (0.00000015, 0.0000006)
    settings: dict[str, Any] = field(default_factory=dict)


def make_environment() -> Path:
    """Its `litellm` program; installed by the lock where it is not there yet (`make test` installs it too)."""
    program, compiled = ENVIRONMENT / "bin" / "litellm", ENVIRONMENT / "compiled"
    if not program.is_file():
        tool = Path(sys.prefix) / "bin" / "uv"
        subprocess.run(
            [tool, "venv", "--quiet", "--python", sys.executable, "--allow-existing", ENVIRONMENT], check=True
        )
        python = ENVIRONMENT / "bin" / "python"
        subprocess.run(
            [tool, "pip", "install", "--quiet", "--python", python, "--require-hashes", "-r", LOCK], check=True
        )
    if not compiled.is_file():  # else modules that it loads late are compiled while it is measured
        command = [ENVIRONMENT / "bin" / "python", "-m", "compileall", "-q", ENVIRONMENT / "lib"]
        subprocess.run(command, check=False, env=_environment(), stdout=subprocess.DEVNULL)
        compiled.touch()
    return program


def version() -> str:
    """Of what is installed."""
    code = "import importlib.metadata as m; print(m.version('litellm'))"
    return subprocess.run(
        [ENVIRONMENT / "bin" / "python", "-c", code], capture_output=True, text=True, check=True
    ).stdout.strip()


@contextmanager
def running_litellm(folder: Path, asked: Asked) -> Iterator[tuple[str, int]]:
    """(its URL, its process). Raises RuntimeError with its log where it does not start."""
    program = make_environment()
    folder.mkdir(parents=True, exist_ok=True)
    auth = AUTH.replace("BUDGET", repr(asked.budget)).replace("WINDOWS", repr(asked.windows))
    (folder / "by_key.py").write_text(auth, encoding="utf-8")
    (folder / "config.yaml").write_text(json.dumps(_config(asked)), encoding="utf-8")  # JSON is YAML
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    command = [
        program, "--config", "config.yaml", "--host", "127.0.0.1", "--port", str(port), "--num_workers", str(asked.workers),
    ]  # fmt: skip
    if asked.workers > 1:  # else its supervisor kills workers that take longer than 5 s to import it, again and again
        command += ["--timeout_worker_healthcheck", str(START_SECONDS)]
    log = folder / "litellm.log"
    with log.open("w") as out, subprocess.Popen(
        command, cwd=folder, stdout=out, stderr=out, env=_environment(), start_new_session=True
    ) as process:  # fmt: skip
        url = f"http://127.0.0.1:{port}"
        try:
            _wait(url, process, log)
            yield url, process.pid
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                os.killpg(process.pid, 9)


def _config(asked: Asked) -> dict[str, Any]:
    model = {
        "model": "openai/gpt-4o-mini", "api_base": f"{asked.upstream}/v1", "api_key": "sk-simulated-bench", "max_retries": 0,
        "input_cost_per_token": asked.prices[0], "output_cost_per_token": asked.prices[1],
    }  # fmt: skip
    general = {
        "custom_auth": "by_key.by_key", "custom_auth_run_common_checks": True, "master_key": f"sk-{secrets.token_hex(32)}",
        **asked.settings,
    }  # fmt: skip
    return {
        "model_list": [{"model_name": "gpt-4o-mini", "litellm_params": model}],
        "general_settings": general,
        "router_settings": {"num_retries": 0},
        "litellm_settings": {"num_retries": 0, "telemetry": False},
    }


def _environment() -> dict[str, str]:
    """Its prices come from its package, it logs errors only, and it tells nobody that it runs."""
    ours = {
        "LITELLM_LOCAL_MODEL_COST_MAP": "True", "LITELLM_TELEMETRY": "False", "LITELLM_LOG": "ERROR", "PYTHONPATH": "",
        "LITELLM_MODE": "PRODUCTION",
    }  # fmt: skip
    inherited = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    return {**inherited, **ours}


def _wait(url: str, process: subprocess.Popen[bytes], log: Path) -> None:
    until = time.monotonic() + START_SECONDS
    while time.monotonic() < until and process.poll() is None:
        try:
            with urllib.request.urlopen(f"{url}/health/liveliness", timeout=2):
                return
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    raise RuntimeError(f"LiteLLM did not start: {log.read_text()[-2000:]}")
