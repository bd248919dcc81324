"""The demo is the real path: a simulated company's bills, the loop, and the books tied out with the vendors' own sums."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fiscus.app.demo import run_demo
from fiscus.app.workspace import open_workspace
from fiscus.kernel.errors import Conflict
from fiscus.kernel.money import total
from fiscus.kernel.progress import Silent
from fiscus.ownership.owned_totals import owned_totals
from fiscus.twin.build import build_company


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory):
    home = tmp_path_factory.mktemp("demo") / "home"
    return home, run_demo(str(home), months=3, scale=0.1, seed=11, progress=Silent())


@pytest.fixture(scope="module")
def again(tmp_path_factory: pytest.TempPathFactory):
    """The same company built a second time, without the product."""
    return build_company(tmp_path_factory.mktemp("again") / "home", seed=11, scale=0.1, months=3, progress=Silent())


def test_every_feed_ties_out_to_the_last_digit(demo) -> None:
    _, shown = demo
    assert (shown.feeds_tied_out, shown.feeds) == (13, 13)


def test_every_focus_version_is_read(demo) -> None:
    home, _ = demo
    versions = open_workspace(home).lake.query("SELECT DISTINCT x_FocusVersion FROM charges ORDER BY 1").rows
    assert versions == (("1.0",), ("1.1",), ("1.2",), ("1.3",), ("1.4",))


def test_owned_and_unowned_come_to_what_the_simulator_says(demo, again) -> None:
    home, _ = demo
    currency_of = dict(open_workspace(home).lake.query("SELECT DISTINCT x_SourceId, BillingCurrency FROM charges").rows)
    lines = owned_totals(open_workspace(home).lake)
    for currency in {line.currency for line in lines}:
        said = total([amount for feed, amount in again.billed.items() if currency_of[feed] == currency])
        assert total([line.billed_cost for line in lines if line.currency == currency]) == said


def test_currencies_stay_apart(demo) -> None:
    _, shown = demo
    assert set(shown.loop.owners.owned) == {"EUR", "USD"}


def test_the_same_seed_gives_the_same_bytes(demo, again) -> None:
    home, _ = demo
    assert _digests(home / "inbox") == _digests(again.home / "inbox")


def _digests(folder: Path) -> dict[str, str]:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_folder_that_is_no_demo_is_not_touched(tmp_path: Path) -> None:
    (tmp_path / "precious.txt").write_text("mine")
    with pytest.raises(Conflict):
        run_demo(str(tmp_path), months=2, scale=0.1, seed=1, progress=Silent())
    assert (tmp_path / "precious.txt").read_text() == "mine"
