"""Build a pack and write its files."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from fiscus.app.whole_file import folder_made, whole_file
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
    folder_made(out)
    pdf, xlsx = out / "board.pdf", out / "board.xlsx"
    with whole_file(pdf) as fresh:
        render_pdf(pack, fresh, paper)
    with whole_file(xlsx) as fresh:
        render_xlsx(pack, fresh)
    return WrittenPack(pack, (pdf, xlsx))
