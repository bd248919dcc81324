"""Build a pack and write its files."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fiscus.board.types import Pack
from fiscus.flows.build_pack import build_pack
from fiscus.flows.workspace import Workspace
from fiscus.kernel.fiscal_labels import FiscalMonth
from fiscus.kernel.periods import Month

Paper = Literal["a4", "us-letter"]


@dataclass(frozen=True, slots=True)
class WrittenPack:
    """A pack and where its files are."""

    pack: Pack
    files: tuple[Path, ...]


def write_pack(ws: Workspace, period: Month | FiscalMonth, out: Path, paper: Paper = "a4") -> WrittenPack:
    """board.pdf and board.xlsx of `period` in `out`; each is written beside and moved into place, never half."""
    from fiscus.stores.render import render_pdf, render_xlsx

    pack = build_pack(ws, period)
    out.mkdir(parents=True, exist_ok=True)
    pdf, xlsx = out / "board.pdf", out / "board.xlsx"
    _whole(pdf, lambda path: render_pdf(pack, path, paper))
    _whole(xlsx, lambda path: render_xlsx(pack, path))
    return WrittenPack(pack, (pdf, xlsx))


def _whole(target: Path, render: Callable[[Path], None]) -> None:
    partial = target.with_name(f".partial-{target.name}")
    try:
        render(partial)
        partial.replace(target)
    finally:
        partial.unlink(missing_ok=True)
