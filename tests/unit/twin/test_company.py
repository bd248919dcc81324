"""The simulated company: the same bytes for the same seed, and what it says of itself is in its bills."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

from fiscus.kernel.errors import BadInput
from fiscus.twin.build import build_company


def _bytes(home: Path) -> dict[str, str]:
    files = sorted(path for path in home.rglob("*") if path.is_file())
    return {str(path.relative_to(home)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_same_seed_gives_the_same_bytes_and_another_does_not(tmp_path: Path) -> None:
    for name, seed in (("a", 7), ("b", 7), ("c", 8)):
        build_company(tmp_path / name, seed=seed, scale=0.02, months=1)
    assert _bytes(tmp_path / "a") == _bytes(tmp_path / "b")
    assert _bytes(tmp_path / "a") != _bytes(tmp_path / "c")


def test_scale_multiplies_rows_and_not_money(tmp_path: Path) -> None:
    small = build_company(tmp_path / "small", scale=0.02, months=1)
    large = build_company(tmp_path / "large", scale=1.0, months=1)
    assert large.charges > 2 * small.charges
    assert small.billed.keys() == large.billed.keys()
    for source, amount in small.billed.items():
        assert abs(large.billed[source] - amount) <= abs(amount) / 100, source


@pytest.mark.parametrize(("scale", "months"), [(0, 2), (-1, 2), (1001, 2), (0.1, 0), (0.1, 61)])
def test_a_company_that_cannot_be_is_refused(tmp_path: Path, scale: float, months: int) -> None:
    with pytest.raises(BadInput):
        build_company(tmp_path, scale=scale, months=months)
