"""P14 at the gateway: virtual keys, vendors' keys, the master key, prompts and answers stand nowhere but in the sealed store.

Everything that Fiscus writes, says or serves is searched: its log, metrics, spans, refusals, what its commands and its API say,
every file of the workspace (databases, evidence, workbook, the lake's Parquet files decoded, the board's PDF as text). A worker
that is aborted leaves no core, even where the machine would write one of any size.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import resource
import secrets
import signal
import subprocess
import sys
import time
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import duckdb
import httpx
import pytest
import yaml
from tests.contract.test_telemetry import Collector, collector  # noqa: F401 a fixture
from tests.fixtures.capped_company import write_capped_company
from tests.fixtures.gateways import Gateway, start_gateway
from tests.fixtures.vendor_process import Vendor, running_vendor
from tests.promises.report import Row, promise

SEALED = ("master.key",)  # where the master key itself may stand, readable by its owner alone
PART = 24  # characters of a secret that must not be found either: a part of it is a leak too
VENDOR_KEY = "sk-simulated-canary" + secrets.token_hex(16)
KINDS: tuple[Mapping[str, Any], ...] = (
    {}, {"stream": True}, {"max_tokens": 20_000_000}, {"model": "nobody-knows-this-one"}, {"messages": "no list"},
)  # fmt: skip
FAULTS = ("error_500", "reset_after_billing", "cut_stream", "rate_limited_429", "no_usage", "error_500_after_billing")


@dataclass
class Canaries:
    """What must not be found, by what it is."""

    secrets: dict[str, str]
    answers: list[str] = field(default_factory=list)

    def needles(self) -> Iterator[tuple[str, bytes]]:
        """Each as it is, in parts, and as base64 and hexadecimal hide it."""
        for name, secret in self.secrets.items():
            plain = secret[-PART:].encode()
            yield name, plain
            yield f"{name} in hexadecimal", plain.hex().encode()
            for shift in range(3):  # wherever it begins in what was encoded
                yield f"{name} in base64", base64.b64encode(b"\0" * shift + plain)[4:-4]
        for answer in self.answers:
            yield "an answer", answer.encode()


@pytest.fixture(scope="module")
def vendor(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Vendor]:
    with running_vendor(tmp_path_factory.mktemp("vendor"), "0.2") as running:
        yield running


@pytest.mark.slow
def test_p14_keys_prompts_and_answers_leave_no_trace(
    tmp_path: Path,
    vendor: Vendor,
    collector: Collector,  # noqa: F811 the fixture
) -> None:
    with promise("P14.Gateway", trials=1) as row:
        row.trials, home = len(KINDS) + len(FAULTS), tmp_path / "home"  # all of them, however many are asked for
        key = write_capped_company(home, f"{vendor.address}/openai", **dict.fromkeys(("org", "team", "key"), "5"))
        _with(home, telemetry={"endpoint": collector.url})
        subprocess.run(
            [*FISCUS, "gateway-key", "openai", "--home", home],
            input=VENDOR_KEY.encode(),
            check=True,
            capture_output=True,
        )
        master = (home / ".fiscus" / "master.key").read_text().strip()
        canaries = Canaries(
            {
                "the virtual key": key, "the vendor's key": VENDOR_KEY, "the master key": master,
                "a prompt": "canary prompt " + secrets.token_hex(24), "a wrong key": "fsk_" + secrets.token_hex(24),
            }
        )  # fmt: skip
        said = dict[str, bytes]()
        with _served(home) as gateway:
            _ask(gateway, canaries, vendor, said, row)
            said["metrics"] = httpx.get(f"{gateway.url}/metrics", timeout=20).content
        said["spans and metrics sent"] = collector.raw
        assert collector.spans, "nothing was traced, so nothing was looked at"
        said |= _told(home, tmp_path)
        said |= dict(_files(home))
        said |= dict(_files(tmp_path / "pack"))
        found = [
            f"{name} stands in {where}"
            for name, needle in canaries.needles()
            for where, text in said.items()
            if needle in text and not (name.startswith("the master key") and where.endswith(SEALED))
        ]
        for one in found:
            row.violated(one)
        gateway = start_gateway(home)
        httpx.post(
            f"{gateway.url}/openai/v1/chat/completions", headers={"Authorization": f"Bearer {key}"}, json={}, timeout=30
        )
        if _dumps_its_memory(gateway.process):
            row.violated("a worker that was aborted left a core")
        another = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, cwd=tmp_path)
        control = "one of another process" if _dumps_its_memory(another) else "this machine allows nobody one"
        _control(said, canaries, row)
        searched = sum(map(len, said.values()))
        needles = len(list(canaries.needles()))
        row.note = (
            f"{searched:,} bytes of {len(said)} sources searched for {needles} needles; no core of a worker; {control}"
        )


def _dumps_its_memory(process: subprocess.Popen[bytes]) -> bool:
    """Abort it, with as large a core allowed as we may allow."""
    most = resource.getrlimit(resource.RLIMIT_CORE)[1]
    with contextlib.suppress(OSError):
        resource.prlimit(process.pid, resource.RLIMIT_CORE, (most, most))
    process.send_signal(signal.SIGABRT)
    _, status, _ = os.wait4(process.pid, 0)
    process.returncode = -signal.SIGABRT  # waited for here: only the status tells of a core
    return os.WCOREDUMP(status)


FISCUS = (sys.executable, "-m", "fiscus")


def _with(home: Path, **settings: Any) -> None:
    path = home / "fiscus.yaml"
    document = yaml.safe_load(path.read_text()) | settings
    del document["gateway"]["upstreams"][0]["key_env"]  # the sealed one is used
    path.write_text(yaml.safe_dump(document))


@contextmanager
def _served(home: Path) -> Iterator[Gateway]:
    gateway = start_gateway(home)
    try:
        yield gateway
    finally:
        gateway.process.send_signal(signal.SIGTERM)
        with contextlib.suppress(subprocess.TimeoutExpired):
            gateway.process.wait(30)
        gateway.kill()


def _ask(gateway: Gateway, canaries: Canaries, vendor: Vendor, said: dict[str, bytes], row: Row) -> None:
    """Calls that work, calls that are refused, calls whose vendor fails, calls with a key that is wrong."""
    url = f"{gateway.url}/openai/v1/chat/completions"
    names = canaries.secrets
    right = {"Authorization": f"Bearer {names['the virtual key']}"}
    for number, more in enumerate((*KINDS, *({"stream": True} if kind == "cut_stream" else {} for kind in FAULTS))):
        if number >= len(KINDS):
            vendor.plant({"kind": FAULTS[number - len(KINDS)], "vendor": "openai"})
            row.faults += 1
        body = {
            "model": "gpt-4o-mini", "max_tokens": 200, "messages": [{"role": "user", "content": names["a prompt"]}], **more,
        }  # fmt: skip
        with contextlib.suppress(httpx.HTTPError):
            answer = httpx.post(url, json=body, headers=right, timeout=30)
            if answer.status_code == 200 and not more:
                canaries.answers.append(answer.json()["choices"][0]["message"]["content"][:60])
            elif answer.status_code != 200:
                said[f"refusal {number}"] = answer.content
            said[f"headers {number}"] = repr(answer.headers.raw).encode()
    wrong = httpx.post(url, json={}, headers={"Authorization": f"Bearer {names['a wrong key']}"}, timeout=30)
    said["refusal of a wrong key"] = wrong.content + repr(wrong.headers.raw).encode()
    assert wrong.status_code == 401
    assert canaries.answers, "nothing was answered, so nothing was looked at"
    time.sleep(2.5)  # spans go out in batches


def _told(home: Path, folder: Path) -> Iterator[tuple[str, bytes]] | dict[str, bytes]:
    """What commands say, the pages' API too; they write their charges, their pack and their evidence on the way."""
    commands = (
        ("ai", "write"), ("run",), ("ai", "calls", "--json"), ("key", "list", "--all", "--json"), ("ledger", "--json"),
        ("findings", "--json"), ("budgets", "--json"), ("query", "SELECT * FROM charges", "--json"),
        ("evidence", "verify", "--json"),
        ("pack", "--period", f"{time.strftime('%Y-%m')}", "--out", str(folder / "pack")),
    )  # fmt: skip
    said = {}
    for words in commands:
        done = subprocess.run([*FISCUS, *words, "--home", home], capture_output=True, check=False, timeout=120)
        said[f"fiscus {' '.join(words[:2])}"] = done.stdout + done.stderr
    with subprocess.Popen(
        [*FISCUS, "serve", "--port", "0", "--json", "--home", home], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as serving:  # fmt: skip
        assert serving.stdout is not None
        url = json.loads("".join(serving.stdout.readline() for _ in range(3)))["url"]
        try:
            paths = httpx.get(f"{url}/api/openapi.json", timeout=30).json()["paths"]
            for path in (name for name, methods in paths.items() if "get" in methods and "{" not in name):
                said[f"GET {path}"] = httpx.get(url + path, timeout=60).content
        finally:
            serving.send_signal(signal.SIGINT)
    return said


def _files(folder: Path) -> Iterator[tuple[str, bytes]]:
    """Every file as it is, and what is packed in it."""
    for path in sorted(folder.rglob("*")):
        if not path.is_file():
            continue
        yield str(path), path.read_bytes()
        if path.suffix == ".parquet":
            rows = duckdb.sql(f"SELECT * FROM read_parquet('{path}')").fetchall()
            yield f"{path} decoded", repr(rows).encode()
        elif path.suffix == ".xlsx":
            with zipfile.ZipFile(path) as book:
                yield f"{path} decoded", b"".join(book.read(name) for name in book.namelist())
        elif path.suffix == ".pdf":
            yield f"{path} decoded", _text_of(path)


def _text_of(path: Path) -> bytes:
    import pypdf

    return "\n".join(page.extract_text() for page in pypdf.PdfReader(path).pages).encode()


def _control(said: Mapping[str, bytes], canaries: Canaries, row: Row) -> None:
    """The search finds what is there: the first characters of the virtual key are shown to people."""
    shown = canaries.secrets["the virtual key"][:12].encode()
    if not any(shown in text for text in said.values()):
        row.violated("the search found nothing at all, not even what is shown of a key")
