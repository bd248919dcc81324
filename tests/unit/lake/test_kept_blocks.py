"""What is read of a file in a bucket is what the file holds, whatever of it is kept, damaged or gone."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fiscus.stores.lake import kept_blocks
from fiscus.stores.lake.kept_blocks import KeptBlocks

FILE = bytes(range(256)) * 5
BLOCK = 64


@pytest.fixture(autouse=True)
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept_blocks, "STORE_BLOCK_BYTES", BLOCK)


def _read(kept: KeptBlocks, offset: int, length: int, fetched: list[tuple[int, int]] | None = None) -> bytes:
    def fetch(start: int, count: int) -> bytes:
        if fetched is not None:
            fetched.append((start, count))
        return FILE[start : start + count]

    return kept.read("lake://charges/a.parquet", len(FILE), offset, length, fetch)


@given(st.lists(st.tuples(st.integers(0, len(FILE)), st.integers(0, 500)), max_size=12), st.integers(100, 2_000))
def test_every_range_is_as_in_the_file_however_little_is_kept(ranges: list[tuple[int, int]], bytes_max: int) -> None:
    with TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        patch.setattr(kept_blocks, "STORE_BLOCK_BYTES", BLOCK)
        kept = KeptBlocks(Path(folder) / "kept", bytes_max)
        for offset, length in ranges:
            assert _read(kept, offset, length) == FILE[offset : offset + length]
        held = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
        assert held <= bytes_max


def test_what_is_kept_is_not_fetched_and_neighbours_come_in_one_go(tmp_path: Path) -> None:
    kept, fetched = KeptBlocks(tmp_path), []
    _read(kept, 70, 10, fetched)
    _read(kept, 0, 300, fetched)
    _read(KeptBlocks(tmp_path), 0, 300, fetched)
    assert fetched == [(64, 64), (0, 64), (128, 192)], "by another process too"


@pytest.mark.parametrize("damaged", [b"", b"short", bytes(BLOCK + 4)], ids=["empty", "cut off", "zeros"])
def test_a_damaged_block_is_fetched_again(tmp_path: Path, damaged: bytes) -> None:
    kept = KeptBlocks(tmp_path)
    _read(kept, 0, 200)
    for path in tmp_path.rglob("1"):
        path.write_bytes(damaged)
    assert _read(kept, 0, 200) == FILE[:200]


def test_a_disk_that_takes_nothing_keeps_nothing_and_reads_on(tmp_path: Path) -> None:
    (tmp_path / "taken").write_text("a file where the folder would be")
    assert _read(KeptBlocks(tmp_path / "taken"), 10, 100) == FILE[10:110]
