"""What every test shares. With FISCUS_NO_SKIP=1 a skipped test fails the run, so that the gate tests everything."""

from __future__ import annotations

import gc
import os
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import settings

from fiscus.app.long_lived import now_long_lived
from tests.fixtures.built import RUN_FOLDER, close_stores, copied
from tests.fixtures.certificates import Authority
from tests.fixtures.effort import THOROUGH, some

REPO = Path(__file__).resolve().parents[1]
DAY = date(2026, 11, 20)
LONGEST = (  # one of those that start from the simulated company first: it builds it, and the others find it built
    "tests/golden/test_reports", "tests/journey/", "tests/contract/", "tests/golden/", "tests/property/", "tests/docs/",
    "tests/unit/cost/",
)  # fmt: skip
AUTHORITIES = ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE", "AWS_CA_BUNDLE")
SHARED_DATA = REPO.parent / "shared" / "data"

settings.register_profile("fiscus", max_examples=some(100), deadline=None)  # no test is judged by the clock
settings.load_profile("fiscus")


def pytest_configure(config: pytest.Config) -> None:
    """Nothing here speaks to the internet: one authority stands for the world's, which every client would read for 30 ms."""
    if not hasattr(config, "workerinput"):  # workers, and the processes that tests start, inherit it
        folder = TemporaryDirectory(prefix="fiscus-tests-")
        config.add_cleanup(folder.cleanup)
        os.environ[RUN_FOLDER] = folder.name
        os.environ.update(dict.fromkeys(AUTHORITIES, str(Authority(Path(folder.name)).ca_file)))


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """What takes longest starts first, so that no worker is left with it at the end, beside one that has nothing to do."""
    left = [] if THOROUGH else [item for item in items if item.get_closest_marker("thorough")]
    if left:
        config.hook.pytest_deselected(items=left)
        items[:] = [item for item in items if item not in left]
    items.sort(
        key=lambda item: next((n for n, file in enumerate(LONGEST) if item.nodeid.startswith(file)), len(LONGEST))
    )


def pytest_collection_finish() -> None:
    """What was imported stays until the end: a collector that looks through all of it again and again takes a twentieth."""
    now_long_lived()
    gc.set_threshold(50_000, 20, 50)


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Said in the last lines, beside the skips: what this run did not try."""
    if not THOROUGH:
        terminalreporter.line(
            "Left to the gate: tests marked `thorough`, nine tenths of what is drawn at random, most of cases that are alike "
            "(FISCUS_THOROUGH=1 runs all)"
        )


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]):
    outcome = yield
    report = outcome.get_result()
    if report.skipped and os.environ.get("FISCUS_NO_SKIP") == "1" and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"{item.nodeid} was skipped, and this run allows no skip: {reason}"


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real and official FOCUS files beside the repository; absent on a fresh machine, and then said aloud."""
    if not SHARED_DATA.is_dir():
        pytest.skip("needs the folder shared/data beside the repository (real FOCUS samples, not part of the project)")
    return SHARED_DATA


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A workspace as `fiscus init` makes it, its empty stores in place."""
    return copied("started", tmp_path / "home", _start)


@pytest.fixture
def ws(home: Path):
    """The same workspace, opened on real stores, on 20 November 2026."""
    from fiscus.app.workspace import open_workspace

    return open_workspace(home, DAY)


def _start(folder: Path) -> None:
    from fiscus.app.start import start_workspace
    from fiscus.app.workspace import open_workspace

    start_workspace(folder)
    started = open_workspace(folder, DAY)
    close_stores(started)
